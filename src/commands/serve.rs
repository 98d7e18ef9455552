//! `stator serve`: one node, from its settings to its end.

use std::net::SocketAddr;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use stator_core::membership::facts::Addresses;
use stator_node::{Door, Engine, Founding, HintLimits, Node, NodeConfig, Traces};
use stator_server::{HttpConfig, NativeConfig, RespConfig};
use stator_store::FjallSettings;
use stator_wire::secret::{Keyring, Secret};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::ServeArgs;
use crate::commands::Ended;
use crate::config::{
    EngineChoice, Layers, OTLP_VARIABLE, RespListener, SecretSource, Settings, admin_token, print,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::signals::StopSignals;
use crate::traces::Exporter;
use crate::{logs, open_files, output};

/// Runs a node until a signal, or until it fails.
pub(super) async fn run(args: ServeArgs) -> Ended {
    let layers = Layers::read(&args, std::env::vars_os())?;
    let settings = Settings::parse(&layers)?;
    let secret = SecretSource::read(&layers)?;
    if args.print_config {
        output::bytes(print(&layers, &secret).as_bytes())?;
        return Ok(Exit::Done);
    }
    logs::start(&settings.log, settings.log_format)?;
    for name in &layers.unknown_variables {
        tracing::warn!("the environment has {name}, which is no setting of stator");
    }
    if !cfg!(feature = "otlp") && layers.variable(OTLP_VARIABLE).is_some() {
        tracing::warn!(
            "the environment has {OTLP_VARIABLE}, and this stator was built without spans: build one \
             with `cargo build --release --features otlp`"
        );
    }
    open_files::allow_as_many_as_may_be();
    if let Some(parent) = args.stop_with_parent {
        stop_with(parent)?;
    }
    let is_empty = !settings.data.join("identity").exists();
    settings.safe(&secret, is_empty)?;
    serve(&settings, &secret, is_empty).await
}

async fn serve(settings: &Settings, secret: &SecretSource, is_empty: bool) -> Ended {
    let mut signals = StopSignals::listen()?;
    let exporter = Exporter::start(settings)?;
    let listener = TcpListener::bind(settings.http).await.map_err(|error| {
        Failure::new(format!("{} can't be listened on for HTTP: {error}", settings.http))
            .try_next("stop what uses the port, or choose another address with --http")
    })?;
    let resp_listener = listen_for_resp(settings.resp).await?;
    let mut config = node_config(settings, secret);
    if let Some((address, _)) = &resp_listener {
        config.advertise.resp = settings.advertised(*address);
    }
    config.traces = exporter.as_ref().map(|to| to.traces(settings)).unwrap_or_default();
    let alone = config.join.is_empty() && config.found == Founding::IfEmpty && is_empty;
    let node = Node::start(config).await.map_err(Failure::new)?;
    let (stop_doors, doors_stop) = watch::channel(());
    let mut doors = JoinSet::new();
    doors.spawn(stator_server::serve(
        listener,
        node.handle().through(Door::Http),
        http_config(settings, secret),
        stopped(doors_stop.clone()),
    ));
    let resp = resp_listener.map(|(address, listener)| {
        let config = resp_config(settings);
        let until = stopped(doors_stop.clone());
        let node = node.handle().through(Door::Resp);
        doors.spawn(stator_server::resp::serve(listener, node, config, until));
        address
    });
    let resp = resp.map_or_else(|| "nowhere".to_owned(), |address| address.to_string());
    if let Some(clients) = node.clients() {
        let (config, until) = (native_config(settings), stopped(doors_stop));
        let node = node.handle().through(Door::Native);
        doors.spawn(stator_server::native::serve(clients, node, config, until));
    }
    tracing::info!(
        name = %settings.name, http = %settings.http, peer = %settings.peer, %resp, "serving"
    );
    if alone {
        tracing::info!("{}", how_to_grow(settings));
    }
    notify_ready();

    let ended = tokio::select! {
        signal = signals.next() => {
            tracing::info!("{signal}: finishing what is under way; a second one stops at once");
            Ok(Exit::Done)
        }
        why = node.failed() => {
            Err(Failure::new(format!("the node stopped itself: {why}")))
        }
    };
    let drained = async {
        drop(stop_doors);
        while doors.join_next().await.is_some() {}
        node.stop().await;
        if let Some(exporter) = exporter {
            exporter.finish().await;
        }
    };
    tokio::select! {
        () = drained => ended,
        signal = signals.next() => {
            Err(Failure::new(format!("{signal} came again: stopped before all was finished")))
        }
    }
}

/// Resolves once the doors are to close.
async fn stopped(mut doors_stop: watch::Receiver<()>) {
    // Nothing is ever sent: the change is that the sender is gone.
    let _ = doors_stop.changed().await;
}

/// The listener of the Redis protocol, if it is to be served and can be.
async fn listen_for_resp(resp: RespListener) -> Result<Option<(SocketAddr, TcpListener)>, Failure> {
    let Some(address) = resp.address() else { return Ok(None) };
    match (TcpListener::bind(address).await, resp) {
        (Ok(listener), _) => Ok(Some((address, listener))),
        (Err(error), RespListener::Usual(_)) => {
            tracing::warn!(
                "the Redis protocol is not served: {address} can't be listened on ({error}); \
                 choose another address with --resp"
            );
            Ok(None)
        }
        (Err(error), _) => Err(Failure::new(format!(
            "{address} can't be listened on for the Redis protocol: {error}"
        ))
        .try_next("stop what uses the port, or choose another address with --resp")),
    }
}

fn resp_config(settings: &Settings) -> RespConfig {
    RespConfig {
        max_key_bytes: settings.max_key_bytes,
        max_object_bytes: settings.max_object_bytes,
        // Half of what a shard takes, so that requests of the other door find room.
        max_under_way: (settings.max_requests / 2).max(1),
        ..RespConfig::default()
    }
}

fn native_config(settings: &Settings) -> NativeConfig {
    NativeConfig {
        max_key_bytes: settings.max_key_bytes,
        max_object_bytes: settings.max_object_bytes,
        // As the Redis protocol's door.
        max_under_way: (settings.max_requests / 2).max(1),
        ..NativeConfig::default()
    }
}

/// Has the system send SIGTERM when the parent ends. It may have ended before that was asked for.
fn stop_with(parent: i32) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|error| Failure::new(format!("this node can't watch its parent: {error}")))?;
    if getppid().is_some_and(|found| found.as_raw_nonzero().get() == parent) {
        return Ok(());
    }
    Err(Failure::new(format!("process {parent}, with which this node should stop, has ended")))
}

fn node_config(settings: &Settings, secret: &SecretSource) -> NodeConfig {
    let found = match (settings.init, settings.join.is_empty()) {
        (true, _) => Founding::Init,
        (false, true) => Founding::IfEmpty,
        (false, false) => Founding::No,
    };
    let (engine, cache_bytes) = engine(settings);
    NodeConfig {
        name: settings.name.clone(),
        data_dir: settings.data.clone(),
        found,
        join: settings.join.clone(),
        peer_listen: settings.peer,
        advertise: Addresses {
            peer: settings.advertised_to_peers(),
            http: settings.advertised(settings.http),
            resp: String::new(),
        },
        zone: settings.zone.clone(),
        weight: settings.weight,
        partitions: settings.partitions,
        replicas: settings.replicas,
        keyring: keyring(secret),
        shards: settings.shards,
        engine,
        max_requests: settings.max_requests,
        hint_limits: HintLimits {
            bytes: settings.max_hint_bytes / u64::from(settings.shards),
            ..HintLimits::default()
        },
        cache_bytes,
        scrub_interval: settings.scrub_interval,
        background: settings.background,
        disk_reserve: settings.disk_reserve,
        slow_after: settings.slow_after,
        traces: Traces::default(),
    }
}

/// What the engine on disk may take of `cache_bytes` for blocks, in bytes.
const LEAST_BLOCK_BYTES: u64 = 4 << 20;
const MOST_BLOCK_BYTES: u64 = 256 << 20;
/// What is cached of objects that an engine holds in memory, in bytes.
const MOST_BESIDE_MEMORY: u64 = 32 << 20;

/// The engine, and what is left of the memory for caches when it has taken its part.
fn engine(settings: &Settings) -> (Engine, u64) {
    match settings.engine {
        EngineChoice::Fjall => {
            // Objects that are asked for one by one are cached by the replica. Blocks serve scans, and
            // what is larger than it caches.
            let blocks = (settings.cache_bytes / 16).clamp(LEAST_BLOCK_BYTES, MOST_BLOCK_BYTES);
            let engine = FjallSettings { cache_bytes: blocks, ..FjallSettings::default() };
            (Engine::Fjall(engine), settings.cache_bytes.saturating_sub(blocks))
        }
        // All is in memory once already.
        EngineChoice::Memory => (Engine::Memory, settings.cache_bytes.min(MOST_BESIDE_MEMORY)),
    }
}

/// On loopback a cluster may go without a secret.
fn keyring(secret: &SecretSource) -> Keyring {
    let bytes = |text: &str| Secret::new(text.as_bytes());
    let older: Vec<Secret> = secret.older.iter().map(|text| bytes(text)).collect();
    Keyring::new(&bytes(secret.current.as_deref().unwrap_or_default()), &older)
}

fn http_config(settings: &Settings, secret: &SecretSource) -> HttpConfig {
    HttpConfig {
        max_key_bytes: settings.max_key_bytes,
        max_object_bytes: settings.max_object_bytes,
        admin_token: secret.current.as_deref().map(admin_token),
        is_loopback: settings.http.ip().is_loopback(),
        ..HttpConfig::default()
    }
}

fn how_to_grow(settings: &Settings) -> String {
    let beside = |address: SocketAddr| {
        SocketAddr::new(address.ip(), address.port().wrapping_add(10)).to_string()
    };
    format!(
        "a cluster of one node was started; grow it with `stator serve --name n2 --data DIR \
         --join {} --peer {} --http {}{}`, then `stator cluster plan`",
        settings.peer,
        beside(settings.peer),
        beside(settings.http),
        settings
            .resp
            .address()
            .map_or_else(String::new, |address| format!(" --resp {}", beside(address))),
    )
}

/// Tells systemd, where it started us.
fn notify_ready() {
    if let Err(error) = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]) {
        tracing::warn!("systemd could not be told that the node is ready: {error}");
    }
}
