//! What a shard has reached for a change of the ring, partition by partition, and must not forget:
//! one small row of the store for each.

use std::collections::BTreeSet;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::effect::Ticket;
use crate::ring::RingVersion;
use crate::store::{Batch, KeyRange, Keyspace, ReadStore, StoreError};
use crate::token::Partition;

/// Something that is reached for partitions, and durable once its row is.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    prefix: &'static [u8],
    ring: RingVersion,
    /// Rows on their way to disk.
    pending: Vec<(Ticket, Partition)>,
    durable: BTreeSet<Partition>,
}

impl Marks {
    /// The change to this ring was learned; what was reached for it before is in the store. Rows
    /// of earlier changes mean nothing any more.
    pub fn load(
        prefix: &'static [u8],
        ring: RingVersion,
        store: &impl ReadStore,
    ) -> Result<Self, StoreError> {
        let from = Bytes::from_static(prefix);
        let range = KeyRange { from: from.clone(), to: from };
        let mut durable = BTreeSet::new();
        for row in store.scan(Keyspace::Meta, &range, usize::MAX)? {
            let of = row.value.ok().and_then(|mut value| value.try_get_u64().ok());
            if let Some(partition) = partition_of(prefix, &row.key)
                && of == Some(ring.0)
            {
                durable.insert(partition);
            }
        }
        Ok(Self { prefix, ring, pending: Vec::new(), durable })
    }

    /// For which ring.
    pub const fn ring(&self) -> RingVersion {
        self.ring
    }

    /// What is reached, durably.
    pub const fn durable(&self) -> &BTreeSet<Partition> {
        &self.durable
    }

    /// Whether a partition has reached it, be it that this is not on disk yet.
    pub fn has(&self, partition: Partition) -> bool {
        self.durable.contains(&partition)
            || self.pending.iter().any(|(_, pending)| *pending == partition)
    }

    /// Adds to a batch that a partition has reached it.
    pub fn record(&self, batch: &mut Batch, partition: Partition) {
        let mut value = BytesMut::with_capacity(8);
        value.put_u64(self.ring.0);
        batch.put(Keyspace::Meta, row(self.prefix, partition), value.freeze());
    }

    /// A partition has reached it once this batch is on disk.
    pub fn reached(&mut self, partition: Partition, ticket: Ticket) {
        self.pending.push((ticket, partition));
    }

    /// All batches up to `ticket` are on disk. Returns whether any of these marks was among them.
    pub fn synced(&mut self, ticket: Ticket) -> bool {
        let before = self.durable.len();
        let durable = self.pending.extract_if(.., |(pending, _)| *pending <= ticket);
        self.durable.extend(durable.map(|(_, partition)| partition));
        self.durable.len() != before
    }
}

fn row(prefix: &[u8], partition: Partition) -> Bytes {
    [prefix, &partition.get().to_be_bytes()].concat().into()
}

fn partition_of(prefix: &[u8], row: &Bytes) -> Option<Partition> {
    row.strip_prefix(prefix)?.try_get_u32().ok().map(Partition::new)
}
