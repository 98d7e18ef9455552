//! What an old owner that goes has still to bring to the new ones before it drops its copy, and
//! what it has handed over.

use std::collections::{BTreeMap, BTreeSet};

use super::{Marks, Transition};
use crate::effect::Ticket;
use crate::identity::NodeId;
use crate::replica::StoreKey;
use crate::ring::RingVersion;
use crate::store::{Batch, ReadStore, StoreError};
use crate::time::Instant;
use crate::token::Partition;

/// To how many of its new owners a partition is brought at least: a majority, or all that live.
pub fn receivers_needed(new: &[NodeId], dead: &BTreeSet<NodeId>) -> usize {
    let living = new.iter().filter(|owner| !dead.contains(owner)).count();
    (new.len() / 2 + 1).min(living)
}

/// The partitions that a node hands over, for one change of the ring.
#[derive(Clone, Debug, Default)]
pub struct Handing {
    going: BTreeMap<Partition, Going>,
    handed_over: Marks,
}

/// How far a partition is.
#[derive(Clone, Debug)]
enum Going {
    /// New owners are compared with. Only what began after nobody wrote here any more counts.
    Bringing { since: Instant, has_all: BTreeSet<NodeId> },
    /// Enough of them have everything: what is here is dropped, from this key on.
    Dropping { after: Option<StoreKey> },
}

impl Handing {
    /// The change to this ring was learned; what was handed over in it before is in the store.
    pub fn begin(ring: RingVersion, store: &impl ReadStore) -> Result<Self, StoreError> {
        let handed_over = Marks::load(b"handed-over/", ring, store)?;
        Ok(Self { going: BTreeMap::new(), handed_over })
    }

    /// For which ring.
    pub const fn ring(&self) -> RingVersion {
        self.handed_over.ring()
    }

    /// What is handed over, durably.
    pub const fn handed_over(&self) -> &BTreeSet<Partition> {
        self.handed_over.durable()
    }

    /// Nobody writes to this node's copy of a partition any more: it is brought to the new owners.
    pub fn bring(&mut self, partition: Partition, now: Instant) {
        if !self.handed_over.has(partition) {
            let bringing = Going::Bringing { since: now, has_all: BTreeSet::new() };
            self.going.entry(partition).or_insert(bringing);
        }
    }

    /// The partitions that are being brought.
    pub fn bringing(&self) -> impl Iterator<Item = Partition> {
        let bringing = |going: &Going| matches!(going, Going::Bringing { .. });
        self.going.iter().filter(move |(_, going)| bringing(going)).map(|(&partition, _)| partition)
    }

    /// Whether a partition has still to be compared with this new owner.
    pub fn wants(&self, partition: Partition, owner: NodeId) -> bool {
        match self.going.get(&partition) {
            Some(Going::Bringing { has_all, .. }) => !has_all.contains(&owner),
            Some(Going::Dropping { .. }) | None => false,
        }
    }

    /// This new owner has on disk everything that was here when the comparison began.
    pub fn has_all(&mut self, partition: Partition, owner: NodeId, began: Instant) {
        if let Some(Going::Bringing { since, has_all }) = self.going.get_mut(&partition)
            && began >= *since
        {
            has_all.insert(owner);
        }
    }

    /// Whether enough new owners have everything.
    pub fn is_brought(
        &self,
        transition: &Transition,
        partition: Partition,
        dead: &BTreeSet<NodeId>,
    ) -> bool {
        let Some(Going::Bringing { has_all, .. }) = self.going.get(&partition) else {
            return false;
        };
        let new = transition.new_owners(partition);
        new.iter().filter(|owner| has_all.contains(owner)).count() >= receivers_needed(new, dead)
    }

    /// What is here of a partition is dropped from now on: it is nothing of this node's any more.
    pub fn begin_to_drop(&mut self, partition: Partition) {
        self.going.insert(partition, Going::Dropping { after: None });
    }

    /// A partition of which something has still to be dropped, and after which key.
    pub fn next_to_drop(&self) -> Option<(Partition, Option<StoreKey>)> {
        self.going.iter().find_map(|(&partition, going)| match going {
            Going::Dropping { after } => Some((partition, after.clone())),
            Going::Bringing { .. } => None,
        })
    }

    /// Everything up to this key is dropped.
    pub fn dropped_up_to(&mut self, partition: Partition, key: StoreKey) {
        self.going.insert(partition, Going::Dropping { after: Some(key) });
    }

    /// Whether what was here of a partition is dropped, or will be.
    pub fn has_given_up(&self, partition: Partition) -> bool {
        self.handed_over.has(partition)
            || matches!(self.going.get(&partition), Some(Going::Dropping { .. }))
    }

    /// Adds to a batch that a partition is handed over.
    pub fn record(&self, batch: &mut Batch, partition: Partition) {
        self.handed_over.record(batch, partition);
    }

    /// A partition is handed over once this batch is on disk.
    pub fn hand_over(&mut self, partition: Partition, ticket: Ticket) {
        self.going.remove(&partition);
        self.handed_over.reached(partition, ticket);
    }

    /// All batches up to `ticket` are on disk. Returns whether anything is handed over by that.
    pub fn synced(&mut self, ticket: Ticket) -> bool {
        self.handed_over.synced(ticket)
    }
}
