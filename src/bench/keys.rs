//! Which keys are asked for, and what they are called.

use std::fmt::Write;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rand::Rng;
use rand::rngs::SmallRng;
use rand_distr::Zipf;

use crate::cli::Distribution;

/// A prime above all numbers of keys and far from their round ones, to spread popular keys over the key space.
const SPREAD: u64 = 6_949_403_093;

/// Draws keys, as numbers from 0.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    count: NonZeroU32,
    draw: Draw,
}

#[derive(Clone, Debug)]
enum Draw {
    Uniform,
    Zipfian(Zipf<f64>),
    Sequential(Arc<AtomicU32>),
}

impl Keys {
    /// So many keys; clones share the place in a sequence.
    pub(super) fn new(count: NonZeroU32, distribution: Distribution, exponent: f64) -> Self {
        let draw = match distribution {
            Distribution::Uniform => Draw::Uniform,
            Distribution::Zipfian => Draw::Zipfian(
                Zipf::new(f64::from(count.get()), exponent)
                    .expect("there is a key, and the exponent is not below zero"),
            ),
            Distribution::Sequential => Draw::Sequential(Arc::default()),
        };
        Self { count, draw }
    }

    /// The next key.
    pub(super) fn next(&self, random: &mut SmallRng) -> u32 {
        let count = self.count.get();
        match &self.draw {
            Draw::Uniform => random.random_range(0..count),
            Draw::Zipfian(zipf) => self.of_rank(random.sample(zipf) as u32 - 1),
            Draw::Sequential(next) => next.fetch_add(1, Ordering::Relaxed) % count,
        }
    }

    /// Where the key of a rank lies: each rank has a key of its own, and neighbours in popularity
    /// are none in the key space, as in YCSB's scrambled zipfian.
    fn of_rank(&self, rank: u32) -> u32 {
        (u64::from(rank) * (SPREAD % u64::from(self.count.get())) % u64::from(self.count.get()))
            as u32
    }
}

/// Writes the name of a key into an empty text.
pub(super) fn name(prefix: &str, key: u32, into: &mut String) {
    into.clear();
    write!(into, "{prefix}{key:08}").expect("a text takes what is written");
}

#[cfg(test)]
mod tests;
