//! What was measured: latencies by kind of operation, errors by kind of error.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// A minute, in microseconds: no request takes longer.
const LONGEST_MICROS: u64 = 60_000_000;

/// Latencies in microseconds, and errors.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Puts that were acknowledged.
    pub(crate) puts: Histogram<u64>,
    /// Gets that were answered.
    pub(crate) gets: Histogram<u64>,
    /// Everything else, by what it was.
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let histogram = || {
            Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
                .expect("the bounds and the digits are ones that the histogram takes")
        };
        Self { puts: histogram(), gets: histogram(), errors: BTreeMap::new() }
    }
}

impl Tally {
    /// How many operations succeeded.
    pub(crate) fn operations(&self) -> u64 {
        self.puts.len() + self.gets.len()
    }

    /// How many did not.
    pub(crate) fn failures(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Counts an error.
    pub(crate) fn error(&mut self, kind: String) {
        *self.errors.entry(kind).or_default() += 1;
    }

    /// Takes in what another connection measured.
    pub(crate) fn absorb(&mut self, other: &Self) {
        let same = "histograms of the same bounds can be added";
        self.puts.add(&other.puts).expect(same);
        self.gets.add(&other.gets).expect(same);
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
    }
}

/// Records a latency, cut to what the histogram holds.
pub(crate) fn record(histogram: &mut Histogram<u64>, latency: Duration) {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROS);
    histogram.saturating_record(micros.clamp(1, LONGEST_MICROS));
}
