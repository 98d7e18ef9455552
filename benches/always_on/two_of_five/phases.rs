//! Parts of the run, by what had happened when a put began and ended.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Ended before the first death.
    Before,
    /// Under way at a death, or begun within a second after the last one.
    FirstSecond,
    /// Begun later, before the return.
    WhileDead,
    /// Begun after the return.
    AfterReturn,
}

/// All of them, in order.
pub(super) const PHASES: [Phase; 4] =
    [Phase::Before, Phase::FirstSecond, Phase::WhileDead, Phase::AfterReturn];

impl Phase {
    /// Its name in figures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::FirstSecond => "first_second",
            Self::WhileDead => "while_dead",
            Self::AfterReturn => "after_return",
        }
    }
}

/// When what happened.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    killing: OnceLock<Instant>,
    killed: OnceLock<Instant>,
    returning: OnceLock<Instant>,
}

impl Timeline {
    /// The first is killed now.
    pub(super) fn killing(&self) {
        self.killing.get_or_init(Instant::now);
    }

    /// The last is dead.
    pub(super) fn killed(&self) {
        self.killed.get_or_init(Instant::now);
    }

    /// They are started again now.
    pub(super) fn returning(&self) {
        self.returning.get_or_init(Instant::now);
    }

    /// The part that a put belongs to.
    pub(super) fn phase(&self, begun: Instant, ended: Instant) -> Phase {
        if self.killing.get().is_none_or(|&killing| ended < killing) {
            return Phase::Before;
        }
        let first_second = Duration::from_secs(1);
        if self.killed.get().is_none_or(|&killed| begun < killed + first_second) {
            return Phase::FirstSecond;
        }
        if self.returning.get().is_none_or(|&returning| begun < returning) {
            return Phase::WhileDead;
        }
        Phase::AfterReturn
    }
}
