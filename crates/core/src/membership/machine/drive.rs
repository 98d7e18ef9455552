//! An attempt at the next ring: who asked for it, how far it has come, and who has not answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::identity::{BootNumber, NodeId};
use crate::membership::ProposalId;
use crate::membership::admin::AdminId;
use crate::register::Proposer;
use crate::ring::Ring;
use crate::time::{Deadline, Instant};
use crate::token::Partition;

/// How long votes, and what owners hold, are waited for before they are asked for again.
pub(super) const ROUND: Duration = Duration::from_millis(500);
/// The longest such wait, after many rounds in vain.
pub(super) const LONGEST_ROUND: Duration = Duration::from_secs(8);

const START_SHIFT: u32 = 32;

/// The start of the proposer in which an attempt was made.
pub(super) const fn start_of(proposal: ProposalId) -> u64 {
    proposal.number >> START_SHIFT
}

/// Numbers this node's attempts: its start above, a count below, so that none repeats.
#[derive(Debug)]
pub(super) struct Attempts {
    pub(super) last: ProposalId,
    /// Those of which somebody was asked to accept the ring.
    pub(super) accepting: BTreeSet<ProposalId>,
}

impl Attempts {
    pub(super) const fn new(node: NodeId, boot: BootNumber) -> Self {
        let last = ProposalId { node, number: boot.0 << START_SHIFT };
        Self { last, accepting: BTreeSet::new() }
    }

    pub(super) const fn next(&mut self) -> ProposalId {
        self.last.number += 1;
        self.last
    }
}

/// An operator who waits for a commit.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) id: AdminId,
    pub(super) deadline: Deadline,
    pub(super) wanted: Arc<Ring>,
    /// Declared dead by the operator: nobody waits for them (rule 17).
    pub(super) dead: BTreeSet<NodeId>,
}

/// One attempt at the ring that follows `base`.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) proposal: ProposalId,
    pub(super) base: Arc<Ring>,
    /// What is put into the register, unless something was found there.
    pub(super) proposed: Arc<Ring>,
    pub(super) asker: Option<Asker>,
    /// By owner, what it has to hold.
    pub(super) owners: BTreeMap<NodeId, BTreeSet<Partition>>,
    pub(super) stage: Stage,
    pub(super) round: Duration,
    pub(super) next_round: Instant,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Owners are asked to hold what would move.
    Holding { held: BTreeSet<NodeId>, with_data: BTreeSet<Partition> },
    /// Members are asked to vote.
    Choosing { proposer: Proposer, voted: BTreeSet<NodeId>, reached: Reached },
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nobody was asked to accept a ring: the attempt can be given up.
    Asking,
    /// Somebody was: the ring may be chosen at any time.
    Accepting,
}

impl Drive {
    pub(super) fn due(&self) -> Instant {
        let deadline = self.asker.as_ref().map(|asker| asker.deadline.at());
        deadline.map_or(self.next_round, |deadline| deadline.min(self.next_round))
    }

    /// Who has not answered.
    pub(super) fn silent(&self) -> BTreeSet<NodeId> {
        match &self.stage {
            Stage::Holding { held, .. } => {
                self.owners.keys().filter(|owner| !held.contains(owner)).copied().collect()
            }
            Stage::Choosing { voted, .. } => {
                self.base.members.keys().filter(|node| !voted.contains(node)).copied().collect()
            }
        }
    }

    pub(super) const fn may_be_chosen(&self) -> bool {
        matches!(self.stage, Stage::Choosing { reached: Reached::Accepting, .. })
    }
}

/// By owner in `base`, the partitions whose replicas `next` changes. (Their order counts: a bucket
/// with fewer replicas has the first ones.)
pub(super) fn owners_of_moved(base: &Ring, next: &Ring) -> BTreeMap<NodeId, BTreeSet<Partition>> {
    let mut owners: BTreeMap<NodeId, BTreeSet<Partition>> = BTreeMap::new();
    for (partition, (old, new)) in base.partitions.all().zip(base.table.iter().zip(&next.table)) {
        if old == new {
            continue;
        }
        for &owner in old {
            owners.entry(owner).or_default().insert(partition);
        }
    }
    owners
}
