//! The tour's writer: while the ring changes it puts objects of its own through all nodes in turn and
//! counts what became of them. In the end every acknowledged put is looked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use stator_client::{Client, Fetched, NewObject, ObjectName, Outcome};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::demo::cart::options;
use crate::failure::Failure;

const BUCKET: &[u8] = b"counted";
/// Puts under way at a time.
const AT_ONCE: u64 = 2;
/// Gets under way at a time when they are looked for.
const READ_AT_ONCE: usize = 16;

/// Puts going on. They end when it is dropped.
pub(super) struct Writer {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<Counted>>,
}

struct Shared {
    clients: Vec<Client>,
    /// The clients that are used, from the first on.
    used: AtomicUsize,
    acknowledged: AtomicU64,
    is_over: AtomicBool,
}

/// What became of the puts.
#[derive(Default)]
pub(super) struct Counted {
    acknowledged: Vec<Put>,
    pub(super) refused: u64,
    pub(super) indeterminate: u64,
    /// What the first that was not acknowledged said.
    pub(super) said: Option<String>,
    pub(super) slowest: Duration,
}

/// A put that was acknowledged.
struct Put {
    key: String,
    /// The place of the node that it was put through.
    through: usize,
}

impl Writer {
    /// Begins to write through all of these nodes but the last, which is not a member yet.
    pub(super) fn start(clients: Vec<Client>) -> Self {
        let used = AtomicUsize::new(clients.len() - 1);
        let (acknowledged, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { clients, used, acknowledged, is_over });
        // Where an earlier demo has left its data, its keys are other ones.
        let begun = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let tasks = (0..AT_ONCE).map(|task| {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { shared.write(&format!("{begun}/{task}")).await })
        });
        Self { tasks: tasks.collect(), shared }
    }

    /// Writes through the last node as well.
    pub(super) fn admit_the_last(&self) {
        self.shared.used.store(self.shared.clients.len(), Ordering::Relaxed);
    }

    /// Puts that were acknowledged so far.
    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Ends it.
    pub(super) async fn stop(mut self) -> Result<Counted, Failure> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let mut all = Counted::default();
        for task in std::mem::take(&mut self.tasks) {
            let counted =
                task.await.map_err(|error| Failure::new(format!("the writer broke: {error}")))?;
            all.absorb(counted);
        }
        Ok(all)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// One put after the other, through one node after the other.
    async fn write(&self, prefix: &str) -> Counted {
        let mut counted = Counted::default();
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let through = number % self.used.load(Ordering::Relaxed);
            let key = format!("{prefix}/{number}");
            let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
            let object = NewObject { value: key.clone().into(), ..NewObject::default() };
            let begun = Instant::now();
            match self.clients[through].put(name, object, None, &options()).await {
                Ok(_) => {
                    counted.slowest = counted.slowest.max(begun.elapsed());
                    counted.acknowledged.push(Put { key, through });
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    match error.outcome() {
                        Outcome::Refused => counted.refused += 1,
                        Outcome::Indeterminate => counted.indeterminate += 1,
                    }
                    counted.said.get_or_insert_with(|| error.to_string());
                }
            }
        }
        counted
    }
}

impl Counted {
    /// Puts that were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Reads every acknowledged put back, each through another node than it was put through, and
    /// says how many are not there.
    pub(super) async fn lost(&self, clients: &[Client]) -> Result<usize, Failure> {
        let others = clients.len() - 1;
        let is_there = stream::iter(self.acknowledged.iter().enumerate())
            .map(async |(number, put)| {
                let reader = (put.through + 1 + number % others) % clients.len();
                put.is_there(&clients[reader]).await
            })
            .buffer_unordered(READ_AT_ONCE);
        is_there.try_fold(0, async |lost, is_there| Ok(lost + usize::from(!is_there))).await
    }

    fn absorb(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.refused += other.refused;
        self.indeterminate += other.indeterminate;
        self.said = self.said.take().or(other.said);
        self.slowest = self.slowest.max(other.slowest);
    }
}

impl Put {
    async fn is_there(&self, client: &Client) -> Result<bool, Failure> {
        let name = ObjectName { bucket: BUCKET, key: self.key.as_bytes() };
        Ok(match client.get(name, &options()).await? {
            Fetched::Object(object) => object.value == self.key,
            Fetched::Siblings(_) | Fetched::NotFound { .. } => false,
        })
    }
}
