//! A ring: members, and a table that names them by their place among the members.
//!
//! The table is one packed list of small numbers: for each partition, in token order, the places of
//! its replicas among the members (counted from 1, in order of preference), then a 0. Four bytes a
//! partition with three replicas and up to 127 members, rather than 24 for three node ids.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message;
use stator_core::identity::NodeId;
use stator_core::ring::{Member, Ring, RingVersion, Walks, Weight};
use stator_core::token::PartitionCount;

use super::field::{Field, cluster, from_cluster, positive_byte, within};
use crate::error::WireError;

/// Ends a partition's replicas in the table.
const END: u32 = 0;

#[derive(Clone, PartialEq, Message)]
pub(super) struct RingMessage {
    #[prost(bytes = "bytes", tag = "1")]
    cluster: Bytes,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(uint32, tag = "3")]
    replicas: u32,
    #[prost(uint32, tag = "4")]
    partitions: u32,
    /// By id, ascending.
    #[prost(message, repeated, tag = "5")]
    members: Vec<MemberMessage>,
    #[prost(fixed64, repeated, tag = "6")]
    removed: Vec<u64>,
    #[prost(uint32, repeated, tag = "7")]
    table: Vec<u32>,
    #[prost(fixed64, repeated, tag = "8")]
    dead: Vec<u64>,
    #[prost(uint64, repeated, tag = "9")]
    forced: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct MemberMessage {
    #[prost(fixed64, tag = "1")]
    node: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    zone: String,
    #[prost(uint32, tag = "4")]
    weight: u32,
}

impl From<&Ring> for RingMessage {
    fn from(ring: &Ring) -> Self {
        Self {
            cluster: from_cluster(ring.cluster),
            version: ring.version.0,
            replicas: ring.replicas.into(),
            partitions: ring.partitions.get(),
            members: ring.members.iter().map(from_member).collect(),
            removed: ring.removed.iter().map(|node| node.get()).collect(),
            table: from_table(ring),
            dead: ring.dead.iter().map(|node| node.get()).collect(),
            forced: ring.forced.iter().map(|version| version.0).collect(),
        }
    }
}

fn from_member((node, member): (&NodeId, &Member)) -> MemberMessage {
    MemberMessage {
        node: node.get(),
        name: member.name.clone(),
        zone: member.zone.clone(),
        weight: member.weight.get(),
    }
}

fn from_table(ring: &Ring) -> Vec<u32> {
    let places: BTreeMap<NodeId, u32> = ring.members.keys().copied().zip(1..).collect();
    let mut table = Vec::with_capacity(ring.table.iter().map(|replicas| replicas.len() + 1).sum());
    for replicas in &ring.table {
        table.extend(replicas.iter().map(|node| {
            *places.get(node).expect("every node in the table of a ring is one of its members")
        }));
        table.push(END);
    }
    table
}

impl TryFrom<RingMessage> for Ring {
    type Error = WireError;

    fn try_from(message: RingMessage) -> Result<Self, WireError> {
        let replicas = positive_byte("ring.replicas", message.replicas)?;
        let partitions = PartitionCount::new(message.partitions)?;
        let members = members(message.members)?;
        let removed: BTreeSet<_> = message.removed.into_iter().map(NodeId::new).collect();
        if members.keys().any(|node| removed.contains(node)) {
            return Err(WireError::Disordered { field: "ring.removed" });
        }
        let dead: BTreeSet<_> = message.dead.into_iter().map(NodeId::new).collect();
        if !dead.is_subset(&removed) {
            return Err(WireError::Disordered { field: "ring.dead" });
        }
        let table = table(&message.table, partitions, replicas, &members)?;
        Ok(Self {
            cluster: cluster("ring.cluster", &message.cluster)?,
            version: RingVersion(message.version),
            replicas,
            partitions,
            members,
            removed,
            dead,
            forced: message.forced.into_iter().map(RingVersion).collect(),
            table,
            walks: Walks::default(),
        })
    }
}

/// The members, whose order the table rests on: ascending, each once.
fn members(messages: Vec<MemberMessage>) -> Result<BTreeMap<NodeId, Member>, WireError> {
    if !messages.is_sorted_by(|a, b| a.node < b.node) {
        return Err(WireError::Disordered { field: "ring.members" });
    }
    let member = |message: MemberMessage| {
        let weight = weight("member.weight", message.weight)?;
        let member = Member { name: message.name, zone: message.zone, weight };
        Ok((NodeId::new(message.node), member))
    };
    messages.into_iter().map(member).collect()
}

fn table(
    packed: &[u32],
    partitions: PartitionCount,
    most: u8,
    members: &BTreeMap<NodeId, Member>,
) -> Result<Vec<Vec<NodeId>>, WireError> {
    let expected = partitions.get() as usize;
    let found = packed.iter().filter(|&&place| place == END).count();
    if found != expected || packed.last() != Some(&END) {
        return Err(WireError::Length { field: "ring.table", found, expected });
    }
    let nodes: Vec<NodeId> = members.keys().copied().collect();
    packed[..packed.len() - 1]
        .split(|&place| place == END)
        .map(|places| replicas(places, most, &nodes))
        .collect()
}

/// One partition's replicas: at least one, no node twice, all of them members.
fn replicas(places: &[u32], most: u8, nodes: &[NodeId]) -> Result<Vec<NodeId>, WireError> {
    within("ring.table.replicas", places.len() as u32, 1, most.into())?;
    let mut replicas = Vec::with_capacity(places.len());
    for &place in places {
        let place = within("ring.table.place", place, 1, nodes.len() as u32)?;
        let node = nodes[place as usize - 1];
        if replicas.contains(&node) {
            return Err(WireError::Disordered { field: "ring.table.replicas" });
        }
        replicas.push(node);
    }
    Ok(replicas)
}

/// A member's weight.
pub(super) fn weight(field: Field, value: u32) -> Result<Weight, WireError> {
    Weight::new(value).ok_or(WireError::OutOfRange {
        field,
        value: value.into(),
        min: 1,
        max: Weight::MAX.into(),
    })
}
