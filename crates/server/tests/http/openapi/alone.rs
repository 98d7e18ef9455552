//! A real node, alone in its cluster, behind a door.

use std::sync::Arc;
use std::time::Duration;

use stator_core::membership::facts::Addresses;
use stator_core::ring::Weight;
use stator_core::token::PartitionCount;
use stator_node::{
    BytesPerSecond, DiskReserve, Engine, Founding, HintLimits, Node, NodeConfig, Readiness,
};
use stator_wire::secret::{Keyring, Secret};
use tempfile::TempDir;

use crate::client::Door;

/// The node, its door and its directory.
pub(crate) struct Alone {
    pub(crate) door: Door,
    _node: Node,
    _data: TempDir,
}

impl Alone {
    /// Starts it and waits until it serves.
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let node = Node::start(config(&data)).await.expect("it starts");
        let handle = node.handle();
        let ready = async {
            while handle.readiness() != Readiness::Ready {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), ready).await.expect("it serves");
        let door = Door::open(Arc::new(node.handle())).await;
        Self { door, _node: node, _data: data }
    }
}

fn config(data: &TempDir) -> NodeConfig {
    NodeConfig {
        name: "alone".to_owned(),
        data_dir: data.path().to_owned(),
        found: Founding::IfEmpty,
        join: Vec::new(),
        peer_listen: "127.0.0.1:0".parse().expect("an address"),
        advertise: Addresses {
            peer: "127.0.0.1:0".to_owned(),
            http: "127.0.0.1:7411".to_owned(),
            resp: String::new(),
        },
        zone: "z1".to_owned(),
        weight: Weight::DEFAULT,
        partitions: PartitionCount::new(16).expect("a power of two"),
        replicas: 3,
        keyring: Keyring::new(&Secret::new(*b"secret"), &[]),
        shards: 2,
        engine: Engine::Memory,
        max_requests: 1000,
        hint_limits: HintLimits::default(),
        cache_bytes: 32 << 20,
        scrub_interval: Duration::from_hours(1),
        background: BytesPerSecond::DEFAULT_CEILING,
        disk_reserve: DiskReserve::Bytes(0),
        slow_after: None,
        traces: stator_node::Traces::default(),
    }
}
