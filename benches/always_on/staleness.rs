//! How stale reads are, beside how stale the nodes say that they are.
//!
//! The paper, 4.5; probabilistically bounded staleness as in `stator_core::staleness`. Each write is of
//! a key of its own; a while after its acknowledgement it is read through another node, and the read is
//! stale if it finds nothing. At the end of each setting the nodes are asked for their estimate. Once on
//! loopback as it is, and once with relays between the nodes that hold up what they send.
//!
//! On loopback there is hardly a network: what is long there is a process that waits for a processor, and
//! that looks like one. It holds up a read as it holds up the write before it, so that estimates may be too
//! high there, and must not be too low.

mod relay;
mod trial;

use std::time::Duration;

use hdrhistogram::Histogram;
use stator_client::{Client, EstimateDocument, StalenessQuery};

use self::relay::ADVERTISED;
use self::trial::{Cell, Estimated, Quorums, Tried};
use crate::Failed;
use crate::fleet::{Fleet, until};
use crate::options::Options;
use crate::report::Report;

const NODES: usize = 3;
/// The two networks.
const LOOPBACK: &str = "loopback";
const DELAYED: &str = "delayed";
/// How long after an acknowledgement reads begin, as far as timers can tell.
const AFTER_MS: [u64; 5] = [0, 1, 5, 10, 50];
/// What is measured before it counts: connections, and the first watched puts.
const WARM: Duration = Duration::from_secs(3);

/// What is asked for: of three replicas, and of those on disk.
const QUORUMS: [Quorums; 5] = [
    Quorums { r: 1, w: 1, dw: 0 },
    Quorums { r: 1, w: 1, dw: 1 },
    Quorums { r: 1, w: 2, dw: 2 },
    Quorums { r: 2, w: 1, dw: 1 },
    Quorums { r: 2, w: 2, dw: 2 },
];

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    report.progress("loopback as it is");
    let mut fleet = Fleet::form(NODES, &[]).await?;
    let done = measure(&fleet, LOOPBACK, options, report).await;
    fleet.judge(done, report)?;
    drop(fleet);

    report.progress("with relays between the nodes");
    let mut fleet = Fleet::of(NODES, &["--advertise", ADVERTISED])?;
    let _relays = relay::before(&fleet.nodes).await?;
    fleet.found().await?;
    let done = measure(&fleet, DELAYED, options, report).await;
    fleet.judge(done, report)
}

async fn measure(
    fleet: &Fleet,
    part: &str,
    options: &Options,
    report: &mut Report,
) -> Result<(), Failed> {
    let clients = fleet.clients();
    until("all shards are connected", async || trial::all_reached(&clients).await.ok()).await?;
    trial::run(&clients, QUORUMS[4], options.clients(4), WARM).await?;
    let (mut seen, mut within, mut reached) = (0, true, true);
    for quorums in QUORUMS {
        report.progress(&format!("{part}: {quorums}"));
        let during = options.duration(15);
        let tried = trial::run(&clients, quorums, options.clients(4), during).await?;
        let estimates = estimates(&clients, quorums, &tried).await?;
        tell_delays(report, &format!("{part}_{}", quorums.name()), &clients, &tried).await?;
        for ((after, cell), estimated) in AFTER_MS.iter().zip(&tried.cells).zip(estimates) {
            seen += cell.stale;
            within &= cell.is_within(estimated, quorums);
            reached &= cell.reaches(estimated);
            tell(report, &format!("{part}_{}_after_{after}_ms", quorums.name()), cell, estimated);
        }
        if quorums.overlap() {
            let stale: u64 = tried.cells.iter().map(|cell| cell.stale).sum();
            report.must(stale == 0, &format!("{part}: no read is stale with {quorums}"));
        }
    }
    report.must(within, &format!("{part}: reads are no staler than is estimated"));
    if part == DELAYED {
        report.must(reached, &format!("{part}: and no fresher"));
        // On loopback there may be next to none.
        report.must(seen >= 20, &format!("{part}: there was staleness to be seen"));
    }
    Ok(())
}

/// What all nodes together estimate of the reads of each cell: for some of the times at which those
/// began, and the mean of that.
async fn estimates(
    clients: &[Client],
    quorums: Quorums,
    tried: &Tried,
) -> Result<Vec<Estimated>, Failed> {
    let mut estimates = Vec::new();
    for cell in &tried.cells {
        let query = StalenessQuery {
            n: Some(NODES as u8),
            r: Some(quorums.r),
            w: Some(quorums.w),
            dw: Some(quorums.dw),
            after_ms: cell.times_ms(),
        };
        let mut told = Vec::new();
        for client in clients {
            told.push(client.staleness(&query).await?);
        }
        let together = EstimateDocument::together(&told);
        let steps = &together.first().ok_or("no node estimates anything")?.stale;
        let steps: Vec<f64> = steps.iter().map(|step| step.probability).collect();
        estimates.push(Estimated::of(&steps));
    }
    Ok(estimates)
}

/// What the nodes' writes met, and what requests took at clients.
async fn tell_delays(
    report: &mut Report,
    name: &str,
    clients: &[Client],
    tried: &Tried,
) -> Result<(), Failed> {
    let mut delays = Vec::new();
    for client in clients {
        let told =
            client.staleness(&StalenessQuery { r: Some(1), ..StalenessQuery::default() }).await?;
        let sync = told.own_sync.unwrap_or_default();
        let trips = told.replicas.iter().map(|replica| replica.trip);
        let trips: Vec<String> =
            trips.map(|trip| format!("{:.2} ({:.1})", trip.p50_ms, trip.p99_ms)).collect();
        delays.push(format!(
            "sync {:.2} ({:.1}), there and back {}",
            sync.p50_ms,
            sync.p99_ms,
            trips.join(" and ")
        ));
    }
    let median = |times: &Histogram<u64>| times.value_at_quantile(0.5) as f64 / 1e3;
    let (put, get) = (median(&tried.puts), median(&tried.gets));
    report.say(
        &format!("{name}_delays_ms"),
        serde_json::json!({ "put_p50": put, "get_p50": get, "nodes": delays }),
        format!("put {put:.2}, get {get:.2}; nodes, p50 (p99): {}", delays.join("; ")),
    );
    Ok(())
}

fn tell(report: &mut Report, name: &str, cell: &Cell, estimated: Estimated) {
    let percent = |share: f64| (share * 1e5).round() / 1e3;
    let observed = percent(cell.observed());
    let Estimated { most, likely, least } = estimated;
    let [most, likely, least] = [most, likely, least].map(percent);
    let after = (cell.mean_after_ms() * 100.0).round() / 100.0;
    report.say(
        name,
        serde_json::json!({ "reads": cell.reads, "after_ms": after, "observed_percent": observed,
                            "estimated_percent": likely, "at_most_percent": most,
                            "at_least_percent": least }),
        format!(
            "observed {observed:6.2} %, estimated {likely:6.2} % ({least:.2} to {most:.2}; {} reads, \
             {after} ms after)",
            cell.reads
        ),
    );
}
