//! Drawing from a seeded generator: chances, ranges, waiting times and heavy tails.

use std::time::Duration;

use stator_core::random::Random;

/// A probability in parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(pub u32);

impl Chance {
    /// It never happens.
    pub const NEVER: Self = Self(0);

    /// So many in a hundred.
    pub const fn percent(percent: u32) -> Self {
        Self(percent * 10_000)
    }

    /// So many in a thousand.
    pub const fn per_mille(per_mille: u32) -> Self {
        Self(per_mille * 1_000)
    }
}

/// A generator with the draws that a simulation needs.
#[derive(Clone, Debug)]
pub struct Draw(Random);

impl Draw {
    /// The generator of a run: everything in it is a named child of this one.
    pub fn of_seed(seed: u64) -> Self {
        Self(Random::from_seed(blake3::derive_key("stator-sim run", &seed.to_le_bytes())))
    }

    /// The child called `name`: the same for the same seed and name, whatever was drawn before.
    pub fn child(&self, name: &str) -> Self {
        Self(self.0.child(name))
    }

    /// Gives the generator to a machine of the core.
    pub fn into_random(self) -> Random {
        self.0
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.bits()
    }

    /// A number below `bound`; 0 if the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// A number at most `most` away from zero, either way.
    pub fn either_way(&mut self, most: u32) -> i64 {
        i64::from(most) - self.below(2 * u64::from(most) + 1).cast_signed()
    }

    /// An index into something that has `len` places.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.index(choices.len())]
    }

    /// Whether something with this chance happens.
    pub fn happens(&mut self, chance: Chance) -> bool {
        self.below(1_000_000) < u64::from(chance.0)
    }

    /// A duration from `low` to `high`, to the microsecond.
    pub fn duration(&mut self, low: Duration, high: Duration) -> Duration {
        Duration::from_micros(self.between(low.as_micros() as u64, high.as_micros() as u64))
    }

    /// A waiting time with this mean (exponential), at most ten times the mean.
    pub fn wait(&mut self, mean: Duration) -> Duration {
        mean.mul_f64((-self.fraction().ln()).min(10.0))
    }

    /// A duration with a heavy tail (Pareto, shape 1.1) from `least` up to `most`.
    pub fn heavy(&mut self, least: Duration, most: Duration) -> Duration {
        let factor = self.fraction().powf(-1.0 / 1.1);
        Duration::from_secs_f64((least.as_secs_f64() * factor).min(most.as_secs_f64()))
    }

    /// A number in (0, 1].
    pub(crate) fn fraction(&mut self) -> f64 {
        ((self.0.bits() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}
