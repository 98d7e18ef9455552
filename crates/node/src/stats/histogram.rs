//! Counting values by size, without a lock: one atomic addition for the bucket and one for the sum.
//! Each thread that counts much has histograms of its own; they are put together when they are read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The upper bounds of durations, in microseconds: from a read out of memory to the longest timeout.
pub(super) static MICROS: [u64; 17] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000,
];

/// The upper bounds of numbers of siblings.
pub(super) static SIBLINGS: [u64; 9] = [0, 1, 2, 3, 5, 10, 20, 50, 100];

/// Values, counted by the smallest bound that they do not exceed.
#[derive(Debug)]
pub(crate) struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    within: [AtomicU64; N],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    pub(super) fn new(bounds: &'static [u64; N]) -> Self {
        let within = std::array::from_fn(|_| AtomicU64::new(0));
        Self { bounds, within, beyond: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    /// One value more.
    pub(super) fn add(&self, value: u64) {
        let at = self.bounds.partition_point(|&bound| bound < value);
        self.within.get(at).unwrap_or(&self.beyond).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(super) fn read(&self) -> Distribution {
        let all = self.within.iter().chain([&self.beyond]);
        let counts = all.map(|count| count.load(Ordering::Relaxed)).collect();
        Distribution { bounds: self.bounds, counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

/// Values that were counted, by size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// The upper bounds of the buckets, ascending, each inclusive.
    pub bounds: &'static [u64],
    /// How many values are in each bucket; the last one is of those beyond every bound.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: u64,
}

impl Distribution {
    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many were in each bucket that holds any, by its upper bound. Those beyond every bound are
    /// told with the last one.
    pub fn classes(&self) -> BTreeMap<u64, u64> {
        let mut classes = BTreeMap::new();
        let ends = self.bounds.iter().chain(self.bounds.last());
        for (end, count) in ends.zip(&self.counts).filter(|(_, count)| **count > 0) {
            *classes.entry(*end).or_default() += count;
        }
        classes
    }

    /// What came after an earlier reading of the same values; an empty one was before all.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = earlier.counts.iter().copied().chain(std::iter::repeat(0));
        let counts = self.counts.iter().zip(before).map(|(now, before)| now.saturating_sub(before));
        Self {
            bounds: self.bounds,
            counts: counts.collect(),
            sum: self.sum.saturating_sub(earlier.sum),
        }
    }

    /// Puts another one of the same kind to this one.
    pub(super) fn absorb(&mut self, other: Self) {
        if self.counts.is_empty() {
            *self = other;
            return;
        }
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_under_the_smallest_bound_that_it_does_not_exceed() {
        let histogram = Histogram::new(&SIBLINGS);
        for value in [0, 1, 1, 2, 4, 5, 100, 101, 5000] {
            histogram.add(value);
        }
        let read = histogram.read();
        assert_eq!(read.counts, [1, 2, 1, 0, 2, 0, 0, 0, 1, 2]);
        assert_eq!((read.count(), read.sum), (9, 5214));
    }

    #[test]
    fn what_several_threads_counted_is_put_together() {
        let (one, two) = (Histogram::new(&SIBLINGS), Histogram::new(&SIBLINGS));
        one.add(1);
        two.add(1);
        two.add(7);
        let mut both = Distribution::default();
        both.absorb(one.read());
        both.absorb(two.read());
        assert_eq!((both.counts[1], both.counts[5], both.sum), (2, 1, 9));
    }

    #[test]
    fn what_came_between_two_readings_is_their_difference() {
        let histogram = Histogram::new(&SIBLINGS);
        let none = Distribution::default();
        (0..99).for_each(|_| histogram.add(4));
        let earlier = histogram.read();
        assert_eq!(earlier.since(&none), earlier);
        assert_eq!(earlier.classes(), BTreeMap::from([(5, 99)]));
        for value in [2, 100, 7000] {
            histogram.add(value);
        }
        let since = histogram.read().since(&earlier);
        assert_eq!((since.count(), since.sum), (3, 7102));
        assert_eq!(since.classes(), BTreeMap::from([(2, 1), (100, 2)]), "7000 is beyond them all");
        assert_eq!(none.classes(), BTreeMap::new());
    }
}
