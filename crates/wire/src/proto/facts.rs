//! What gossip spreads, whole and in short.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use stator_core::bucket::BucketFact;
use stator_core::identity::{BootNonce, BootNumber, NodeId};
use stator_core::membership::facts::{
    Addresses, ChangeDigest, ChangeFacts, FactVersion, Facts, FactsDigest, NodeFact,
};
use stator_core::object::BucketName;
use stator_core::ring::{Ring, RingVersion};
use stator_core::transfer::Progress;

use super::bucket::BucketFactMessage;
use super::field::{Field, bucket, required};
use super::progress::ProgressMessage;
use super::ring::RingMessage;
use super::staged::StagedEntry;
use crate::error::WireError;

#[derive(Clone, PartialEq, Message)]
pub(super) struct FactsMessage {
    #[prost(message, optional, tag = "1")]
    ring: Option<RingMessage>,
    #[prost(message, repeated, tag = "2")]
    nodes: Vec<NodeEntry>,
    #[prost(message, repeated, tag = "3")]
    staged: Vec<StagedEntry>,
    #[prost(message, repeated, tag = "4")]
    buckets: Vec<BucketEntry>,
    /// The ring that was left.
    #[prost(message, optional, tag = "5")]
    left: Option<RingMessage>,
    #[prost(uint64, tag = "6")]
    settled: u64,
    #[prost(fixed64, repeated, tag = "7")]
    dead: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeEntry {
    #[prost(fixed64, tag = "1")]
    node: u64,
    #[prost(message, optional, tag = "2")]
    version: Option<VersionMessage>,
    #[prost(fixed64, tag = "3")]
    nonce: u64,
    #[prost(string, tag = "4")]
    name: String,
    #[prost(string, tag = "5")]
    zone: String,
    #[prost(string, tag = "6")]
    peer: String,
    #[prost(string, tag = "7")]
    http: String,
    #[prost(string, tag = "8")]
    resp: String,
    #[prost(uint64, tag = "9")]
    ring: u64,
    #[prost(uint64, tag = "10")]
    votes: u64,
    /// Absent where nothing moves.
    #[prost(message, optional, tag = "11")]
    progress: Option<ProgressMessage>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct VersionMessage {
    #[prost(uint64, tag = "1")]
    boot: u64,
    #[prost(uint64, tag = "2")]
    sequence: u64,
}

#[derive(Clone, PartialEq, Message)]
struct BucketEntry {
    #[prost(bytes = "bytes", tag = "1")]
    name: Bytes,
    #[prost(message, optional, tag = "2")]
    fact: Option<BucketFactMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FactsDigestMessage {
    #[prost(uint64, optional, tag = "1")]
    ring: Option<u64>,
    #[prost(message, repeated, tag = "2")]
    nodes: Vec<NodeVersionEntry>,
    #[prost(fixed64, tag = "3")]
    staged: u64,
    #[prost(fixed64, tag = "4")]
    buckets: u64,
    /// The version of the ring that was left.
    #[prost(uint64, optional, tag = "5")]
    left: Option<u64>,
    #[prost(uint64, tag = "6")]
    settled: u64,
    #[prost(fixed64, tag = "7")]
    dead: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct NodeVersionEntry {
    #[prost(fixed64, tag = "1")]
    node: u64,
    #[prost(message, optional, tag = "2")]
    version: Option<VersionMessage>,
}

impl From<&Facts> for FactsMessage {
    fn from(facts: &Facts) -> Self {
        let bucket = |(name, fact): (&BucketName, &BucketFact)| BucketEntry {
            name: name.as_bytes().clone(),
            fact: Some(fact.into()),
        };
        Self {
            ring: facts.ring.as_deref().map(RingMessage::from),
            nodes: facts.nodes.iter().map(NodeEntry::from).collect(),
            staged: facts.staged.iter().map(StagedEntry::from).collect(),
            buckets: facts.buckets.iter().map(bucket).collect(),
            left: facts.change.left.as_deref().map(RingMessage::from),
            settled: facts.change.settled.0,
            dead: facts.change.dead.iter().map(|node| node.get()).collect(),
        }
    }
}

impl TryFrom<FactsMessage> for Facts {
    type Error = WireError;

    fn try_from(facts: FactsMessage) -> Result<Self, WireError> {
        let bucket = |entry: BucketEntry| {
            let name = bucket("facts.bucket", entry.name)?;
            Ok((name, required("facts.bucket_fact", entry.fact)?.try_into()?))
        };
        Ok(Self {
            ring: facts.ring.map(Ring::try_from).transpose()?.map(Arc::new),
            change: ChangeFacts {
                left: facts.left.map(Ring::try_from).transpose()?.map(Arc::new),
                settled: RingVersion(facts.settled),
                dead: facts.dead.into_iter().map(NodeId::new).collect(),
            },
            nodes: distinct("facts.nodes", facts.nodes.into_iter().map(TryInto::try_into))?,
            staged: distinct("facts.staged", facts.staged.into_iter().map(TryInto::try_into))?,
            buckets: distinct("facts.buckets", facts.buckets.into_iter().map(bucket))?,
        })
    }
}

/// A map of entries whose names must differ.
fn distinct<K: Ord, V>(
    field: Field,
    entries: impl Iterator<Item = Result<(K, V), WireError>>,
) -> Result<BTreeMap<K, V>, WireError> {
    let mut map = BTreeMap::new();
    for entry in entries {
        let (name, value) = entry?;
        if map.insert(name, value).is_some() {
            return Err(WireError::Disordered { field });
        }
    }
    Ok(map)
}

impl From<(&NodeId, &NodeFact)> for NodeEntry {
    fn from((node, fact): (&NodeId, &NodeFact)) -> Self {
        Self {
            node: node.get(),
            version: Some(fact.version.into()),
            nonce: fact.nonce.0,
            name: fact.name.clone(),
            zone: fact.zone.clone(),
            peer: fact.addresses.peer.clone(),
            http: fact.addresses.http.clone(),
            resp: fact.addresses.resp.clone(),
            ring: fact.ring.0,
            votes: fact.votes,
            progress: (fact.progress != Progress::default()).then(|| (&fact.progress).into()),
        }
    }
}

impl TryFrom<NodeEntry> for (NodeId, NodeFact) {
    type Error = WireError;

    fn try_from(entry: NodeEntry) -> Result<Self, WireError> {
        let fact = NodeFact {
            version: required("node_fact.version", entry.version)?.into(),
            nonce: BootNonce(entry.nonce),
            name: entry.name,
            zone: entry.zone,
            addresses: Addresses { peer: entry.peer, http: entry.http, resp: entry.resp },
            ring: RingVersion(entry.ring),
            votes: entry.votes,
            progress: entry.progress.map(TryInto::try_into).transpose()?.unwrap_or_default(),
        };
        Ok((NodeId::new(entry.node), fact))
    }
}

impl From<FactVersion> for VersionMessage {
    fn from(version: FactVersion) -> Self {
        Self { boot: version.boot.0, sequence: version.sequence }
    }
}

impl From<VersionMessage> for FactVersion {
    fn from(version: VersionMessage) -> Self {
        Self { boot: BootNumber(version.boot), sequence: version.sequence }
    }
}

impl From<&FactsDigest> for FactsDigestMessage {
    fn from(digest: &FactsDigest) -> Self {
        let entry = |(node, version): (&NodeId, &FactVersion)| NodeVersionEntry {
            node: node.get(),
            version: Some((*version).into()),
        };
        Self {
            ring: digest.ring.map(|version| version.0),
            nodes: digest.nodes.iter().map(entry).collect(),
            staged: digest.staged,
            buckets: digest.buckets,
            left: digest.change.left.map(|version| version.0),
            settled: digest.change.settled.0,
            dead: digest.change.dead,
        }
    }
}

impl TryFrom<FactsDigestMessage> for FactsDigest {
    type Error = WireError;

    fn try_from(digest: FactsDigestMessage) -> Result<Self, WireError> {
        let entry = |entry: NodeVersionEntry| {
            let version = required("facts_digest.version", entry.version)?.into();
            Ok((NodeId::new(entry.node), version))
        };
        Ok(Self {
            ring: digest.ring.map(RingVersion),
            change: ChangeDigest {
                left: digest.left.map(RingVersion),
                settled: RingVersion(digest.settled),
                dead: digest.dead,
            },
            nodes: distinct("facts_digest.nodes", digest.nodes.into_iter().map(entry))?,
            staged: digest.staged,
            buckets: digest.buckets,
        })
    }
}
