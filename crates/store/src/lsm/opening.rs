//! Opening a store on disk: the directory, what a crash left in it, then the engine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use fjall::compaction::Leveled;
use fjall::config::{PartitioningPolicy, PinningPolicy};
use fjall::{Database, KeyspaceCreateOptions, KvSeparationOptions};
use stator_core::store::Keyspace;

use super::journal::{self, JournalError, TornTail};
use super::{FjallSettings, FjallStore, OpenError};
use crate::poison::Poison;
use crate::spaces::PerKeyspace;

/// The engine's lock file, and the marker that it writes when a new directory is complete.
const LOCK: &str = "lock";
const MARKER: &str = "version";
const FIRST_JOURNAL: &str = "0.jnl";
const TABLES: &str = "keyspaces";
/// The format whose journals [`journal`] can read.
const MARKER_CONTENT: &[u8] = b"FJL\x03";

pub(super) fn open(dir: &Path, settings: &FjallSettings) -> Result<FjallStore, OpenError> {
    fs::create_dir_all(dir).map_err(|error| OpenError::from_io(dir, error))?;
    let torn_tail = recover(dir)?;
    let database = Database::builder(dir)
        .cache_size(settings.cache_bytes)
        .max_journaling_size(settings.max_journal_bytes.max(FjallSettings::MIN_JOURNAL_BYTES))
        .worker_threads(settings.workers.max(1))
        .open()
        .map_err(|error| OpenError::from_engine(dir, error))?;
    let keyspaces = PerKeyspace::try_make(|keyspace| {
        database.keyspace(keyspace.name(), || options(keyspace, settings))
    })
    .map_err(|error| OpenError::from_engine(dir, error))?;
    Ok(FjallStore {
        dir: dir.to_path_buf(),
        database,
        keyspaces,
        torn_tail,
        poison: Poison::default(),
        unsynced: AtomicBool::new(false),
        syncs: AtomicU64::new(0),
    })
}

/// Puts right what a crash may have left, while nobody else can have the store open. The lock is
/// given back for the engine to take; who comes in between finds the store in order.
fn recover(dir: &Path) -> Result<Option<TornTail>, OpenError> {
    let _locked = lock(dir)?;
    let io = |error| OpenError::from_io(dir, error);
    match fs::read(dir.join(MARKER)) {
        Ok(marker) if marker == MARKER_CONTENT => {
            journal::repair(dir).map_err(|error| match error {
                JournalError::Io(error) => OpenError::from_io(dir, error),
                JournalError::Damaged(detail) => OpenError::damaged(dir, detail),
            })
        }
        // Another format: the engine says which.
        Ok(marker) if !marker.is_empty() => Ok(None),
        Ok(_) => remove_unfinished(dir).map(|()| None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            remove_unfinished(dir).map(|()| None)
        }
        Err(error) => Err(io(error)),
    }
}

/// Takes the engine's own lock.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(LOCK));
    let file = opened.map_err(|error| OpenError::from_io(dir, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(OpenError::from_io(dir, error)),
    }
}

/// Removes what a crash within the very first opening left, over which the engine would stumble:
/// the marker comes last, so without it there is an empty journal at most. Anything else is
/// somebody's data without its marker, which is not touched.
fn remove_unfinished(dir: &Path) -> Result<(), OpenError> {
    let has_tables = fs::read_dir(dir.join(TABLES)).is_ok_and(|mut tables| tables.next().is_some());
    if has_tables {
        let detail = format!("its file {MARKER:?} is missing or empty, but it has data");
        return Err(OpenError::damaged(dir, detail));
    }
    for name in [FIRST_JOURNAL, MARKER] {
        match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(OpenError::from_io(dir, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// So many tables of objects gather before they are merged into the first level, which is as large as
/// so many that are full. With ten million objects of 100 bytes, and 32 MiB of write buffer: two fifths
/// less is written than with 4 tables and 16 MiB, for at least a fifth less CPU (decision 16).
const GATHERED_TABLES: u8 = 8;

/// How a keyspace is made.
fn options(keyspace: Keyspace, settings: &FjallSettings) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default();
    match keyspace {
        // Indexes and filters of all tables stay in memory, which takes about three bytes for each
        // object. The engine would fetch those of the lower levels through its cache, each of them
        // hundreds of KiB: with ten million objects and 32 MiB of cache a look-up cost nearly twice as much.
        Keyspace::Objects => options
            .max_memtable_size(settings.write_buffer_bytes)
            .index_block_pinning_policy(PinningPolicy::all(true))
            .index_block_partitioning_policy(PartitioningPolicy::all(false))
            .filter_block_pinning_policy(PinningPolicy::all(true))
            .filter_block_partitioning_policy(PartitioningPolicy::all(false))
            .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(GATHERED_TABLES)))
            .with_kv_separation(Some(separation(settings))),
        // Hints are short-lived and the node's own records few and small: neither is worth a
        // value log, nor much memory.
        Keyspace::Hints | Keyspace::Meta => {
            options.max_memtable_size(settings.write_buffer_bytes / 4)
        }
    }
}

fn separation(settings: &FjallSettings) -> KvSeparationOptions {
    KvSeparationOptions::default().separation_threshold(settings.separate_values_from)
}

#[cfg(test)]
mod tests;
