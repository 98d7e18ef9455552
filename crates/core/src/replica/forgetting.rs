//! Dropping the copy of a partition that was handed over (rule 17). The partition is nobody's here
//! any more: nothing reads it, and nothing is merged into it.

use super::{Replica, StoreKey, delete_snapshot, quarantine_row};
use crate::store::{Batch, Keyspace, ReadStore, StoreError};
use crate::token::Partition;

/// A step of dropping a partition's objects.
#[derive(Debug)]
pub struct Forgotten {
    /// What drops them.
    pub batch: Batch,
    /// After which key there is more; none if that was all.
    pub more_after: Option<StoreKey>,
}

impl Replica {
    /// What drops up to `limit` objects of a partition after a key, and with the last of them what
    /// was noted of it. Its actor id never mints again.
    pub fn forget(
        &mut self,
        partition: Partition,
        after: Option<&StoreKey>,
        limit: usize,
        store: &impl ReadStore,
    ) -> Result<Forgotten, StoreError> {
        let mut batch = Batch::new();
        let Some(partitions) = self.trees.partitions else {
            return Ok(Forgotten { batch, more_after: None });
        };
        self.actors.retire(partition);
        let (first, last) = partitions.range_of(partition);
        let mut range = StoreKey::range(first, last);
        if let Some(after) = after {
            range.from = [&after.as_bytes()[..], &[0]].concat().into();
        }
        let rows = store.scan(Keyspace::Objects, &range, limit)?;
        let is_full = rows.len() == limit;
        let mut last = None;
        for row in rows {
            batch.delete(Keyspace::Objects, row.key.clone());
            last = Some(StoreKey::from_bytes(row.key));
        }
        if let Some(last) = last.filter(|_| is_full) {
            return Ok(Forgotten { batch, more_after: Some(last) });
        }
        // What is on its way to the disk arrives there before this batch.
        let range = StoreKey::range(first, partitions.range_of(partition).1);
        for (at, _, _) in self.buffer.range(&range) {
            batch.delete(Keyspace::Objects, at.as_bytes().clone());
        }
        for at in self.quarantine.give_up(partition) {
            batch.delete(Keyspace::Meta, quarantine_row(&at));
        }
        delete_snapshot(&mut batch, partition);
        Ok(Forgotten { batch, more_after: None })
    }
}
