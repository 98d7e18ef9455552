//! The memory engine: an ordered map for each keyspace, behind one lock.
//!
//! It keeps the contract of the engine on disk, including the difference between written and
//! synced, so that the simulator can crash it, and it stores the same checksummed records, so that
//! damage is found in the same way. A node may run on it as well (`engine = "memory"`), as a cache
//! whose content is gone after a restart.
//!
//! It does nothing of its own accord: no thread, no clock, no randomness.

mod contents;
mod disk;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use stator_core::store::{
    Batch, KeyRange, Keyspace, ReadStore, ScanItem, Store, StoreError, StoreStats,
};

use self::contents::Contents;
pub use self::disk::{MemoryDisk, MemorySnapshot};
use crate::poison::Poison;
use crate::{limits, range, record};

/// A store in memory. It is open until its [`MemoryDisk`] crashes, is restored, wiped or opened
/// again; from then on every call is an error, as if its process had died.
#[derive(Debug)]
pub struct MemoryStore {
    contents: Arc<RwLock<Contents>>,
    /// The opening of the disk that this store belongs to.
    opening: u64,
    poison: Poison,
    syncs: AtomicU64,
}

impl MemoryStore {
    /// An empty store with a disk of its own.
    pub fn new() -> Self {
        MemoryDisk::new().open()
    }

    fn on(contents: Arc<RwLock<Contents>>, opening: u64) -> Self {
        Self { contents, opening, poison: Poison::default(), syncs: AtomicU64::new(0) }
    }

    fn read(&self) -> Result<RwLockReadGuard<'_, Contents>, StoreError> {
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.check_opening(self.opening)?;
        Ok(contents)
    }

    fn write_access(&self) -> Result<RwLockWriteGuard<'_, Contents>, StoreError> {
        self.poison.check()?;
        let contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        contents.check_opening(self.opening)?;
        Ok(contents)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl ReadStore for MemoryStore {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        limits::check_key(key)?;
        let Some(stored) = self.read()?.map(keyspace).get(key).cloned() else {
            return Ok(None);
        };
        record::open(keyspace, key, stored).map(Some)
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError> {
        limits::check_range(range)?;
        let contents = self.read()?;
        let Some(bounds) = range::bounds(range) else {
            return Ok(Vec::new());
        };
        let found = contents.map(keyspace).range::<Bytes, _>(bounds).take(limit);
        let items = found.map(|(key, stored)| ScanItem {
            key: key.clone(),
            value: record::open(keyspace, key, stored.clone()),
        });
        Ok(items.collect())
    }
}

impl Store for MemoryStore {
    fn write(&self, batches: Vec<Batch>) -> Result<(), StoreError> {
        let mut contents = self.write_access()?;
        limits::check_batches(&batches)?;
        contents.check_space().map_err(|cause| self.poison.set("a write", cause))?;
        for batch in batches {
            contents.apply(batch);
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut contents = self.write_access()?;
        contents.sync().map_err(|cause| self.poison.set("a sync", cause))?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn drop_range(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError> {
        let mut contents = self.write_access()?;
        limits::check_range(range)?;
        contents.check_space().map_err(|cause| self.poison.set("a write", cause))?;
        if let Some(bounds) = range::bounds(range) {
            contents.drop_range(keyspace, bounds);
        }
        Ok(())
    }

    fn health(&self) -> Result<(), StoreError> {
        self.write_access().map(drop)
    }

    fn stats(&self) -> StoreStats {
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        StoreStats {
            disk_bytes: contents.bytes(),
            approximate_objects: contents.map(Keyspace::Objects).len() as u64,
            syncs: self.syncs.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
