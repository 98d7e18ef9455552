//! How fast one kind of request is at present, against how fast it usually is.
//!
//! Durations are counted in classes that are each at most a quarter wide: what is
//! compared is a factor, and counting costs nothing. Integers only, so that every run is the same.

use std::time::Duration;

use crate::time::Instant;

/// Classes for each doubling of a duration.
const PARTS: u32 = 4;
/// Up to 2^25 µs, three times the longest deadline.
const CLASSES: usize = 26 * PARTS as usize;
/// The slowest of so many is the tail: the 95th percentile.
const ONE_OF: u32 = 20;
/// Fewer are not judged ...
const ENOUGH: u32 = ONE_OF;
/// ... unless they were gathered for so long ...
const PATIENCE: Duration = Duration::from_secs(10);
/// ... and then no fewer than this.
const FEW: u32 = 5;
/// Differences below this are noise: no disk or network is that even.
const NOISE: u64 = 1_000;
/// The baseline takes so much of a difference for a window: quickly down, slowly up.
const DOWN: u64 = 8;
const UP: u64 = 16;

/// How fast requests were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    /// As fast as without background work.
    Good,
    /// Somewhat slower.
    Fair,
    /// More than half as slow again.
    Slow,
}

/// The durations of one kind of request.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    counts: [u32; CLASSES],
    samples: u32,
    /// When the first of them was taken.
    since: Instant,
    /// Whether much background work was done meanwhile.
    disturbed: bool,
    /// The usual tail with little background work, in microseconds; none before it was seen.
    baseline: Option<u64>,
}

impl Default for Gauge {
    fn default() -> Self {
        Self {
            counts: [0; CLASSES],
            samples: 0,
            since: Instant::default(),
            disturbed: false,
            baseline: None,
        }
    }
}

impl Gauge {
    /// One more has ended.
    pub(super) fn add(&mut self, now: Instant, took: Duration) {
        if self.samples == 0 {
            self.since = now;
        }
        let count = &mut self.counts[class_of(took)];
        *count = count.saturating_add(1);
        self.samples = self.samples.saturating_add(1);
    }

    /// Whether there are some and too few to be judged.
    pub(super) fn is_gathering(&self) -> bool {
        self.samples > 0
    }

    /// Judges what was gathered, if it is enough, and begins anew. If it was `calm`, hardly any
    /// background work was done meanwhile.
    pub(super) fn judge(&mut self, now: Instant, calm: bool) -> Option<Pace> {
        self.disturbed |= self.samples > 0 && !calm;
        let old = now.since(self.since) >= PATIENCE;
        if self.samples < ENOUGH && !old {
            return None;
        }
        let tail = (self.samples >= FEW).then(|| self.tail());
        let calm = !std::mem::take(&mut self.disturbed);
        (self.counts, self.samples) = ([0; CLASSES], 0);
        Some(self.compare(tail?, calm))
    }

    fn compare(&mut self, tail: u64, calm: bool) -> Pace {
        let Some(baseline) = self.baseline else {
            if calm {
                self.baseline = Some(tail);
                return Pace::Good;
            }
            // What is usual is found out first.
            return Pace::Slow;
        };
        // Background work makes nothing faster: a lower tail is nearer to the truth, whenever.
        if tail < baseline {
            self.baseline = Some(baseline - (baseline - tail).div_ceil(DOWN));
        } else if calm {
            self.baseline = Some(baseline + (tail - baseline).div_ceil(UP));
        }
        if tail > baseline * 3 / 2 + NOISE {
            Pace::Slow
        } else if tail > baseline * 5 / 4 + NOISE {
            Pace::Fair
        } else {
            Pace::Good
        }
    }

    fn tail(&self) -> u64 {
        let mut slower = self.samples / ONE_OF;
        for (class, &count) in self.counts.iter().enumerate().rev() {
            if count > slower {
                return upper_bound(class);
            }
            slower -= count;
        }
        0
    }
}

fn class_of(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(u64::from(PARTS));
    let doublings = micros.ilog2();
    let part = (micros >> (doublings - PARTS.ilog2())) as u32 & (PARTS - 1);
    ((doublings * PARTS + part) as usize).min(CLASSES - 1)
}

/// The shortest duration that is above the class, in microseconds.
fn upper_bound(class: usize) -> u64 {
    let (doublings, part) = (class as u32 / PARTS, class as u32 % PARTS);
    (u64::from(PARTS + part + 1) << doublings) / u64::from(PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_what_is_at_most_a_quarter_apart() {
        for micros in (0..2_000).chain((2_000..30_000_000).step_by(9_973)) {
            let bound = upper_bound(class_of(Duration::from_micros(micros)));
            assert!(bound > micros, "{micros}: {bound}");
            assert!(bound <= (micros + micros / 4 + 1).max(5), "{micros}: {bound}");
        }
        assert_eq!(class_of(Duration::MAX), CLASSES - 1);
    }

    #[test]
    fn the_tail_is_what_one_of_twenty_is_above() {
        let mut gauge = Gauge::default();
        for number in 1..=100_u64 {
            gauge.add(Instant::default(), Duration::from_millis(number));
        }
        assert!((95_000..120_000).contains(&gauge.tail()), "{}", gauge.tail());
    }

    #[test]
    fn what_is_usual_is_learned_upwards_only_while_it_is_calm() {
        let mut gauge = Gauge::default();
        assert_eq!(gauge.compare(10_000, false), Pace::Slow, "nothing is known");
        assert_eq!(gauge.compare(10_000, true), Pace::Good);
        for _ in 0..1_000 {
            assert_eq!(gauge.compare(30_000, false), Pace::Slow);
        }
        assert_eq!(gauge.baseline, Some(10_000));
        let until_usual = (0..100).find(|_| gauge.compare(30_000, true) != Pace::Slow);
        assert!(until_usual.is_some_and(|windows| windows > 3), "{until_usual:?}");
        assert!((0..100).all(|_| gauge.compare(5_000, false) == Pace::Good));
        assert_eq!(gauge.baseline, Some(5_000));
    }
}
