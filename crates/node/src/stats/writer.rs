//! What the store writer did: how much each sync carried, and how long the disk took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::{Distribution, Histogram, MICROS};
use super::micros;

/// The writer's counters; it alone adds to them.
#[derive(Debug)]
pub(crate) struct WriterCounters {
    batches: AtomicU64,
    write: Histogram<17>,
    sync: Histogram<17>,
}

impl Default for WriterCounters {
    fn default() -> Self {
        let (write, sync) = (Histogram::new(&MICROS), Histogram::new(&MICROS));
        Self { batches: AtomicU64::new(0), write, sync }
    }
}

impl WriterCounters {
    /// So many batches are on disk: writing them took so long, the sync so long.
    pub(crate) fn synced(&self, batches: usize, write: Duration, sync: Duration) {
        self.batches.fetch_add(batches as u64, Ordering::Relaxed);
        self.write.add(micros(write));
        self.sync.add(micros(sync));
    }

    pub(super) fn read(&self) -> WriterStats {
        WriterStats {
            batches: self.batches.load(Ordering::Relaxed),
            write_micros: self.write.read(),
            sync_micros: self.sync.read(),
        }
    }
}

/// What the store writer did since the node started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriterStats {
    /// Batches that were written and synced.
    pub batches: u64,
    /// How long writing took, each time before a sync, in microseconds.
    pub write_micros: Distribution,
    /// How long each sync took, in microseconds.
    pub sync_micros: Distribution,
}
