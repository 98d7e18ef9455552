//! Writes, each with the one read that follows it.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use stator_client::{Client, Fetched, NewObject, ObjectName, RequestOptions};
use stator_core::quorum::{Level, QuorumOptions};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::AFTER_MS;
use crate::Failed;

/// How many replicas are asked, of three.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quorums {
    pub(super) r: u8,
    pub(super) w: u8,
    pub(super) dw: u8,
}

impl Display for Quorums {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "r={} w={} dw={}", self.r, self.w, self.dw)
    }
}

impl Quorums {
    pub(super) fn name(self) -> String {
        format!("r{}_w{}_dw{}", self.r, self.w, self.dw)
    }

    /// Whether every read meets a replica that acknowledged the write.
    pub(super) const fn overlap(self) -> bool {
        self.r + self.w > 3
    }

    fn of_read(self) -> RequestOptions {
        let r = Some(Level::Count(self.r));
        let quorum = QuorumOptions { r, ..QuorumOptions::default() };
        RequestOptions { quorum, ..RequestOptions::default() }
    }

    fn of_write(self) -> RequestOptions {
        let level = |count| Some(Level::Count(count));
        let (w, dw) = (level(self.w), level(self.dw));
        let quorum = QuorumOptions { w, dw, node_confirms: w, ..QuorumOptions::default() };
        RequestOptions { quorum, ..RequestOptions::default() }
    }
}

/// What was found.
pub(super) struct Tried {
    /// By how long after the acknowledgement reads began.
    pub(super) cells: Vec<Cell>,
    /// Microseconds at the client.
    pub(super) puts: Histogram<u64>,
    pub(super) gets: Histogram<u64>,
}

/// Reads that began about as long after their write's acknowledgement.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub(super) reads: u64,
    pub(super) stale: u64,
    after: Vec<After>,
}

/// How long after a write's acknowledgement a read began. Only the nodes know that: a client's clock
/// sees less, by the answer's way to it and the request's way from it.
#[derive(Clone, Copy, Debug)]
struct After {
    at_client: Duration,
    /// Both ways together, as measured beside it.
    ways: Duration,
}

impl After {
    fn likely(&self) -> Duration {
        self.at_client + self.ways
    }
}

/// What the nodes estimate of the reads of a cell: if the ways were nothing, as measured, or twice that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Estimated {
    pub(super) most: f64,
    pub(super) likely: f64,
    pub(super) least: f64,
}

/// Of so many reads of a cell the nodes are asked for their estimate: a third of the times that they take
/// at once.
const OF: usize = 5;

impl Cell {
    pub(super) fn observed(&self) -> f64 {
        self.stale as f64 / self.reads.max(1) as f64
    }

    /// From the acknowledgement to the read, on average.
    pub(super) fn mean_after_ms(&self) -> f64 {
        let sum: Duration = self.after.iter().map(After::likely).sum();
        sum.as_secs_f64() * 1e3 / self.after.len().max(1) as f64
    }

    /// For each of some reads of which each stands for as many: the earliest, the likely and the latest
    /// time.
    pub(super) fn times_ms(&self) -> Vec<f64> {
        let mut all = self.after.clone();
        all.sort_unstable_by_key(After::likely);
        let nth = |part: usize| all[(2 * part + 1) * all.len() / (2 * OF)];
        let those = (0..OF).filter(|_| !all.is_empty()).map(nth);
        those
            .flat_map(|after| [after.at_client, after.likely(), after.likely() + after.ways])
            .map(|time| time.as_micros() as f64 / 1e3)
            .collect()
    }

    /// Whether reads were no staler than is estimated for the earliest times, but for [`Self::room`].
    pub(super) fn is_within(&self, estimated: Estimated, quorums: Quorums) -> bool {
        if quorums.overlap() {
            return self.stale == 0 && estimated.most == 0.0;
        }
        self.observed() <= estimated.most + self.room(estimated.most)
    }

    /// Whether they were no fresher than is estimated for the latest times, but for the same.
    pub(super) fn reaches(&self, estimated: Estimated) -> bool {
        self.observed() >= estimated.least - self.room(estimated.least)
    }

    /// A quarter of the estimate, half a percent, and what chance alone does to a count three times in a
    /// thousand.
    fn room(&self, share: f64) -> f64 {
        let chance = (share * (1.0 - share) / self.reads.max(1) as f64).sqrt();
        share.mul_add(0.25, 3.0f64.mul_add(chance, 0.005))
    }
}

impl Estimated {
    /// From the probabilities at the times of [`Cell::times_ms`].
    pub(super) fn of(probabilities: &[f64]) -> Self {
        let mean = |which: usize| {
            let those = probabilities.iter().skip(which).step_by(3);
            those.sum::<f64>() * 3.0 / probabilities.len().max(1) as f64
        };
        Self { most: mean(0), likely: mean(1), least: mean(2) }
    }
}

/// One read.
struct Read {
    cell: usize,
    is_stale: bool,
    after: After,
    /// How long the put and the get took at the client.
    took: [Duration; 2],
}

/// Lets so many clients try for a while.
pub(super) async fn run(
    nodes: &[Client],
    quorums: Quorums,
    clients: u64,
    during: Duration,
) -> Result<Tried, Failed> {
    let until = Instant::now() + during;
    let mut working = JoinSet::new();
    for place in 0..clients {
        let nodes = nodes.to_vec();
        working.spawn(async move { work(&nodes, quorums, place as usize, until).await });
    }
    let mut reads = Vec::new();
    while let Some(done) = working.join_next().await {
        reads.extend(done??);
    }
    let mut tried =
        Tried { cells: vec![Cell::default(); AFTER_MS.len()], puts: times()?, gets: times()? };
    for read in reads {
        let cell = &mut tried.cells[read.cell];
        cell.reads += 1;
        cell.stale += u64::from(read.is_stale);
        cell.after.push(read.after);
        let [put, get] = read.took;
        tried.puts.record(put.as_micros() as u64)?;
        tried.gets.record(get.as_micros() as u64)?;
    }
    Ok(tried)
}

fn times() -> Result<Histogram<u64>, Failed> {
    Ok(Histogram::new(3)?)
}

/// Whether every shard of every node reaches all others, as far as some writes show.
pub(super) async fn all_reached(nodes: &[Client]) -> Result<(), Failed> {
    let write = Quorums { r: 1, w: 3, dw: 3 }.of_write();
    for node in nodes {
        for key in 0..32_u8 {
            let name = ObjectName { bucket: b"warm", key: &[key] };
            let object = NewObject { value: Bytes::from_static(b"v"), ..NewObject::default() };
            let before = node.get(name, &RequestOptions::default()).await?;
            let context = match &before {
                Fetched::Object(found) => found.head.context.as_ref(),
                Fetched::Siblings(_) => None,
                Fetched::NotFound { context } => context.as_ref(),
            };
            node.put(name, object, context, &write).await?;
        }
    }
    Ok(())
}

async fn work(
    nodes: &[Client],
    quorums: Quorums,
    place: usize,
    until: Instant,
) -> Result<Vec<Read>, Failed> {
    let (read, write) = (quorums.of_read(), quorums.of_write());
    let alone = Quorums { r: 1, w: 1, dw: 1 }.of_read();
    let mut reads = Vec::new();
    for number in place.. {
        if Instant::now() >= until {
            break;
        }
        let cell = reads.len() % AFTER_MS.len();
        let (writer, other) = (number % nodes.len(), 1 + number / nodes.len() % (nodes.len() - 1));
        let reader = (writer + other) % nodes.len();
        let key = rand::random::<u128>().to_be_bytes();
        let name = ObjectName { bucket: b"staleness", key: &key };
        let object = NewObject { value: Bytes::from_static(&[7; 64]), ..NewObject::default() };
        let begun = Instant::now();
        nodes[writer].put(name, object, None, &write).await?;
        let acknowledged = Instant::now();
        if AFTER_MS[cell] > 0 {
            sleep(Duration::from_millis(AFTER_MS[cell])).await;
        }
        let sent = Instant::now();
        let found = nodes[reader].get(name, &read).await?;
        let answered = Instant::now();
        // About what a read takes that its node answers alone.
        nodes[reader].get(ObjectName { bucket: b"staleness", key: b"none" }, &alone).await?;
        let ways = answered.elapsed();
        reads.push(Read {
            cell,
            is_stale: matches!(found, Fetched::NotFound { .. }),
            after: After { at_client: sent - acknowledged, ways },
            took: [acknowledged - begun, answered - sent],
        });
    }
    Ok(reads)
}
