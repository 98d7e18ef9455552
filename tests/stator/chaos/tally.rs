//! What a run has to show: operations, faults, violations, and how long nothing worked.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use stator_sim::history::{Asked, Call, Fate, History, WriteKind};

use super::adversary::Fault;

/// Sums over all rounds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    operations: BTreeMap<(&'static str, &'static str), u64>,
    faults: BTreeMap<Fault, u64>,
    /// Nodes whose store was deleted between the healing and the last look.
    pub(super) stores_lost: u64,
    /// Keys looked at in the end.
    keys: usize,
    pub(super) violations: usize,
    /// The longest time in which no write, and no read, was carried out through any node.
    no_write: Duration,
    no_read: Duration,
}

impl Tally {
    /// Adds a round: its history, and how long its chaos was.
    pub(super) fn add(&mut self, history: &History, chaos: Duration) {
        self.keys += history.keys.len();
        for call in &history.calls {
            *self.operations.entry((kind(history, call), call.fate.name())).or_default() += 1;
        }
        let is_read = |call: &Call| matches!(call.asked, Asked::Get { .. });
        self.no_write = self.no_write.max(gap(history, chaos, |call| !is_read(call)));
        self.no_read = self.no_read.max(gap(history, chaos, is_read));
    }

    /// Adds the faults of a round.
    pub(super) fn add_faults(&mut self, faults: BTreeMap<Fault, u64>) {
        for (fault, times) in faults {
            *self.faults.entry(fault).or_default() += times;
        }
    }

    /// Kinds of faults that never came.
    pub(super) fn never_injected(&self) -> Vec<&'static str> {
        let never = Fault::ALL.into_iter().filter(|fault| !self.faults.contains_key(fault));
        never.map(Fault::name).collect()
    }

    /// Writes that were acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.done("put") + self.done("delete")
    }

    fn done(&self, kind: &'static str) -> u64 {
        self.operations.get(&(kind, Fate::Done.name())).copied().unwrap_or(0)
    }
}

fn kind(history: &History, call: &Call) -> &'static str {
    match call.asked {
        Asked::Get { .. } => "get",
        Asked::Write(place) => match history.keys[call.key].writes[place].kind {
            WriteKind::Value(_) => "put",
            WriteKind::Tombstone | WriteKind::DeleteWhatIsRead => "delete",
        },
    }
}

/// The longest time during the chaos in which no such call succeeded.
fn gap(history: &History, chaos: Duration, of: impl Fn(&Call) -> bool) -> Duration {
    let done = history.calls.iter().filter(|call| call.fate == Fate::Done && of(call));
    let begin = stator_core::time::Instant::default();
    let end = begin.after(chaos);
    let mut times: Vec<_> = done.filter_map(|call| call.ended).filter(|&at| at < end).collect();
    times.extend([begin, end]);
    times.sort();
    times.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap_or(chaos)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  operations:")?;
        for ((kind, fate), times) in &self.operations {
            write!(f, " {kind} {fate}={times}")?;
        }
        write!(f, "\n  faults:")?;
        for (fault, times) in &self.faults {
            write!(f, " {}={times}", fault.name())?;
        }
        write!(f, " stores lost={}", self.stores_lost)?;
        writeln!(f, "\n  keys judged: {}; violations: {}", self.keys, self.violations)?;
        write!(
            f,
            "  longest time without an acknowledged write: {:.1} s, without an answered read: {:.1} s",
            self.no_write.as_secs_f64(),
            self.no_read.as_secs_f64()
        )
    }
}
