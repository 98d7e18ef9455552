//! What one node says of itself: what it holds for others, and how far its replicas are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ClientError;
use crate::transport::{Call, Client};

/// A node's condition. Nobody but the node knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDocument {
    /// Its label.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The newest ring that it knows; 0 if none.
    #[serde(default)]
    pub ring_version: u64,
    /// The partitions of that ring.
    #[serde(default)]
    pub ring_partitions: u64,
    /// What it runs.
    #[serde(default)]
    pub version: String,
    /// Since it started.
    #[serde(default)]
    pub uptime_seconds: u64,
    /// Bytes of its store on disk.
    #[serde(default)]
    pub disk_bytes: u64,
    /// Roughly how many objects are stored.
    #[serde(default)]
    pub approximate_objects: u64,
    /// Its threads that own partitions.
    #[serde(default)]
    pub shards: u64,
    /// Those of them that did not answer: of what they hold nothing is said.
    #[serde(default)]
    pub silent_shards: u64,
    /// Hints held, by the node that they are for.
    #[serde(default)]
    pub hints: Vec<HintsDocument>,
    /// Whether it still counts the hints that it held when it started.
    #[serde(default)]
    pub counting_hints: bool,
    /// Partitions that it is a replica of.
    #[serde(default)]
    pub replicas: u64,
    /// Those of them whose Merkle trees are not ready.
    #[serde(default)]
    pub trees_building: u64,
    /// Those of them that do not count in reads until what was lost is refilled.
    #[serde(default)]
    pub not_counting: u64,
    /// Objects that are set aside as damaged until their peers' states replace them.
    #[serde(default)]
    pub set_aside: u64,
    /// How long ago the oldest last comparison with another owner was, of those that fall to it.
    #[serde(default)]
    pub compared_within_seconds: u64,
    /// Partitions with an owner that it was to compare with and has not yet since it started.
    #[serde(default)]
    pub comparisons_outstanding: u64,
    /// How long ago the partition was read in full that this was longest ago for.
    #[serde(default)]
    pub scrubbed_within_seconds: u64,
    /// Whether new values are refused because only the disk's reserve is left.
    #[serde(default)]
    pub disk_reserved: bool,
    /// What its background work has done.
    #[serde(default)]
    pub since_start: SinceStartDocument,
    /// Each partition that it is a replica of, if they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<PartitionDocument>,
}

/// Hints that a node holds for another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HintsDocument {
    /// The name of the node that they are for.
    #[serde(rename = "for")]
    pub owner: String,
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// How many objects.
    pub objects: u64,
    /// Bytes of their states.
    #[serde(default)]
    pub bytes: u64,
    /// When the oldest was stored, in milliseconds since 1970.
    #[serde(default)]
    pub oldest_unix_ms: Option<u64>,
}

/// A node's background work, counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SinceStartDocument {
    /// Hints sent home.
    pub hints_delivered: u64,
    /// States sent to replicas that a read found to be behind.
    pub read_repairs: u64,
    /// Exchanges that ended with both replicas alike.
    pub exchanges: u64,
    /// Objects that the exchanges which it began brought there or took to a peer.
    pub exchanged_objects: u64,
    /// Bytes of them.
    pub exchanged_bytes: u64,
    /// Objects found damaged.
    pub damaged: u64,
    /// Damaged objects that peers' states have replaced.
    pub healed: u64,
    /// What else the node counts.
    #[serde(flatten)]
    pub more: BTreeMap<String, u64>,
}

/// The condition of one partition's replica.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionDocument {
    /// Which.
    pub partition: u32,
    /// The root of its Merkle tree; none while that is being built.
    pub root: Option<String>,
    /// Whether its answers count in reads.
    #[serde(default)]
    pub counts: bool,
    /// The id under which it mints; none before it has minted anything since it started.
    #[serde(default)]
    pub actor: Option<String>,
    /// Bytes of its states.
    #[serde(default)]
    pub bytes: u64,
    /// Its collection round.
    #[serde(default)]
    pub round: u64,
    /// Objects that are set aside as damaged.
    #[serde(default)]
    pub set_aside: u64,
}

/// How much is asked of a node's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Sums alone.
    Sums,
    /// Each partition as well.
    Partitions,
}

impl Client {
    /// The condition of this node.
    pub async fn node(&self, detail: Detail) -> Result<NodeDocument, ClientError> {
        let path = match detail {
            Detail::Sums => "/v1/node?partitions=no",
            Detail::Partitions => "/v1/node",
        };
        self.document(Call::get(path.to_owned())).await
    }
}
