//! What of a damaged store can still be read, and getting it out.
//!
//! A range that can be read as a whole holds what was written to it: to read it, the engine has met
//! every block that may hold one of its keys, in every table. One that can't may lack a block that
//! supersedes what is read instead, so nothing of it is to be trusted.

use bytes::Bytes;
use fjall::{Guard, OwnedWriteBatch};
use stator_core::store::{KeyRange, Keyspace, StoreError};

use super::FjallStore;
use crate::{limits, range, record};

/// Entries and bytes of one engine batch: bounds the memory taken.
const MOST_ENTRIES: usize = 1024;
const MOST_BYTES: usize = 4 << 20;

impl FjallStore {
    /// Whether every entry of a range can be read, and is what was written. Reads them all.
    pub fn is_readable(&self, keyspace: Keyspace, range: &KeyRange) -> Result<bool, StoreError> {
        limits::check_range(range)?;
        let Some(bounds) = range::bounds(range) else { return Ok(true) };
        let mut entries = self.keyspaces.get(keyspace).range::<Bytes, _>(bounds);
        Ok(entries.all(|entry| whole(keyspace, entry).is_some()))
    }

    /// Copies every entry of a range that [`Self::is_readable`] to another store. Durable after its
    /// next sync.
    pub fn copy_to(
        &self,
        other: &Self,
        keyspace: Keyspace,
        range: &KeyRange,
    ) -> Result<(), StoreError> {
        limits::check_range(range)?;
        let Some(bounds) = range::bounds(range) else { return Ok(()) };
        let mut batch = Copied::new(other, keyspace);
        for entry in self.keyspaces.get(keyspace).range::<Bytes, _>(bounds) {
            let Some((key, stored)) = whole(keyspace, entry) else {
                let what = "what could be read a moment ago can't be read any more".to_owned();
                return Err(StoreError::Damaged(what));
            };
            batch.insert(key, stored)?;
        }
        batch.commit()
    }
}

/// The key and the record of an entry, if it is what was written.
fn whole(keyspace: Keyspace, entry: Guard) -> Option<(Bytes, Bytes)> {
    let (key, stored) = entry.into_inner().ok()?;
    let (key, stored) = (Bytes::from(key), Bytes::from(stored));
    record::open(keyspace, &key, stored.clone()).is_ok().then_some((key, stored))
}

/// Entries on their way to a store.
struct Copied<'a> {
    store: &'a FjallStore,
    keyspace: Keyspace,
    batch: OwnedWriteBatch,
    bytes: usize,
}

impl<'a> Copied<'a> {
    fn new(store: &'a FjallStore, keyspace: Keyspace) -> Self {
        let batch = OwnedWriteBatch::with_capacity(store.database.clone(), MOST_ENTRIES);
        Self { store, keyspace, batch, bytes: 0 }
    }

    fn insert(&mut self, key: Bytes, stored: Bytes) -> Result<(), StoreError> {
        self.bytes += key.len() + stored.len();
        self.batch.insert(self.store.keyspaces.get(self.keyspace), key, stored);
        if self.batch.len() < MOST_ENTRIES && self.bytes < MOST_BYTES {
            return Ok(());
        }
        let full = std::mem::replace(self, Self::new(self.store, self.keyspace));
        full.commit()
    }

    fn commit(self) -> Result<(), StoreError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.store.commit(self.batch)
    }
}
