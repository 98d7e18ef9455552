//! A plan as a document: what would change, what would move, and who would own how much.

use std::collections::BTreeMap;

use serde::Serialize;
use stator_core::identity::NodeId;
use stator_core::membership::facts::StagedChange;
use stator_core::ring::{Change, Move, Plan};
use stator_core::view::View;
use utoipa::ToSchema;

/// A node pulls at most so much in a second unless it is told otherwise, and everything else of a
/// change takes about so long.
const PULLED_A_SECOND: u64 = 64 << 20;
const AT_LEAST_SECONDS: u64 = 5;

/// A plan: what would change, what would move, and who would own how much.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(in super::super) struct Document {
    /// What a commit of this plan names.
    version: u64,
    /// The staged changes that it takes in.
    changes: Vec<Staged>,
    /// Replicas that get another home.
    moves: Vec<Moved>,
    /// Everybody who is a member before or after.
    members: Vec<Share>,
    /// How many partitions get other replicas, or the same in another order.
    partitions: usize,
    /// How much would move, estimated from this node's own replicas.
    bytes: u64,
    /// How long that would take about.
    seconds: u64,
    /// What an operator should know before a commit.
    warnings: Vec<String>,
}

/// A staged change.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StagedChange)]
pub(super) struct Staged {
    /// `join`, `leave`, `remove-dead`, `replace`, `weight` or `zone`.
    kind: &'static str,
    /// The node that it is about, by name.
    node: String,
    id: String,
    /// `join`, `zone`: where the node stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// `join`, `weight`: how much it takes beside others.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
    /// `replace`: who takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<String>,
}

/// A replica that gets another home.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Move)]
struct Moved {
    partition: u32,
    /// Who gives it up; null where a replica is added.
    from: Option<String>,
    to: String,
}

/// How much of the ring a node owns before and after.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Share {
    name: String,
    id: String,
    share_before: f64,
    share_after: f64,
}

/// What `GET /v1/cluster/plan` answers. How many bytes move, and how long that takes, is estimated
/// from the size of this node's own replicas.
pub(super) fn document(plan: &Plan, view: &View, replica_bytes: u64) -> Document {
    Document {
        version: plan.version().0,
        changes: changes(plan, view),
        moves: plan.moves.iter().map(|moved| moved_replica(plan, view, moved)).collect(),
        members: members(plan, view),
        partitions: moving_partitions(plan, view),
        bytes: plan.moves.len() as u64 * replica_bytes,
        seconds: seconds(plan, replica_bytes),
        warnings: plan.warnings.iter().map(ToString::to_string).collect(),
    }
}

/// Partitions that get other replicas, or the same in another order.
fn moving_partitions(plan: &Plan, view: &View) -> usize {
    let before = view.ring.as_deref().map_or(&[][..], |ring| &ring.table);
    before.iter().zip(&plan.ring.table).filter(|(old, new)| old != new).count()
}

/// As long as the node takes that gets most.
fn seconds(plan: &Plan, replica_bytes: u64) -> u64 {
    let mut gains: BTreeMap<NodeId, u64> = BTreeMap::new();
    for moved in &plan.moves {
        *gains.entry(moved.to).or_default() += replica_bytes;
    }
    let most = gains.into_values().max();
    most.map_or(0, |bytes| AT_LEAST_SECONDS + bytes / PULLED_A_SECOND)
}

/// The staged changes that the plan takes in.
pub(super) fn changes(plan: &Plan, view: &View) -> Vec<Staged> {
    plan.changes.iter().map(|change| staged(plan, view, change)).collect()
}

fn staged(plan: &Plan, view: &View, change: &Change) -> Staged {
    let told = Staged {
        kind: "leave",
        node: name(plan, view, change.node),
        id: change.node.to_string(),
        zone: None,
        weight: None,
        with: None,
    };
    match &change.change {
        StagedChange::Join { name, zone, weight } => Staged {
            kind: "join",
            node: name.clone(),
            zone: Some(zone.clone()),
            weight: Some(weight.get()),
            ..told
        },
        StagedChange::Leave => told,
        StagedChange::RemoveDead => Staged { kind: "remove-dead", ..told },
        StagedChange::ReplaceBy(other) => {
            Staged { kind: "replace", with: Some(name(plan, view, *other)), ..told }
        }
        StagedChange::Weight(weight) => {
            Staged { kind: "weight", weight: Some(weight.get()), ..told }
        }
        StagedChange::Zone(zone) => Staged { kind: "zone", zone: Some(zone.clone()), ..told },
    }
}

fn moved_replica(plan: &Plan, view: &View, moved: &Move) -> Moved {
    Moved {
        partition: moved.partition.get(),
        from: moved.from.map(|from| name(plan, view, from)),
        to: name(plan, view, moved.to),
    }
}

/// Everybody who is a member before or after.
fn members(plan: &Plan, view: &View) -> Vec<Share> {
    let before = view.ring.as_deref();
    let leaving = before.into_iter().flat_map(|ring| ring.members.keys());
    let leaving = leaving.filter(|node| !plan.ring.members.contains_key(node));
    let shared = plan.ring.members.keys().chain(leaving).map(|&node| Share {
        name: name(plan, view, node),
        id: node.to_string(),
        share_before: before.map_or(0.0, |ring| ring.share(node)),
        share_after: plan.ring.share(node),
    });
    shared.collect()
}

/// What people call a node: its name in the ring to come, or in the one that holds, or its id.
fn name(plan: &Plan, view: &View, node: NodeId) -> String {
    let now = view.ring.as_deref().and_then(|ring| ring.members.get(&node));
    let member = plan.ring.members.get(&node).or(now);
    member.map_or_else(|| node.to_string(), |member| member.name.clone())
}
