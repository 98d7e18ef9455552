//! Shards: one thread each, which reads and writes its own sockets and steps its own
//! [`stator_core::node::Shard`] (the paper, 5; architecture, "How a node runs").
//!
//! The rule: what belongs to a shard is touched by its thread alone. From other threads it gets
//! what comes through its [`ShardMailbox`], and nothing else.

mod alarm;
mod core_loop;
mod reader;
mod route;
mod thread;
mod timers;
mod traffic;
mod unsynced;

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use stator_core::budget::BytesPerSecond;
use stator_core::context::{ContextKey, Sealer};
use stator_core::effect::Input;
use stator_core::identity::{ClusterId, NodeId};
use stator_core::node::{HintLimits, StoreStanding};
use stator_core::object::ObjectKey;
use stator_core::random::Random;
use stator_core::request::{ClientReply, Operation};
use stator_core::status::{OwnCopy, ShardStatus};
use stator_core::store::Store;
use stator_core::time::{Deadline, Instant};
use stator_wire::secret::Keyring;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::config::DiskReserve;
use crate::failure::Failure;
use crate::links::Decoder;
use crate::lock::lock;
use crate::me::Me;
use crate::membership::MembershipMailbox;
use crate::shutdown::Shutdown;
use crate::stats::Counters;
use crate::store_writer::{ShardIndex, WriteQueue};
use crate::trace::Traced;

pub(crate) use route::of_partition;

/// Events from other threads that may wait for a shard.
const EVENTS: usize = 1024;

/// What other threads tell a shard.
#[derive(Debug)]
pub(crate) enum ShardEvent {
    /// For the core.
    Input(Box<Input>),
    /// The peers to keep links to, and where they are.
    Peers(Arc<BTreeMap<NodeId, String>>),
    /// A connection that a peer has made to this shard.
    Accepted(Box<AcceptedStream>),
    /// Somebody asks how the shard is.
    Inspect(oneshot::Sender<ShardStatus>),
    /// Somebody asks what the shard itself has of an object.
    InspectObject(Box<ObjectKey>, oneshot::Sender<Option<OwnCopy>>),
}

/// A connection on its way from the thread that greeted it to the one that reads it.
#[derive(Debug)]
pub(crate) struct AcceptedStream {
    /// Who made it.
    pub(crate) from: NodeId,
    /// The lane's number, as the peer counts its shards.
    pub(crate) lane: u8,
    /// The socket, known to no runtime.
    pub(crate) stream: TcpStream,
    /// What makes sense of its bytes.
    pub(crate) decoder: Decoder,
    /// Counts it among the node's connections.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// A front door's request on its way to a shard.
#[derive(Debug)]
pub(crate) struct ClientCall {
    /// What to do.
    pub(crate) operation: Operation,
    /// When nobody waits any more.
    pub(crate) deadline: Deadline,
    /// Where the answer goes.
    pub(crate) reply: oneshot::Sender<(ClientReply, Stages)>,
}

/// When a request got where inside the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stages {
    /// When the shard took it.
    pub(crate) taken: Instant,
    /// When it was answered.
    pub(crate) answered: Instant,
    /// The root of its trace, if it is traced.
    pub(crate) trace: Option<Traced>,
}

/// The way into a shard from other threads. Both queues are bounded.
#[derive(Clone, Debug)]
pub(crate) struct ShardMailbox {
    /// Those who put something here wait for room; the shard empties it every turn.
    pub(crate) events: mpsc::Sender<ShardEvent>,
    /// Full means overloaded.
    pub(crate) calls: mpsc::Sender<ClientCall>,
}

/// What every shard of a node is made from.
pub(crate) struct ShardParts {
    /// The node.
    pub(crate) me: Arc<Me>,
    /// Its store.
    pub(crate) store: Arc<dyn Store>,
    /// Where batches go.
    pub(crate) writes: WriteQueue,
    /// Where membership is told things.
    pub(crate) membership: MembershipMailbox,
    /// Count what is observed, one for each shard.
    pub(crate) counters: Arc<[Arc<Counters>]>,
    /// How it fails.
    pub(crate) failure: Failure,
    /// How it ends.
    pub(crate) shutdown: Shutdown,
    /// The root of its randomness.
    pub(crate) random: Random,
    /// Where its files are and how much room is kept free; none if it has none.
    pub(crate) disk: Option<(PathBuf, DiskReserve)>,
    /// What became of the store since the node last ran.
    pub(crate) standing: StoreStanding,
    /// A shard's bounds.
    pub(crate) limits: ShardLimits,
}

/// The bounds of each shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardLimits {
    /// Requests under way.
    pub(crate) max_requests: usize,
    /// Hints held.
    pub(crate) hints: HintLimits,
    /// Memory for cached objects, in bytes.
    pub(crate) cache_bytes: u64,
    /// How often every object is read in full.
    pub(crate) scrub_interval: Duration,
    /// What it reads and sends in the background.
    pub(crate) background: BytesPerSecond,
}

/// All shards of a node: none run before its cluster is known, since contexts are sealed for it.
pub(crate) struct Shards {
    /// Until they run, or the node stops: the store must not outlive those who use it.
    parts: Mutex<Option<ShardParts>>,
    failure: Failure,
    mailboxes: OnceLock<Arc<[ShardMailbox]>>,
    runtimes: OnceLock<Box<[Handle]>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Shards {
    /// No shard runs yet.
    pub(crate) fn new(parts: ShardParts) -> Self {
        let failure = parts.failure.clone();
        let (mailboxes, runtimes, threads) = Default::default();
        Self { parts: Mutex::new(Some(parts)), failure, mailboxes, runtimes, threads }
    }

    /// Starts them, if they do not run yet.
    pub(crate) fn start(&self, cluster: ClusterId) {
        let Some(parts) = lock(&self.parts).take() else { return };
        let (mailboxes, inboxes): (Vec<_>, Vec<_>) =
            (0..parts.me.shards).map(|_| mailbox(parts.limits.max_requests)).unzip();
        let mailboxes: Arc<[ShardMailbox]> = mailboxes.into();
        let sealer = sealer(&parts.me.keyring, cluster);
        let mut runtimes = Vec::with_capacity(inboxes.len());
        for (index, mail) in (0..parts.me.shards).map(ShardIndex).zip(inboxes) {
            let setup = thread::Setup::new(&parts, index, sealer.clone(), Arc::clone(&mailboxes));
            match thread::spawn(setup, mail) {
                Ok((thread, runtime)) => {
                    lock(&self.threads).push(thread);
                    runtimes.push(runtime);
                }
                Err(error) => self.failure.fail(format!("no thread for a shard: {error}")),
            }
        }
        // The parts were there, so that this is the first time.
        let _ = self.mailboxes.set(mailboxes);
        let _ = self.runtimes.set(runtimes.into());
    }

    /// The way into each of them; none before they run.
    pub(crate) fn mailboxes(&self) -> &[ShardMailbox] {
        self.mailboxes.get().map_or(&[], |mailboxes| mailboxes)
    }

    /// The runtimes on their threads; none before they run. What is spawned there ends with them.
    pub(crate) fn runtimes(&self) -> &[Handle] {
        self.runtimes.get().map_or(&[], |runtimes| runtimes)
    }

    /// Waits until all have ended; none starts any more.
    pub(crate) fn join(&self) {
        drop(lock(&self.parts).take());
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            if thread.join().is_err() {
                self.failure.fail("a shard's thread panicked".to_owned());
            }
        }
    }
}

/// The receiving ends of a mailbox.
pub(crate) struct Mail {
    pub(crate) events: mpsc::Receiver<ShardEvent>,
    pub(crate) calls: mpsc::Receiver<ClientCall>,
}

fn mailbox(calls: usize) -> (ShardMailbox, Mail) {
    let (events, events_in) = mpsc::channel(EVENTS);
    let (calls, calls_in) = mpsc::channel(calls.max(1));
    (ShardMailbox { events, calls }, Mail { events: events_in, calls: calls_in })
}

/// Seals contexts with the key of the current secret, and opens those of older ones too.
pub(crate) fn sealer(keyring: &Keyring, cluster: ClusterId) -> Sealer {
    let mut keys = keyring.secrets().map(|secret| ContextKey::derive(secret.expose(), cluster));
    let current = keys.next().expect("a keyring has a current secret");
    Sealer::new(current, keys.collect())
}
