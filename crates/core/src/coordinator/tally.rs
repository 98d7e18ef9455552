//! Counting answers: fed who answered and how, it says enough, still waiting, or impossible, for
//! all of a quorum's conditions at once. Rule 8.
//!
//! One node counts once, however often it answers; and a primary and the fallback that stands in
//! for it count once together: a hint goes home and is deleted, so that two acknowledgements may
//! soon be one copy.

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

impl Verdict {
    /// What this and the verdict on another set of replicas amount to, where both are needed.
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Impossible, _) | (_, Self::Impossible) => Self::Impossible,
            (Self::Waiting, _) | (_, Self::Waiting) => Self::Waiting,
            (Self::Enough, Self::Enough) => Self::Enough,
        }
    }
}

/// The answers to one request.
#[derive(Clone, Debug)]
pub struct Tally {
    needs: Needs,
    /// Sorted by node, each once; a handful.
    nodes: Vec<Asked>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    node: NodeId,
    /// Whose copy this is: a fallback's is its owner's.
    place: NodeId,
    role: Role,
    standing: Standing,
}

/// How far the copies of one place are.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The furthest of all of them.
    best: Standing,
    /// The primary's own.
    primary: Standing,
}

impl Place {
    /// The place of the first of these, as they and those after it stand.
    fn of(nodes: &[Asked]) -> Self {
        let mut found = Self { best: Standing::Failed, primary: Standing::Failed };
        for asked in nodes.iter().filter(|asked| asked.place == nodes[0].place) {
            found.best = found.best.max(asked.standing);
            if asked.role == Role::Primary {
                found.primary = found.primary.max(asked.standing);
            }
        }
        found
    }
}

impl Tally {
    /// A request that nobody has been asked yet.
    pub const fn new(needs: Needs) -> Self {
        Self { needs, nodes: Vec::new() }
    }

    /// What is needed.
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// A node is asked for a copy of its own. Asking again one that failed gives it another chance.
    pub fn ask(&mut self, node: NodeId, role: Role) {
        self.ask_for(node, node, role);
    }

    /// A fallback is asked to keep a copy for this primary.
    pub fn ask_to_stand_in(&mut self, node: NodeId, owner: NodeId) {
        self.ask_for(node, owner, Role::Fallback);
    }

    /// What a node has acknowledged as a primary of another set of replicas counts in this one.
    pub fn ask_as_in(&mut self, node: NodeId, other: &Self) {
        self.ask(node, Role::Primary);
        if let Some(asked) = other.of(node)
            && asked.role == Role::Primary
            && asked.standing >= Standing::Received
        {
            self.raise(node, asked.standing);
        }
    }

    fn ask_for(&mut self, node: NodeId, place: NodeId, role: Role) {
        match self.position(node) {
            Ok(at) => {
                let standing = &mut self.nodes[at].standing;
                *standing = Standing::Waiting.max(*standing);
            }
            Err(at) => {
                let fresh = Asked { node, place, role, standing: Standing::Waiting };
                self.nodes.insert(at, fresh);
            }
        }
    }

    fn position(&self, node: NodeId) -> Result<usize, usize> {
        self.nodes.binary_search_by_key(&node, |asked| asked.node)
    }

    fn of(&self, node: NodeId) -> Option<&Asked> {
        self.position(node).ok().map(|at| &self.nodes[at])
    }

    fn of_mut(&mut self, node: NodeId) -> Option<&mut Asked> {
        self.position(node).ok().map(|at| &mut self.nodes[at])
    }

    /// Whether a node was asked, whatever came of it.
    pub fn asked(&self, node: NodeId) -> bool {
        self.of(node).is_some()
    }

    /// Whether a node was asked and nothing has come of it yet.
    pub fn awaits(&self, node: NodeId) -> bool {
        self.of(node).is_some_and(|asked| asked.standing == Standing::Waiting)
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
        if let Some(asked) = self.of_mut(node) {
            asked.standing = asked.standing.max(standing);
        }
    }

    /// A node will not answer. What it has said before still counts.
    pub fn failed(&mut self, node: NodeId) {
        if let Some(asked) = self.of_mut(node)
            && asked.standing == Standing::Waiting
        {
            asked.standing = Standing::Failed;
        }
    }

    /// The nodes that were asked and have not answered.
    pub fn outstanding(&self) -> impl Iterator<Item = NodeId> {
        let waiting = self.nodes.iter().filter(|asked| asked.standing == Standing::Waiting);
        waiting.map(|asked| asked.node)
    }

    /// Each place once: where the first of its nodes stands in the list.
    fn places(&self) -> impl Iterator<Item = Place> {
        let nodes = self.nodes.as_slice();
        let is_first = |&at: &usize| nodes[..at].iter().all(|it| it.place != nodes[at].place);
        (0..nodes.len()).filter(is_first).map(|at| Place::of(&nodes[at..]))
    }

    /// What the answers so far amount to. A node that has received the write may still report it
    /// durable unless it is lost, so it counts as hope for `durable`.
    pub fn verdict(&self) -> Verdict {
        let met = |at_least: Standing, durable_at_least: Standing| {
            let answered = || self.places().filter(|place| place.best >= at_least);
            let primaries = answered().filter(|place| place.primary >= at_least).count();
            let durable = answered().filter(|place| place.best >= durable_at_least).count();
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
        let answered = || self.places().filter(|place| place.best >= Standing::Received);
        let primaries =
            answered().filter(|place| place.primary >= Standing::Received).count() as u8;
        let durable = answered().filter(|place| place.best == Standing::Durable).count() as u8;
        let fallbacks = answered().count() as u8 - primaries;
        Answered { primaries, fallbacks, durable, wanted, existing }
    }
}

#[cfg(test)]
mod tests;
