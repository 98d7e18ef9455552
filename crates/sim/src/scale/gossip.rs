//! How much each node says per second while nothing happens, by size of the cluster.

use std::time::Duration;

use serde_json::{Value, json};
use stator_core::token::PartitionCount;

use super::cluster::Cluster;
use super::traffic::{Kind, Traffic};
use crate::draw::Draw;

/// Before it is counted: until all machines have started, saved and greeted.
const WARM_UP: Duration = Duration::from_secs(5);

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Everything is drawn from it.
    pub seed: u64,
    /// Nodes of the cluster.
    pub nodes: usize,
    /// How many of them are whole machines, at most.
    pub machines: usize,
    /// Q.
    pub partitions: PartitionCount,
    /// For how long it is counted.
    pub time: Duration,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Nodes of the cluster.
    pub nodes: usize,
    /// How many of them were machines.
    pub machines: usize,
    time: Duration,
    sent: Traffic,
}

impl Scope {
    /// Measures one size.
    pub fn measure(self) -> Row {
        let draw = Draw::of_seed(self.seed);
        let mut cluster = Cluster::new(self.nodes, self.machines, self.partitions, &draw);
        cluster.pass(WARM_UP);
        cluster.sent = Traffic::default();
        cluster.pass(self.time);
        let sent = std::mem::take(&mut cluster.sent);
        Row { nodes: self.nodes, machines: cluster.machines(), time: self.time, sent }
    }
}

impl Row {
    fn rate(&self, count: u64) -> f64 {
        count as f64 / self.machines as f64 / self.time.as_secs_f64()
    }

    /// Messages of this kind that a node sends in a second.
    pub fn messages(&self, kind: Kind) -> f64 {
        self.rate(self.sent.of(kind).messages)
    }

    /// Their bytes.
    pub fn bytes(&self, kind: Kind) -> f64 {
        self.rate(self.sent.of(kind).bytes)
    }

    /// Bytes of all kinds.
    pub fn all_bytes(&self) -> f64 {
        Kind::ALL.map(|kind| self.bytes(kind)).iter().sum()
    }

    /// The head of the table.
    pub fn head() -> String {
        let kinds = Kind::ALL.map(|kind| format!(" | {:>9}/s {:>9} B/s", kind.name(), ""));
        format!("{:>5} {:>8}{} | {:>9} B/s", "nodes", "machines", kinds.concat(), "all")
    }

    /// The row in one line of text.
    pub fn text(&self) -> String {
        let kinds = Kind::ALL
            .map(|kind| format!(" | {:>11.2} {:>13.1}", self.messages(kind), self.bytes(kind)));
        let (kinds, all) = (kinds.concat(), self.all_bytes());
        format!("{:>5} {:>8}{kinds} | {all:>13.1}", self.nodes, self.machines)
    }

    /// The row as one document: what a node sends in a second.
    pub fn json(&self) -> Value {
        let kinds = Kind::ALL.map(|kind| {
            let figures = json!({"messages": self.messages(kind), "bytes": self.bytes(kind)});
            (kind.name().to_owned(), figures)
        });
        json!({
            "study": "gossip",
            "nodes": self.nodes,
            "machines": self.machines,
            "seconds": self.time.as_secs_f64(),
            "kinds": Value::Object(kinds.into_iter().collect()),
            "bytes": self.all_bytes(),
        })
    }
}
