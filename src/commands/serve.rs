//! `stator serve`: one node, from its settings to its end.

use std::net::SocketAddr;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use stator_core::membership::facts::Addresses;
use stator_node::{Engine, Founding, HintLimits, Node, NodeConfig};
use stator_server::HttpConfig;
use stator_store::FjallSettings;
use stator_wire::secret::{Keyring, Secret};
use tokio::net::TcpListener;

use crate::cli::ServeArgs;
use crate::commands::Ended;
use crate::config::{EngineChoice, Layers, SecretSource, Settings, admin_token, print};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::signals::StopSignals;
use crate::{logs, output};

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
    if let Some(address) = settings.resp {
        tracing::warn!("the Redis protocol is not built yet: nothing listens on {address}");
    }
    if let Some(parent) = args.stop_with_parent {
        stop_with(parent)?;
    }
    let is_empty = !settings.data.join("identity").exists();
    settings.safe(&secret, is_empty)?;
    serve(&settings, &secret, is_empty).await
}

async fn serve(settings: &Settings, secret: &SecretSource, is_empty: bool) -> Ended {
    let mut signals = StopSignals::listen()?;
    let listener = TcpListener::bind(settings.http).await.map_err(|error| {
        Failure::new(format!("{} can't be listened on for HTTP: {error}", settings.http))
            .try_next("stop what uses the port, or choose another address with --http")
    })?;
    let config = node_config(settings, secret);
    let alone = config.join.is_empty() && config.found == Founding::IfEmpty && is_empty;
    let node = Node::start(config).await.map_err(Failure::new)?;
    let (stop_http, http_stops) = tokio::sync::oneshot::channel::<()>();
    let door = tokio::spawn(stator_server::serve(
        listener,
        node.handle(),
        http_config(settings, secret),
        async {
            let _ = http_stops.await;
        },
    ));
    tracing::info!(name = %settings.name, http = %settings.http, peer = %settings.peer, "serving");
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
        let _ = stop_http.send(());
        let _ = door.await;
        node.stop().await;
    };
    tokio::select! {
        () = drained => ended,
        signal = signals.next() => {
            Err(Failure::new(format!("{signal} came again: stopped before all was finished")))
        }
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
    let engine = match settings.engine {
        EngineChoice::Fjall => Engine::Fjall(FjallSettings::default()),
        EngineChoice::Memory => Engine::Memory,
    };
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
        scrub_interval: settings.scrub_interval,
        background: settings.background,
        disk_reserve: settings.disk_reserve,
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
    }
}

fn how_to_grow(settings: &Settings) -> String {
    let beside = |address: SocketAddr| {
        SocketAddr::new(address.ip(), address.port().wrapping_add(10)).to_string()
    };
    format!(
        "a cluster of one node was started; grow it with `stator serve --name n2 --data DIR \
         --join {} --peer {} --http {}`, then `stator cluster plan`",
        settings.peer,
        beside(settings.peer),
        beside(settings.http),
    )
}

/// Tells systemd, where it started us.
fn notify_ready() {
    if let Err(error) = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]) {
        tracing::warn!("systemd could not be told that the node is ready: {error}");
    }
}
