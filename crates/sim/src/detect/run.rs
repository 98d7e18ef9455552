//! One seed: a quiet time in which every suspicion is a mistake, then deaths, then one-way cuts.

use std::time::Duration;

use stator_core::time::Instant;

use super::cluster::{Cluster, Setup};
use super::figures::Figures;
use crate::draw::Draw;

/// Until then detectors have a full window of samples (a hundred heartbeats) and more.
const WARM_UP: Duration = Duration::from_mins(3);
/// How long everything has been whole again, at least, when the next node dies; as much again is
/// drawn on top, to the microsecond.
const BETWEEN: Duration = Duration::from_mins(2);
/// A suspicion that has held for so long is taken for the one that lasts: later frames of the
/// dead are rarer than once in ten thousand.
const LASTING: Duration = Duration::from_secs(30);
/// After so long it counts as never noticed.
const PATIENCE: Duration = Duration::from_mins(10);
/// How often it is looked whether all have noticed. What is measured does not depend on it.
const LOOK: Duration = Duration::from_secs(1);

/// What one run is to do.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Everything is drawn from it.
    pub seed: u64,
    /// For how long mistakes are counted.
    pub quiet: Duration,
    /// How many nodes die one after another, and how many links are then cut one way.
    pub deaths: u32,
    /// The cluster.
    pub setup: Setup,
}

/// Runs one seed.
pub fn measure(scope: Scope) -> Figures {
    let draw = Draw::of_seed(scope.seed);
    let mut cluster = Cluster::new(scope.setup, &draw);
    let mut faults = draw.child("faults");
    let nodes = scope.setup.nodes;
    cluster.pass(WARM_UP);
    let mut figures = Figures::default();

    cluster.verdicts.count_mistakes(cluster.now());
    cluster.pass(scope.quiet);
    let pairs = u32::try_from(nodes * (nodes - 1)).expect("a cluster is small");
    figures.quiet = scope.quiet * pairs;
    figures.mistakes = cluster.verdicts.stop_counting(cluster.now());

    for _ in 0..scope.deaths {
        cluster.pass(BETWEEN + faults.duration(Duration::ZERO, BETWEEN));
        let dead = faults.index(nodes);
        cluster.kill(dead);
        let observers = (0..nodes).filter(|&node| node != dead);
        let pairs: Vec<(usize, usize)> = observers.map(|observer| (observer, dead)).collect();
        for noticed in notice(&mut cluster, &pairs) {
            figures.death.add(noticed);
        }
        cluster.start(dead);
    }
    for _ in 0..scope.deaths {
        cluster.pass(BETWEEN + faults.duration(Duration::ZERO, BETWEEN));
        let from = faults.index(nodes);
        let to = (from + 1 + faults.index(nodes - 1)) % nodes;
        cluster.cut(from, to);
        let noticed = notice(&mut cluster, &[(to, from), (from, to)]);
        figures.deaf.add(noticed[0]);
        figures.unheard.add(noticed[1]);
        cluster.heal(from, to);
    }
    figures
}

/// How long it takes from now until each of these observers holds its peer to be down for good;
/// nothing for one that was down already, none for one that is not within the patience.
fn notice(cluster: &mut Cluster, pairs: &[(usize, usize)]) -> Vec<Option<Duration>> {
    let struck = cluster.now();
    let down_since = |cluster: &Cluster, &(observer, peer): &(usize, usize)| -> Option<Instant> {
        cluster.verdicts.down_since(observer, peer)
    };
    let lasts = |cluster: &Cluster, pair: &(usize, usize)| {
        let since = down_since(cluster, pair).map(|since| since.max(struck));
        since.is_some_and(|since| cluster.now().since(since) >= LASTING)
    };
    while cluster.now().since(struck) < PATIENCE && !pairs.iter().all(|pair| lasts(cluster, pair)) {
        cluster.pass(LOOK);
    }
    let took = |pair| down_since(cluster, pair).map(|since| since.since(struck));
    pairs.iter().map(took).collect()
}
