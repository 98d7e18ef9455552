//! What a cluster can serve, by its size: as much as its busiest node lets it.
//!
//! The ring is the planner's own, which one node after the other has joined. What a request costs
//! is a parameter; how it is spread over the nodes is what is computed here. Nothing else is in it:
//! no queues, no network, no bursts.

use serde_json::{Value, json};
use stator_core::token::PartitionCount;

use super::work::Work;
use crate::balance::strategy::{Size, grown};
use crate::draw::Draw;
use crate::popularity::{Popularity, efficiency};

/// What parts of requests cost, in microseconds of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// To take a request from a client, coordinate it and reply.
    pub coordinate: f64,
    /// To pass a put on and its reply back.
    pub pass_on: f64,
    /// To write a state as a replica.
    pub write: f64,
    /// To read an object as a replica.
    pub read: f64,
}

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scope {
    /// Everything is drawn from it.
    pub seed: u64,
    /// Nodes of the cluster.
    pub nodes: usize,
    /// Q.
    pub partitions: PartitionCount,
    /// How many keys there are.
    pub keys: usize,
    /// The skew.
    pub exponent: f64,
    /// The part of all requests that are puts, from 0 to 1.
    pub puts: f64,
    /// Cores of each node.
    pub cores: f64,
    /// What requests cost.
    pub costs: Costs,
}

/// N and R of the load.
const REPLICAS: u8 = 3;
const R: usize = 2;

/// What was computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    scope: Scope,
    work: Work,
    /// Microseconds of each node for an average request.
    busy: Vec<f64>,
}

impl Scope {
    /// Computes one size.
    pub fn compute(self) -> Row {
        let draw = Draw::of_seed(self.seed);
        let size = Size { nodes: self.nodes, replicas: REPLICAS };
        let ring = grown(self.partitions, size, &mut draw.child("ring"));
        let keys = Popularity::zipf(self.keys, self.exponent, &mut draw.child("keys"));
        let work = Work::of(&ring, &keys.of_partitions(self.partitions), R);
        let Costs { coordinate, pass_on, write, read } = self.costs;
        let busy = |node: usize| {
            let put = work.puts[node] * coordinate
                + work.passed_on[node] * pass_on
                + work.writes[node] * write;
            let get = work.gets[node] * coordinate + work.reads[node] * read;
            self.puts * put + (1.0 - self.puts) * get
        };
        let busy = (0..self.nodes).map(busy).collect();
        Row { scope: self, work, busy }
    }
}

/// The most over the mean.
fn skew(loads: &[f64]) -> f64 {
    1.0 / efficiency(loads)
}

impl Row {
    /// Requests per second at which the busiest node has no time left.
    pub fn capacity(&self) -> f64 {
        let busiest = self.busy.iter().copied().fold(0.0, f64::max);
        self.scope.cores * 1e6 / busiest
    }

    /// How busy the busiest node is, over the mean.
    pub fn skew(&self) -> f64 {
        skew(&self.busy)
    }

    /// Microseconds of all nodes for an average request.
    pub fn cost(&self) -> f64 {
        self.busy.iter().sum()
    }

    fn skews(&self) -> [f64; 4] {
        let Work { puts, writes, reads, .. } = &self.work;
        [skew(writes), skew(reads), skew(puts), self.skew()]
    }

    /// The head of the table.
    pub fn head() -> String {
        format!(
            "{:>5} {:>5} | {:>6} {:>6} {:>6} {:>6} | {:>9} {:>10} {:>8}",
            "nodes", "zipf", "writes", "reads", "puts", "busy", "us/op", "ops/s", "per node"
        )
    }

    /// The row in one line of text: the most over the mean of writes and reads as a replica, puts
    /// coordinated, and all work; cost, and capacity.
    pub fn text(&self) -> String {
        let Scope { nodes, exponent, .. } = self.scope;
        let [writes, reads, puts, busy] = self.skews();
        let (cost, capacity) = (self.cost(), self.capacity());
        let each = capacity / nodes as f64;
        format!(
            "{nodes:>5} {exponent:>5} | {writes:>6.2} {reads:>6.2} {puts:>6.2} {busy:>6.2} | \
             {cost:>9.1} {capacity:>10.0} {each:>8.0}"
        )
    }

    /// The row as one document.
    pub fn json(&self) -> Value {
        let [writes, reads, puts, busy] = self.skews();
        json!({
            "study": "capacity",
            "nodes": self.scope.nodes,
            "zipf_exponent": self.scope.exponent,
            "max_over_mean": {"writes": writes, "reads": reads, "puts_coordinated": puts, "busy": busy},
            "micros_per_request": self.cost(),
            "requests_per_second": self.capacity(),
        })
    }
}
