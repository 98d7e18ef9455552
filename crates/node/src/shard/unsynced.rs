//! How much a shard has handed to the store writer that is not on disk yet: past a bound it reads
//! no more from its peers until the disk has caught up.

use std::collections::VecDeque;

use stator_core::effect::Ticket;
use stator_core::store::{Batch, WriteOp};

/// Batches under way to the disk, by ticket.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    batches: VecDeque<(Ticket, usize)>,
    bytes: usize,
}

impl Unsynced {
    /// A batch was handed over.
    pub(super) fn add(&mut self, ticket: Ticket, batch: &Batch) {
        let bytes = batch.ops().iter().map(size).sum();
        self.batches.push_back((ticket, bytes));
        self.bytes += bytes;
    }

    /// Everything up to `ticket` is on disk.
    pub(super) fn synced(&mut self, ticket: Ticket) {
        while let Some(&(oldest, bytes)) = self.batches.front()
            && oldest <= ticket
        {
            self.batches.pop_front();
            self.bytes -= bytes;
        }
    }

    /// Whether everything is on disk.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Bytes of keys and values under way.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn size(op: &WriteOp) -> usize {
    match op {
        WriteOp::Put { key, value, .. } => key.len() + value.len(),
        WriteOp::Delete { key, .. } => key.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use stator_core::store::Keyspace;

    #[test]
    fn bytes_are_counted_until_their_ticket_is_synced() {
        let mut unsynced = Unsynced::default();
        for ticket in 1..=3 {
            let mut batch = Batch::new();
            batch.put(Keyspace::Objects, Bytes::from_static(b"key"), Bytes::from(vec![0; 97]));
            unsynced.add(Ticket(ticket), &batch);
        }
        assert_eq!(unsynced.bytes(), 300);
        unsynced.synced(Ticket(2));
        assert_eq!(unsynced.bytes(), 100);
        unsynced.synced(Ticket(2));
        assert_eq!(unsynced.bytes(), 100);
        unsynced.synced(Ticket(3));
        assert_eq!(unsynced.bytes(), 0);
    }
}
