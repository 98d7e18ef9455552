//! Which part of all requests falls on which part of the ring: so many keys, each at a token of its
//! own, the k-th most popular one asked for in proportion to 1 / k^s (Zipf's law; s = 0 is uniform).
//!
//! The paper, 6.2, measures load balance under skew and holds that there are "enough keys in the
//! popular end of the distribution". Nothing is drawn but the tokens: shares are exact, so that
//! what is measured is the placement, and not the luck of a finite number of requests. Tokens are
//! drawn rather than hashed from names, since MD5 spreads names as evenly as a generator does.

use stator_core::token::{Partition, PartitionCount};

use crate::draw::Draw;

/// The keys of a cluster by their tokens.
#[derive(Clone, Debug)]
pub struct Popularity {
    /// In order.
    tokens: Vec<u128>,
    /// For each token, and the end, the share of all requests that is for tokens before it.
    before: Vec<f64>,
    hottest: f64,
}

impl Popularity {
    /// So many keys, at tokens that are drawn, by Zipf's law with this exponent.
    pub fn zipf(keys: usize, exponent: f64, draw: &mut Draw) -> Self {
        let weight = |rank: usize| (rank as f64).powf(-exponent);
        let total: f64 = (1..=keys).map(weight).sum();
        let mut popular: Vec<(u128, f64)> =
            (1..=keys).map(|rank| (token(draw), weight(rank) / total)).collect();
        popular.sort_unstable_by_key(|(token, _)| *token);
        let mut before = Vec::with_capacity(keys + 1);
        let mut sum = 0.0;
        for (_, share) in &popular {
            before.push(sum);
            sum += share;
        }
        before.push(1.0);
        let tokens = popular.into_iter().map(|(token, _)| token).collect();
        Self { tokens, before, hottest: weight(1) / total }
    }

    /// The share of all requests that is for tokens below this one.
    pub fn below(&self, token: u128) -> f64 {
        self.before[self.tokens.partition_point(|known| *known < token)]
    }

    /// The share of each partition, in token order.
    pub fn of_partitions(&self, partitions: PartitionCount) -> Vec<f64> {
        let begins = |partition: Partition| self.below(partitions.range_of(partition).0.get());
        let mut begins: Vec<f64> = partitions.all().map(begins).collect();
        begins.push(1.0);
        begins.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The share of the most popular key.
    pub const fn hottest(&self) -> f64 {
        self.hottest
    }
}

/// A token at random.
pub(crate) fn token(draw: &mut Draw) -> u128 {
    u128::from(draw.bits()) << 64 | u128::from(draw.bits())
}

/// How evenly a load is spread: the mean over the most (the paper, 6.2: load-balance efficiency); 1
/// if nobody has more than the mean, and if there is no load.
pub fn efficiency(loads: &[f64]) -> f64 {
    let most = loads.iter().copied().fold(0.0, f64::max);
    if most > 0.0 { loads.iter().sum::<f64>() / loads.len() as f64 / most } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn shares_are_those_of_zipfs_law_and_add_up() {
        let popularity = Popularity::zipf(3, 1.0, &mut Draw::of_seed(1));
        // 1, 1/2 and 1/3 of 11/6.
        assert!(near(popularity.hottest(), 6.0 / 11.0));
        let each: Vec<f64> = popularity
            .tokens
            .iter()
            .map(|token| popularity.below(token + 1) - popularity.below(*token))
            .collect();
        for share in [6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0] {
            assert!(each.iter().any(|known| near(*known, share)), "{share} in {each:?}");
        }
        let parts = popularity.of_partitions(PartitionCount::new(8).expect("a power of two"));
        assert_eq!(parts.len(), 8);
        assert!(near(parts.iter().sum(), 1.0));
    }

    #[test]
    fn uniform_keys_share_alike() {
        let popularity = Popularity::zipf(4, 0.0, &mut Draw::of_seed(1));
        assert!(near(popularity.hottest(), 0.25));
        assert!(near(popularity.below(popularity.tokens[2]), 0.5));
    }

    #[test]
    fn efficiency_is_the_mean_over_the_most() {
        assert!(near(efficiency(&[2.0, 2.0]), 1.0));
        assert!(near(efficiency(&[3.0, 1.0]), 2.0 / 3.0));
        assert!(near(efficiency(&[0.0, 0.0]), 1.0));
    }
}
