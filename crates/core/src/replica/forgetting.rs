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
    /// Whether nothing of a partition is on its way to the disk: only then is all of it found there.
    pub fn is_synced(&self, partition: Partition) -> bool {
        self.trees.partitions.is_none_or(|partitions| {
            let (first, last) = partitions.range_of(partition);
            self.buffer.range(&StoreKey::range(first, last)).next().is_none()
        })
    }

    /// What drops up to `limit` objects of a partition after a key, and with the last of them what
    /// was noted of it. Its actor id never mints again. Nothing of it may be on its way to the disk
    /// ([`Self::is_synced`]): it could come to lie before that key.
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
            let at = StoreKey::from_bytes(row.key);
            self.cache.remove(&at);
            last = Some(at);
        }
        if let Some(last) = last.filter(|_| is_full) {
            return Ok(Forgotten { batch, more_after: Some(last) });
        }
        for at in self.quarantine.give_up(partition) {
            batch.delete(Keyspace::Meta, quarantine_row(&at));
        }
        delete_snapshot(&mut batch, partition);
        Ok(Forgotten { batch, more_after: None })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Disk, WAITER, mint, object, replica, write};
    use super::*;
    use crate::context::Context;
    use crate::effect::Effects;
    use crate::time::WallTime;

    const WHOLE: Partition = Partition::new(0);

    #[test]
    fn all_of_a_partition_is_dropped_piece_by_piece_and_its_id_is_given_up() {
        let (mut replica, mut disk, mut out) = (replica(1), Disk::default(), Effects::new());
        let keys: Vec<_> = (0_u8..5).map(|number| object("carts", &[number])).collect();
        for key in &keys {
            mint(&mut replica, &mut disk, key, "x");
        }
        let before = replica.actor(WHOLE).expect("it has minted");
        let (mut after, mut pieces) = (None, 0);
        loop {
            let piece = replica.forget(WHOLE, after.as_ref(), 2, &disk).expect("readable");
            let ticket = replica.journal_mut().write(piece.batch, &mut out);
            assert_eq!(disk.carry_out(&mut out), Some(ticket));
            pieces += 1;
            let Some(more_after) = piece.more_after else { break };
            after = Some(more_after);
        }
        assert_eq!(pieces, 3);
        assert!(keys.iter().all(|key| !disk.holds(StoreKey::of(key).as_bytes())));
        assert_eq!(replica.actor(WHOLE), None);
        mint(&mut replica, &mut disk, &keys[0], "y");
        assert_ne!(replica.actor(WHOLE), Some(before), "rule 1");
    }

    #[test]
    fn what_is_on_its_way_to_the_disk_is_waited_for() {
        let (mut replica, mut disk, mut out) = (replica(1), Disk::default(), Effects::new());
        let key = object("carts", b"alice");
        assert!(replica.is_synced(WHOLE));
        let put = write(&key, "x", Context::default(), 100);
        replica.mint(WallTime::default(), put, WAITER, &disk, &mut out).expect("minted");
        assert!(!replica.is_synced(WHOLE), "it could come to lie before what is dropped");
        let ticket = disk.carry_out(&mut out).expect("it was written");
        replica.synced(ticket);
        assert!(replica.is_synced(WHOLE));
    }
}
