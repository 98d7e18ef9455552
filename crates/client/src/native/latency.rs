//! How fast nodes are, and how long a read usually takes.
//!
//! A node's measure is a moving average that rises fast and falls slowly, times the calls it has
//! (as Finagle's balancer has it): one that stalls is left alone after a slow answer or two. Without
//! news it fades to nothing, so that a node which was slow once is tried again.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use stator_core::identity::NodeId;

use super::lock;

/// How long news count.
const FADES_WITHIN: Duration = Duration::from_secs(10);
/// How much of a slower answer, and of a faster one, goes into the average.
const RISE: f64 = 0.5;
const FALL: f64 = 0.1;
/// Answers that tell what is usual.
const WINDOW: usize = 256;
/// What is usual is looked at again after so many.
const EVERY: usize = 32;
/// A read is slow past this part of the usual ones.
const SLOW_PART: f64 = 0.95;
/// What is slow before anything is known.
const SLOW_AT_FIRST: Duration = Duration::from_millis(20);
/// Below this nothing is slow: the clock and the scheduler are no better.
const NEVER_BELOW: Duration = Duration::from_millis(1);
/// One in so many reads may be hedged, and so many at a time, so that a cluster which is slow as a
/// whole is not asked twice as much.
const READS_PER_HEDGE: f64 = 10.0;
const HEDGES: f64 = 10.0;

/// How fast each node is, and how many calls it has of this client.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    nodes: Mutex<BTreeMap<NodeId, Measure>>,
    reads: Mutex<Reads>,
}

#[derive(Clone, Copy, Debug)]
struct Measure {
    seconds: f64,
    at: Instant,
    under_way: u32,
}

#[derive(Debug)]
struct Reads {
    /// The last reads, in no order that matters.
    seconds: Vec<f64>,
    next: usize,
    slow: Duration,
    hedges: f64,
}

impl Default for Reads {
    fn default() -> Self {
        Self { seconds: Vec::new(), next: 0, slow: SLOW_AT_FIRST, hedges: HEDGES }
    }
}

/// A call that is under way.
#[derive(Debug)]
pub(crate) struct UnderWay<'a> {
    latencies: &'a Latencies,
    node: NodeId,
    since: Instant,
    ended: Ended,
}

/// How a call ended, which says what its time tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Nobody waits any more: it would have taken longer.
    CutOff,
    /// With an answer.
    Answered,
    /// It was never sent: its time tells nothing.
    NotSent,
}

impl Latencies {
    /// A call to a node begins.
    pub(crate) fn begin(&self, node: NodeId) -> UnderWay<'_> {
        let now = Instant::now();
        let mut nodes = lock(&self.nodes);
        let fresh = Measure { seconds: 0.0, at: now, under_way: 0 };
        nodes.entry(node).or_insert(fresh).under_way += 1;
        UnderWay { latencies: self, node, since: now, ended: Ended::CutOff }
    }

    /// What asking a node is expected to cost: lower is better, 0 if nothing is known.
    pub(crate) fn cost(&self, node: NodeId) -> f64 {
        let nodes = lock(&self.nodes);
        let Some(measure) = nodes.get(&node) else { return 0.0 };
        measure.faded(Instant::now()) * f64::from(measure.under_way + 1)
    }

    /// Nodes that left are forgotten.
    pub(crate) fn keep(&self, is_there: impl Fn(NodeId) -> bool) {
        lock(&self.nodes).retain(|node, measure| measure.under_way > 0 || is_there(*node));
    }

    /// When a read that begins now is slow enough to ask another node as well.
    pub(crate) fn slow(&self) -> Duration {
        let mut reads = lock(&self.reads);
        reads.hedges = (reads.hedges + 1.0 / READS_PER_HEDGE).min(HEDGES);
        reads.slow
    }

    /// Whether one more read may be hedged.
    pub(crate) fn may_hedge(&self) -> bool {
        let mut reads = lock(&self.reads);
        let may = reads.hedges >= 1.0;
        if may {
            reads.hedges -= 1.0;
        }
        may
    }

    /// A read took so long, however many nodes were asked.
    pub(crate) fn read_took(&self, took: Duration) {
        let mut reads = lock(&self.reads);
        let next = reads.next;
        if reads.seconds.len() < WINDOW {
            reads.seconds.push(took.as_secs_f64());
        } else {
            reads.seconds[next] = took.as_secs_f64();
        }
        reads.next = (next + 1) % WINDOW;
        if reads.next.is_multiple_of(EVERY) {
            let mut sorted = reads.seconds.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let at = (sorted.len() as f64 * SLOW_PART) as usize;
            let slow = sorted.get(at).or(sorted.last()).copied().unwrap_or_default();
            reads.slow = Duration::from_secs_f64(slow).max(NEVER_BELOW);
        }
    }

    fn end(&self, node: NodeId, took: Duration, ended: Ended) {
        if let Some(measure) = lock(&self.nodes).get_mut(&node) {
            measure.under_way = measure.under_way.saturating_sub(1);
            measure.observe(took.as_secs_f64(), ended, Instant::now());
        }
    }
}

impl Measure {
    fn faded(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.at).as_secs_f64();
        self.seconds * (-age / FADES_WITHIN.as_secs_f64()).exp()
    }

    fn observe(&mut self, seconds: f64, ended: Ended, now: Instant) {
        let faded = self.faded(now);
        let weight = match ended {
            Ended::NotSent => return,
            Ended::CutOff if seconds <= faded => return,
            _ if self.seconds == 0.0 => 1.0,
            _ if seconds > faded => RISE,
            _ => FALL,
        };
        (self.seconds, self.at) = (faded + weight * (seconds - faded), now);
    }
}

impl UnderWay<'_> {
    /// The node has answered.
    pub(crate) fn was_answered(mut self) {
        self.ended = Ended::Answered;
    }

    /// It came to nothing that tells how fast the node is.
    pub(crate) fn was_not_sent(mut self) {
        self.ended = Ended::NotSent;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.latencies.end(self.node, self.since.elapsed(), self.ended);
    }
}

#[cfg(test)]
mod tests;
