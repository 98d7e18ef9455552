use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::coordinator::replica_set::{HeldCopy, ReplicaSet};
use crate::coordinator::stand_ins::StandIn;
use crate::coordinator::tally::Verdict;
use crate::quorum::{Level, QuorumOptions, ReplicaCount, WriteQuorum};
use crate::ring::RingVersion;

const NODES: u64 = 7;

/// One ring's replicas of the partition, best first, as this node sees them.
fn set(ring: u64, order: &[NodeId]) -> SetPlace<'_> {
    let count = ReplicaCount { wanted: 3, existing: 3 };
    let (w, nothing) = (Some(Level::Count(2)), QuorumOptions::default());
    let asked = QuorumOptions { w, dw: w, ..QuorumOptions::default() };
    let quorum = WriteQuorum::resolve(count, &asked, &nothing).expect("two of three");
    let (primaries, fallbacks) = order.split_at(3);
    SetPlace { ring: RingVersion(ring), primaries, fallbacks: fallbacks.to_vec(), quorum }
}

fn order() -> impl Strategy<Value = Vec<NodeId>> {
    let nodes: Vec<NodeId> = (1..=NODES).map(NodeId::new).collect();
    subsequence(nodes, 5..=NODES as usize).prop_shuffle()
}

/// A put while its partition moves: who keeps what for whom, and what is on disk so far.
struct Moving {
    me: NodeId,
    sets: [ReplicaSet; 2],
    /// The owners of whom there is a copy on disk: their own, or a hint for them.
    copies: BTreeSet<NodeId>,
    /// What is on its way to disk.
    coming: Vec<HeldCopy>,
}

impl Moving {
    /// The node `me` has minted it; nothing was sent to those that are `down`.
    fn minted(me: NodeId, places: &[SetPlace<'_>; 2], down: &BTreeSet<NodeId>) -> Option<Self> {
        let [first, also] = places;
        let is_primary = places.iter().any(|set| set.primaries.contains(&me));
        if !is_primary && !first.fallbacks.contains(&me) {
            return None;
        }
        let keeps = Kept::by(me, first, Some(also));
        let owners = [keeps.for_one, keeps.for_one_also];
        let mut sets = [0, 1].map(|ring: usize| {
            let minter = owners[ring].map(|owner| StandIn { fallback: me, owner });
            let mut place = places[ring].clone();
            place.fallbacks.retain(|&node| node != me && !down.contains(&node));
            ReplicaSet::new(&place, minter)
        });
        let mut coming = vec![HeldCopy { holder: me, kept_for: keeps.for_one }];
        for set in &mut sets {
            set.ask_minter(me);
            let asked = set.ask_primaries(me, |node| !down.contains(&node));
            coming.extend(asked.into_iter().map(|holder| HeldCopy { holder, kept_for: None }));
            for &node in down.iter().filter(|&&node| node != me) {
                let covered = set.cover(node, |_| true);
                coming.extend(covered.map(|StandIn { fallback, owner }| {
                    let is_owner = places.iter().any(|set| set.primaries.contains(&fallback));
                    HeldCopy { holder: fallback, kept_for: (!is_owner).then_some(owner) }
                }));
            }
        }
        Some(Self { me, sets, copies: BTreeSet::new(), coming })
    }

    fn reaches_disk(&mut self, copy: HeldCopy) {
        self.copies.insert(copy.kept_for.unwrap_or(copy.holder));
        for set in &mut self.sets {
            if copy.holder == self.me {
                set.tally.durable(self.me);
            } else {
                set.durable(copy);
            }
        }
    }

    fn is_acknowledged(&self) -> bool {
        self.sets.iter().all(|set| set.tally.verdict() == Verdict::Enough)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Rules 8 and 17: whatever stands in for whom by either ring, what is acknowledged with dw=2 is
    /// on disk for two owners, in whatever order it gets there.
    #[test]
    fn two_durable_copies_are_of_two_owners_in_a_moving_partition(
        before in order(),
        after in order(),
        me in 1..=NODES,
        down in subsequence((1..=NODES).map(NodeId::new).collect::<Vec<_>>(), 0..=5),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let me = NodeId::new(me);
        let down: BTreeSet<NodeId> = down.into_iter().filter(|&node| node != me).collect();
        let places = [set(1, &before), set(2, &after)];
        let Some(mut put) = Moving::minted(me, &places, &down) else { return Ok(()) };
        for turn in turns {
            prop_assert!(!put.is_acknowledged() || put.copies.len() >= 2, "{:?}", put.copies);
            if put.coming.is_empty() {
                break;
            }
            let copy = put.coming.swap_remove(turn.index(put.coming.len()));
            put.reaches_disk(copy);
        }
    }
}
