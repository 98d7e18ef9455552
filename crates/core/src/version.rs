//! Which writes a replica or a client has seen: dots and version vectors.
//!
//! The paper, 4.4, with dotted version vectors (Preguiça et al., 2010) in place of plain vector
//! clocks: the event of a write (its dot) is kept apart from what its writer had seen (its
//! context), so that two clients which write through one coordinator with one old context make two
//! siblings, never one silent overwrite. Rules 1 to 3.

use crate::identity::ActorId;

/// One write, named for ever: the `counter`-th that `actor` minted, over all keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot {
    /// Who minted it.
    pub actor: ActorId,
    /// Its place among all that the actor minted, from 1.
    pub counter: u64,
}

/// For each actor, how far its dots of one key have been seen. Says nothing of dots never minted
/// for the key: an actor's counter grows across all its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VersionVector {
    /// Sorted by actor, each actor once, no zero counters: equal vectors are equal bytes.
    entries: Vec<(ActorId, u64)>,
}

impl VersionVector {
    /// The vector that has seen nothing.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// A vector from entries in any order; of two for one actor the higher counts.
    pub fn from_entries(entries: impl IntoIterator<Item = (ActorId, u64)>) -> Self {
        let mut vector = Self::new();
        for (actor, counter) in entries {
            vector.see(Dot { actor, counter });
        }
        vector
    }

    /// A vector from entries that are sorted by actor, each once, none of them zero.
    pub(crate) fn from_sorted(entries: Vec<(ActorId, u64)>) -> Self {
        debug_assert!(entries.is_sorted_by(|a, b| a.0 < b.0));
        Self { entries }
    }

    /// Whether nothing has been seen.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many actors it names.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Its entries, sorted by actor.
    pub fn entries(&self) -> &[(ActorId, u64)] {
        &self.entries
    }

    /// How far the actor's dots have been seen; 0 if none.
    pub fn get(&self, actor: ActorId) -> u64 {
        match self.position(actor) {
            Ok(at) => self.entries[at].1,
            Err(_) => 0,
        }
    }

    /// Whether it has seen the write that `dot` names.
    pub fn covers(&self, dot: Dot) -> bool {
        self.get(dot.actor) >= dot.counter
    }

    /// Whether it has seen everything that `other` has.
    pub fn includes(&self, other: &Self) -> bool {
        other.entries.iter().all(|&(actor, counter)| self.get(actor) >= counter)
    }

    /// Adds a dot, and with it all earlier dots of its actor.
    pub fn see(&mut self, dot: Dot) {
        if dot.counter == 0 {
            return;
        }
        match self.position(dot.actor) {
            Ok(at) => self.entries[at].1 = self.entries[at].1.max(dot.counter),
            Err(at) => self.entries.insert(at, (dot.actor, dot.counter)),
        }
    }

    /// Adds everything that `other` has seen.
    pub fn join(&mut self, other: &Self) {
        for &(actor, counter) in &other.entries {
            self.see(Dot { actor, counter });
        }
    }

    /// Leaves only the entries of some actors.
    pub(crate) fn keep(&mut self, keeps: impl Fn(ActorId) -> bool) {
        self.entries.retain(|(actor, _)| keeps(*actor));
    }

    fn position(&self, actor: ActorId) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&actor, |entry| entry.0)
    }
}

#[cfg(test)]
mod tests;
