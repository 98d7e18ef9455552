//! Starting a node, in the order that rule 19 asks for, and stopping it without losing a word.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use rand::TryRngCore;
use rand::rngs::OsRng;
use stator_core::effect::Input;
use stator_core::identity::{BootNonce, ClusterId, NodeId};
use stator_core::membership::facts::Addresses;
use stator_core::membership::{FoundCluster, MembershipConfig, Restored};
use stator_core::random::Random;
use stator_core::store::Store;
use stator_core::view::View;
use stator_store::{FjallStore, MemoryStore};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::config::{Engine, Founding, NodeConfig};
use crate::error::StartError;
use crate::failure::Failure;
use crate::handle::{InFlight, NodeHandle, Shared};
use crate::identity::{DataDir, Identity, spawn_saver};
use crate::me::Me;
use crate::membership::{self, Gate, MembershipMailbox};
use crate::owner::{self, Found};
use crate::shard::{ShardEvent, ShardParts, Shards};
use crate::shutdown::Shutdown;
use crate::stats::Counters;
use crate::store_writer::{self, ShardIndex, WriteQueue};

/// How long a node that stops lets requests finish.
const DRAIN: Duration = Duration::from_secs(10);
/// How often members are told that this node lives.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Above this phi a peer is held to be down.
const PHI_THRESHOLD: f64 = 8.0;

/// A running node. One that is dropped without [`Self::stop`] ends in the background, without
/// letting requests finish.
pub struct Node {
    handle: NodeHandle,
    peer_address: SocketAddr,
    shutdown: Shutdown,
    threads: Option<Threads>,
}

impl Node {
    /// Starts a node. It serves once it is a member of a ring ([`NodeHandle::readiness`]).
    pub async fn start(config: NodeConfig) -> Result<Self, StartError> {
        // Opening a store may read for long; the caller's runtime has others to serve.
        match tokio::task::spawn_blocking(move || start(config)).await {
            Ok(started) => started,
            Err(panicked) => Err(StartError::Config(format!("the start failed: {panicked}"))),
        }
    }

    /// The way in for front doors.
    pub fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }

    /// Where it listens for peers.
    pub const fn peer_address(&self) -> SocketAddr {
        self.peer_address
    }

    /// Waits until the node must stop, since it can't keep its promises any more: a write or a sync
    /// failed, or its identity is in use twice. The reason, with what to do.
    pub async fn failed(&self) -> String {
        self.handle.shared().failure.wait().await
    }

    /// Takes no more requests, lets those under way finish (10 s at most), syncs and closes the
    /// store.
    pub async fn stop(mut self) {
        if timeout(DRAIN, self.handle.shared().in_flight.close()).await.is_err() {
            tracing::warn!("requests were still under way after {} s: stopping", DRAIN.as_secs());
        }
        self.shutdown.begin();
        let Some(threads) = self.threads.take() else { return };
        if tokio::task::spawn_blocking(move || threads.join()).await.is_err() {
            tracing::error!("a thread of the node panicked while it stopped");
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Node");
        debug.field("me", &self.handle.me()).field("peer_address", &self.peer_address);
        debug.finish_non_exhaustive()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shutdown.begin();
        let Some(threads) = self.threads.take() else { return };
        // Only to close the store once everybody has let go of it; nobody can wait for it here.
        let _ = std::thread::Builder::new()
            .name("stator-stop".to_owned())
            .spawn(move || threads.join());
    }
}

/// What must end, in this order, before the data directory is free.
struct Threads {
    membership: JoinHandle<()>,
    shards: Arc<Shards>,
    writes: WriteQueue,
    writer: JoinHandle<()>,
    saver: JoinHandle<()>,
    data: DataDir,
}

impl Threads {
    fn join(self) {
        let Self { membership, shards, writes, writer, saver, data } = self;
        let membership = membership.join();
        shards.join();
        writes.close();
        let ended = [membership, writer.join(), saver.join()];
        if ended.iter().any(Result::is_err) {
            tracing::error!("a thread of the node panicked");
        }
        drop(data);
    }
}

/// The blocking part of a start.
fn start(config: NodeConfig) -> Result<Node, StartError> {
    check(&config)?;
    let clock = Clock::start();
    let data = DataDir::hold(&config.data_dir)?;
    let listener = listen(config.peer_listen)?;
    let mut seed = random()?;
    let fresh = NodeId::new(seed.bits());
    let nonce = BootNonce(seed.bits());
    let mut identity = Identity::begin_start(&data.identity(), fresh, nonce)?;
    may_be_alone(&config, &identity, &data)?;
    let store = open_store(&config.engine, &data)?;
    let found = owner::claim(&data, &mut identity, &*store)?;
    report(&config, &identity, found, &data);
    assemble(config, clock, data, listener, identity, store, seed)
}

fn check(config: &NodeConfig) -> Result<(), StartError> {
    let must = |holds: bool, what: &str| {
        if holds { Ok(()) } else { Err(StartError::Config(what.to_owned())) }
    };
    must(config.shards > 0, "a node needs at least 1 shard")?;
    must(config.max_requests > 0, "a node needs room for at least 1 request under way")?;
    must(config.replicas > 0, "a cluster needs at least 1 replica of each partition")?;
    must(!config.name.is_empty(), "a node needs a name: give one with --name")
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listener =
        TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })?;
    listener.set_nonblocking(true).map_err(|source| StartError::Listen { address, source })?;
    Ok(listener)
}

fn random() -> Result<Random, StartError> {
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed).map_err(|error| StartError::System {
        what: "random number",
        source: std::io::Error::other(error),
    })?;
    Ok(Random::from_seed(seed))
}

/// A node without a cluster that may neither found nor join one would wait for ever.
fn may_be_alone(
    config: &NodeConfig,
    identity: &Identity,
    data: &DataDir,
) -> Result<(), StartError> {
    let lost = identity.cluster.is_none() && config.join.is_empty();
    if lost && config.found == Founding::No {
        return Err(StartError::NoCluster { path: data.root().to_owned() });
    }
    Ok(())
}

fn open_store(engine: &Engine, data: &DataDir) -> Result<Arc<dyn Store>, StartError> {
    match engine {
        Engine::Memory => Ok(Arc::new(MemoryStore::new())),
        Engine::Fjall(settings) => {
            let store = FjallStore::open(&data.store(), settings)?;
            if let Some(torn) = store.torn_tail() {
                tracing::warn!(
                    ?torn,
                    "the log ended in the middle of a write that was never acknowledged: it was cut off"
                );
            }
            Ok(Arc::new(store))
        }
    }
}

fn report(config: &NodeConfig, identity: &Identity, found: Found, data: &DataDir) {
    tracing::info!(node = %identity.node, name = %config.name, boot = identity.boot.0, "starting");
    if found == Found::Lost && config.engine != Engine::Memory {
        tracing::warn!(
            store = %data.store().display(),
            "this node has been in use and its store is empty: what it held must come back from \
             the other replicas"
        );
    }
    if identity.cluster.is_some() && (config.found == Founding::Init || !config.join.is_empty()) {
        tracing::info!("this node belongs to a cluster already: --init and --join change nothing");
    }
}

fn assemble(
    config: NodeConfig,
    clock: Clock,
    data: DataDir,
    listener: TcpListener,
    identity: Identity,
    store: Arc<dyn Store>,
    mut seed: Random,
) -> Result<Node, StartError> {
    let peer_address = listener
        .local_addr()
        .map_err(|source| StartError::Listen { address: config.peer_listen, source })?;
    let thread = |source| StartError::System { what: "thread", source };
    let (failure, shutdown) = (Failure::none(), Shutdown::new());
    let me = Arc::new(Me {
        node: identity.node,
        name: config.name.clone(),
        boot: identity.boot,
        nonce: identity.nonce,
        shards: config.shards,
        keyring: config.keyring.clone(),
        clock,
        cluster: identity.cluster.as_ref().map_or_else(OnceLock::new, |(id, _)| (*id).into()),
        view: ArcSwap::from_pointee(View::alone(identity.node)),
        failure: failure.clone(),
        met: Mutex::default(),
    });
    let (counters, gate, writes) =
        (Arc::<Counters>::default(), Gate::default(), WriteQueue::default());
    let (mailbox, mail) = MembershipMailbox::new();
    let shards = Arc::new(Shards::new(ShardParts {
        me: Arc::clone(&me),
        store: Arc::clone(&store),
        writes: writes.clone(),
        membership: mailbox.clone(),
        counters: Arc::clone(&counters),
        failure: failure.clone(),
        shutdown: shutdown.clone(),
        random: seed.child("shards"),
        max_requests: config.max_requests,
    }));
    let writer = {
        let shards = Arc::clone(&shards);
        let on_synced = Box::new(move |ShardIndex(shard), ticket| {
            if let Some(mailbox) = shards.mailboxes().get(usize::from(shard)) {
                let event = ShardEvent::Input(Box::new(Input::Synced(ticket)));
                let _ = mailbox.events.blocking_send(event);
            }
        });
        store_writer::spawn(writes.clone(), Arc::clone(&store), failure.clone(), on_synced)
            .map_err(thread)?
    };
    let (saver, saver_thread) = {
        let mailbox = mailbox.clone();
        spawn_saver(data.identity(), failure.clone(), move |id| mailbox.saved(id))
            .map_err(thread)?
    };
    let membership = membership::spawn(membership::Setup {
        me: Arc::clone(&me),
        config: membership_config(&config, &identity, peer_address, &mut seed),
        restored: restored(identity),
        random: seed.child("membership"),
        mail,
        saver,
        shards: Arc::clone(&shards),
        writes: writes.clone(),
        gate: gate.clone(),
        counters: Arc::clone(&counters),
        failure: failure.clone(),
        shutdown: shutdown.clone(),
        listener,
    })
    .map_err(thread)?;
    let handle = NodeHandle::new(Shared {
        me,
        shards: Arc::clone(&shards),
        membership: mailbox,
        store: Arc::downgrade(&store),
        gate,
        counters,
        failure,
        in_flight: InFlight::default(),
    });
    let threads = Threads { membership, shards, writes, writer, saver: saver_thread, data };
    Ok(Node { handle, peer_address, shutdown, threads: Some(threads) })
}

fn membership_config(
    config: &NodeConfig,
    identity: &Identity,
    peer_address: SocketAddr,
    seed: &mut Random,
) -> MembershipConfig {
    let may_found = match config.found {
        Founding::Init => true,
        Founding::IfEmpty => config.join.is_empty(),
        Founding::No => false,
    };
    let cluster = ClusterId::new(u128::from(seed.bits()) << 64 | u128::from(seed.bits()));
    let found = FoundCluster { cluster, partitions: config.partitions, replicas: config.replicas };
    MembershipConfig {
        me: identity.node,
        boot: identity.boot,
        nonce: identity.nonce,
        name: config.name.clone(),
        zone: config.zone.clone(),
        weight: config.weight,
        addresses: advertised(&config.advertise, peer_address),
        seeds: config.join.clone(),
        found: may_found.then_some(found),
        heartbeat_interval: HEARTBEAT,
        phi_threshold: PHI_THRESHOLD,
        shards: config.shards,
    }
}

/// The addresses to be told to others, with the port that was taken where any was asked for.
fn advertised(wanted: &Addresses, peer_address: SocketAddr) -> Addresses {
    let mut addresses = wanted.clone();
    if let Some(host) = wanted.peer.strip_suffix(":0") {
        addresses.peer = format!("{host}:{}", peer_address.port());
    }
    addresses
}

fn restored(identity: Identity) -> Restored {
    let (cluster, facts) = identity.cluster.unzip();
    Restored {
        cluster,
        facts: facts.unwrap_or_default(),
        votes: identity.votes.unwrap_or_default(),
    }
}
