//! Hints as they are now: those on disk, with what is on its way there laid over them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use super::record::{Hint, HintKey, encode};
use crate::effect::{Effects, Ticket};
use crate::replica::{Journal, Unreadable};
use crate::store::{Batch, Keyspace, ReadStore};
use crate::token::Token;

/// Some hints of a range, in order.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The hints and where they lie.
    pub hints: Vec<(HintKey, Hint)>,
    /// Where hints of the range lie whose bytes are damaged.
    pub damaged: Vec<HintKey>,
    /// The place to go on from; none if these were the last.
    pub next: Option<HintKey>,
}

/// What is not on disk yet: the newest form of each hint, none if it was deleted.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    unsynced: BTreeMap<HintKey, (Option<Hint>, Ticket)>,
    /// What each batch changed, oldest first.
    written: VecDeque<(Ticket, HintKey)>,
}

impl Shelf {
    pub(super) fn get(
        &self,
        at: &HintKey,
        store: &impl ReadStore,
    ) -> Result<Option<Hint>, Unreadable> {
        if let Some((hint, _)) = self.unsynced.get(at) {
            return Ok(hint.clone());
        }
        let found = store
            .get(Keyspace::Hints, at.as_bytes())
            .map_err(|error| Unreadable(error.to_string()))?;
        let Some(value) = found else { return Ok(None) };
        Hint::decode(at, &value).map(Some).map_err(|error| Unreadable(error.to_string()))
    }

    /// The batch that carries the newest form of a hint to disk.
    pub(super) fn ticket(&self, at: &HintKey) -> Option<Ticket> {
        self.unsynced.get(at).map(|(_, ticket)| *ticket)
    }

    pub(super) fn put(
        &mut self,
        at: HintKey,
        hint: Hint,
        journal: &mut Journal,
        out: &mut Effects,
    ) -> Ticket {
        let mut batch = Batch::new();
        batch.put(Keyspace::Hints, at.as_bytes().clone(), encode(&hint));
        self.record(at, Some(hint), batch, journal, out)
    }

    pub(super) fn delete(&mut self, at: HintKey, journal: &mut Journal, out: &mut Effects) {
        let mut batch = Batch::new();
        batch.delete(Keyspace::Hints, at.as_bytes().clone());
        self.record(at, None, batch, journal, out);
    }

    fn record(
        &mut self,
        at: HintKey,
        hint: Option<Hint>,
        batch: Batch,
        journal: &mut Journal,
        out: &mut Effects,
    ) -> Ticket {
        let ticket = journal.write(batch, out);
        self.written.push_back((ticket, at.clone()));
        self.unsynced.insert(at, (hint, ticket));
        ticket
    }

    /// Lets go of what is on disk. A hint that was changed again since stays.
    pub(super) fn release(&mut self, synced: Ticket) {
        while self.written.front().is_some_and(|(ticket, _)| *ticket <= synced) {
            let Some((_, at)) = self.written.pop_front() else { return };
            if self.unsynced.get(&at).is_some_and(|(_, ticket)| *ticket <= synced) {
                self.unsynced.remove(&at);
            }
        }
    }

    pub(super) fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    pub(super) fn has_unsynced(&self, first: Token, last: Token) -> bool {
        self.unsynced_in((first, last), None).next().is_some()
    }

    fn unsynced_in(
        &self,
        tokens: (Token, Token),
        after: Option<&HintKey>,
    ) -> impl Iterator<Item = (&HintKey, Option<&Hint>)> {
        let range = HintKey::range(tokens, after);
        let from = HintKey::from_bytes(range.from.clone());
        self.unsynced
            .range((Bound::Included(from), Bound::Unbounded))
            .take_while(move |(at, _)| range.contains(at.as_bytes()))
            .map(|(at, (hint, _))| (at, hint.as_ref()))
    }

    /// Every hint of the objects of one token.
    pub(super) fn of_token(
        &self,
        token: Token,
        store: &impl ReadStore,
    ) -> Result<Vec<Hint>, Unreadable> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.page((token, token), after.as_ref(), 64, store)?;
            if let Some(at) = page.damaged.first() {
                return Err(Unreadable(format!("the hint at {at:?} is damaged")));
            }
            found.extend(page.hints.into_iter().map(|(_, hint)| hint));
            if page.next.is_none() {
                return Ok(found);
            }
            after = page.next;
        }
    }

    /// Up to `limit` stored hints of a range of tokens after a place, with what is unsynced laid
    /// over them.
    ///
    /// A hint whose bytes are damaged is only named: its owner has other replicas, and it must not
    /// hold up the hints that follow it.
    pub(super) fn page(
        &self,
        tokens: (Token, Token),
        after: Option<&HintKey>,
        limit: usize,
        store: &impl ReadStore,
    ) -> Result<Page, Unreadable> {
        let range = HintKey::range(tokens, after);
        let stored = store
            .scan(Keyspace::Hints, &range, limit)
            .map_err(|error| Unreadable(error.to_string()))?;
        let next = (stored.len() == limit)
            .then(|| stored.last().map(|item| HintKey::from_bytes(item.key.clone())))
            .flatten();
        let (mut page, mut damaged) = (BTreeMap::new(), BTreeSet::new());
        for item in stored {
            let at = HintKey::from_bytes(item.key);
            let hint = item.value.ok().and_then(|value| Hint::decode(&at, &value).ok());
            match hint {
                Some(hint) => drop(page.insert(at, hint)),
                None => drop(damaged.insert(at)),
            }
        }
        for (at, hint) in self.unsynced_in(tokens, after) {
            if next.as_ref().is_some_and(|last| at > last) {
                break;
            }
            damaged.remove(at);
            match hint {
                Some(hint) => page.insert(at.clone(), hint.clone()),
                None => page.remove(at),
            };
        }
        let (hints, damaged) = (page.into_iter().collect(), damaged.into_iter().collect());
        Ok(Page { hints, damaged, next })
    }
}
