//! The answering side of an exchange: it remembers nothing between two asks, so that either side
//! may die at any point, and does a bounded amount of work for each.

use super::{MAX_ITEMS, MAX_STATES_BYTES};
use crate::merkle::{LeafIndex, Tree, TreeSum};
use crate::message::{
    Completeness, ExchangeAnswer, ExchangeAsk, MAX_LEAVES_ASKED, MAX_STATES_ASKED,
};
use crate::replica::Replica;
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::token::{Partition, PartitionCount, Token};

/// What this node, which is an owner of the partition by its own ring, has to say to a step of an
/// exchange. What can't be answered, or asks for too much at once, is answered with `NotReady`. Of
/// states there are about as many as fit into `room` bytes, which is what the budget has left.
pub fn answer(
    ring: &Ring,
    partition: Partition,
    ask: &ExchangeAsk,
    room: u64,
    replica: &Replica,
    store: &impl ReadStore,
) -> ExchangeAnswer {
    let Some(tree) = replica.tree(partition) else { return ExchangeAnswer::NotReady };
    match ask {
        ExchangeAsk::Root(theirs) => compare_roots(tree, *theirs),
        ExchangeAsk::Leaves(branches) => {
            let sums = branches.iter().flat_map(|branch| tree.leaves_of(branch));
            ExchangeAnswer::Leaves(sums.collect())
        }
        ExchangeAsk::Items(leaves) => items(ring.partitions, partition, leaves, replica, store)
            .unwrap_or(ExchangeAnswer::NotReady),
        ExchangeAsk::States(tokens) => {
            let most = usize::try_from(room).unwrap_or(usize::MAX).min(MAX_STATES_BYTES);
            states(ring, (partition, tokens), most, replica, store)
        }
    }
}

/// Whether what this node says to a step of an exchange leaves out objects that it has set aside:
/// who asks must not take that for all there is.
pub fn completeness(replica: &Replica, partition: Partition, ask: &ExchangeAsk) -> Completeness {
    let lacks = match ask {
        ExchangeAsk::States(tokens) => tokens.iter().any(|&token| replica.sets_aside_at(token)),
        ExchangeAsk::Root(_) | ExchangeAsk::Leaves(_) | ExchangeAsk::Items(_) => {
            replica.quarantined_count(partition) > 0
        }
    };
    if lacks { Completeness::Damaged } else { Completeness::Whole }
}

fn compare_roots(tree: &Tree, theirs: TreeSum) -> ExchangeAnswer {
    if tree.root() == theirs {
        return ExchangeAnswer::Same;
    }
    ExchangeAnswer::Branches(tree.branches().to_vec())
}

fn items(
    partitions: PartitionCount,
    partition: Partition,
    leaves: &[LeafIndex],
    replica: &Replica,
    store: &impl ReadStore,
) -> Option<ExchangeAnswer> {
    if leaves.len() > MAX_LEAVES_ASKED {
        return None;
    }
    let mut found = Vec::new();
    for &leaf in leaves {
        // One leaf always fits: who is told `NotReady` for many asks for fewer.
        if found.len() > MAX_ITEMS {
            return None;
        }
        found.extend(replica.items(partitions, partition, leaf, store).ok()?);
    }
    Some(ExchangeAnswer::Items(found))
}

fn states(
    ring: &Ring,
    (partition, tokens): (Partition, &[Token]),
    most_bytes: usize,
    replica: &Replica,
    store: &impl ReadStore,
) -> ExchangeAnswer {
    if tokens.len() > MAX_STATES_ASKED
        || tokens.iter().any(|&token| ring.partition_of(token) != partition)
    {
        return ExchangeAnswer::NotReady;
    }
    let (mut answered, mut bytes, mut states) = (0, 0, Vec::new());
    for &token in tokens {
        if answered > 0 && bytes >= most_bytes {
            break;
        }
        let here = replica.states_at(token, store);
        let more: usize = here.iter().map(|(_, state)| state.as_bytes().len()).sum();
        // The first token is answered whatever its size, so that an exchange always goes on.
        if answered > 0 && bytes + more > most_bytes {
            break;
        }
        bytes += more;
        answered += 1;
        states.extend(here);
    }
    ExchangeAnswer::States { answered, states }
}
