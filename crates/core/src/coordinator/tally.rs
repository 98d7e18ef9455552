//! Counting answers: fed who answered and how, it says enough, still waiting, or impossible, for
//! all of a quorum's conditions at once. Rule 8.
//!
//! One node counts once, however often it answers; and a primary and the fallback that stands in
//! for it count once together: a hint goes home and is deleted, so that two acknowledgements may
//! soon be one copy.

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
    nodes: BTreeMap<NodeId, Asked>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
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

impl Tally {
    /// A request that nobody has been asked yet.
    pub const fn new(needs: Needs) -> Self {
        Self { needs, nodes: BTreeMap::new() }
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
        if let Some(asked) = other.nodes.get(&node)
            && asked.role == Role::Primary
            && asked.standing >= Standing::Received
        {
            self.raise(node, asked.standing);
        }
    }

    fn ask_for(&mut self, node: NodeId, place: NodeId, role: Role) {
        let fresh = Asked { place, role, standing: Standing::Waiting };
        let entry = self.nodes.entry(node).or_insert(fresh);
        entry.standing = entry.standing.max(Standing::Waiting);
    }

    /// Whether a node was asked, whatever came of it.
    pub fn asked(&self, node: NodeId) -> bool {
        self.nodes.contains_key(&node)
    }

    /// Whether a node was asked and nothing has come of it yet.
    pub fn awaits(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|entry| entry.standing == Standing::Waiting)
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
            entry.standing = entry.standing.max(standing);
        }
    }

    /// A node will not answer. What it has said before still counts.
    pub fn failed(&mut self, node: NodeId) {
        if let Some(entry) = self.nodes.get_mut(&node)
            && entry.standing == Standing::Waiting
        {
            entry.standing = Standing::Failed;
        }
    }

    /// The nodes that were asked and have not answered.
    pub fn outstanding(&self) -> impl Iterator<Item = NodeId> {
        let waiting = |entry: &Asked| entry.standing == Standing::Waiting;
        self.nodes.iter().filter(move |(_, entry)| waiting(entry)).map(|(node, _)| *node)
    }

    fn places(&self) -> Vec<Place> {
        let mut places: BTreeMap<NodeId, Place> = BTreeMap::new();
        for asked in self.nodes.values() {
            let place = places
                .entry(asked.place)
                .or_insert(Place { best: Standing::Failed, primary: Standing::Failed });
            place.best = place.best.max(asked.standing);
            if asked.role == Role::Primary {
                place.primary = place.primary.max(asked.standing);
            }
        }
        places.into_values().collect()
    }

    /// What the answers so far amount to. A node that has received the write may still report it
    /// durable unless it is lost, so it counts as hope for `durable`.
    pub fn verdict(&self) -> Verdict {
        let places = self.places();
        let met = |at_least: Standing, durable_at_least: Standing| {
            let answered = || places.iter().filter(|place| place.best >= at_least);
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
        let places = self.places();
        let answered = || places.iter().filter(|place| place.best >= Standing::Received);
        let primaries =
            answered().filter(|place| place.primary >= Standing::Received).count() as u8;
        let durable = answered().filter(|place| place.best == Standing::Durable).count() as u8;
        let fallbacks = answered().count() as u8 - primaries;
        Answered { primaries, fallbacks, durable, wanted, existing }
    }
}

#[cfg(test)]
mod tests;
