//! Filtered space-saving counters (Homem, Carvalho: "Finding top-k elements in data streams",
//! Information Sciences 180, 2010).
//!
//! A list has a fixed number of places. Keys without one are counted together, those whose tokens
//! fall into one of [`CELLS`] cells; once a cell has more than the least counted key has, the key
//! that was counted there last takes that key's place and goes on from the cell's count, which is
//! remembered as the error. So a count is never too low, is too high by its error at most, every key
//! that makes up more than one in [`PLACES`] of all that was counted has a place, and of a great many
//! keys that are all alike few ever change places.

use std::collections::HashMap;
use std::sync::Arc;

use stator_core::token::Token;

use super::{Name, Seen};

/// How many keys a list has room for.
pub(super) const PLACES: usize = 128;
/// How many cells the other keys are counted in.
const CELLS: usize = 1024;

/// A key with what was counted of it.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) token: Token,
    pub(super) name: Arc<Name>,
    pub(super) count: u64,
    pub(super) error: u64,
}

/// Keys by how much was counted of each.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    places: HashMap<Token, usize>,
    /// Beside the rest, since the least of them is looked for often.
    counts: Vec<u64>,
    keys: Vec<(Token, Arc<Name>, u64)>,
    /// What may have been counted at most of each key without a place; empty while there is room.
    cells: Vec<u64>,
    /// No key with a place was counted less. It may be that all were counted more.
    floor: u64,
}

impl Sketch {
    pub(super) fn add(&mut self, seen: &mut Seen<'_>, weight: u64) {
        if weight == 0 {
            return;
        }
        let token = seen.token();
        if let Some(&place) = self.places.get(&token) {
            self.counts[place] += weight;
            return;
        }
        if self.counts.len() < PLACES {
            self.places.insert(token, self.counts.len());
            self.counts.push(weight);
            self.keys.push((token, seen.name(), 0));
            return;
        }
        self.cells.resize(CELLS, 0);
        let error = self.cells[cell(token)];
        if error + weight <= self.floor {
            self.cells[cell(token)] += weight;
            return;
        }
        let (place, least) = self.least();
        self.floor = least;
        if error + weight <= least {
            self.cells[cell(token)] += weight;
            return;
        }
        let (gone, ..) = self.keys[place];
        self.places.remove(&gone);
        let cell_of_gone = &mut self.cells[cell(gone)];
        *cell_of_gone = least.max(*cell_of_gone);
        self.places.insert(token, place);
        self.keys[place] = (token, seen.name(), error);
        self.counts[place] = error + weight;
    }

    /// The place of the least counted key, and its count. Only asked of a full list.
    fn least(&self) -> (usize, u64) {
        let counts = self.counts.iter().copied().enumerate();
        counts.min_by_key(|&(_, count)| count).unwrap_or_default()
    }

    /// What may have been counted at most of a key that has no place.
    fn most_unseen(&self, token: Token) -> u64 {
        self.cells.get(cell(token)).copied().unwrap_or_default()
    }

    fn counted(&self) -> impl Iterator<Item = Counted> {
        self.keys.iter().zip(&self.counts).map(|((token, name, error), &count)| Counted {
            token: *token,
            name: Arc::clone(name),
            count,
            error: *error,
        })
    }

    /// What was counted here and in another list of the same keys.
    pub(super) fn and(&self, other: &Self) -> Vec<Counted> {
        let ours = self.counted().map(|ours| other.added_to(ours));
        let theirs = other.counted().filter(|theirs| !self.places.contains_key(&theirs.token));
        ours.chain(theirs.map(|theirs| self.added_to(theirs))).collect()
    }

    /// What was counted elsewhere, with what was or may have been counted here.
    fn added_to(&self, mut elsewhere: Counted) -> Counted {
        let place = self.places.get(&elsewhere.token);
        let (count, error) = place.map_or_else(
            || [self.most_unseen(elsewhere.token); 2].into(),
            |&place| (self.counts[place], self.keys[place].2),
        );
        elsewhere.count += count;
        elsewhere.error += error;
        elsewhere
    }
}

/// Which cell a key is counted in while it has no place.
const fn cell(token: Token) -> usize {
    token.get() as usize % CELLS
}

/// Keys by the largest figure that was last seen of each.
#[derive(Debug, Default)]
pub(super) struct Largest {
    seen: HashMap<Token, (u64, Arc<Name>)>,
}

impl Largest {
    /// Sees a figure; one that is less than two is not worth a place.
    pub(super) fn see(&mut self, seen: &mut Seen<'_>, figure: u64) {
        let token = seen.token();
        if figure < 2 {
            self.seen.remove(&token);
            return;
        }
        if let Some((known, _)) = self.seen.get_mut(&token) {
            *known = figure;
            return;
        }
        if self.seen.len() == PLACES {
            let least = self.seen.iter().map(|(token, (figure, _))| (*figure, *token)).min();
            let Some((_, least)) = least.filter(|(least, _)| *least < figure) else { return };
            self.seen.remove(&least);
        }
        self.seen.insert(token, (figure, seen.name()));
    }

    /// What was seen here, and before that what was seen in another.
    pub(super) fn and(&self, before: &Self) -> Vec<Counted> {
        let earlier = before.seen.iter().filter(|(token, _)| !self.seen.contains_key(token));
        let all = self.seen.iter().chain(earlier);
        let told = all.map(|(&token, (figure, name))| Counted {
            token,
            name: Arc::clone(name),
            count: *figure,
            error: 0,
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests;
