//! Many runs, told in the order of their seeds.

use std::ops::Range;

use crate::report::{Report, Totals};
use crate::seeds::in_order;
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
        let mut totals = Totals::of(self.life);
        let report = |seed| Report::of(seed, &run(self.scope(seed)));
        in_order(self.seeds.clone(), report, |report| {
            totals.add(&report);
            tell(&report);
        });
        totals
    }
}
