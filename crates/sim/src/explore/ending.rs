//! The end of a story: the key is read from all replicas, and the checkers judge.

use std::time::Duration;

use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_core::request::Operation;

use super::cluster::Cluster;
use super::scenario::Budget;
use crate::checkers::{Violation, check};
use crate::history::{CallId, Seen};

/// The node that the last read goes through: the last of the preference list.
const THROUGH: usize = 2;

impl Cluster {
    /// Judges the calls so far, which may not have ended.
    pub(super) fn violation(&self) -> Option<Violation> {
        check(&self.history).into_iter().next()
    }

    /// Reads the key from all replicas, after suspicions have been forgotten; only at rest. Frames that are
    /// still under way are those of dead processes, and never arrive.
    pub(super) fn read_all(&mut self) {
        self.now = self.now.after(Duration::from_hours(1));
        self.budget = Budget::default();
        self.last = true;
        self.flights.clear();
        for caller in self.callers.iter().filter_map(|caller| caller.waits).collect::<Vec<_>>() {
            self.history().unanswered.push(caller);
        }
        let all = Some(Level::All);
        let quorum = QuorumOptions {
            r: all,
            pr: all,
            mode: Some(QuorumMode::Strict),
            ..QuorumOptions::default()
        };
        let key = self.setting.layout.keys[0].clone();
        let call = CallId(self.history.calls.len() as u64);
        let begun = self.begun(usize::MAX, THROUGH);
        let operation = Operation::Get { key, quorum };
        self.note(|| format!("at the end n{} reads from all replicas", THROUGH + 1));
        self.begin(begun, &operation, &Seen::default());
        self.history().last_reads.push(call);
        self.arrive(call, THROUGH, operation);
        while let Some(&choice) = self.choices().first() {
            self.apply(choice);
        }
    }
}
