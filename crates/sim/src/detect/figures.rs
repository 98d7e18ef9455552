//! What was measured, added up over seeds, with its percentiles.

use std::time::Duration;

use serde_json::{Value, json};

use super::verdicts::Mistakes;

/// The figures of one setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// For how long mistakes were counted, all ordered pairs of nodes together.
    pub quiet: Duration,
    /// Live peers that were held to be down.
    pub mistakes: Mistakes,
    /// From a peer's death until an observer holds it to be down for good.
    pub death: Times,
    /// From a one-way cut until the end that hears nothing holds the other to be down.
    pub deaf: Times,
    /// From a one-way cut until the end that is not heard any more does.
    pub unheard: Times,
}

/// Detection times, each exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    noticed: Vec<Duration>,
    /// How often nothing was noticed at all.
    pub never: u64,
}

impl Times {
    /// Adds one; none if it was never noticed.
    pub fn add(&mut self, took: Option<Duration>) {
        match took {
            Some(took) => {
                let place = self.noticed.partition_point(|known| *known <= took);
                self.noticed.insert(place, took);
            }
            None => self.never += 1,
        }
    }

    /// How many were noticed.
    pub fn count(&self) -> usize {
        self.noticed.len()
    }

    /// The time that this many of a hundred do not exceed (nearest rank); zero of nothing.
    pub fn percentile(&self, percent: u32) -> Duration {
        let rank = (self.noticed.len() * percent as usize).div_ceil(100);
        self.noticed.get(rank.max(1) - 1).copied().unwrap_or_default()
    }

    /// The longest; zero of nothing.
    pub fn longest(&self) -> Duration {
        self.noticed.last().copied().unwrap_or_default()
    }

    fn merge(&mut self, other: Self) {
        self.noticed.extend(other.noticed);
        self.noticed.sort_unstable();
        self.never += other.never;
    }

    fn json(&self) -> Value {
        json!({
            "noticed": self.count(),
            "never": self.never,
            "p50": self.percentile(50).as_secs_f64(),
            "p99": self.percentile(99).as_secs_f64(),
            "max": self.longest().as_secs_f64(),
        })
    }

    /// p50, p99 and the longest, in seconds.
    fn text(&self) -> String {
        let seconds = |time: Duration| time.as_secs_f64();
        let (p50, p99) = (self.percentile(50), self.percentile(99));
        format!("{:6.1} {:6.1} {:6.1}", seconds(p50), seconds(p99), seconds(self.longest()))
    }
}

/// The head of the table that [`Figures::text`] makes rows of.
pub const HEAD: &str = "  mistakes/peer-hour  wrong %  longest s | \
    death: p50    p99    max |  deaf: p50    p99    max | unheard: p50  p99    max | never";

impl Figures {
    /// Adds another seed's. The order in which seeds are added makes no difference.
    pub fn merge(&mut self, other: Self) {
        self.quiet += other.quiet;
        self.mistakes.count += other.mistakes.count;
        self.mistakes.total += other.mistakes.total;
        self.mistakes.longest = self.mistakes.longest.max(other.mistakes.longest);
        self.death.merge(other.death);
        self.deaf.merge(other.deaf);
        self.unheard.merge(other.unheard);
    }

    /// How often, in an hour, a node suspects one live peer.
    pub fn mistakes_per_hour(&self) -> f64 {
        self.mistakes.count as f64 / (self.quiet.as_secs_f64() / 3600.0)
    }

    /// The part of all time in which a live peer is suspected.
    pub fn share_of_time_wrong(&self) -> f64 {
        self.mistakes.total.as_secs_f64() / self.quiet.as_secs_f64()
    }

    /// How many deaths and cuts were not noticed.
    pub const fn never(&self) -> u64 {
        self.death.never + self.deaf.never + self.unheard.never
    }

    /// All of it as one document.
    pub fn json(&self) -> Value {
        json!({
            "peer_hours": self.quiet.as_secs_f64() / 3600.0,
            "mistakes": self.mistakes.count,
            "mistakes_per_peer_hour": self.mistakes_per_hour(),
            "share_of_time_wrong": self.share_of_time_wrong(),
            "longest_mistake_seconds": self.mistakes.longest.as_secs_f64(),
            "death_seconds": self.death.json(),
            "deaf_seconds": self.deaf.json(),
            "unheard_seconds": self.unheard.json(),
        })
    }

    /// All of it as a row below [`HEAD`].
    pub fn text(&self) -> String {
        format!(
            "{:>20.4} {:>8.4} {:>10.1} |     {} |     {} |     {} | {:>5}",
            self.mistakes_per_hour(),
            self.share_of_time_wrong() * 100.0,
            self.mistakes.longest.as_secs_f64(),
            self.death.text(),
            self.deaf.text(),
            self.unheard.text(),
            self.never(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(seconds: impl IntoIterator<Item = u64>) -> Times {
        let mut times = Times::default();
        seconds.into_iter().for_each(|s| times.add(Some(Duration::from_secs(s))));
        times
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let times = times((1..=200).rev());
        assert_eq!(times.percentile(50), Duration::from_secs(100));
        assert_eq!(times.percentile(99), Duration::from_secs(198));
        assert_eq!(times.longest(), Duration::from_secs(200));
        assert_eq!(Times::default().percentile(99), Duration::ZERO);
    }

    #[test]
    fn merging_does_not_depend_on_order() {
        let figures = |seconds: [u64; 2], count| Figures {
            quiet: Duration::from_hours(1),
            mistakes: Mistakes {
                count,
                total: Duration::from_secs(36),
                longest: Duration::from_secs(count),
            },
            death: times(seconds),
            ..Figures::default()
        };
        let (one, other) = (figures([5, 1], 1), figures([4, 2], 3));
        let mut both = one.clone();
        both.merge(other.clone());
        let mut reversed = other;
        reversed.merge(one);
        assert_eq!(both, reversed);
        assert_eq!(both.death, times([1, 2, 4, 5]));
        assert!((both.mistakes_per_hour() - 2.0).abs() < 1e-9);
        assert!((both.share_of_time_wrong() - 0.01).abs() < 1e-9);
        assert_eq!(both.mistakes.longest, Duration::from_secs(3));
    }
}
