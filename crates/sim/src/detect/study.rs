//! All thresholds, distributions and rates of loss, each over many seeds, on all cores.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Setup;
use super::delays::Delays;
use super::figures::{Figures, HEAD};
use super::links::{Network, Order};
use super::run::{Scope, measure};
use crate::seeds::in_order;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Study {
    /// The seeds of every setting.
    pub seeds: Range<u64>,
    /// Nodes of the cluster; at least two.
    pub nodes: usize,
    /// For how long mistakes are counted, for each seed.
    pub quiet: Duration,
    /// How many deaths, and how many cuts, for each seed.
    pub deaths: u32,
    /// The thresholds to compare.
    pub thresholds: Vec<f64>,
    /// The distributions.
    pub delays: Vec<Delays>,
    /// The rates of loss.
    pub lost_percents: Vec<u32>,
    /// Whether frames overtake each other.
    pub order: Order,
}

/// One row: a setting and what was measured.
#[derive(Clone, Debug)]
pub struct Row {
    /// The setting.
    pub setup: Setup,
    /// The figures of all seeds.
    pub figures: Figures,
}

impl Study {
    /// Measures every setting and hands each row over as soon as it is complete. Returns how
    /// many deaths and cuts were not noticed.
    pub fn run(&self, mut tell: impl FnMut(&Row)) -> u64 {
        let mut never = 0;
        for setup in self.setups() {
            let row = Row { setup, figures: self.over_seeds(setup) };
            never += row.figures.never();
            tell(&row);
        }
        never
    }

    fn setups(&self) -> Vec<Setup> {
        let mut setups = Vec::new();
        for &delays in &self.delays {
            for &lost_percent in &self.lost_percents {
                let network = Network { delays, lost_percent, order: self.order };
                let setup = |&threshold| Setup { nodes: self.nodes, threshold, network };
                setups.extend(self.thresholds.iter().map(setup));
            }
        }
        setups
    }

    fn over_seeds(&self, setup: Setup) -> Figures {
        let (quiet, deaths) = (self.quiet, self.deaths);
        let mut sum = Figures::default();
        let measured = |seed| measure(Scope { seed, quiet, deaths, setup });
        in_order(self.seeds.clone(), measured, |figures| sum.merge(figures));
        sum
    }
}

impl Row {
    /// The head of the table.
    pub fn head() -> String {
        format!("{:>5} {:<12} {:>5}{HEAD}", "phi", "delays", "lost")
    }

    /// The row as one document.
    pub fn json(&self) -> Value {
        let network = self.setup.network;
        json!({
            "nodes": self.setup.nodes,
            "phi_threshold": self.setup.threshold,
            "delays": network.delays.name(),
            "lost_percent": network.lost_percent,
            "overtaking": network.order == Order::Overtaking,
            "figures": self.figures.json(),
        })
    }

    /// The row in one line of text.
    pub fn text(&self) -> String {
        let network = self.setup.network;
        let (name, lost) = (network.delays.name(), network.lost_percent);
        format!("{:>5} {name:<12} {lost:>3} %{}", self.setup.threshold, self.figures.text())
    }
}
