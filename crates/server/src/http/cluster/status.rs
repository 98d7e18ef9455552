//! The cluster as a document.

use serde_json::{Value, json};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{ChangeStatus, ClusterStatus, MemberState, MemberStatus};
use stator_core::status::ShardStatus;
use stator_core::view::View;

use crate::endurance::Endurance;

/// What the node that is asked knows of itself alone.
pub(super) struct Own {
    /// Which member it is.
    pub(super) id: NodeId,
    /// Hints that it holds.
    pub(super) hints: u64,
    /// Bytes of an average replica of a partition there: what others have is taken to be the same.
    pub(super) replica_bytes: u64,
    /// What the cluster can do without; none without a ring.
    pub(super) endures: Option<Endurance>,
}

impl Own {
    /// Of this node, by what its shards say.
    pub(super) fn of(view: &View, shards: &ShardStatus) -> Self {
        let hints = shards.hints.values().map(|held| held.objects).sum();
        let bytes: u64 = shards.partitions.values().map(|partition| partition.bytes).sum();
        let replica_bytes = bytes.checked_div(shards.partitions.len() as u64).unwrap_or(0);
        let endures = view.ring.as_ref().map(|ring| Endurance::of(ring, view));
        Self { id: view.me, hints, replica_bytes, endures }
    }
}

/// What `GET /v1/cluster` answers. Ring version 0 is a node that knows no ring. How many hints
/// another node holds only that node knows: `GET /v1/node` there.
pub(super) fn document(status: &ClusterStatus, own: &Own) -> Value {
    let members: Vec<Value> = status.members.iter().map(|each| member(each, own)).collect();
    json!({
        "ring_version": status.ring.as_ref().map_or(0, |ring| ring.version.0),
        "forced_versions": status.ring.iter().flat_map(|ring| &ring.forced).map(|v| v.0).collect::<Vec<_>>(),
        "members": members,
        "endures": own.endures.as_ref().map(Endurance::document),
        "transition": status.change.as_ref().map(|change| transition(change, &status.members, own)),
    })
}

/// A change of the ring under way; those it waits for by name.
fn transition(change: &ChangeStatus, members: &[MemberStatus], own: &Own) -> Value {
    let name = |node: &NodeId| {
        let known = members.iter().find(|member| member.id == *node);
        known.map_or_else(|| node.to_string(), |member| member.name.clone())
    };
    json!({
        "version": change.version.0,
        "partitions": change.partitions,
        "partitions_left": change.partitions_left,
        "bytes_left": change.replicas_left as u64 * own.replica_bytes,
        "waits_for": change.waits_for.iter().map(name).collect::<Vec<_>>(),
    })
}

fn member(member: &MemberStatus, own: &Own) -> Value {
    json!({
        "name": member.name,
        "id": member.id.to_string(),
        "address": member.addresses.peer,
        "http": member.addresses.http,
        "resp": member.addresses.resp,
        "zone": member.zone,
        "weight": member.weight.get(),
        "state": state(member.state),
        "phi": if member.phi.is_finite() { member.phi } else { f64::MAX },
        "share": member.share,
        "hints": (member.id == own.id).then_some(own.hints),
        "ring_version": member.ring.0,
        "silent_ms": member.silent_for.map(|silent| silent.as_millis() as u64),
    })
}

const fn state(state: MemberState) -> &'static str {
    match state {
        MemberState::Up => "up",
        MemberState::Down => "down",
        MemberState::Joining => "joining",
        MemberState::Leaving => "leaving",
        MemberState::Removed => "removed",
    }
}
