//! What the tests share: a node's settings, a small client, and waiting for a condition.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use stator_core::context::SealedContext;
use stator_core::membership::facts::Addresses;
use stator_core::object::{BucketName, Content, Key, Metadata, ObjectKey, Value};
use stator_core::quorum::{Level, QuorumOptions};
use stator_core::request::{
    Done, GetReply, Operation, Precedence, PutOrder, PutReply, RequestError,
};
use stator_core::ring::Weight;
use stator_core::token::PartitionCount;
use stator_node::{
    BytesPerSecond, DiskReserve, Engine, Founding, HintLimits, Node, NodeConfig, NodeHandle,
    Readiness,
};
use stator_store::FjallSettings;
use stator_wire::secret::{Keyring, Secret};
use tempfile::TempDir;

/// No condition is waited for any longer.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);
/// How long a request may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// A directory for one node.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// A node that founds a cluster on an empty directory, in memory.
pub(crate) fn config(name: &str, data: &Path) -> NodeConfig {
    let host = |port: &str| format!("127.0.0.1:{port}");
    NodeConfig {
        name: name.to_owned(),
        data_dir: data.to_owned(),
        found: Founding::IfEmpty,
        join: Vec::new(),
        peer_listen: "127.0.0.1:0".parse().expect("an address"),
        advertise: Addresses { peer: host("0"), http: host("7411"), resp: String::new() },
        zone: "z1".to_owned(),
        weight: Weight::DEFAULT,
        partitions: PartitionCount::new(16).expect("a power of two"),
        replicas: 3,
        keyring: keyring(b"secret"),
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

/// The same on disk.
pub(crate) fn on_disk(name: &str, data: &Path) -> NodeConfig {
    NodeConfig { engine: Engine::Fjall(FjallSettings::default()), ..config(name, data) }
}

/// A node that joins another.
pub(crate) fn joining(name: &str, data: &Path, seed: &Node) -> NodeConfig {
    let join = vec![seed.peer_address().to_string()];
    NodeConfig { found: Founding::No, join, ..config(name, data) }
}

pub(crate) fn keyring(secret: &[u8]) -> Keyring {
    Keyring::new(&Secret::new(secret), &[])
}

pub(crate) async fn start(config: NodeConfig) -> Node {
    Node::start(config).await.expect("the node starts")
}

/// Starts a node and waits until it serves.
pub(crate) async fn serving(config: NodeConfig) -> Node {
    let node = start(config).await;
    until_ready(&node.handle()).await;
    node
}

pub(crate) async fn until_ready(handle: &NodeHandle) {
    until("the node is ready", async || (handle.readiness() == Readiness::Ready).then_some(()))
        .await;
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < end, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

pub(crate) fn key(name: &str) -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"carts")).expect("a name");
    ObjectKey::new(bucket, Key::new(Bytes::copy_from_slice(name.as_bytes())).expect("a name"))
}

/// A request's `w`.
pub(crate) fn w(count: u8) -> QuorumOptions {
    QuorumOptions { w: Some(Level::Count(count)), ..QuorumOptions::default() }
}

pub(crate) async fn put(
    node: &NodeHandle,
    name: &str,
    value: &[u8],
) -> Result<PutReply, RequestError> {
    put_with(node, name, value, None, QuorumOptions::default()).await
}

pub(crate) async fn put_with(
    node: &NodeHandle,
    name: &str,
    value: &[u8],
    context: Option<SealedContext>,
    quorum: QuorumOptions,
) -> Result<PutReply, RequestError> {
    let (bytes, metadata) = (Bytes::copy_from_slice(value), Metadata::default());
    let value = Content::Value(Value { bytes, metadata });
    let order = PutOrder { key: key(name), context, value, quorum, precedence: Precedence::Newest };
    match node.request(Operation::Put(order), TIMEOUT).await? {
        Done::Written(reply) => Ok(reply),
        other => panic!("a put was answered with {other:?}"),
    }
}

pub(crate) async fn get(node: &NodeHandle, name: &str) -> Result<GetReply, RequestError> {
    let operation = Operation::Get { key: key(name), quorum: QuorumOptions::default() };
    match node.request(operation, TIMEOUT).await? {
        Done::Got(reply) => Ok(reply),
        other => panic!("a get was answered with {other:?}"),
    }
}

/// The values of an object, siblings and all.
pub(crate) async fn values(node: &NodeHandle, name: &str) -> Vec<Vec<u8>> {
    let reply = get(node, name).await.expect("the get is answered");
    let mut values: Vec<Vec<u8>> = reply
        .state
        .siblings()
        .iter()
        .filter_map(|sibling| match &sibling.content {
            Content::Value(value) => Some(value.bytes.to_vec()),
            Content::Tombstone => None,
        })
        .collect();
    values.sort();
    values
}
