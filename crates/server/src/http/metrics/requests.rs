//! What clients ask and get.

use std::fmt;

use stator_node::{Came, DoorStats, RequestStats};

use super::page::{Labels, MICROS_IN_A_SECOND, Page, by};
use super::reading::Reading;

pub(super) fn write(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    asked(reading, page)?;
    coordinated(reading, page)?;
    shortfalls(reading, page)
}

fn labels(door: &DoorStats, kind: &RequestStats) -> Labels {
    vec![("door", door.door.name().to_owned()), ("operation", kind.asked.name().to_owned())]
}

/// Whether an operation can come to this at all: only gets find nothing, or several versions.
fn can_be(kind: &RequestStats, came: Came) -> bool {
    kind.asked == stator_node::Asked::Get || !matches!(came, Came::NotFound | Came::Conflict)
}

fn asked(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let stats = &reading.stats;
    let kinds = || stats.doors.iter().flat_map(|door| door.requests.iter().map(move |k| (door, k)));
    page.counters(
        "stator_requests",
        "Operations that clients asked this node for, by front door and by what came of them.",
        kinds().flat_map(|(door, kind)| {
            kind.came.iter().filter(|(came, _)| can_be(kind, *came)).map(move |&(came, count)| {
                let mut labels = labels(door, kind);
                labels.push(("outcome", came.name().to_owned()));
                (labels, count as f64)
            })
        }),
    )?;
    page.histograms(
        "stator_request_duration_seconds",
        "How long those took within this node and its peers, whatever came of them.",
        MICROS_IN_A_SECOND,
        kinds().map(|(door, kind)| (labels(door, kind), &kind.micros)),
    )?;
    page.counters(
        "stator_slow_requests",
        "Operations that took longer than the slow log's threshold.",
        stats.doors.iter().map(|door| (by("door", door.door.name()), door.slow as f64)),
    )?;
    page.gauge(
        "stator_requests_in_flight",
        "Operations of clients that are under way.",
        stats.in_flight as f64,
    )?;
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(reading.responses);
    page.counters(
        "stator_http_responses",
        "Answers of the HTTP door, to whatever was asked there, by class of status.",
        classes.map(|(class, count)| (by("status", class), count as f64)),
    )
}

fn coordinated(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let stats = &reading.stats;
    let of = |operation: &str, outcome: &str, count: u64| {
        let labels = vec![("operation", operation.to_owned()), ("outcome", outcome.to_owned())];
        (labels, count as f64)
    };
    page.counters(
        "stator_coordinated",
        "Gets and puts that this node coordinated, for its own clients and for other nodes; a \
         delete is a put.",
        [
            of("get", "done", stats.gets),
            of("get", "failed", stats.gets_failed),
            of("put", "done", stats.puts),
            of("put", "refused", stats.puts_refused),
            of("put", "indeterminate", stats.puts_indeterminate),
        ],
    )?;
    page.histograms(
        "stator_coordination_duration_seconds",
        "How long the coordinator of a get or put took, from its start to its answer.",
        MICROS_IN_A_SECOND,
        [(by("operation", "get"), &stats.get_micros), (by("operation", "put"), &stats.put_micros)],
    )?;
    page.histograms(
        "stator_siblings",
        "Versions of an object that a get returned (0: never written), and that there were after a \
         put was minted here.",
        1.0,
        [
            (by("operation", "get"), &stats.get_siblings),
            (by("operation", "put"), &stats.put_siblings),
        ],
    )?;
    page.counter("stator_minted", "Writes that this node minted as a replica.", stats.minted)?;
    page.counter("stator_merged", "States of peers that were merged here.", stats.merged)?;
    page.counter(
        "stator_hedged_reads",
        "Reads that asked one replica more because another was slow.",
        stats.hedged,
    )
}

fn shortfalls(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let short = &reading.stats.shortfalls;
    let of = |operation: &str, reason: &str, count: u64| {
        let labels = vec![("operation", operation.to_owned()), ("reason", reason.to_owned())];
        (labels, count as f64)
    };
    page.counters(
        "stator_quorum_shortfalls",
        "Gets and puts that met with fewer replicas than they should: too few could be reached \
         (unreachable: refused), or answered in time (late), or fallbacks stood in (fallbacks), or \
         the ring has fewer nodes than the bucket wants replicas (small_ring); the last two were \
         acknowledged.",
        [
            of("get", "unreachable", short.gets_unreachable),
            of("get", "late", short.gets_late),
            of("put", "unreachable", short.puts_unreachable),
            of("put", "late", short.puts_late),
            of("put", "fallbacks", short.puts_on_fallbacks),
            of("put", "small_ring", short.puts_on_fewer_nodes),
        ],
    )
}
