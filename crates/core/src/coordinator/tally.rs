//! Counting answers: fed who answered and how, it says enough, still waiting, or impossible, for
//! all of a quorum's conditions at once. One node counts once, however often it answers. Rule 8.

use std::collections::BTreeMap;

use crate::identity::NodeId;
use crate::quorum::{ReadQuorum, WriteQuorum};
use crate::request::Answered;

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Answers, all from different nodes.
    pub total: u8,
    /// Of those, from primaries.
    pub primaries: u8,
    /// Of those, with the write on disk.
    pub durable: u8,
}

impl From<ReadQuorum> for Needs {
    fn from(quorum: ReadQuorum) -> Self {
        Self { total: quorum.r(), primaries: quorum.pr(), durable: 0 }
    }
}

impl From<WriteQuorum> for Needs {
    fn from(quorum: WriteQuorum) -> Self {
        // A node counts once for `total`, so `node_confirms` asks for nothing more.
        let total = quorum.w().max(quorum.node_confirms());
        Self { total, primaries: quorum.pw(), durable: quorum.dw() }
    }
}

/// What a node is to the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One of the first n of its list.
    Primary,
    /// One that stands in for a primary.
    Fallback,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Failed,
    Waiting,
    Received,
    Durable,
}

/// What the answers so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The quorum is met.
    Enough,
    /// It may still be met by answers that are out.
    Waiting,
    /// Not even all answers that are out would meet it.
    Impossible,
}

/// The answers to one request.
#[derive(Clone, Debug)]
pub struct Tally {
    needs: Needs,
    nodes: BTreeMap<NodeId, (Role, Standing)>,
}

impl Tally {
    /// A request that nobody has been asked yet.
    pub const fn new(needs: Needs) -> Self {
        Self { needs, nodes: BTreeMap::new() }
    }

    /// What is needed.
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// A node is asked. Asking again one that failed gives it another chance.
    pub fn ask(&mut self, node: NodeId, role: Role) {
        let entry = self.nodes.entry(node).or_insert((role, Standing::Waiting));
        entry.1 = entry.1.max(Standing::Waiting);
    }

    /// Whether a node was asked, whatever came of it.
    pub fn asked(&self, node: NodeId) -> bool {
        self.nodes.contains_key(&node)
    }

    /// Whether a node was asked and nothing has come of it yet.
    pub fn awaits(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|entry| entry.1 == Standing::Waiting)
    }

    /// A node has it in memory, or has said what it has.
    pub fn received(&mut self, node: NodeId) {
        self.raise(node, Standing::Received);
    }

    /// A node has it on disk.
    pub fn durable(&mut self, node: NodeId) {
        self.raise(node, Standing::Durable);
    }

    fn raise(&mut self, node: NodeId, standing: Standing) {
        if let Some(entry) = self.nodes.get_mut(&node) {
            entry.1 = entry.1.max(standing);
        }
    }

    /// A node will not answer. What it has said before still counts.
    pub fn failed(&mut self, node: NodeId) {
        if let Some(entry) = self.nodes.get_mut(&node)
            && entry.1 == Standing::Waiting
        {
            entry.1 = Standing::Failed;
        }
    }

    /// The nodes that were asked and have not answered.
    pub fn outstanding(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().filter(|(_, entry)| entry.1 == Standing::Waiting).map(|(node, _)| *node)
    }

    /// What the answers so far amount to. A node that has received the write may still report it
    /// durable unless it is lost, so it counts as hope for `durable`.
    pub fn verdict(&self) -> Verdict {
        let met = |at_least: Standing, durable_at_least: Standing| {
            let answered = || self.nodes.values().filter(|entry| entry.1 >= at_least);
            let primaries = answered().filter(|entry| entry.0 == Role::Primary).count();
            let durable = answered().filter(|entry| entry.1 >= durable_at_least).count();
            answered().count() >= usize::from(self.needs.total)
                && primaries >= usize::from(self.needs.primaries)
                && durable >= usize::from(self.needs.durable)
        };
        if met(Standing::Received, Standing::Durable) {
            Verdict::Enough
        } else if met(Standing::Waiting, Standing::Waiting) {
            Verdict::Waiting
        } else {
            Verdict::Impossible
        }
    }

    /// Who has answered, for a bucket that wants `wanted` replicas where `existing` exist.
    pub fn answered(&self, wanted: u8, existing: u8) -> Answered {
        let count = |wanted: Role| {
            self.nodes
                .values()
                .filter(|(role, standing)| *role == wanted && *standing >= Standing::Received)
                .count() as u8
        };
        let durable = self.nodes.values().filter(|entry| entry.1 == Standing::Durable).count();
        Answered {
            primaries: count(Role::Primary),
            fallbacks: count(Role::Fallback),
            durable: durable as u8,
            wanted,
            existing,
        }
    }
}

#[cfg(test)]
mod tests;
