//! How a node is set up: numbers, names and addresses, already checked by whoever read them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use stator_core::budget::BytesPerSecond;
use stator_core::membership::facts::Addresses;
use stator_core::node::HintLimits;
use stator_core::ring::Weight;
use stator_core::token::PartitionCount;
use stator_store::FjallSettings;
use stator_wire::secret::Keyring;

use crate::trace::Traces;

/// Whether a node may found a cluster (rule 14). On a directory that belongs to a cluster none of
/// it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Founding {
    /// It was told to (`--init`). With nodes to join as well, only if each of them was reached and
    /// knows no cluster.
    Init,
    /// It was told nothing: it founds one if it was given no nodes to join.
    IfEmpty,
    /// Never.
    No,
}

/// Which engine keeps the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded LSM, on disk.
    Fjall(FjallSettings),
    /// In memory: what was written is gone after a restart.
    Memory,
}

/// A node's settings.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// What people call it; a label, unique within a cluster.
    pub name: String,
    /// Its data directory, made if it is not there.
    pub data_dir: PathBuf,
    /// Whether it may found a cluster.
    pub found: Founding,
    /// Peer addresses of nodes to join, as `host:port`.
    pub join: Vec<String>,
    /// Where peers connect. Port 0 takes any that is free.
    pub peer_listen: SocketAddr,
    /// Where others are told to reach it. A peer address with port 0 gets the port that was taken.
    pub advertise: Addresses,
    /// What it fails together with.
    pub zone: String,
    /// Its capacity.
    pub weight: Weight,
    /// Q, if it founds a cluster.
    pub partitions: PartitionCount,
    /// The cluster's replicas of each partition, if it founds one.
    pub replicas: u8,
    /// The cluster's secret, and those that are accepted beside it.
    pub keyring: Keyring,
    /// Threads that serve partitions, at least 1.
    pub shards: u8,
    /// The engine.
    pub engine: Engine,
    /// The most requests that a shard has under way, at least 1.
    pub max_requests: usize,
    /// The most hints that a shard holds for other nodes.
    pub hint_limits: HintLimits,
    /// What all shards together may take to remember objects that were lately written or read, in
    /// bytes. It fills as they are; the engine caches what it reads beside that.
    pub cache_bytes: u64,
    /// How often every stored object is read in full, to verify it.
    pub scrub_interval: Duration,
    /// What the node, all shards together, may read and send in the background at most.
    pub background: BytesPerSecond,
    /// Below so many free bytes of its file system the node takes no new values.
    pub disk_reserve: DiskReserve,
    /// Requests that take as long as this are logged; none are if there is no threshold.
    pub slow_after: Option<Duration>,
    /// Which requests are traced, and where their spans go.
    pub traces: Traces,
}

/// How much of a disk is kept free: reads, deletes and repair go on with it, new values do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiskReserve {
    /// 2 GiB, or 5 % of the file system if that is less.
    #[default]
    Default,
    /// So many bytes; 0 keeps nothing free.
    Bytes(u64),
}
