//! How long, and from which seed: the two things that a person may say.

use std::time::Duration;

const SECONDS: &str = "STATOR_CHAOS_SECONDS";
const SEED: &str = "STATOR_CHAOS_SEED";

/// A history is judged after this much chaos, and the next one starts with new keys: the cost of
/// judging grows with the square of a key's writes.
const ROUND: Duration = Duration::from_secs(30);

/// What a run goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// Faults, keys and what clients do are drawn from it; how threads and processes take turns
    /// is not, so that a seed repeats the adversary and not the whole run.
    pub(super) seed: u64,
    /// How long faults are injected, over all rounds.
    pub(super) chaos: Duration,
}

impl Settings {
    /// From the environment; 30 s and a new seed if it says nothing.
    pub(super) fn read() -> Self {
        let seconds = number(SECONDS).unwrap_or(30).max(10);
        let seed = number(SEED).unwrap_or_else(rand::random);
        Self { seed, chaos: Duration::from_secs(seconds) }
    }

    /// How long each round of chaos is.
    pub(super) fn rounds(&self) -> Vec<Duration> {
        let count = self.chaos.as_secs().div_ceil(ROUND.as_secs()) as u32;
        vec![self.chaos / count; count as usize]
    }
}

impl std::fmt::Display for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SEED}={} {SECONDS}={}", self.seed, self.chaos.as_secs())
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is not a whole number")))
}
