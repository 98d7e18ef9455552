//! Parts of the run, by what the ring and its nodes do when a request begins.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The clients do as much as they can; not among the figures.
    Calibrating,
    /// Three nodes, nothing changes.
    Three,
    /// Three more join.
    Growing,
    /// The same, with one of them dead and then not yet ready again.
    Dead,
    /// The same, from when it is ready again until the change is settled.
    GrowingOn,
    /// Six nodes, nothing changes.
    Six,
    /// Two leave.
    Shrinking,
    /// Four nodes, nothing changes.
    Four,
}

/// All of them, in order.
pub(super) const PHASES: [Phase; 8] = [
    Phase::Calibrating,
    Phase::Three,
    Phase::Growing,
    Phase::Dead,
    Phase::GrowingOn,
    Phase::Six,
    Phase::Shrinking,
    Phase::Four,
];

impl Phase {
    /// Its name in figures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Calibrating => "calibrating",
            Self::Three => "three",
            Self::Growing => "growing",
            Self::Dead => "growing_one_dead",
            Self::GrowingOn => "growing_on",
            Self::Six => "six",
            Self::Shrinking => "shrinking",
            Self::Four => "four",
        }
    }
}

/// Which part it is now.
#[derive(Debug, Default)]
pub(super) struct Now(AtomicUsize);

impl Now {
    /// Another part begins.
    pub(super) fn is(&self, phase: Phase) {
        self.0.store(phase as usize, Ordering::Relaxed);
    }

    /// The part that it is.
    pub(super) fn phase(&self) -> Phase {
        PHASES[self.0.load(Ordering::Relaxed)]
    }
}
