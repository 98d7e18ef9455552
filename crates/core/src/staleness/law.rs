//! From counted delays to a law that delays can be drawn from.

use super::delays::{Delays, Span, bucket_of};
use crate::random::Random;

/// How often the guess of a one-way law is improved. More follows the noise of the samples.
const ROUNDS: usize = 20;
/// Into how many parts a way there and back is cut for the first guess.
const CUTS: usize = 16;

/// A distribution of delays, in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// The buckets that have any share, and the sum of the shares up to each.
    up_to: Vec<(f64, Span)>,
}

impl Law {
    /// As they were counted; none if there are none.
    pub fn of(delays: &Delays) -> Option<Self> {
        let shares: Vec<f64> = delays.counts().iter().map(|&count| f64::from(count)).collect();
        Self::of_shares(&shares)
    }

    /// The law of one way, if there and back take this long together and both ways have the same
    /// law: the likeliest one, by expectation and maximisation. Each round takes every sum apart
    /// as the last guess says, and the parts are the next guess.
    pub fn of_one_way(trips: &Delays) -> Option<Self> {
        let mut shares = first_guess(trips);
        for _ in 0..ROUNDS {
            shares = taken_apart(trips, &shares);
        }
        Self::of_shares(&shares)
    }

    fn of_shares(shares: &[f64]) -> Option<Self> {
        let whole: f64 = shares.iter().sum();
        if whole <= 0.0 {
            return None;
        }
        let mut so_far = 0.0;
        let up_to =
            shares.iter().enumerate().filter(|(_, share)| **share > 0.0).map(|(n, share)| {
                so_far += share / whole;
                (so_far, Span::of(n))
            });
        Some(Self { up_to: up_to.collect() })
    }

    /// One delay.
    pub fn draw(&self, random: &mut Random) -> f64 {
        let bits = random.bits();
        let which = (bits >> 32) as f64 / (1_u64 << 32) as f64;
        let within = (bits & 0xffff_ffff) as f64 / (1_u64 << 32) as f64;
        let place = self.up_to.partition_point(|(up_to, _)| *up_to <= which);
        let (_, span) = self.up_to[place.min(self.up_to.len() - 1)];
        within.mul_add(span.width, span.from)
    }
}

fn middle(bucket: usize) -> f64 {
    let Span { from, width } = Span::of(bucket);
    width.mul_add(0.5, from)
}

/// Every way there and back cut in two at all places, most often in the middle: delays that are always
/// the same would else be taken for two kinds, shorter and longer ones, which add up to the same.
fn first_guess(trips: &Delays) -> Vec<f64> {
    let mut shares = vec![0.0; Delays::BUCKETS];
    for (bucket, &count) in trips.counts().iter().enumerate().filter(|(_, count)| **count > 0) {
        for cut in 1..CUTS {
            let part = middle(bucket) * cut as f64 / CUTS as f64;
            let weight = cut.min(CUTS - cut).pow(2) as f64;
            shares[bucket_of(part as u64)] += f64::from(count) * weight;
        }
    }
    let whole: f64 = shares.iter().sum();
    shares.iter().map(|share| share / whole.max(1.0)).collect()
}

/// One round: what the parts of all sums are, if parts have these shares.
fn taken_apart(trips: &Delays, shares: &[f64]) -> Vec<f64> {
    let some: Vec<usize> = (0..shares.len()).filter(|&part| shares[part] > 0.0).collect();
    let sum_of = |one: usize, other: usize| bucket_of((middle(one) + middle(other)) as u64);
    let mut likely = vec![0.0; Delays::BUCKETS];
    for &one in &some {
        for &other in &some {
            likely[sum_of(one, other)] += shares[one] * shares[other];
        }
    }
    let mut next = vec![0.0; Delays::BUCKETS];
    let whole = f64::from(trips.count()).max(1.0);
    for &one in &some {
        for &other in &some {
            let sum = sum_of(one, other);
            let seen = f64::from(trips.counts()[sum]) / whole;
            if likely[sum] > 0.0 {
                next[one] += seen * shares[one] * shares[other] / likely[sum];
            }
        }
    }
    next
}
