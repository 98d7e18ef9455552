//! Many runs: each on one thread, as many at a time as the machine has cores; told in the order of
//! their seeds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use crate::report::{Report, Totals};
use crate::tracer::Keep;
use crate::world::{Life, Scope, run};

/// What to sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The seeds.
    pub seeds: Range<u64>,
    /// Simulated minutes for each.
    pub minutes: u64,
    /// Nodes; drawn for each seed if absent.
    pub nodes: Option<usize>,
    /// What kind of life they lead.
    pub life: Life,
}

impl Sweep {
    /// The scope of one seed.
    pub const fn scope(&self, seed: u64) -> Scope {
        Scope {
            seed,
            minutes: self.minutes,
            nodes: self.nodes,
            pace: None,
            life: self.life,
            keep: Keep::Hash,
        }
    }

    /// Runs every seed and hands each report over in the order of seeds.
    pub fn run(&self, mut tell: impl FnMut(&Report)) -> Totals {
        let next = AtomicU64::new(self.seeds.start);
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (sender, reports) = mpsc::channel();
        let mut totals = Totals::default();
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= self.seeds.end {
                            return;
                        }
                        let report = Report::of(seed, &run(self.scope(seed)));
                        sender.send(report).expect("the receiver outlives the workers");
                    }
                });
            }
            drop(sender);
            let mut early = BTreeMap::new();
            let mut due = self.seeds.start;
            for report in reports {
                early.insert(report.seed, report);
                while let Some(report) = early.remove(&due) {
                    totals.add(&report);
                    tell(&report);
                    due += 1;
                }
            }
        });
        totals
    }
}
