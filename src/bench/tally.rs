//! What was measured: latencies by kind of operation, errors by kind of error, both over time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::cli::Part;

/// Two minutes, in microseconds: no request takes longer, even if it was due long before.
const LONGEST_MICROS: u64 = 120_000_000;
/// Beyond an hour of the shortest slots nobody draws points.
const MOST_SLOTS: usize = 1 << 20;

/// Why an operation did not succeed.
pub(crate) type ErrorKind = Cow<'static, str>;

/// Latencies in microseconds, and errors.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Puts that were acknowledged.
    pub(crate) puts: Histogram<u64>,
    /// Gets that were answered.
    pub(crate) gets: Histogram<u64>,
    /// Read-modify-writes, from the read to the acknowledgement.
    pub(crate) modifies: Histogram<u64>,
    /// Everything else, by what it was.
    pub(crate) errors: BTreeMap<ErrorKind, u64>,
    /// The same by when the answer came.
    pub(crate) slots: Vec<Slot>,
}

/// What was answered within a short time.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Latencies of all operations, coarser than those of the whole.
    pub(crate) latencies: Histogram<u32>,
    /// How many failed.
    pub(crate) errors: u64,
}

impl Default for Slot {
    fn default() -> Self {
        let latencies = Histogram::new(2).expect("two digits are what the histogram takes");
        Self { latencies, errors: 0 }
    }
}

impl Default for Tally {
    fn default() -> Self {
        let histogram = || {
            Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
                .expect("the bounds and the digits are ones that the histogram takes")
        };
        Self {
            puts: histogram(),
            gets: histogram(),
            modifies: histogram(),
            errors: BTreeMap::new(),
            slots: Vec::new(),
        }
    }
}

impl Tally {
    /// How many operations succeeded.
    pub(crate) fn operations(&self) -> u64 {
        self.parts().iter().map(|(_, histogram)| histogram.len()).sum()
    }

    /// How many did not.
    pub(crate) fn failures(&self) -> u64 {
        self.errors.values().sum()
    }

    /// The kinds of operations, by name.
    pub(crate) const fn parts(&self) -> [(&'static str, &Histogram<u64>); 3] {
        [("put", &self.puts), ("get", &self.gets), ("rmw", &self.modifies)]
    }

    /// Counts an operation that took so long, or why it failed.
    pub(crate) fn count(&mut self, part: Part, latency: Duration, outcome: Result<(), ErrorKind>) {
        if let Err(kind) = outcome {
            *self.errors.entry(kind).or_default() += 1;
            return;
        }
        let histogram = match part {
            Part::Put => &mut self.puts,
            Part::Get => &mut self.gets,
            Part::Modify => &mut self.modifies,
        };
        histogram.saturating_record(micros(latency));
    }

    /// Counts it in its slot of time as well.
    pub(crate) fn count_in_slot(&mut self, slot: usize, latency: Duration, succeeded: bool) {
        if slot >= MOST_SLOTS {
            return;
        }
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, Slot::default);
        }
        let slot = &mut self.slots[slot];
        if succeeded {
            let grows = "a histogram that grows takes what is no longer than the longest";
            slot.latencies.record(micros(latency)).expect(grows);
        } else {
            slot.errors += 1;
        }
    }

    /// Takes in what another worker measured.
    pub(crate) fn absorb(&mut self, other: &Self) {
        let same = "histograms of the same bounds, or ones that grow, can be added";
        self.puts.add(&other.puts).expect(same);
        self.gets.add(&other.gets).expect(same);
        self.modifies.add(&other.modifies).expect(same);
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        if self.slots.len() < other.slots.len() {
            self.slots.resize_with(other.slots.len(), Slot::default);
        }
        for (slot, other) in self.slots.iter_mut().zip(&other.slots) {
            slot.latencies.add(&other.latencies).expect(same);
            slot.errors += other.errors;
        }
    }
}

/// Whole microseconds, cut to what a histogram holds.
fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROS).clamp(1, LONGEST_MICROS)
}
