//! How long requests took, in fixed memory: counts by duration, twice as many classes as there are
//! powers of two, so that a duration is told by half too high at most.

use std::sync::atomic::{AtomicU64, Ordering};

/// Classes; the last one begins at 2^23.5 µs, which is past the longest deadline.
const CLASSES: usize = 48;

/// Durations, counted by class. What happened between two moments is the difference of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies([u64; CLASSES]);

impl Default for Latencies {
    fn default() -> Self {
        Self([0; CLASSES])
    }
}

impl Latencies {
    /// Those that came after `earlier` was read.
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|class| self.0[class].saturating_sub(earlier.0[class])))
    }

    /// The classes that hold anything: the upper end of each in microseconds, and how many are in it.
    pub fn classes(&self) -> impl Iterator<Item = (u64, u64)> {
        let all = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        all.map(|(class, count)| (upper_end(class), *count))
    }
}

/// The counters behind it.
#[derive(Debug)]
pub(super) struct LatencyCounters([AtomicU64; CLASSES]);

impl Default for LatencyCounters {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl LatencyCounters {
    pub(super) fn add(&self, micros: u64) {
        self.0[class(micros)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Latencies {
        Latencies(std::array::from_fn(|class| self.0[class].load(Ordering::Relaxed)))
    }
}

/// Two classes for each power of two: below and above the middle, one and a half.
fn class(micros: u64) -> usize {
    let power = micros.max(1).ilog2();
    let is_upper = micros >= (3 << power) / 2 && power > 0;
    (2 * power as usize + usize::from(is_upper)).min(CLASSES - 1)
}

fn upper_end(class: usize) -> u64 {
    let power = class / 2;
    if class.is_multiple_of(2) { (3 << power) / 2 } else { 2 << power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_ends_at_or_above_what_is_in_it_by_half_at_most() {
        for micros in [1, 2, 3, 5, 90, 1_000, 1_499, 1_536, 40_000, 9_999_999] {
            let counters = LatencyCounters::default();
            counters.add(micros);
            let told: Vec<_> = counters.read().classes().collect();
            assert!(
                matches!(told[..], [(end, 1)] if end >= micros && end <= micros + micros.div_ceil(2)),
                "{micros}: {told:?}"
            );
        }
    }

    #[test]
    fn what_happened_since_is_a_difference() {
        let counters = LatencyCounters::default();
        (0..99).for_each(|_| counters.add(100));
        let earlier = counters.read();
        assert_eq!(earlier.classes().collect::<Vec<_>>(), [(128, 99)]);
        counters.add(1_000_000);
        let since = counters.read().since(&earlier);
        assert_eq!(since.classes().collect::<Vec<_>>(), [(1 << 20, 1)]);
    }
}
