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
}

/// Reads that began about as long after their write's acknowledgement.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    pub(super) reads: u64,
    pub(super) stale: u64,
    /// The sum of the times from acknowledgements to reads, as the nodes met them.
    after: Duration,
}

impl Cell {
    pub(super) fn observed(&self) -> f64 {
        self.stale as f64 / self.reads.max(1) as f64
    }

    /// From the acknowledgement to the read.
    pub(super) fn mean_after_ms(&self) -> f64 {
        self.after.as_secs_f64() * 1e3 / self.reads.max(1) as f64
    }

    /// Within a quarter of the estimate and half a percent, and what chance alone does to a count three
    /// times in a thousand.
    pub(super) fn agrees_with(&self, estimated: f64, quorums: Quorums) -> bool {
        if quorums.overlap() {
            return self.stale == 0 && estimated == 0.0;
        }
        let chance = (estimated * (1.0 - estimated) / self.reads.max(1) as f64).sqrt();
        let off = (self.observed() - estimated).abs();
        off <= estimated.mul_add(0.25, 3.0f64.mul_add(chance, 0.005))
    }
}

/// One read.
struct Read {
    cell: usize,
    is_stale: bool,
    /// From the answer to the write to the sending of the read, at the client.
    after: Duration,
    took: Duration,
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
    // An answer's way to the client and a request's way from it are together about what a read takes
    // that its node answers alone: so much later than at the client does the read begin at the node.
    let way = round_trip(nodes).await?;
    let mut cells = vec![Cell::default(); AFTER_MS.len()];
    for read in reads {
        let cell = &mut cells[read.cell];
        cell.reads += 1;
        cell.stale += u64::from(read.is_stale);
        cell.after += read.after + way.min(read.took);
    }
    Ok(Tried { cells })
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
        nodes[writer].put(name, object, None, &write).await?;
        let acknowledged = Instant::now();
        if AFTER_MS[cell] > 0 {
            sleep(Duration::from_millis(AFTER_MS[cell])).await;
        }
        let sent = Instant::now();
        let found = nodes[reader].get(name, &read).await?;
        reads.push(Read {
            cell,
            is_stale: matches!(found, Fetched::NotFound { .. }),
            after: sent - acknowledged,
            took: sent.elapsed(),
        });
    }
    Ok(reads)
}

/// How long a read takes that its node answers alone: the median of some.
async fn round_trip(nodes: &[Client]) -> Result<Duration, Failed> {
    let read = Quorums { r: 1, w: 1, dw: 1 }.of_read();
    let mut times = Histogram::<u64>::new(3)?;
    for number in 0..300 {
        let name = ObjectName { bucket: b"staleness", key: b"none" };
        let sent = Instant::now();
        nodes[number % nodes.len()].get(name, &read).await?;
        times.record(sent.elapsed().as_micros() as u64)?;
    }
    Ok(Duration::from_micros(times.value_at_quantile(0.5)))
}
