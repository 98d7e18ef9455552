//! Latencies, and what became of requests.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use stator_client::{ClientError, Outcome};

/// A minute, in microseconds: no request takes longer.
const LONGEST_MICROS: u64 = 60_000_000;
/// Different texts that are kept apart.
const MOST_TEXTS: usize = 20;

/// What became of the requests of one kind in one part of a run.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) acknowledged: Histogram<u64>,
    pub(crate) refused: u64,
    pub(crate) indeterminate: u64,
    /// What refusals and doubts said, and how often.
    pub(crate) texts: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let acknowledged = Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
            .expect("the bounds and the digits are ones that the histogram takes");
        Self { acknowledged, refused: 0, indeterminate: 0, texts: BTreeMap::new() }
    }
}

impl Tally {
    /// A request that was answered after so long.
    pub(crate) fn done(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST_MICROS);
        self.acknowledged.saturating_record(micros.clamp(1, LONGEST_MICROS));
    }

    /// One that was not carried out, or may not have been.
    pub(crate) fn failed(&mut self, error: &ClientError) {
        let outcome = error.outcome();
        match outcome {
            Outcome::Refused => self.refused += 1,
            Outcome::Indeterminate => self.indeterminate += 1,
        }
        let text = format!("{outcome:?}: {}", kind(error));
        if self.texts.len() < MOST_TEXTS || self.texts.contains_key(&text) {
            *self.texts.entry(text).or_default() += 1;
        }
    }

    /// Adds what another client has seen.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.acknowledged
            .add(&other.acknowledged)
            .expect("histograms of the same bounds can be added");
        self.refused += other.refused;
        self.indeterminate += other.indeterminate;
        for (text, count) in &other.texts {
            *self.texts.entry(text.clone()).or_default() += count;
        }
    }

    /// A latency that so many percent of the acknowledged stay below, in milliseconds.
    pub(crate) fn millis(&self, percent: f64) -> f64 {
        self.acknowledged.value_at_percentile(percent) as f64 / 1000.0
    }

    /// For programs.
    pub(crate) fn document(&self) -> Value {
        json!({
            "acknowledged": self.acknowledged.len(),
            "refused": self.refused,
            "indeterminate": self.indeterminate,
            "p50_ms": self.millis(50.0),
            "p99_ms": self.millis(99.0),
            "p99_9_ms": self.millis(99.9),
            "max_ms": self.acknowledged.max() as f64 / 1000.0,
            "texts": self.texts,
        })
    }
}

/// The error without what differs each time, such as whom it names.
fn kind(error: &ClientError) -> String {
    match error {
        ClientError::Problem(problem) => {
            let detail: String = problem
                .detail
                .chars()
                .map(|letter| if letter.is_ascii_digit() { '#' } else { letter })
                .collect();
            format!("{} {} {detail}", problem.status, problem.slug)
        }
        ClientError::Unreachable { .. } => "no node could be reached".to_owned(),
        ClientError::Broken { .. } => "the connection broke".to_owned(),
        ClientError::TimedOut { .. } => "no answer came in time".to_owned(),
        other => other.to_string(),
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} acknowledged, {} refused, {} indeterminate; p50 {:.2} ms, p99 {:.2} ms, \
             p99.9 {:.2} ms, max {:.0} ms",
            self.acknowledged.len(),
            self.refused,
            self.indeterminate,
            self.millis(50.0),
            self.millis(99.0),
            self.millis(99.9),
            self.millis(100.0),
        )?;
        for (text, count) in &self.texts {
            write!(f, "\n      {count} x {text}")?;
        }
        Ok(())
    }
}
