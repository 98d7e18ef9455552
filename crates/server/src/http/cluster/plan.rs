//! A plan as a document: what would change, what would move, and who would own how much.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stator_core::identity::NodeId;
use stator_core::membership::facts::StagedChange;
use stator_core::ring::{Change, Move, Plan};
use stator_core::view::View;

/// A node pulls at most so much in a second unless it is told otherwise, and everything else of a
/// change takes about so long.
const PULLED_A_SECOND: u64 = 64 << 20;
const AT_LEAST_SECONDS: u64 = 5;

/// What `GET /v1/cluster/plan` answers. How many bytes move, and how long that takes, is estimated
/// from the size of this node's own replicas.
pub(super) fn document(plan: &Plan, view: &View, replica_bytes: u64) -> Map<String, Value> {
    let moves: Vec<Value> =
        plan.moves.iter().map(|moved| moved_replica(plan, view, moved)).collect();
    let told = [
        ("version", json!(plan.version().0)),
        ("changes", changes(plan, view)),
        ("moves", json!(moves)),
        ("members", members(plan, view)),
        ("partitions", json!(moving_partitions(plan, view))),
        ("bytes", json!(plan.moves.len() as u64 * replica_bytes)),
        ("seconds", json!(seconds(plan, replica_bytes))),
        ("warnings", json!(plan.warnings)),
    ];
    told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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
pub(super) fn changes(plan: &Plan, view: &View) -> Value {
    plan.changes.iter().map(|change| staged(plan, view, change)).collect()
}

fn staged(plan: &Plan, view: &View, change: &Change) -> Value {
    let id = change.node.to_string();
    let node = name(plan, view, change.node);
    match &change.change {
        StagedChange::Join { name, zone, weight } => json!({
            "kind": "join", "node": name, "id": id, "zone": zone, "weight": weight.get(),
        }),
        StagedChange::Leave => json!({ "kind": "leave", "node": node, "id": id }),
        StagedChange::RemoveDead => json!({ "kind": "remove-dead", "node": node, "id": id }),
        StagedChange::ReplaceBy(other) => json!({
            "kind": "replace", "node": node, "id": id, "with": name(plan, view, *other),
        }),
        StagedChange::Weight(weight) => {
            json!({ "kind": "weight", "node": node, "id": id, "weight": weight.get() })
        }
        StagedChange::Zone(zone) => {
            json!({ "kind": "zone", "node": node, "id": id, "zone": zone })
        }
    }
}

fn moved_replica(plan: &Plan, view: &View, moved: &Move) -> Value {
    json!({
        "partition": moved.partition.get(),
        "from": moved.from.map(|from| name(plan, view, from)),
        "to": name(plan, view, moved.to),
    })
}

/// Everybody who is a member before or after.
fn members(plan: &Plan, view: &View) -> Value {
    let before = view.ring.as_deref();
    let leaving = before.into_iter().flat_map(|ring| ring.members.keys());
    let leaving = leaving.filter(|node| !plan.ring.members.contains_key(node));
    plan.ring
        .members
        .keys()
        .chain(leaving)
        .map(|&node| {
            json!({
                "name": name(plan, view, node),
                "id": node.to_string(),
                "share_before": before.map_or(0.0, |ring| ring.share(node)),
                "share_after": plan.ring.share(node),
            })
        })
        .collect()
}

/// What people call a node: its name in the ring to come, or in the one that holds, or its id.
fn name(plan: &Plan, view: &View, node: NodeId) -> String {
    let now = view.ring.as_deref().and_then(|ring| ring.members.get(&node));
    let member = plan.ring.members.get(&node).or(now);
    member.map_or_else(|| node.to_string(), |member| member.name.clone())
}
