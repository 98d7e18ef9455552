//! What the node holds, for itself and for others, and how its background work goes.

use std::collections::BTreeMap;
use std::fmt;

use stator_core::identity::NodeId;
use stator_core::status::{HeldHints, PartitionStatus};
use stator_core::time::WallTime;

use super::page::{Page, by, flag, seconds};
use super::reading::Reading;
use crate::ages::Ages;

pub(super) fn write(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    hints(reading, page)?;
    exchanges(reading, page)?;
    partitions(reading, page)?;
    ages(reading, page)?;
    collection(reading, page)
}

fn hints(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let held = by_owner(reading);
    let each = |of: fn(&HeldHints, WallTime) -> f64| {
        held.iter().map(move |(name, held)| (by("owner", name.clone()), of(held, reading.at)))
    };
    page.gauges(
        "stator_hints",
        "Objects that this node holds for another one that could not be reached.",
        each(|held, _| held.objects as f64),
    )?;
    page.gauges("stator_hint_bytes", "Bytes of those.", each(|held, _| held.bytes as f64))?;
    page.gauges(
        "stator_hint_oldest_age_seconds",
        "How long ago the oldest of those was stored; 0 if there are none.",
        each(|held, at| held.oldest.map_or(0.0, |oldest| age(oldest, at))),
    )?;
    let whole = &reading.condition.whole;
    page.gauge(
        "stator_hints_counting",
        "1 while hints that were here at the start are still being counted: until then the three \
         above say too little.",
        flag(whole.counting_hints),
    )?;
    let done = &whole.upkeep;
    page.counter("stator_hints_stored", "Hints taken.", done.hints_stored)?;
    page.counter(
        "stator_hints_delivered",
        "Hints sent home, acknowledged and deleted.",
        done.hints_delivered,
    )?;
    page.counter(
        "stator_hints_refused",
        "Hints refused because the limits on hints were reached.",
        done.hints_refused,
    )
}

/// Hints by the owner's name, with every other member, so that what falls to none is told as 0.
fn by_owner(reading: &Reading) -> BTreeMap<String, HeldHints> {
    let ring = reading.view.ring.as_ref();
    let others = ring.iter().flat_map(|ring| ring.members.keys()).filter(|id| **id != reading.me);
    let mut held: BTreeMap<String, HeldHints> =
        others.map(|&id| (name_of(reading, id), HeldHints::default())).collect();
    for (&owner, hints) in &reading.condition.whole.hints {
        held.insert(name_of(reading, owner), *hints);
    }
    held
}

/// A member's name; one that is none any more has only its id.
pub(super) fn name_of(reading: &Reading, node: NodeId) -> String {
    let member = reading.view.ring.as_ref().and_then(|ring| ring.members.get(&node));
    member.map_or_else(|| node.to_string(), |member| member.name.clone())
}

fn exchanges(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let whole = &reading.condition.whole;
    let done = &whole.upkeep;
    page.counters(
        "stator_exchanges",
        "Comparisons of a partition with another replica that this node began: both are alike \
         afterwards (alike), or it was broken off (broken_off).",
        [
            (by("outcome", "alike"), done.exchanges as f64),
            (by("outcome", "broken_off"), done.exchanges_failed as f64),
        ],
    )?;
    page.counter(
        "stator_exchanged_objects",
        "Objects that those brought here or took to a peer.",
        done.exchanged_objects,
    )?;
    page.counter("stator_exchanged_bytes", "Bytes of those.", done.exchanged_bytes)?;
    page.counter(
        "stator_read_repairs",
        "States sent to replicas that a read found to be behind.",
        done.read_repairs,
    )?;
    page.counters(
        "stator_background_sent_bytes",
        "Bytes of messages sent to compare replicas (exchange), and to bring states to where they \
         lack (repair).",
        [
            (by("purpose", "exchange"), done.exchange_bytes_sent as f64),
            (by("purpose", "repair"), done.repair_bytes_sent as f64),
        ],
    )?;
    page.counter(
        "stator_background_bytes",
        "Bytes read and sent in the background, as the budget counts them.",
        done.budgeted_bytes,
    )?;
    page.gauge(
        "stator_background_allowance_bytes_per_second",
        "What background work may spend now; it is cut while requests are slower than usual.",
        whole.budget as f64,
    )
}

fn partitions(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let whole = &reading.condition.whole;
    let replicas = &whole.partitions;
    let those = |of: fn(&PartitionStatus) -> bool| {
        replicas.values().filter(|partition| of(partition)).count() as f64
    };
    page.gauge(
        "stator_replicas",
        "Partitions that this node is a replica of.",
        replicas.len() as f64,
    )?;
    page.gauge(
        "stator_replica_bytes",
        "Bytes of their objects' states.",
        replicas.values().map(|replica| replica.bytes).sum::<u64>() as f64,
    )?;
    page.gauge(
        "stator_replicas_not_counting",
        "Those of them that do not count in reads yet, since a lost store is being refilled.",
        those(|replica| !replica.counts),
    )?;
    page.gauge(
        "stator_replicas_building_trees",
        "Those of them whose Merkle tree is being built, as after a crash.",
        those(|replica| replica.root.is_none()),
    )?;
    page.gauge(
        "stator_objects_set_aside",
        "Damaged objects that wait for their peers' states.",
        replicas.values().map(|replica| u64::from(replica.quarantined)).sum::<u64>() as f64,
    )?;
    let done = &whole.upkeep;
    page.counter("stator_objects_damaged", "Objects found damaged.", done.damaged)?;
    page.counter(
        "stator_objects_healed",
        "Damaged objects that peers' states have replaced.",
        done.refilled_objects,
    )?;
    page.counter(
        "stator_tree_drifts",
        "Full looks at a partition that found its tree other than its objects say.",
        done.tree_drifts,
    )?;
    page.gauge("stator_shards", "Shards that the node has.", f64::from(reading.condition.shards))?;
    page.gauge(
        "stator_shards_silent",
        "Those of them that have not answered in time: what they hold is missing here.",
        f64::from(reading.condition.silent_shards),
    )
}

/// How old the proof is that replicas are as they should be.
fn ages(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let found = Ages::of(&reading.condition.whole.partitions, reading.stats.uptime);
    page.gauge(
        "stator_replica_comparison_oldest_age_seconds",
        "Of the comparisons that fall to this node, how long ago the oldest last one ended with \
         both alike; one that has not come about counts since the start.",
        seconds(found.comparison),
    )?;
    page.gauge(
        "stator_replica_scrub_oldest_age_seconds",
        "Of the partitions here, how long ago the one was read in full that this was longest ago \
         for; one that was not counts since the start.",
        seconds(found.scrub),
    )?;
    page.gauge(
        "stator_replica_comparisons_outstanding",
        "Partitions that this node was to compare and has not, with some owner, since it started.",
        found.outstanding as f64,
    )
}

fn collection(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let whole = &reading.condition.whole;
    let found = || whole.partitions.values().map(|replica| replica.found);
    page.gauge(
        "stator_tombstones",
        "Tombstones and expired values that the last look at each partition counted.",
        found().map(|found| found.tombstones).sum::<u64>() as f64,
    )?;
    let oldest = found().filter_map(|found| found.oldest_tombstone).min();
    page.gauge(
        "stator_tombstone_oldest_age_seconds",
        "How long ago the oldest of those was written; 0 if there are none.",
        oldest.map_or(0.0, |oldest| age(oldest, reading.at)),
    )?;
    page.counter(
        "stator_tombstones_collected",
        "Tombstones dropped by collection.",
        whole.upkeep.collected,
    )?;
    page.gauge(
        "stator_version_vector_longest_entries",
        "Entries of the longest version vector that the last look at each partition found.",
        f64::from(found().map(|found| found.longest_vector).max().unwrap_or(0)),
    )?;
    page.counter(
        "stator_version_vectors_pruned",
        "Version vectors pruned by collection.",
        whole.upkeep.pruned,
    )
}

/// How long ago something was by the wall clock; nothing is in the future.
fn age(then: WallTime, at: WallTime) -> f64 {
    at.as_millis().saturating_sub(then.as_millis()) as f64 / 1e3
}
