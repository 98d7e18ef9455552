//! Which node does what for a request, as production decides while all are well and equally fast.
//!
//! The paper, 4.5. A request arrives at any node alike, its *door*. A put is coordinated by its door
//! if that is one of the key's primaries, and else by one of them; all primaries write. A get is
//! coordinated by its door, which asks R of the primaries: itself if it is one, then others.
//! (`Forward::start`, `Readers::choose` in `stator-core`; those prefer whoever answers faster, and
//! among equals each takes its turn for as many keys as the others: `Peers::healthy_by_speed`.)

use stator_core::identity::NodeId;
use stator_core::ring::Ring;

/// What each node does of all requests of one kind, by the order of ids: 1 is once for each
/// request.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Puts coordinated.
    pub puts: Vec<f64>,
    /// Puts passed on to a primary.
    pub passed_on: Vec<f64>,
    /// States written as a replica.
    pub writes: Vec<f64>,
    /// Gets coordinated.
    pub gets: Vec<f64>,
    /// Objects read as a replica.
    pub reads: Vec<f64>,
}

impl Work {
    /// The work for a load of which each partition has this share, if so many are asked by a get.
    pub fn of(ring: &Ring, shares: &[f64], r: usize) -> Self {
        let places: Vec<NodeId> = ring.members.keys().copied().collect();
        let nodes = places.len();
        let nothing = || vec![0.0; nodes];
        let mut work = Self {
            puts: nothing(),
            passed_on: nothing(),
            writes: nothing(),
            gets: vec![1.0 / nodes as f64; nodes],
            reads: nothing(),
        };
        let place = |node: &NodeId| places.binary_search(node).expect("only members own");
        for (list, share) in ring.table.iter().zip(shares) {
            let primaries: Vec<usize> = list.iter().map(place).collect();
            work.add(&primaries, *share, r);
        }
        work
    }

    fn add(&mut self, primaries: &[usize], share: f64, r: usize) {
        let nodes = self.gets.len();
        let at_one = share / nodes as f64;
        let elsewhere = at_one * (nodes - primaries.len()) as f64;
        let copies = primaries.len() as f64;
        let r = r.min(primaries.len()) as f64;
        for door in 0..nodes {
            if !primaries.contains(&door) {
                self.passed_on[door] += at_one;
            }
        }
        for &primary in primaries {
            self.writes[primary] += share;
            self.puts[primary] += at_one + elsewhere / copies;
            // At its own door first; at those of the other primaries in turn with the rest.
            let at_others = if copies > 1.0 { (r - 1.0) / (copies - 1.0) } else { 0.0 };
            self.reads[primary] += at_one * (1.0 + (copies - 1.0) * at_others);
            self.reads[primary] += elsewhere * r / copies;
        }
    }
}
