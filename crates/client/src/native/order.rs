//! Which nodes to ask for a key, best first: its primaries before all others, those that answer fast
//! before those that do not, and for a write before all the one that answered the last read of the
//! key (the paper, 5: it has what was read, and so the next read finds the write).

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Mutex;

use stator_core::identity::NodeId;
use stator_core::token::Token;

use super::chart::{Chart, Preference};
use super::latency::Latencies;
use super::lock;
use super::pool::Pool;

/// Keys of which it is remembered who answered last; later ones take the places of earlier ones.
const REMEMBERED: usize = 4096;

/// Who coordinates a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coordinators {
    /// A replica of the key, the fastest first.
    #[default]
    Replicas,
    /// Any node, whichever comes up: as behind a load balancer that knows nothing of the ring.
    Anyone,
}

/// A key, by its token, and who answered its last read.
type Read = Option<(Token, NodeId)>;

/// Who answered the last read of a key.
#[derive(Debug)]
pub(crate) struct Readers(Mutex<Box<[Read]>>);

impl Default for Readers {
    fn default() -> Self {
        Self(Mutex::new(vec![None; REMEMBERED].into()))
    }
}

impl Readers {
    /// A node answered a read before all others.
    pub(crate) fn answered(&self, token: Token, node: NodeId) {
        lock(&self.0)[place(token)] = Some((token, node));
    }

    /// Who answered the last read of a key.
    pub(crate) fn of(&self, token: Token) -> Option<NodeId> {
        lock(&self.0)[place(token)].filter(|(of, _)| *of == token).map(|(_, node)| node)
    }
}

fn place(token: Token) -> usize {
    token.get() as usize % REMEMBERED
}

/// What tells one node from another.
pub(crate) struct Judge<'a> {
    pub(crate) chart: &'a Chart,
    pub(crate) pool: &'a Pool,
    pub(crate) latencies: &'a Latencies,
}

impl Judge<'_> {
    /// The nodes for a key, best first; `first` goes before other primaries unless it is thought
    /// ill of.
    pub(crate) fn order(&self, preference: Preference, first: Option<NodeId>) -> Vec<NodeId> {
        let Preference { mut primaries, mut others } = preference;
        primaries.sort_by(|a, b| self.cost(*a).total_cmp(&self.cost(*b)));
        let first = first.and_then(|first| primaries.iter().position(|node| *node == first));
        if let Some(at) = first
            && !self.is_doubtful(primaries[at])
        {
            primaries[..=at].rotate_right(1);
        }
        others.sort_by_key(|node| self.is_doubtful(*node));
        primaries.extend(others);
        primaries
    }

    /// All nodes, in the order that chance gives.
    pub(crate) fn shuffled(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.chart.nodes().map(|(node, _)| node).collect();
        let chance = RandomState::new();
        nodes.sort_by_cached_key(|node| (self.is_doubtful(*node), chance.hash_one(node.get())));
        nodes
    }

    fn is_doubtful(&self, node: NodeId) -> bool {
        self.chart.suspects(node) || self.pool.is_left_alone(node)
    }

    /// A node that is thought ill of costs more than any other.
    fn cost(&self, node: NodeId) -> f64 {
        let doubt = if self.is_doubtful(node) { 1e6 } else { 0.0 };
        doubt + self.latencies.cost(node)
    }
}

#[cfg(test)]
mod tests;
