//! The engine on disk: fjall, an LSM tree in safe Rust with a journal, bloom filters, compaction
//! and a value log for large values.
//!
//! One database in one directory, one fjall keyspace for each [`Keyspace`]. Who writes is one
//! thread, the node's store writer; any thread reads. A read sees what was written before it
//! began; one that runs beside a write may see a part of its batch. (The core never does: it
//! looks at its own unsynced states first.)
//!
//! Durability: a write goes to the journal's buffer, [`Store::sync`] is one `fdatasync` of the
//! journal. After a failed write or sync nothing is written any more, nor after a scan that met
//! damage which it can't step over: the store is suspect then ([`FjallStore::suspicion`]), also
//! when it is opened again.

mod drop_range;
mod journal;
mod open_error;
mod opening;
mod salvage;
mod settings;
mod suspect;

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use fjall::{Database, Guard, OwnedWriteBatch, PersistMode};
use stator_core::store::{
    Batch, KeyRange, Keyspace, ReadStore, ScanItem, Store, StoreError, StoreStats, WriteOp,
};

pub use self::journal::TornTail;
pub use self::open_error::OpenError;
pub use self::settings::FjallSettings;
use crate::poison::Poison;
use crate::spaces::PerKeyspace;
use crate::{limits, range, record};

/// A store on disk.
pub struct FjallStore {
    dir: PathBuf,
    database: Database,
    keyspaces: PerKeyspace<fjall::Keyspace>,
    torn_tail: Option<TornTail>,
    poison: Poison,
    /// Whether something was written since the last sync.
    unsynced: AtomicBool,
    syncs: AtomicU64,
}

impl FjallStore {
    /// Opens the store in `dir`, which is made if it is not there. Takes as long as reading and
    /// replaying the journals does.
    pub fn open(dir: &Path, settings: &FjallSettings) -> Result<Self, OpenError> {
        opening::open(dir, settings)
    }

    /// What opening had to cut off the journal, since a crash had torn it. Worth a line in the
    /// log: no acknowledged write can be in it unless the disk lied about a sync.
    pub fn torn_tail(&self) -> Option<TornTail> {
        self.torn_tail
    }

    /// Why the store is to be looked through before it is used ([`Self::is_readable`]): an earlier
    /// opening met damage, or the engine failed in the background. None if nothing is known
    /// against it.
    pub fn suspicion(&self) -> Result<Option<String>, StoreError> {
        suspect::get(&self.dir).map_err(|error| StoreError::Engine(error.to_string()))
    }

    /// Nothing is held against the store any more.
    pub fn acquit(&self) -> Result<(), StoreError> {
        suspect::clear(&self.dir).map_err(|error| StoreError::Engine(error.to_string()))
    }

    /// A write or a sync failed. If the engine itself had given up before, which it does not tell
    /// the reason of, it may be for damage that it met in the background.
    fn write_failed(&self, what: &str, error: &fjall::Error) -> StoreError {
        match error {
            fjall::Error::Poisoned => self.damaged("the engine's work in the background failed"),
            _ => self.poison.set(what, error),
        }
    }

    /// Nothing is written any more, and the next opening is told why.
    fn damaged(&self, why: &str) -> StoreError {
        // On a disk that takes no mark the damage is met again by the next start.
        let _ = suspect::set(&self.dir, why);
        let damaged = StoreError::Damaged(why.to_owned());
        self.poison.because(damaged.to_string());
        damaged
    }

    /// One engine batch for all of `batches`: atomic together, which is more than is asked. Of
    /// several changes to one key only the last is kept. All have one sequence number, so the
    /// engine has no order for them, and what is not written need not be compacted.
    fn merge(&self, batches: Vec<Batch>) -> OwnedWriteBatch {
        let ops: Vec<WriteOp> = batches.into_iter().flat_map(Batch::into_ops).collect();
        let mut merged = OwnedWriteBatch::with_capacity(self.database.clone(), ops.len());
        let mut seen = HashSet::with_capacity(ops.len());
        for op in ops.iter().rev() {
            match op {
                WriteOp::Put { keyspace, key, value } if seen.insert((*keyspace, key)) => {
                    let sealed = record::seal(*keyspace, key, value);
                    merged.insert(self.keyspaces.get(*keyspace), sealed.key, sealed.record);
                }
                WriteOp::Delete { keyspace, key } if seen.insert((*keyspace, key)) => {
                    merged.remove(self.keyspaces.get(*keyspace), &key[..]);
                }
                // A later change of the same key comes in its place.
                WriteOp::Put { .. } | WriteOp::Delete { .. } => {}
            }
        }
        merged
    }

    /// Commits one engine batch, not yet durable.
    fn commit(&self, batch: OwnedWriteBatch) -> Result<(), StoreError> {
        // At most one batch may be unsynced: see the rule in `journal`. A writer that syncs after
        // each write pays nothing for it.
        if self.unsynced.load(Ordering::Acquire) {
            self.persist()?;
        }
        self.unsynced.store(true, Ordering::Release);
        batch.commit().map_err(|error| self.write_failed("a write", &error))
    }

    /// `fdatasync` and not `fsync`: it writes the data and what of the metadata is needed to find
    /// it again (length and blocks), which is all that recovery reads.
    fn persist(&self) -> Result<(), StoreError> {
        let synced = self.database.persist(PersistMode::SyncData);
        synced.map_err(|error| self.write_failed("a sync", &error))?;
        self.unsynced.store(false, Ordering::Release);
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl ReadStore for FjallStore {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        limits::check_key(key)?;
        let found = self.keyspaces.get(keyspace).get(key);
        match found.map_err(|error| read_error(keyspace, key, &error))? {
            None => Ok(None),
            Some(stored) => record::open(keyspace, key, stored.into()).map(Some),
        }
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError> {
        limits::check_range(range)?;
        let Some(bounds) = range::bounds(range) else {
            return Ok(Vec::new());
        };
        let found = self.keyspaces.get(keyspace).range::<Bytes, _>(bounds);
        let items: Result<_, fjall::Error> =
            found.take(limit).map(|entry| scan_item(keyspace, entry)).collect();
        items.map_err(|error| self.damaged(&format!("a scan failed: {error}")))
    }
}

impl Store for FjallStore {
    fn write(&self, batches: Vec<Batch>) -> Result<(), StoreError> {
        self.poison.check()?;
        limits::check_batches(&batches)?;
        let merged = self.merge(batches);
        if merged.is_empty() {
            return Ok(());
        }
        self.commit(merged)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.poison.check()?;
        self.persist()
    }

    fn drop_range(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError> {
        self.poison.check()?;
        limits::check_range(range)?;
        drop_range::drop_range(self, keyspace, range)
    }

    fn health(&self) -> Result<(), StoreError> {
        self.poison.check()
    }

    /// The journals count with the blocks that they really take, not with what is preallocated.
    fn stats(&self) -> StoreStats {
        let tables: u64 = self.keyspaces.iter().map(fjall::Keyspace::disk_space).sum();
        let objects = self.keyspaces.get(Keyspace::Objects).approximate_len();
        StoreStats {
            disk_bytes: tables + journal::disk_bytes(&self.dir),
            approximate_objects: objects as u64,
            syncs: self.syncs.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Debug for FjallStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut form = formatter.debug_struct("FjallStore");
        form.field("dir", &self.dir).field("poison", &self.poison).finish_non_exhaustive()
    }
}

/// An entry of a scan. A damaged value in the value log is an item that names its key; a damaged
/// table block hides its keys, so that the scan as a whole fails.
fn scan_item(keyspace: Keyspace, entry: Guard) -> Result<ScanItem, fjall::Error> {
    let key = RefCell::new(Bytes::new());
    let loaded = entry.into_inner_if(|found| {
        key.replace(found.clone().into());
        true
    });
    let key = key.into_inner();
    match loaded {
        Ok((_, stored)) => {
            let stored = stored.map(Bytes::from).unwrap_or_default();
            Ok(ScanItem { value: record::open(keyspace, &key, stored), key })
        }
        Err(error) if key.is_empty() => Err(error),
        Err(error) => Ok(ScanItem { value: Err(read_error(keyspace, &key, &error)), key }),
    }
}

/// Why `key` could not be read. Bytes that do not match the engine's own checksums are damage of
/// the key that was asked for.
fn read_error(keyspace: Keyspace, key: &[u8], error: &fjall::Error) -> StoreError {
    match error {
        fjall::Error::Storage(fjall::LsmError::Io(_)) | fjall::Error::Io(_) => engine_error(error),
        fjall::Error::Storage(_) => record::corrupt(keyspace, key),
        _ => engine_error(error),
    }
}

fn engine_error(error: &fjall::Error) -> StoreError {
    StoreError::Engine(error.to_string())
}
