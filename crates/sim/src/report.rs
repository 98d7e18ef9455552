//! What a run, or a sweep of many, has to say for itself: as one line of JSON or as text.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::checkers::{Violation, check};
use crate::faults::FaultKind;
use crate::history::{Asked, Collections, History, WriteKind};
use crate::world::{Aftermath, Deeds, Life};

/// The findings of one run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The run's seed.
    pub seed: u64,
    /// The hash of its trace, in hex.
    pub trace_hash: String,
    /// Nodes of its cluster.
    pub nodes: usize,
    /// How often each fault that was on was injected.
    pub faults: BTreeMap<&'static str, u64>,
    /// Operations by kind and outcome, `get_done` and so on.
    pub operations: BTreeMap<String, u64>,
    /// Reads by how many versions they gave, those at the end left out.
    pub reads_by_versions: BTreeMap<usize, u64>,
    /// Collection rounds that replicas carried out, and what they dropped and pruned.
    pub collections: BTreeMap<&'static str, u64>,
    /// What operators did to the ring.
    pub ring_changes: BTreeMap<&'static str, u64>,
    /// What must not be.
    pub violations: Vec<Violation>,
    /// Simulated time.
    pub simulated: Duration,
    /// Events.
    pub events: u64,
}

impl Report {
    /// Judges what a run left behind.
    pub fn of(seed: u64, aftermath: &Aftermath) -> Self {
        let history = &aftermath.history;
        let mut operations = BTreeMap::new();
        for call in &history.calls {
            let kind = match call.asked {
                Asked::Get { .. } => "get",
                Asked::Write(place) => match history.keys[call.key].writes[place].kind {
                    WriteKind::Value(_) => "put",
                    WriteKind::Tombstone | WriteKind::DeleteWhatIsRead => "delete",
                },
            };
            *operations.entry(format!("{kind}_{}", call.fate.name())).or_default() += 1;
        }
        Self {
            seed,
            trace_hash: aftermath.trace_hash.clone(),
            nodes: aftermath.nodes,
            faults: aftermath.faults.counts().iter().map(|(kind, &n)| (kind.name(), n)).collect(),
            operations,
            reads_by_versions: reads_by_versions(history),
            collections: collections(history),
            ring_changes: ring_changes(&aftermath.deeds),
            violations: check(history),
            simulated: aftermath.simulated,
            events: aftermath.events,
        }
    }

    /// The run as one document.
    pub fn json(&self) -> Value {
        json!({
            "seed": self.seed,
            "trace_hash": self.trace_hash,
            "nodes": self.nodes,
            "faults": self.faults,
            "operations": self.operations,
            "reads_by_versions": self.reads_by_versions,
            "collections": self.collections,
            "ring_changes": self.ring_changes,
            "violations": violations_json(&self.violations),
            "simulated_seconds": self.simulated.as_secs_f64(),
            "events": self.events,
        })
    }

    /// The run in a few lines of text.
    pub fn text(&self) -> String {
        let head = format!(
            "seed {}: {} nodes, {:.0} simulated seconds, {} events, trace {}",
            self.seed,
            self.nodes,
            self.simulated.as_secs_f64(),
            self.events,
            &self.trace_hash[..16]
        );
        let lines = [
            head,
            format!("  faults: {}", counts(&self.faults)),
            format!("  operations: {}", counts(&self.operations)),
            format!("  {}", verdict(self.violations.len() as u64)),
        ];
        lines.join("\n")
    }
}

fn collections(history: &History) -> BTreeMap<&'static str, u64> {
    let Collections { rounds, dropped, pruned } = history.collections;
    BTreeMap::from([
        ("rounds", rounds),
        ("tombstones_dropped", dropped),
        ("vectors_pruned", pruned),
    ])
}

fn ring_changes(deeds: &Deeds) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([
        ("committed", deeds.committed),
        ("told_to_wait", deeds.told_to_wait),
        ("overtaken", deeds.overtaken),
        ("declared_dead", deeds.declared_dead),
        ("left", deeds.left),
    ])
}

fn reads_by_versions(history: &History) -> BTreeMap<usize, u64> {
    let mut reads = BTreeMap::new();
    let readings = history.keys.iter().flat_map(|key| &key.readings);
    for reading in readings.filter(|reading| !reading.last) {
        *reads.entry(reading.versions.len()).or_default() += 1;
    }
    reads
}

fn violations_json(violations: &[Violation]) -> Value {
    violations
        .iter()
        .map(|found| json!({ "checker": found.checker, "sentence": found.sentence }))
        .collect()
}

fn counts<K: AsRef<str>>(map: &BTreeMap<K, u64>) -> String {
    let shown: Vec<String> = map.iter().map(|(name, n)| format!("{}={n}", name.as_ref())).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(" ") }
}

fn verdict(violations: u64) -> String {
    if violations == 0 { "no violation".to_owned() } else { format!("{violations} VIOLATIONS") }
}

/// The sum of many runs.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// What kind of life they led.
    life: Life,
    /// Runs.
    pub runs: u64,
    /// Seeds with a violation.
    pub failed: Vec<u64>,
    /// Violations.
    pub violations: u64,
    faults: BTreeMap<&'static str, u64>,
    operations: BTreeMap<String, u64>,
    reads_by_versions: BTreeMap<usize, u64>,
    collections: BTreeMap<&'static str, u64>,
    ring_changes: BTreeMap<&'static str, u64>,
    simulated: Duration,
    events: u64,
}

/// A sweep of fewer runs than this may miss a kind of fault by chance.
const RUNS_THAT_SHOW_EVERY_FAULT: u64 = 50;

impl Totals {
    /// No runs of this kind of life yet.
    pub fn of(life: Life) -> Self {
        Self { life, ..Self::default() }
    }

    /// Adds a run.
    pub fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.simulated += report.simulated;
        self.events += report.events;
        self.violations += report.violations.len() as u64;
        if !report.violations.is_empty() {
            self.failed.push(report.seed);
        }
        for (name, n) in &report.faults {
            *self.faults.entry(name).or_default() += n;
        }
        for (name, n) in &report.collections {
            *self.collections.entry(name).or_default() += n;
        }
        for (name, n) in &report.ring_changes {
            *self.ring_changes.entry(name).or_default() += n;
        }
        for (versions, n) in &report.reads_by_versions {
            *self.reads_by_versions.entry(*versions).or_default() += n;
        }
        for (name, n) in &report.operations {
            *self.operations.entry(name.clone()).or_default() += n;
        }
    }

    /// Faults that belong to this kind of life and were never injected: a hole in the sweep.
    pub fn never_injected(&self) -> Vec<&'static str> {
        let on = FaultKind::ALL.into_iter().filter(|kind| self.life.has(*kind));
        on.map(FaultKind::name)
            .filter(|name| self.faults.get(name).is_none_or(|&n| n == 0))
            .collect()
    }

    /// Whether something must not be as it is.
    pub fn is_failure(&self) -> bool {
        let holes = self.runs >= RUNS_THAT_SHOW_EVERY_FAULT && !self.never_injected().is_empty();
        self.violations > 0 || holes
    }

    /// The sums as one document.
    pub fn json(&self, wall: Duration) -> Value {
        json!({
            "totals": {
                "runs": self.runs,
                "violations": self.violations,
                "failed_seeds": self.failed,
                "faults": self.faults,
                "faults_never_injected": self.never_injected(),
                "operations": self.operations,
                "reads_by_versions": self.reads_by_versions,
                "collections": self.collections,
                "ring_changes": self.ring_changes,
                "simulated_seconds": self.simulated.as_secs_f64(),
                "wall_seconds": wall.as_secs_f64(),
                "simulated_per_wall": self.simulated.as_secs_f64() / wall.as_secs_f64(),
                "events_per_second": self.events as f64 / wall.as_secs_f64(),
            }
        })
    }

    /// The sums in a few lines of text.
    pub fn text(&self, wall: Duration) -> String {
        let head = format!(
            "{} runs, {:.0} simulated seconds in {:.1} s: {:.0} times real time, {:.0} events/s",
            self.runs,
            self.simulated.as_secs_f64(),
            wall.as_secs_f64(),
            self.simulated.as_secs_f64() / wall.as_secs_f64(),
            self.events as f64 / wall.as_secs_f64(),
        );
        let mut lines = vec![head, format!("  faults: {}", counts(&self.faults))];
        lines.push(format!("  never injected: {:?}", self.never_injected()));
        lines.push(format!("  operations: {}", counts(&self.operations)));
        let reads = self.reads_by_versions.iter().map(|(versions, n)| (versions.to_string(), *n));
        lines.push(format!("  reads by number of versions: {}", counts(&reads.collect())));
        lines.push(format!("  collections: {}", counts(&self.collections)));
        lines.push(format!("  ring changes: {}", counts(&self.ring_changes)));
        let verdict = verdict(self.violations);
        lines.push(format!("  {verdict}; failed seeds: {:?}", self.failed));
        lines.join("\n")
    }
}
