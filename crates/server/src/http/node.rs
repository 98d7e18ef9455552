//! The node itself: what it holds for others, how far its replicas are, and what its background
//! work has done. Only the node knows, so that who wants to know of all asks all.

use axum::extract::Request;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use stator_core::identity::NodeId;
use stator_core::status::{NodeStatus, PartitionStatus, UpkeepCounts};
use stator_core::time::WallTime;
use stator_core::token::Partition;
use stator_core::view::View;

use super::front::{Front, Shared};
use super::json;
use super::path::Target;
use super::problem::{Answer, Problem, kind};
use super::query::Words;
use crate::ages::Ages;

/// `GET /v1/node`; with `partitions=no` without the list of partitions, which is long.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(request.method(), "GET, HEAD"));
    }
    let words = Words::parse(Target::of(&request).query, &["partitions"])?;
    let listed = match words.get("partitions") {
        None | Some("yes") => Listed::Yes,
        Some("no") => Listed::No,
        Some(_) => {
            let detail = "partitions is yes (which is meant without it) or no";
            return Err(Problem::new(kind::QUERY_INVALID, detail));
        }
    };
    let status = front.backend.inspect().await;
    Ok(json::response(StatusCode::OK, &document(&front, &status, listed)))
}

/// Whether each partition is told of, or only how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    Yes,
    No,
}

fn document(front: &Front, status: &NodeStatus, listed: Listed) -> Value {
    let view = front.backend.view();
    let whole = &status.whole;
    let those = |of: fn(&PartitionStatus) -> bool| {
        whole.partitions.values().filter(|partition| of(partition)).count()
    };
    let set_aside: u64 = whole.partitions.values().map(|p| u64::from(p.quarantined)).sum();
    let ages = Ages::of(&whole.partitions, front.backend.stats().uptime);
    let mut document = json!({
        "name": front.backend.name(),
        "id": front.backend.me().to_string(),
        "ring_version": view.ring.as_ref().map_or(0, |ring| ring.version.0),
        "ring_partitions": view.ring.as_ref().map_or(0, |ring| ring.partitions.get()),
        "shards": status.shards,
        "silent_shards": status.silent_shards,
        "hints": hints(status, &view),
        "counting_hints": whole.counting_hints,
        "replicas": whole.partitions.len(),
        "trees_building": those(|partition| partition.root.is_none()),
        "not_counting": those(|partition| !partition.counts),
        "set_aside": set_aside,
        "compared_within_seconds": ages.comparison.as_secs(),
        "comparisons_outstanding": ages.outstanding,
        "scrubbed_within_seconds": ages.scrub.as_secs(),
        "disk_reserved": whole.disk_reserved,
        "since_start": since_start(&whole.upkeep),
    });
    if listed == Listed::Yes {
        let each: Vec<Value> = whole.partitions.iter().map(partition).collect();
        document["partitions"] = each.into();
    }
    document
}

/// Hints by the node that they are for.
fn hints(status: &NodeStatus, view: &View) -> Vec<Value> {
    let each = status.whole.hints.iter().map(|(&owner, held)| {
        json!({
            "for": name_of(view, owner),
            "id": owner.to_string(),
            "objects": held.objects,
            "bytes": held.bytes,
            "oldest_unix_ms": held.oldest.map(WallTime::as_millis),
        })
    });
    each.collect()
}

/// A member's name; a node that is none any more has only its id.
fn name_of(view: &View, node: NodeId) -> String {
    let member = view.ring.as_ref().and_then(|ring| ring.members.get(&node));
    member.map_or_else(|| node.to_string(), |member| member.name.clone())
}

fn partition((partition, status): (&Partition, &PartitionStatus)) -> Value {
    json!({
        "partition": partition.get(),
        "root": status.root.map(|root| root.to_string()),
        "counts": status.counts,
        "bytes": status.bytes,
        "round": status.round.0,
        "tombstones": status.found.tombstones,
        "oldest_tombstone_unix_ms": status.found.oldest_tombstone.map(WallTime::as_millis),
        "longest_vector": status.found.longest_vector,
        "actor": status.actor.map(|actor| actor.to_string()),
        "set_aside": status.quarantined,
    })
}

fn since_start(counts: &UpkeepCounts) -> Value {
    let each = [
        ("hints_stored", counts.hints_stored),
        ("hints_delivered", counts.hints_delivered),
        ("hints_refused", counts.hints_refused),
        ("read_repairs", counts.read_repairs),
        ("exchanges", counts.exchanges),
        ("exchanges_failed", counts.exchanges_failed),
        ("exchanged_objects", counts.exchanged_objects),
        ("exchanged_bytes", counts.exchanged_bytes),
        ("damaged", counts.damaged),
        ("healed", counts.refilled_objects),
        ("tree_drifts", counts.tree_drifts),
        ("tombstones_collected", counts.collected),
        ("vectors_pruned", counts.pruned),
        ("budgeted_bytes", counts.budgeted_bytes),
        ("exchange_bytes_sent", counts.exchange_bytes_sent),
        ("repair_bytes_sent", counts.repair_bytes_sent),
    ];
    Value::Object(
        each.map(|(name, count)| (name.to_owned(), count.into()))
            .into_iter()
            .collect::<Map<_, _>>(),
    )
}
