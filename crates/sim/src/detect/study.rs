//! All thresholds, distributions and rates of loss, each over many seeds, on all cores.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Setup;
use super::delays::Delays;
use super::figures::{Figures, HEAD};
use super::links::{Network, Order};
use super::run::{Scope, measure};

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

    /// Figures are sums, so it makes no difference which thread is done first.
    fn over_seeds(&self, setup: Setup) -> Figures {
        let next = AtomicU64::new(self.seeds.start);
        let sum = Mutex::new(Figures::default());
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= self.seeds.end {
                            return;
                        }
                        let (quiet, deaths) = (self.quiet, self.deaths);
                        let figures = measure(Scope { seed, quiet, deaths, setup });
                        sum.lock().expect("no worker panics while it adds").merge(figures);
                    }
                });
            }
        });
        sum.into_inner().expect("no worker panics while it adds")
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
