//! What a memory disk holds: the newest state, and how to undo what was not synced yet.
//!
//! Keeping the newest state and an undo log (rather than the synced state and a redo log) makes
//! reads a single look-up and a sync as cheap as emptying the log.

use std::collections::BTreeMap;

use bytes::Bytes;
use stator_core::store::{Batch, Keyspace, StoreError, WriteOp};

use crate::range::Bounds;
use crate::record;
use crate::spaces::PerKeyspace;

/// Records in key order.
pub(super) type Map = BTreeMap<Bytes, Bytes>;

/// How many removals of a dropped range make one batch. The engine on disk drops a range in
/// bounded batches too, so a crash may leave the range half dropped; a small bound lets the
/// simulator meet that.
const DROP_BATCH: usize = 16;

/// What a key held before a change that is not synced yet.
#[derive(Debug)]
struct Before {
    keyspace: Keyspace,
    key: Bytes,
    record: Option<Bytes>,
}

/// The state of a memory disk.
#[derive(Debug, Default)]
pub(super) struct Contents {
    maps: PerKeyspace<Map>,
    /// For each batch since the last sync, what its changes replaced, both in order.
    unsynced: Vec<Vec<Before>>,
    /// Bytes of all keys and records.
    bytes: u64,
    /// Counts openings; the store of an earlier one is closed.
    opening: u64,
    sync_fault: Option<String>,
    full: Option<String>,
}

impl Contents {
    pub(super) fn map(&self, keyspace: Keyspace) -> &Map {
        self.maps.get(keyspace)
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// Closes the store of the opening before and starts the next one.
    pub(super) fn next_opening(&mut self) -> u64 {
        self.opening += 1;
        self.opening
    }

    pub(super) fn check_opening(&self, opening: u64) -> Result<(), StoreError> {
        if self.opening == opening {
            return Ok(());
        }
        Err(StoreError::Engine("this store was closed by a crash or opened again".into()))
    }

    pub(super) fn check_space(&self) -> Result<(), String> {
        self.full.clone().map_or(Ok(()), Err)
    }

    pub(super) fn set_full(&mut self, cause: Option<String>) {
        self.full = cause;
    }

    pub(super) fn set_sync_fault(&mut self, cause: String) {
        self.sync_fault = Some(cause);
    }

    /// Applies one batch, visible at once and not yet synced.
    pub(super) fn apply(&mut self, batch: Batch) {
        let ops = batch.into_ops();
        let before = ops.into_iter().map(|op| self.change(op)).collect();
        self.unsynced.push(before);
    }

    /// Removes every key within `bounds`, in bounded batches.
    pub(super) fn drop_range(&mut self, keyspace: Keyspace, bounds: Bounds) {
        let found = self.map(keyspace).range::<Bytes, _>(bounds);
        let keys: Vec<Bytes> = found.map(|(key, _)| key.clone()).collect();
        for some in keys.chunks(DROP_BATCH) {
            let mut batch = Batch::new();
            for key in some {
                batch.delete(keyspace, key.clone());
            }
            self.apply(batch);
        }
    }

    /// Makes everything written so far survive a crash, unless a fault was planted.
    pub(super) fn sync(&mut self) -> Result<(), String> {
        if let Some(cause) = self.sync_fault.take() {
            return Err(cause);
        }
        self.unsynced.clear();
        Ok(())
    }

    /// Undoes unsynced batches, the newest first, until `kept` of them are left; those are on the
    /// disk from now on.
    pub(super) fn lose_unsynced(&mut self, kept: usize) {
        while self.unsynced.len() > kept {
            let batch = self.unsynced.pop().unwrap_or_default();
            for before in batch.into_iter().rev() {
                self.set(before.keyspace, before.key, before.record);
            }
        }
        self.unsynced.clear();
    }

    /// A copy of what a crash that keeps nothing unsynced would leave.
    pub(super) fn synced_maps(&self) -> PerKeyspace<Map> {
        let mut maps = self.maps.clone();
        for before in self.unsynced.iter().rev().flat_map(|batch| batch.iter().rev()) {
            let map = maps.get_mut(before.keyspace);
            match before.record.clone() {
                Some(record) => map.insert(before.key.clone(), record),
                None => map.remove(&before.key),
            };
        }
        maps
    }

    /// Replaces everything that is stored.
    pub(super) fn replace(&mut self, maps: PerKeyspace<Map>) {
        let sizes = maps.iter().flatten().map(|(key, record)| key.len() + record.len());
        self.bytes = sizes.sum::<usize>() as u64;
        self.maps = maps;
        self.unsynced.clear();
    }

    /// Flips the lowest bit of a record's last byte, if the key is there.
    pub(super) fn corrupt(&mut self, keyspace: Keyspace, key: &[u8]) -> Option<()> {
        let record = self.maps.get_mut(keyspace).get_mut(key)?;
        let mut damaged = record.to_vec();
        *damaged.last_mut()? ^= 1;
        *record = damaged.into();
        Some(())
    }

    fn change(&mut self, op: WriteOp) -> Before {
        let (keyspace, key, record) = match op {
            WriteOp::Put { keyspace, key, value } => {
                let sealed = record::seal(keyspace, &key, &value);
                (keyspace, sealed.key, Some(sealed.record))
            }
            WriteOp::Delete { keyspace, key } => (keyspace, key, None),
        };
        let replaced = self.set(keyspace, key.clone(), record);
        Before { keyspace, key, record: replaced }
    }

    /// Sets or removes one key and gives what it held.
    fn set(&mut self, keyspace: Keyspace, key: Bytes, record: Option<Bytes>) -> Option<Bytes> {
        let key_len = key.len();
        let added = record.as_ref().map_or(0, |record| key_len + record.len());
        let map = self.maps.get_mut(keyspace);
        let replaced = match record {
            Some(record) => map.insert(key, record),
            None => map.remove(&key),
        };
        let freed = replaced.as_ref().map_or(0, |record| key_len + record.len());
        self.bytes = self.bytes + added as u64 - freed as u64;
        replaced
    }
}
