//! The cluster as a document.

use serde::Serialize;
use stator_core::identity::NodeId;
use stator_core::membership::admin::{ChangeStatus, ClusterStatus, MemberState, MemberStatus};
use stator_core::ring::Tolerance;
use stator_core::status::ShardStatus;
use stator_core::view::View;
use utoipa::ToSchema;

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

/// The cluster as the node that is asked sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Cluster)]
pub(in super::super) struct Document {
    /// The newest ring; 0 on a node that knows none.
    ring_version: u64,
    /// Rings that an operator forced without a majority of their predecessors.
    forced_versions: Vec<u64>,
    /// Members, nodes that want to join and nodes that are leaving, by name.
    members: Vec<Member>,
    /// What the cluster can do without; null on a node that knows no ring.
    endures: Option<Endures>,
    /// What moves; null if nothing does.
    transition: Option<Transition>,
}

/// What may be lost of the cluster, as this node sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Endures {
    /// And each partition still has a replica that is up.
    data: Losses,
    /// And each partition still has a majority of its replicas up.
    quorum: Losses,
}

/// How much may be lost, whatever it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Losses {
    nodes: u32,
    zones: u32,
    /// Partitions that have too few replicas already; then the others are 0.
    partitions_short: u32,
}

/// A change of the ring under way.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Transition {
    /// The ring that is being reached.
    version: u64,
    /// How many partitions move.
    partitions: usize,
    /// How many of them their owners are not done with.
    partitions_left: usize,
    /// What new owners still have to pull, estimated from this node's own replicas.
    bytes_left: u64,
    /// Names of those for whom it waits.
    waits_for: Vec<String>,
}

/// A node as this one sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Member {
    name: String,
    id: String,
    /// Where peers reach it.
    address: String,
    /// Where its HTTP door listens; empty if it has none.
    http: String,
    /// Where its Redis door listens; empty if it has none.
    resp: String,
    zone: String,
    weight: u32,
    /// `up`, `down`, `joining`, `leaving` or `removed`.
    state: &'static str,
    /// Suspicion by phi accrual, the worse of both directions; 0 for this node itself.
    phi: f64,
    /// The fraction of all replicas that it owns.
    share: f64,
    /// Hints that it holds: this node's own count. How many another holds only that node knows
    /// (`GET /v1/node` there): null.
    hints: Option<u64>,
    /// The newest ring that it is known to know.
    ring_version: u64,
    /// Since it was last heard; null if it never was.
    silent_ms: Option<u64>,
}

/// What `GET /v1/cluster` answers.
pub(super) fn document(status: &ClusterStatus, own: &Own) -> Document {
    let forced = status.ring.iter().flat_map(|ring| &ring.forced);
    let change = status.change.as_ref();
    Document {
        ring_version: status.ring.as_ref().map_or(0, |ring| ring.version.0),
        forced_versions: forced.map(|version| version.0).collect(),
        members: status.members.iter().map(|each| member(each, own)).collect(),
        endures: own.endures.as_ref().map(endures),
        transition: change.map(|change| transition(change, &status.members, own)),
    }
}

fn endures(endurance: &Endurance) -> Endures {
    let losses = |tolerance: &Tolerance| Losses {
        nodes: tolerance.nodes,
        zones: tolerance.zones,
        partitions_short: tolerance.short,
    };
    Endures { data: losses(&endurance.data), quorum: losses(&endurance.quorum) }
}

/// A change of the ring under way; those it waits for by name.
fn transition(change: &ChangeStatus, members: &[MemberStatus], own: &Own) -> Transition {
    let name = |node: &NodeId| {
        let known = members.iter().find(|member| member.id == *node);
        known.map_or_else(|| node.to_string(), |member| member.name.clone())
    };
    Transition {
        version: change.version.0,
        partitions: change.partitions,
        partitions_left: change.partitions_left,
        bytes_left: change.replicas_left as u64 * own.replica_bytes,
        waits_for: change.waits_for.iter().map(name).collect(),
    }
}

fn member(member: &MemberStatus, own: &Own) -> Member {
    Member {
        name: member.name.clone(),
        id: member.id.to_string(),
        address: member.addresses.peer.clone(),
        http: member.addresses.http.clone(),
        resp: member.addresses.resp.clone(),
        zone: member.zone.clone(),
        weight: member.weight.get(),
        state: state(member.state),
        phi: if member.phi.is_finite() { member.phi } else { f64::MAX },
        share: member.share,
        hints: (member.id == own.id).then_some(own.hints),
        ring_version: member.ring.0,
        silent_ms: member.silent_for.map(|silent| silent.as_millis() as u64),
    }
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
