//! Delays counted in buckets whose width grows with the delay: a fixed size, no allocation for a
//! sample, and two of them add up.

use std::time::Duration;

/// Buckets for each doubling.
const STEPS: usize = 4;
const STEPS_LOG: u32 = STEPS.ilog2();
/// The last bucket begins at more than a minute: nobody waits for so long.
const BUCKETS: usize = 26 * STEPS;
/// With so many, all counts are halved: what is told is of the present.
const MOST: u32 = 8192;

/// A histogram of delays, to a quarter of a doubling; the newest samples weigh most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delays {
    counts: [u32; BUCKETS],
    total: u32,
}

impl Default for Delays {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], total: 0 }
    }
}

/// The delays of one bucket, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) width: f64,
}

impl Span {
    /// The bucket of this number.
    pub(super) const fn of(bucket: usize) -> Self {
        if bucket < STEPS {
            return Self { from: bucket as f64, width: 1.0 };
        }
        let doubling = bucket / STEPS - 1;
        let from = (STEPS + bucket % STEPS) << doubling;
        Self { from: from as f64, width: (1_u64 << doubling) as f64 }
    }
}

/// The bucket that a delay belongs to.
pub(super) fn bucket_of(micros: u64) -> usize {
    let bucket = if micros < STEPS as u64 {
        micros as usize
    } else {
        let doubling = micros.ilog2() - STEPS_LOG;
        let step = (micros >> doubling) as usize - STEPS;
        (doubling as usize + 1) * STEPS + step
    };
    bucket.min(BUCKETS - 1)
}

impl Delays {
    /// How many buckets there are.
    pub(super) const BUCKETS: usize = BUCKETS;

    /// Counts one.
    pub fn add(&mut self, delay: Duration) {
        if self.total >= MOST {
            self.halve();
        }
        self.counts[bucket_of(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX))] += 1;
        self.total += 1;
    }

    fn halve(&mut self) {
        for count in &mut self.counts {
            *count /= 2;
        }
        self.total = self.counts.iter().sum();
    }

    /// Puts others to these.
    pub fn absorb(&mut self, others: &Self) {
        for (count, other) in self.counts.iter_mut().zip(&others.counts) {
            *count = count.saturating_add(*other);
        }
        self.total = self.total.saturating_add(others.total);
    }

    /// How many are counted.
    pub const fn count(&self) -> u32 {
        self.total
    }

    /// The counts, by bucket.
    pub(super) const fn counts(&self) -> &[u32; BUCKETS] {
        &self.counts
    }

    /// The delay that this share of them does not exceed; none if there are none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = f64::from(self.total) * share.clamp(0.0, 1.0);
        let mut below = 0.0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            let count = f64::from(count);
            if count > 0.0 && below + count >= wanted {
                let Span { from, width } = Span::of(bucket);
                let micros = ((wanted - below) / count).mul_add(width, from);
                return Some(Duration::from_secs_f64(micros / 1e6));
            }
            below += count;
        }
        None
    }
}
