//! How stale reads are, beside how stale the nodes say that they are.
//!
//! The paper, 4.5; probabilistically bounded staleness as in `stator_core::staleness`. Each write is of
//! a key of its own; a while after its acknowledgement it is read through another node, and the read is
//! stale if it finds nothing. At the end of each setting the nodes are asked for their estimate. Once on
//! loopback as it is, and once with relays between the nodes that hold up what they send.

mod relay;
mod trial;

use std::time::Duration;

use stator_client::{Client, EstimateDocument, StalenessQuery};

use self::relay::ADVERTISED;
use self::trial::{Cell, Quorums, Tried};
use crate::Failed;
use crate::fleet::{Fleet, until};
use crate::options::Options;
use crate::report::Report;

const NODES: usize = 3;
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
    let done = measure(&fleet, "loopback", options, report).await;
    fleet.judge(done, report)?;
    drop(fleet);

    report.progress("with relays between the nodes");
    let mut fleet = Fleet::of(NODES, &["--advertise", ADVERTISED])?;
    let _relays = relay::before(&fleet.nodes).await?;
    fleet.found().await?;
    let done = measure(&fleet, "delayed", options, report).await;
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
    trial::run(&clients, QUORUMS[4], options.clients(8), WARM).await?;
    let (mut seen, mut agree) = (0, true);
    for quorums in QUORUMS {
        report.progress(&format!("{part}: {quorums}"));
        let during = options.duration(15);
        let tried = trial::run(&clients, quorums, options.clients(8), during).await?;
        let estimates = estimates(&clients, quorums, &tried).await?;
        for ((after, cell), estimated) in AFTER_MS.iter().zip(&tried.cells).zip(estimates) {
            let agrees = cell.agrees_with(estimated, quorums);
            agree &= agrees;
            seen += cell.stale;
            tell(report, &format!("{part}_{}_after_{after}_ms", quorums.name()), cell, estimated);
            if !agrees {
                report.progress(&format!("{part}: {quorums} after {after} ms: they differ"));
            }
        }
        if quorums.overlap() {
            let stale: u64 = tried.cells.iter().map(|cell| cell.stale).sum();
            report.must(stale == 0, &format!("{part}: no read is stale with {quorums}"));
        }
    }
    report.must(agree, &format!("{part}: what was observed is what was estimated"));
    report.must(seen > 100, &format!("{part}: there was staleness to be seen"));
    Ok(())
}

/// What all nodes together estimate for each of the times at which reads began.
async fn estimates(
    clients: &[Client],
    quorums: Quorums,
    tried: &Tried,
) -> Result<Vec<f64>, Failed> {
    let query = StalenessQuery {
        n: Some(NODES as u8),
        r: Some(quorums.r),
        w: Some(quorums.w),
        dw: Some(quorums.dw),
        after_ms: tried.cells.iter().map(Cell::mean_after_ms).collect(),
    };
    let mut told = Vec::new();
    for client in clients {
        told.push(client.staleness(&query).await?);
    }
    let together = EstimateDocument::together(&told);
    let estimate = together.first().ok_or("no node estimates anything")?;
    Ok(estimate.stale.iter().map(|step| step.probability).collect())
}

fn tell(report: &mut Report, name: &str, cell: &Cell, estimated: f64) {
    let percent = |share: f64| (share * 1e5).round() / 1e3;
    let (observed, estimated) = (percent(cell.observed()), percent(estimated));
    let after = (cell.mean_after_ms() * 100.0).round() / 100.0;
    report.say(
        name,
        serde_json::json!({ "reads": cell.reads, "after_ms": after, "observed_percent": observed,
                            "estimated_percent": estimated }),
        format!(
            "observed {observed:7.2} %, estimated {estimated:7.2} % ({} reads, {after} ms after)",
            cell.reads
        ),
    );
}
