//! What a new owner has pulled, and whether it is enough to confirm.

use std::collections::{BTreeMap, BTreeSet};

use super::Transition;
use crate::identity::NodeId;
use crate::token::Partition;

/// From how many of its `old` owners a partition is pulled at least, if any write was acknowledged
/// by `w` of them or more: any `w` of them have one of those, unless it is dead.
pub fn sources_needed(old: &[NodeId], w: u8, dead: &BTreeSet<NodeId>) -> usize {
    let living = old.iter().filter(|owner| !dead.contains(owner)).count();
    (old.len() + 1).saturating_sub(usize::from(w)).min(living)
}

/// Which old owners the new owner of some partitions agrees with. A source counts if it counted
/// itself in reads, and had learned of the new ring before it was read.
#[derive(Clone, Debug, Default)]
pub struct Confirming {
    agreed: BTreeMap<Partition, BTreeSet<NodeId>>,
}

impl Confirming {
    /// Everything that this old owner had when it was asked is durably here.
    pub fn agrees(&mut self, partition: Partition, source: NodeId) {
        self.agreed.entry(partition).or_default().insert(source);
    }

    /// Whether this old owner has still to be compared with.
    pub fn wants(&self, partition: Partition, source: NodeId) -> bool {
        !self.agreed.get(&partition).is_some_and(|agreed| agreed.contains(&source))
    }

    /// Whether enough old owners were pulled from to confirm a partition, where its smallest
    /// write quorum is `w`.
    pub fn is_enough(
        &self,
        transition: &Transition,
        partition: Partition,
        w: u8,
        dead: &BTreeSet<NodeId>,
    ) -> bool {
        let old = transition.old_owners(partition);
        let agreed = self.agreed.get(&partition);
        let counted = old.iter().filter(|owner| agreed.is_some_and(|a| a.contains(owner))).count();
        counted >= sources_needed(old, w, dead)
    }

    /// Nothing is known to agree any more: the store was lost, or the partition is confirmed.
    pub fn forget(&mut self, partition: Partition) {
        self.agreed.remove(&partition);
    }
}
