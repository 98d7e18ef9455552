//! The whole way through one node in this process, on disk: a thread of a front door, the shard's,
//! the store writer's, and back. A put is acknowledged once it is synced.

use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use stator_core::membership::facts::Addresses;
use stator_core::object::{BucketName, Content, Key, Metadata, ObjectKey, Value};
use stator_core::quorum::QuorumOptions;
use stator_core::request::{Operation, Precedence, PutOrder};
use stator_core::ring::Weight;
use stator_core::token::PartitionCount;
use stator_node::{
    BytesPerSecond, DiskReserve, Engine, Founding, HintLimits, Node, NodeConfig, NodeHandle,
    Readiness,
};
use stator_store::FjallSettings;
use stator_wire::secret::{Keyring, Secret};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::cluster::{LAST_WRITE_WINS, value};

const TIMEOUT: Duration = Duration::from_secs(10);
const OBJECTS: usize = 10_000;
/// One client, and as many as the store writer gathers the puts of.
const AT_ONCE: [usize; 2] = [1, 64];

fn config(dir: &TempDir) -> NodeConfig {
    NodeConfig {
        name: "n1".to_owned(),
        data_dir: dir.path().to_owned(),
        found: Founding::IfEmpty,
        join: Vec::new(),
        peer_listen: "127.0.0.1:0".parse().expect("an address"),
        advertise: Addresses {
            peer: "127.0.0.1:0".to_owned(),
            http: "127.0.0.1:0".to_owned(),
            resp: String::new(),
        },
        zone: "z1".to_owned(),
        weight: Weight::DEFAULT,
        partitions: PartitionCount::new(64).expect("a power of two"),
        replicas: 3,
        keyring: Keyring::new(&Secret::new(&b"secret"[..]), &[]),
        shards: 1,
        engine: Engine::Fjall(FjallSettings::default()),
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

/// A node that serves, and its runtime.
struct Served {
    runtime: Runtime,
    handle: NodeHandle,
    next: usize,
    // Before its directory goes.
    node: Option<Node>,
    _dir: TempDir,
}

impl Served {
    fn new() -> Self {
        let runtime = Runtime::new().expect("threads");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let node = runtime.block_on(Node::start(config(&dir))).expect("it starts");
        let handle = node.handle();
        while handle.readiness() != Readiness::Ready {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { runtime, handle, next: 0, node: Some(node), _dir: dir }
    }

    fn filled() -> Self {
        let mut served = Self::new();
        for _ in 0..OBJECTS / 100 {
            served.requests(100, put);
        }
        served.next = 0;
        served
    }

    /// So many clients ask for something each, and wait for the answer.
    fn requests(&mut self, at_once: usize, make: fn(ObjectKey, usize) -> Operation) {
        let first = self.next;
        self.next = (self.next + at_once) % OBJECTS;
        let request = |number: usize| {
            let handle = self.handle.clone();
            let operation = make(key(number % OBJECTS), number);
            self.runtime.spawn(async move { handle.request(operation, TIMEOUT).await })
        };
        let clients: Vec<_> = (first..first + at_once).map(request).collect();
        self.runtime.block_on(async {
            for client in clients {
                client.await.expect("no panic").expect("carried out");
            }
        });
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            self.runtime.block_on(node.stop());
        }
    }
}

fn key(number: usize) -> ObjectKey {
    let bucket = BucketName::new(LAST_WRITE_WINS.into()).expect("a name");
    ObjectKey::new(bucket, Key::new(format!("key-{number}").into()).expect("a name"))
}

fn put(key: ObjectKey, number: usize) -> Operation {
    Operation::Put(PutOrder {
        key,
        context: None,
        value: Content::Value(Value { bytes: value(number), metadata: Metadata::default() }),
        quorum: QuorumOptions::default(),
        precedence: Precedence::Newest,
    })
}

fn get(key: ObjectKey, _: usize) -> Operation {
    Operation::Get { key, quorum: QuorumOptions::default() }
}

#[divan::bench(args = AT_ONCE)]
fn puts(bencher: Bencher<'_, '_>, at_once: usize) {
    let mut served = Served::filled();
    bencher.counter(ItemsCount::new(at_once)).bench_local(|| served.requests(at_once, put));
}

#[divan::bench(args = AT_ONCE)]
fn gets(bencher: Bencher<'_, '_>, at_once: usize) {
    let mut served = Served::filled();
    bencher.counter(ItemsCount::new(at_once)).bench_local(|| served.requests(at_once, get));
}
