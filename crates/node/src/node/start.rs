//! Starting a node, in the order that rule 19 asks for: the directory is held, the start counted,
//! the store claimed, and only then is anything said to anybody.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use rand::TryRngCore;
use rand::rngs::OsRng;
use stator_core::effect::Input;
use stator_core::identity::{BootNonce, ClusterId, NodeId};
use stator_core::membership::facts::Addresses;
use stator_core::membership::{FoundCluster, MembershipConfig, Restored};
use stator_core::node::StoreStanding;
use stator_core::random::Random;
use stator_core::store::Store;
use stator_core::view::View;
use stator_store::{FjallStore, MemoryStore};

use super::{Node, Threads};
use crate::clients::ClientDoor;
use crate::clock::Clock;
use crate::config::{Engine, Founding, NodeConfig};
use crate::error::StartError;
use crate::failure::Failure;
use crate::handle::{InFlight, NodeCounters, NodeHandle, Shared};
use crate::identity::{DataDir, Identity, spawn_saver};
use crate::me::Me;
use crate::membership::{self, Gate, MembershipMailbox};
use crate::owner::{self, Found};
use crate::salvage::salvage;
use crate::shard::{ShardEvent, ShardLimits, ShardParts, Shards};
use crate::shutdown::Shutdown;
use crate::slow::SlowLog;
use crate::stats::{Counters, DoorCounters, WriterCounters};
use crate::store_writer::{self, ShardIndex, WriteQueue};
use crate::top::Top;

/// The blocking part of a start.
pub(super) fn start(config: NodeConfig) -> Result<Node, StartError> {
    check(&config)?;
    let clock = Clock::start();
    let data = DataDir::hold(&config.data_dir)?;
    let listener = listen(config.peer_listen)?;
    let mut random = random()?;
    let fresh = NodeId::new(random.bits());
    let nonce = BootNonce(random.bits());
    let mut identity = Identity::begin_start(&data.identity(), fresh, nonce)?;
    may_be_alone(&config, &identity, &data)?;
    let (store, found) = claim_store(&config.engine, &data, &mut identity)?;
    report(&config, &identity, found, &data);
    let standing = found.standing();
    Parts { config, clock, data, listener, identity, store, standing, random }.assemble()
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
        source: io::Error::other(error),
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

fn open_store(
    engine: &Engine,
    data: &DataDir,
    identity: &Identity,
) -> Result<Arc<dyn Store>, StartError> {
    match engine {
        Engine::Memory => Ok(Arc::new(MemoryStore::new())),
        Engine::Fjall(settings) => {
            data.resume_salvage()?;
            let store = FjallStore::open(&data.store(), settings)?;
            if let Some(torn) = store.torn_tail() {
                tracing::warn!(
                    ?torn,
                    "the log ended in the middle of a write that was never acknowledged: it was cut off"
                );
            }
            let suspect = store.suspicion();
            match suspect.map_err(|source| StartError::Store { path: data.store(), source })? {
                None => Ok(Arc::new(store)),
                Some(why) => Ok(Arc::new(salvage(store, &why, settings, data, identity)?)),
            }
        }
    }
}

/// Opens the store and marks it as this node's. One of an earlier start, put back from a copy, is a
/// lost one (rule 19): it is set aside, and an empty one takes its place.
fn claim_store(
    engine: &Engine,
    data: &DataDir,
    identity: &mut Identity,
) -> Result<(Arc<dyn Store>, Found), StartError> {
    let store = open_store(engine, data, identity)?;
    match owner::claim(data, identity, &*store) {
        Err(StartError::OlderStore { found, expected, .. }) => {
            drop(store);
            let aside = data.set_store_aside(found)?;
            tracing::error!(
                aside = %aside.display(), found = found.0, expected = expected.0,
                "the store is older than this node's identity, as after restoring a backup: what it \
                 held may have been deleted since. It was set aside, not deleted; an empty store \
                 takes its place and is refilled by the other replicas"
            );
            let store = open_store(engine, data, identity)?;
            let found = owner::claim(data, identity, &*store)?;
            Ok((store, found))
        }
        claimed => claimed.map(|found| (store, found)),
    }
}

fn report(config: &NodeConfig, identity: &Identity, found: Found, data: &DataDir) {
    tracing::info!(node = %identity.node, name = %config.name, boot = identity.boot.0, "starting");
    if found == Found::Lost && config.engine != Engine::Memory {
        tracing::warn!(
            store = %data.store().display(),
            "this node has been in use and its store is empty: it is refilled by the other \
             replicas, and counts in reads again once that is done"
        );
    }
    if identity.cluster.is_some() && (config.found == Founding::Init || !config.join.is_empty()) {
        tracing::info!("this node belongs to a cluster already: --init and --join change nothing");
    }
}

/// What a start has found and opened; from here on nothing but threads is missing.
struct Parts {
    config: NodeConfig,
    clock: Clock,
    data: DataDir,
    listener: TcpListener,
    identity: Identity,
    store: Arc<dyn Store>,
    standing: StoreStanding,
    random: Random,
}

impl Parts {
    fn assemble(mut self) -> Result<Node, StartError> {
        let peer_address = self
            .listener
            .local_addr()
            .map_err(|source| StartError::Listen { address: self.config.peer_listen, source })?;
        let (failure, shutdown) = (Failure::none(), Shutdown::new());
        let counters = NodeCounters {
            shards: (0..self.config.shards).map(|_| Arc::default()).collect(),
            membership: Arc::<Counters>::default(),
            writer: Arc::default(),
            doors: DoorCounters::default(),
        };
        let (gate, writes) = (Gate::default(), WriteQueue::default());
        let (mailbox, mail) = MembershipMailbox::new();
        let me = self.me(&failure);
        let shards = Arc::new(Shards::new(ShardParts {
            me: Arc::clone(&me),
            store: Arc::clone(&self.store),
            writes: writes.clone(),
            membership: mailbox.clone(),
            counters: Arc::clone(&counters.shards),
            failure: failure.clone(),
            shutdown: shutdown.clone(),
            random: self.random.child("shards"),
            disk: match self.config.engine {
                Engine::Fjall(_) => Some((self.data.store(), self.config.disk_reserve)),
                Engine::Memory => None,
            },
            standing: self.standing,
            limits: ShardLimits {
                max_requests: self.config.max_requests,
                hints: self.config.hint_limits,
                cache_bytes: self.config.cache_bytes / u64::from(self.config.shards.max(1)),
                scrub_interval: self.config.scrub_interval,
                background: self.config.background.of_one_shard(self.config.shards),
            },
        }));
        let writer = self.spawn_writer(&writes, &shards, &counters.writer, &failure)?;
        let (saver, saver_thread) = {
            let mailbox = mailbox.clone();
            spawn_saver(self.data.identity(), failure.clone(), move |id| mailbox.saved(id))
                .map_err(no_thread)?
        };
        let config = self.membership_config(peer_address);
        let membership = membership::spawn(membership::Setup {
            me: Arc::clone(&me),
            config,
            restored: restored(self.identity),
            random: self.random.child("membership"),
            mail,
            saver,
            shards: Arc::clone(&shards),
            writes: writes.clone(),
            gate: gate.clone(),
            counters: Arc::clone(&counters.membership),
            failure: failure.clone(),
            shutdown: shutdown.clone(),
            listener: self.listener,
        })
        .map_err(no_thread)?;
        let top = Top::new(me.shards);
        let handle = NodeHandle::new(Shared {
            me,
            shards: Arc::clone(&shards),
            membership: mailbox,
            store: Arc::downgrade(&self.store),
            gate,
            counters,
            writes: writes.clone(),
            slow: SlowLog::new(self.config.slow_after),
            failure,
            in_flight: InFlight::default(),
            turns: AtomicUsize::new(0),
            top,
        });
        let data = self.data;
        let threads = Threads { membership, shards, writes, writer, saver: saver_thread, data };
        Ok(Node { handle, peer_address, shutdown, threads: Some(threads) })
    }

    fn me(&self, failure: &Failure) -> Arc<Me> {
        let (config, identity) = (&self.config, &self.identity);
        let cluster = OnceLock::new();
        if let Some((id, _)) = &identity.cluster {
            let _ = cluster.set(*id);
        }
        Arc::new(Me {
            node: identity.node,
            name: config.name.clone(),
            boot: identity.boot,
            nonce: identity.nonce,
            shards: config.shards,
            keyring: config.keyring.clone(),
            clock: self.clock,
            cluster,
            view: ArcSwap::from_pointee(View::alone(identity.node)),
            failure: failure.clone(),
            clients: ClientDoor::default(),
            traces: config.traces.clone(),
            met: Mutex::default(),
        })
    }

    fn spawn_writer(
        &self,
        writes: &WriteQueue,
        shards: &Arc<Shards>,
        counters: &Arc<WriterCounters>,
        failure: &Failure,
    ) -> Result<JoinHandle<()>, StartError> {
        let shards = Arc::clone(shards);
        let on_synced = Box::new(move |ShardIndex(shard), ticket| {
            if let Some(mailbox) = shards.mailboxes().get(usize::from(shard)) {
                let event = ShardEvent::Input(Box::new(Input::Synced(ticket)));
                let _ = mailbox.events.blocking_send(event);
            }
        });
        let (store, counters) = (Arc::clone(&self.store), Arc::clone(counters));
        store_writer::spawn(writes.clone(), store, failure.clone(), counters, on_synced)
            .map_err(no_thread)
    }

    fn membership_config(&mut self, peer_address: SocketAddr) -> MembershipConfig {
        let (config, identity) = (&self.config, &self.identity);
        let may_found = match config.found {
            Founding::Init => true,
            Founding::IfEmpty => config.join.is_empty(),
            Founding::No => false,
        };
        let (high, low) = (u128::from(self.random.bits()), u128::from(self.random.bits()));
        let found = FoundCluster {
            cluster: ClusterId::new(high << 64 | low),
            partitions: config.partitions,
            replicas: config.replicas,
        };
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
            heartbeat_interval: MembershipConfig::HEARTBEAT_INTERVAL,
            phi_threshold: MembershipConfig::PHI_THRESHOLD,
            shards: config.shards,
        }
    }
}

fn no_thread(source: io::Error) -> StartError {
    StartError::System { what: "thread", source }
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
