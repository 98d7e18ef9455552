//! All strategies at all their settings, each over many seeds, on all cores.

use std::ops::Range;

use serde_json::{Value, json};
use stator_core::token::PartitionCount;

use super::strategy::{Placement, Size, Strategy};
use crate::draw::Draw;
use crate::popularity::{Popularity, efficiency};
use crate::seeds::in_order;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Study {
    /// The seeds of every setting.
    pub seeds: Range<u64>,
    /// S and N.
    pub size: Size,
    /// How many keys there are.
    pub keys: usize,
    /// Exponents of Zipf's law.
    pub exponents: Vec<f64>,
    /// T of strategies 1 and 2.
    pub tokens: Vec<usize>,
    /// Q of strategy 3.
    pub partitions: Vec<PartitionCount>,
}

/// One point of the figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The skew.
    pub exponent: f64,
    /// The strategy and its setting.
    pub strategy: Strategy,
    /// What each node must know.
    pub bytes: usize,
    /// The efficiency of each seed.
    pub efficiencies: Vec<f64>,
}

impl Study {
    /// Measures everything; the points of one exponent after those of another, strategy by
    /// strategy.
    pub fn run(&self) -> Vec<Point> {
        let strategies = self.strategies();
        let point = |exponent: f64, strategy: Strategy| Point {
            exponent,
            strategy,
            bytes: 0,
            efficiencies: Vec::new(),
        };
        let mut points: Vec<Point> = (self.exponents.iter())
            .flat_map(|exponent| strategies.iter().map(|strategy| point(*exponent, *strategy)))
            .collect();
        in_order(
            self.seeds.clone(),
            |seed| self.measure(seed, &strategies),
            |measured| {
                for (point, (bytes, efficiency)) in points.iter_mut().zip(measured) {
                    point.bytes = bytes;
                    point.efficiencies.push(efficiency);
                }
            },
        );
        points
    }

    fn strategies(&self) -> Vec<Strategy> {
        let one = self.tokens.iter().copied().map(Strategy::Tokens);
        let two = self.tokens.iter().copied().map(Strategy::TokensAndPartitions);
        one.chain(two).chain(self.partitions.iter().copied().map(Strategy::Plan)).collect()
    }

    /// Bytes and efficiency of all points, for one seed.
    fn measure(&self, seed: u64, strategies: &[Strategy]) -> Vec<(usize, f64)> {
        let draw = Draw::of_seed(seed);
        let place = |strategy: &Strategy| {
            let mut draw = draw.child(&format!("strategy {} {strategy}", strategy.number()));
            Placement::new(*strategy, self.size, &mut draw)
        };
        let placements: Vec<Placement> = strategies.iter().map(place).collect();
        let mut measured = Vec::new();
        for exponent in &self.exponents {
            let mut keys = draw.child("keys");
            let popularity = Popularity::zipf(self.keys, *exponent, &mut keys);
            let one = |placement: &Placement| {
                (placement.bytes, efficiency(&placement.loads(&popularity)))
            };
            measured.extend(placements.iter().map(one));
        }
        measured
    }
}

impl Point {
    /// The mean over all seeds.
    pub fn mean(&self) -> f64 {
        self.efficiencies.iter().sum::<f64>() / self.efficiencies.len() as f64
    }

    /// The worst and the best seed.
    pub fn range(&self) -> (f64, f64) {
        let worst = self.efficiencies.iter().copied().fold(f64::INFINITY, f64::min);
        (worst, self.efficiencies.iter().copied().fold(0.0, f64::max))
    }

    /// The head of the table.
    pub fn head() -> String {
        format!(
            "{:>5} {:>8} {:<8} {:>9} {:>10} {:>7} {:>7}",
            "zipf", "strategy", "setting", "bytes", "efficiency", "worst", "best"
        )
    }

    /// The point in one line of text.
    pub fn text(&self) -> String {
        let (worst, best) = self.range();
        format!(
            "{:>5} {:>8} {:<8} {:>9} {:>10.3} {worst:>7.3} {best:>7.3}",
            self.exponent,
            self.strategy.number(),
            self.strategy.to_string(),
            self.bytes,
            self.mean(),
        )
    }

    /// The point as one document.
    pub fn json(&self) -> Value {
        let (worst, best) = self.range();
        json!({
            "zipf_exponent": self.exponent,
            "strategy": self.strategy.number(),
            "setting": self.strategy.to_string(),
            "bytes": self.bytes,
            "efficiency": self.mean(),
            "efficiency_worst_seed": worst,
            "efficiency_best_seed": best,
        })
    }
}
