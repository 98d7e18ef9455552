//! What a new owner has pulled, whether it is enough to confirm, and what it has confirmed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Transition;
use crate::effect::Ticket;
use crate::identity::NodeId;
use crate::ring::RingVersion;
use crate::store::{Batch, KeyRange, Keyspace, ReadStore, StoreError};
use crate::time::Instant;
use crate::token::Partition;

const PREFIX: &[u8] = b"confirmed/";

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
    ring: RingVersion,
    /// When this node learned of the ring: what was asked before asked nobody whether it had.
    since: Instant,
    agreed: BTreeMap<Partition, BTreeSet<NodeId>>,
    /// Confirmations on their way to disk.
    pending: Vec<(Ticket, Partition)>,
    confirmed: BTreeSet<Partition>,
}

impl Confirming {
    /// The change to this ring was learned; what was confirmed for it before is in the store.
    pub fn begin(
        ring: RingVersion,
        now: Instant,
        store: &impl ReadStore,
    ) -> Result<Self, StoreError> {
        let prefix = Bytes::from_static(PREFIX);
        let range = KeyRange { from: prefix.clone(), to: prefix };
        let mut confirmed = BTreeSet::new();
        for row in store.scan(Keyspace::Meta, &range, usize::MAX)? {
            let of = row.value.ok().and_then(|mut value| value.try_get_u64().ok());
            if let Some(partition) = partition_of(&row.key)
                && of == Some(ring.0)
            {
                confirmed.insert(partition);
            }
        }
        Ok(Self { ring, since: now, confirmed, ..Self::default() })
    }

    /// For which ring.
    pub const fn ring(&self) -> RingVersion {
        self.ring
    }

    /// When this node learned of it.
    pub const fn since(&self) -> Instant {
        self.since
    }

    /// What is confirmed, durably.
    pub const fn confirmed(&self) -> &BTreeSet<Partition> {
        &self.confirmed
    }

    /// Whether a partition is confirmed, be it that this is not on disk yet.
    pub fn is_done(&self, partition: Partition) -> bool {
        self.confirmed.contains(&partition)
            || self.pending.iter().any(|(_, pending)| *pending == partition)
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
        let mut value = BytesMut::with_capacity(8);
        value.put_u64(self.ring.0);
        batch.put(Keyspace::Meta, row(partition), value.freeze());
    }

    /// A partition is confirmed once this batch is on disk.
    pub fn confirm(&mut self, partition: Partition, ticket: Ticket) {
        self.agreed.remove(&partition);
        self.pending.push((ticket, partition));
    }

    /// All batches up to `ticket` are on disk.
    pub fn synced(&mut self, ticket: Ticket) {
        let durable = self.pending.extract_if(.., |(pending, _)| *pending <= ticket);
        self.confirmed.extend(durable.map(|(_, partition)| partition));
    }
}

fn row(partition: Partition) -> Bytes {
    let mut key = BytesMut::with_capacity(PREFIX.len() + 4);
    key.put_slice(PREFIX);
    key.put_u32(partition.get());
    key.freeze()
}

fn partition_of(row: &Bytes) -> Option<Partition> {
    row.strip_prefix(PREFIX)?.try_get_u32().ok().map(Partition::new)
}
