//! The node itself: what it holds for others, how far its replicas are, and what its background
//! work has done. Only the node knows, so that who wants to know of all asks all.

use std::collections::BTreeMap;

use axum::extract::Request;
use http::{Method, StatusCode};
use serde::Serialize;
use stator_core::identity::NodeId;
use stator_core::status::{NodeStatus, PartitionStatus, UpkeepCounts};
use stator_core::time::WallTime;
use stator_core::token::Partition;
use stator_core::view::View;
use utoipa::ToSchema;

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
    Ok(json::response(StatusCode::OK, &told(&front, listed).await))
}

/// The condition of the node behind the door.
pub(super) async fn told(front: &Front, listed: Listed) -> Document {
    let status = front.backend.inspect().await;
    document(front, &status, listed)
}

/// Whether each partition is told of, or only how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Yes,
    No,
}

/// The condition of a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Node)]
pub(super) struct Document {
    name: String,
    id: String,
    /// The newest ring that it knows; 0 if it knows none.
    ring_version: u64,
    /// How many partitions the ring has.
    ring_partitions: u32,
    /// The version of the program that it runs.
    version: &'static str,
    /// Since it started.
    uptime_seconds: u64,
    /// Bytes of its store on disk.
    disk_bytes: u64,
    /// Roughly how many objects are stored.
    approximate_objects: u64,
    /// How many shards the node has.
    shards: u8,
    /// Those of them that have not answered: of what they hold nothing is said.
    silent_shards: u8,
    /// Hints, by the node that they are for.
    hints: Vec<Hints>,
    /// Whether hints that were here at the start are still being counted.
    counting_hints: bool,
    /// How many partitions it is a replica of.
    replicas: usize,
    /// How many of their trees are being built.
    trees_building: usize,
    /// How many of them do not count in reads yet.
    not_counting: usize,
    /// Objects that are set aside as damaged.
    set_aside: u64,
    /// Of the comparisons with other owners that fall to this node, how long ago the oldest last one
    /// ended with both alike; one that has not come about counts since the start.
    compared_within_seconds: u64,
    /// Partitions that it was to compare and has not, with some owner, since it started.
    comparisons_outstanding: usize,
    /// How long ago the partition was read in full that this was longest ago for; one that was not
    /// counts since the start.
    scrubbed_within_seconds: u64,
    /// Whether writes are refused because the disk's reserve is reached.
    disk_reserved: bool,
    /// Background work done since the node started, by name.
    since_start: BTreeMap<&'static str, u64>,
    /// Each replica; left out with `partitions=no`.
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<Vec<Replica>>,
}

/// Hints held for one node.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Hints {
    /// Its name; its id if it is no member any more.
    r#for: String,
    id: String,
    objects: u64,
    bytes: u64,
    /// When the oldest was stored, by this node's clock.
    oldest_unix_ms: Option<u64>,
}

/// One partition's replica.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Replica {
    partition: u32,
    /// The root of its tree in hex; null while that is being built.
    root: Option<String>,
    /// Whether its answers count in reads.
    counts: bool,
    bytes: u64,
    /// Its collection round.
    round: u64,
    tombstones: u64,
    oldest_tombstone_unix_ms: Option<u64>,
    /// The most entries of a version vector.
    longest_vector: u64,
    /// The id under which it mints; null before it has minted anything since it started.
    actor: Option<String>,
    /// Objects that are set aside as damaged.
    set_aside: u32,
}

fn document(front: &Front, status: &NodeStatus, listed: Listed) -> Document {
    let view = front.backend.view();
    let (whole, stats) = (&status.whole, front.backend.stats());
    let those = |of: fn(&PartitionStatus) -> bool| {
        whole.partitions.values().filter(|partition| of(partition)).count()
    };
    let ages = Ages::of(&whole.partitions, stats.uptime);
    let each = || whole.partitions.iter().map(partition).collect();
    Document {
        name: front.backend.name().to_owned(),
        id: front.backend.me().to_string(),
        ring_version: view.ring.as_ref().map_or(0, |ring| ring.version.0),
        ring_partitions: view.ring.as_ref().map_or(0, |ring| ring.partitions.get()),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: stats.uptime.as_secs(),
        disk_bytes: stats.store.disk_bytes,
        approximate_objects: stats.store.approximate_objects,
        shards: status.shards,
        silent_shards: status.silent_shards,
        hints: hints(status, &view),
        counting_hints: whole.counting_hints,
        replicas: whole.partitions.len(),
        trees_building: those(|partition| partition.root.is_none()),
        not_counting: those(|partition| !partition.counts),
        set_aside: whole.partitions.values().map(|p| u64::from(p.quarantined)).sum(),
        compared_within_seconds: ages.comparison.as_secs(),
        comparisons_outstanding: ages.outstanding,
        scrubbed_within_seconds: ages.scrub.as_secs(),
        disk_reserved: whole.disk_reserved,
        since_start: since_start(&whole.upkeep),
        partitions: (listed == Listed::Yes).then(each),
    }
}

/// Hints by the node that they are for.
fn hints(status: &NodeStatus, view: &View) -> Vec<Hints> {
    let each = status.whole.hints.iter().map(|(&owner, held)| Hints {
        r#for: name_of(view, owner),
        id: owner.to_string(),
        objects: held.objects,
        bytes: held.bytes,
        oldest_unix_ms: held.oldest.map(WallTime::as_millis),
    });
    each.collect()
}

/// A member's name; a node that is none any more has only its id.
pub(super) fn name_of(view: &View, node: NodeId) -> String {
    let member = view.ring.as_ref().and_then(|ring| ring.members.get(&node));
    member.map_or_else(|| node.to_string(), |member| member.name.clone())
}

fn partition((partition, status): (&Partition, &PartitionStatus)) -> Replica {
    Replica {
        partition: partition.get(),
        root: status.root.map(|root| root.to_string()),
        counts: status.counts,
        bytes: status.bytes,
        round: status.round.0,
        tombstones: status.found.tombstones,
        oldest_tombstone_unix_ms: status.found.oldest_tombstone.map(WallTime::as_millis),
        longest_vector: status.found.longest_vector.into(),
        actor: status.actor.map(|actor| actor.to_string()),
        set_aside: status.quarantined,
    }
}

fn since_start(counts: &UpkeepCounts) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([
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
    ])
}
