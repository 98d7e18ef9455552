//! The study: writes and reads, and what the nodes say of them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use stator_core::object::{BucketName, Key, ObjectKey};
use stator_core::quorum::{Level, QuorumOptions};
use stator_core::random::Random;
use stator_core::request::{ClientReply, ClientRequestId, Done, Operation, Precedence, PutOrder};
use stator_core::staleness::{Laws, Setting};
use stator_core::time::Instant;

use super::cluster::Cluster;
use super::path::Path;
use crate::draw::Draw;
use crate::history::CallId;
use crate::payload::payload;

/// How long after an acknowledgement reads begin, in milliseconds.
pub const AFTER_MS: [u64; 5] = [0, 1, 5, 10, 50];
/// The mean time between two writes.
const GAP: Duration = Duration::from_millis(4);
/// What an estimate can't tell from nothing.
const LEAST: f64 = 1e-4;
/// The length of a value.
const BYTES: usize = 64;
/// How long is waited for what is under way at the end.
const REST: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(Clone, Debug)]
pub struct Study {
    /// Everything is drawn from it.
    pub seed: u64,
    /// How many nodes; three of them keep everything.
    pub nodes: usize,
    /// How long frames are under way.
    pub path: Path,
    /// Quorums of writes and reads.
    pub settings: Vec<Setting>,
    /// Writes for each setting and each time after it.
    pub writes: u32,
}

/// One setting, and one time after the acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// How long frames were under way.
    pub path: Path,
    /// The quorums.
    pub setting: Setting,
    /// When reads began, after the acknowledgement.
    pub after: Duration,
    /// Reads.
    pub reads: u32,
    /// Those of them that found nothing.
    pub stale: u32,
    /// The probability of that, as the nodes say, on average.
    pub estimated: f64,
}

impl Row {
    /// What share of reads was stale.
    pub fn observed(&self) -> f64 {
        f64::from(self.stale) / f64::from(self.reads.max(1))
    }

    /// Whether both figures agree: within a fifth of the estimate, and what chance alone does to a
    /// count three times out of a thousand.
    pub fn agrees(&self) -> bool {
        // An estimate of nothing is as sure as the writes that it draws are many; where the quorums
        // overlap, it is certain.
        let setting = self.setting;
        let overlap = setting.r() + setting.w() > setting.n();
        let likely = if overlap { self.estimated } else { self.estimated.max(LEAST) };
        let chance = (likely * (1.0 - likely) / f64::from(self.reads.max(1))).sqrt();
        let off = (self.observed() - self.estimated).abs();
        off <= self.estimated.mul_add(0.2, 3.0 * chance)
    }
}

/// One write and the read that follows it, by the numbers of its two calls.
#[derive(Clone, Copy, Debug)]
struct Trial {
    cell: usize,
    writer: usize,
}

impl Study {
    /// Measures all rows, setting by setting.
    pub fn run(&self) -> Vec<Row> {
        let draw = Draw::of_seed(self.seed);
        let mut cluster = Cluster::new(self.nodes, self.path, &draw);
        let mut run = Run {
            study: self,
            draw: draw.child("clients"),
            trials: BTreeMap::new(),
            reads: vec![0; self.settings.len() * AFTER_MS.len()],
            stale: vec![0; self.settings.len() * AFTER_MS.len()],
        };
        let mut at = cluster.now();
        for number in 0..u64::from(self.writes) * run.reads.len() as u64 {
            at = at.after(run.draw.wait(GAP));
            run.write(number, at, &mut cluster);
            // Not all are put on the agenda at once: it would only be longer.
            run.pass(at, &mut cluster);
        }
        run.pass(at.after(REST), &mut cluster);
        self.rows(&run, &cluster, draw.child("estimates").into_random())
    }

    fn rows(&self, run: &Run<'_>, cluster: &Cluster, mut random: Random) -> Vec<Row> {
        let laws: Vec<Laws> = cluster.seen().iter().filter_map(Laws::of).collect();
        let mut rows = Vec::new();
        for (place, &setting) in self.settings.iter().enumerate() {
            let estimates: Vec<_> =
                laws.iter().map(|laws| laws.estimate(setting, self.nodes, &mut random)).collect();
            for (step, after) in AFTER_MS.map(Duration::from_millis).into_iter().enumerate() {
                let cell = place * AFTER_MS.len() + step;
                let sum: f64 = estimates.iter().map(|estimate| estimate.stale(after)).sum();
                rows.push(Row {
                    path: self.path,
                    setting,
                    after,
                    reads: run.reads[cell],
                    stale: run.stale[cell],
                    estimated: sum / estimates.len().max(1) as f64,
                });
            }
        }
        rows
    }
}

struct Run<'a> {
    study: &'a Study,
    draw: Draw,
    /// Those whose call of this number was not answered.
    trials: BTreeMap<u64, Trial>,
    /// By cell: setting, then time.
    reads: Vec<u32>,
    stale: Vec<u32>,
}

impl Run<'_> {
    fn setting_of(&self, cell: usize) -> Setting {
        self.study.settings[cell / AFTER_MS.len()]
    }

    fn write(&mut self, number: u64, at: Instant, cluster: &mut Cluster) {
        let cell = (number % self.reads.len() as u64) as usize;
        let setting = self.setting_of(cell);
        let writer = self.draw.index(usize::from(cluster.replicas()));
        let level = |count| Some(Level::Count(count));
        let quorum = QuorumOptions {
            w: level(setting.w()),
            dw: level(setting.dw()),
            ..QuorumOptions::default()
        };
        let order = PutOrder {
            key: key(number),
            context: None,
            value: payload(CallId(number), BYTES),
            quorum,
            precedence: Precedence::Newest,
        };
        let call = number * 2;
        self.trials.insert(call, Trial { cell, writer });
        cluster.call(writer, at, call, Operation::Put(order));
    }

    fn pass(&mut self, until: Instant, cluster: &mut Cluster) {
        while let Some(replies) = cluster.step(until) {
            for (ClientRequestId(call), reply) in replies {
                self.answered(call, reply, cluster);
            }
        }
    }

    fn answered(&mut self, call: u64, reply: ClientReply, cluster: &mut Cluster) {
        let trial = self.trials.remove(&call).expect("every call is answered once");
        match reply.expect("nothing fails") {
            Done::Written(_) => self.read(call, trial, cluster),
            Done::Got(found) => {
                self.reads[trial.cell] += 1;
                self.stale[trial.cell] += u32::from(found.state.is_unwritten());
            }
            Done::Listed(_) => unreachable!("nobody lists"),
        }
    }

    /// Through any node but the one that coordinated the write.
    fn read(&mut self, written: u64, trial: Trial, cluster: &mut Cluster) {
        let other = 1 + self.draw.index(self.study.nodes - 1);
        let reader = (trial.writer + other) % self.study.nodes;
        let after = Duration::from_millis(AFTER_MS[trial.cell % AFTER_MS.len()]);
        let r = Some(Level::Count(self.setting_of(trial.cell).r()));
        let quorum = QuorumOptions { r, ..QuorumOptions::default() };
        let operation = Operation::Get { key: key(written / 2), quorum };
        self.trials.insert(written + 1, trial);
        cluster.call(reader, cluster.now().after(after), written + 1, operation);
    }
}

fn key(number: u64) -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"default")).expect("the name is short");
    let key = Key::new(Bytes::from(format!("k{number}"))).expect("the key is short");
    ObjectKey::new(bucket, key)
}
