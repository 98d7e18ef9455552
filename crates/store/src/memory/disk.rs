//! The memory disk: what is left of a memory store when its process is gone, and the faults that
//! can be done to it.
//!
//! Every fault is told by its arguments. The simulator draws them from its seed.

use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use stator_core::store::Keyspace;

use super::MemoryStore;
use super::contents::{Contents, Map};
use crate::spaces::PerKeyspace;

/// A disk in memory. Clones are handles of the same disk, cheap to make; it lives as long as any
/// of them or a store that was opened on it.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    contents: Arc<RwLock<Contents>>,
}

/// What a disk held at one moment, had it crashed then: a backup. Cheap to make: keys and values
/// are shared, not copied.
#[derive(Clone, Debug)]
pub struct MemorySnapshot {
    maps: PerKeyspace<Map>,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the disk, as a process does that starts. A store opened on it before is closed, and
    /// nothing is lost: to lose what was not synced, crash the disk first.
    pub fn open(&self) -> MemoryStore {
        let opening = self.contents().next_opening();
        MemoryStore::on(Arc::clone(&self.contents), opening)
    }

    /// How many batches were written since the last sync.
    pub fn unsynced_batches(&self) -> usize {
        self.contents().unsynced()
    }

    /// The process dies, and the power with it. Of the batches that were not synced the first
    /// `unsynced_batches_kept` reached the disk and all behind them are lost, as a journal with a
    /// torn tail keeps whole batches up to the tear. The open store is closed.
    pub fn crash_keeping(&self, unsynced_batches_kept: usize) {
        let mut contents = self.contents();
        contents.lose_unsynced(unsynced_batches_kept);
        contents.next_opening();
    }

    /// Damages a stored record, so that each read of it is an error. Nothing if the key is not
    /// there. A write of the key heals it.
    pub fn corrupt(&self, keyspace: Keyspace, key: &[u8]) -> Option<()> {
        self.contents().corrupt(keyspace, key)
    }

    /// A backup of what is synced.
    pub fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot { maps: self.contents().synced_maps() }
    }

    /// Puts an old backup in place of what is stored. The open store is closed.
    pub fn restore(&self, snapshot: &MemorySnapshot) {
        let mut contents = self.contents();
        contents.replace(snapshot.maps.clone());
        contents.next_opening();
    }

    /// Loses everything, as a disk that was replaced by an empty one. The open store is closed.
    pub fn wipe(&self) {
        let mut contents = self.contents();
        contents.replace(PerKeyspace::default());
        contents.next_opening();
    }

    /// The next sync fails. What it should have made durable is as lost or kept as the next
    /// [`Self::crash_keeping`] says.
    pub fn fail_next_sync(&self) {
        self.contents().set_sync_fault("input/output error".into());
    }

    /// There is no space left: writes fail until [`Self::set_free`].
    pub fn set_full(&self) {
        self.contents().set_full(Some("no space left on device".into()));
    }

    /// There is space again. A store that failed to write meanwhile stays poisoned: open anew.
    pub fn set_free(&self) {
        self.contents().set_full(None);
    }

    fn contents(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write().unwrap_or_else(PoisonError::into_inner)
    }
}
