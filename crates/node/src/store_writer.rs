//! The one thread of a node that writes to its store.
//!
//! It takes every batch that has gathered from all shards, writes them, syncs once, and tells each
//! shard how far it got; whatever arrives meanwhile is the next round (group commit; the paper, 5,
//! and architecture, "The object buffer"). The rule: **nothing is said to be on disk before a sync
//! that began after its write has returned**, and after an error nothing is said any more.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use stator_core::effect::Ticket;
use stator_core::store::{Batch, Store};

use crate::failure::Failure;
use crate::stats::WriterCounters;

/// What the writer calls when everything of a job, and of the shard's jobs before it, is on disk.
pub(crate) type OnSynced = Box<dyn Fn(ShardIndex, Ticket) + Send>;

/// Which of a node's shards, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ShardIndex(pub(crate) u8);

/// What one shard wants written after one turn.
#[derive(Debug)]
pub(crate) struct Job {
    /// Who waits for it; none for the node's own records.
    pub(crate) waits: Option<(ShardIndex, Ticket)>,
    /// In the order of their tickets, the last of which is named in `waits`.
    pub(crate) batches: Vec<Batch>,
}

/// The writer's queue, as the shards hold it. Handing a job over never waits. Its bound is kept by
/// the shards: each stops reading from peers while it has too much under way, and takes a bounded
/// number of client requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteQueue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    closed: bool,
}

impl WriteQueue {
    /// Hands a job over. After [`Self::close`] it is dropped, and never said to be synced.
    pub(crate) fn push(&self, job: Job) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.jobs.push(job);
        if state.jobs.len() == 1 {
            self.shared.ready.notify_one();
        }
    }

    /// How many jobs wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Lets the writer end once it has written what it has.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.shared.ready.notify_one();
    }

    /// Waits for jobs; none once the queue is closed and empty.
    fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            state = self.shared.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Some(std::mem::take(&mut state.jobs))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the writer's thread. It ends when the queue is closed, or at the first error, which
/// fails the node.
pub(crate) fn spawn(
    queue: WriteQueue,
    store: Arc<dyn Store>,
    failure: Failure,
    counters: Arc<WriterCounters>,
    on_synced: OnSynced,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("stator-store".to_owned()).spawn(move || {
        while let Some(jobs) = queue.take() {
            if let Err(error) = write(jobs, &*store, &counters, &on_synced) {
                failure.store_failed(&error);
                queue.close();
                return;
            }
        }
    })
}

fn write(
    jobs: Vec<Job>,
    store: &dyn Store,
    counters: &WriterCounters,
    on_synced: &OnSynced,
) -> Result<(), stator_core::store::StoreError> {
    let mut batches = Vec::with_capacity(jobs.iter().map(|job| job.batches.len()).sum());
    let mut waiting: Vec<(ShardIndex, Ticket)> = Vec::new();
    for job in jobs {
        batches.extend(job.batches);
        let Some((shard, ticket)) = job.waits else { continue };
        match waiting.iter_mut().find(|(waits, _)| *waits == shard) {
            Some((_, last)) => *last = ticket.max(*last),
            None => waiting.push((shard, ticket)),
        }
    }
    let (count, began) = (batches.len(), Instant::now());
    store.write(batches)?;
    let written = Instant::now();
    store.sync()?;
    counters.synced(count, written - began, written.elapsed());
    for (shard, ticket) in waiting {
        on_synced(shard, ticket);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
