//! What a new owner has pulled, whether it is enough to confirm, and what it has confirmed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Marks, Transition};
use crate::effect::Ticket;
use crate::identity::NodeId;
use crate::ring::RingVersion;
use crate::store::{Batch, ReadStore, StoreError};
use crate::time::Instant;
use crate::token::Partition;

/// From how many of its `old` owners a partition is pulled at least, if any write was acknowledged
/// by `w` of them or more: any `w` of them have one of those, unless it is dead.
pub fn sources_needed(old: &[NodeId], w: u8, dead: &BTreeSet<NodeId>) -> usize {
    let living = old.iter().filter(|owner| !dead.contains(owner)).count();
    (old.len() + 1).saturating_sub(usize::from(w)).min(living)
}

/// Which old owners the new owner of some partitions agrees with, for one change of the ring. A
/// source counts if it counted itself in reads, and had learned of the new ring before it was read.
#[derive(Clone, Debug, Default)]
pub struct Confirming {
    /// When this node learned of the ring: what was asked before asked nobody whether it had.
    since: Instant,
    agreed: BTreeMap<Partition, BTreeSet<NodeId>>,
    confirmed: Marks,
}

impl Confirming {
    /// The change to this ring was learned; what was confirmed for it before is in the store.
    pub fn begin(
        ring: RingVersion,
        now: Instant,
        store: &impl ReadStore,
    ) -> Result<Self, StoreError> {
        let confirmed = Marks::load(b"confirmed/", ring, store)?;
        Ok(Self { since: now, agreed: BTreeMap::new(), confirmed })
    }

    /// For which ring.
    pub const fn ring(&self) -> RingVersion {
        self.confirmed.ring()
    }

    /// When this node learned of it.
    pub const fn since(&self) -> Instant {
        self.since
    }

    /// What is confirmed, durably.
    pub const fn confirmed(&self) -> &BTreeSet<Partition> {
        self.confirmed.durable()
    }

    /// Whether a partition is confirmed, be it that this is not on disk yet.
    pub fn is_done(&self, partition: Partition) -> bool {
        self.confirmed.has(partition)
    }

    /// Everything that this old owner had when it was asked is durably here.
    pub fn agrees(&mut self, partition: Partition, source: NodeId) {
        self.agreed.entry(partition).or_default().insert(source);
    }

    /// Whether this old owner has still to be compared with.
    pub fn wants(&self, partition: Partition, source: NodeId) -> bool {
        !self.is_done(partition)
            && !self.agreed.get(&partition).is_some_and(|agreed| agreed.contains(&source))
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

    /// Adds to a batch that a partition is confirmed.
    pub fn record(&self, batch: &mut Batch, partition: Partition) {
        self.confirmed.record(batch, partition);
    }

    /// A partition is confirmed once this batch is on disk.
    pub fn confirm(&mut self, partition: Partition, ticket: Ticket) {
        self.agreed.remove(&partition);
        self.confirmed.reached(partition, ticket);
    }

    /// All batches up to `ticket` are on disk. Returns whether anything is confirmed by that.
    pub fn synced(&mut self, ticket: Ticket) -> bool {
        self.confirmed.synced(ticket)
    }
}
