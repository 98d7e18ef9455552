//! The object buffer (the paper, 6.1): states that are not yet on disk. Reads look here first.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::effect::Ticket;
use crate::message::EncodedState;
use crate::object::ObjectKey;
use crate::store::KeyRange;

use super::record::StoreKey;

/// The newest state of every object that has an unsynced batch.
#[derive(Clone, Debug, Default)]
pub(super) struct ObjectBuffer {
    states: BTreeMap<StoreKey, Buffered>,
    /// What each batch wrote, oldest first.
    written: VecDeque<(Ticket, StoreKey)>,
}

/// What is on its way to disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pending<'a> {
    /// A state.
    State(&'a EncodedState),
    /// That the object is no more.
    Dropped,
}

impl Pending<'_> {
    /// The state, if there is one.
    pub(super) fn state(self) -> Option<EncodedState> {
        match self {
            Self::State(state) => Some(state.clone()),
            Self::Dropped => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Buffered {
    key: ObjectKey,
    /// None if the object was dropped.
    state: Option<EncodedState>,
    ticket: Ticket,
}

impl ObjectBuffer {
    /// What the object is now, if that is not on disk yet: its state, or that it was dropped.
    pub(super) fn get(&self, at: &StoreKey) -> Option<Pending<'_>> {
        let buffered = self.states.get(at)?;
        Some(buffered.state.as_ref().map_or(Pending::Dropped, Pending::State))
    }

    /// The batch that carries the object's newest state to disk.
    pub(super) fn ticket(&self, at: &StoreKey) -> Option<Ticket> {
        self.states.get(at).map(|buffered| buffered.ticket)
    }

    /// Remembers a state, or that the object was dropped, until `ticket`, which is above all before it, is synced.
    pub(super) fn insert(
        &mut self,
        at: StoreKey,
        key: ObjectKey,
        state: Option<EncodedState>,
        ticket: Ticket,
    ) {
        self.written.push_back((ticket, at.clone()));
        self.states.insert(at, Buffered { key, state, ticket });
    }

    /// Lets go of states that are on disk. One that was written again since stays.
    pub(super) fn release(&mut self, synced: Ticket) {
        while self.written.front().is_some_and(|(ticket, _)| *ticket <= synced) {
            let Some((_, at)) = self.written.pop_front() else { return };
            if self.states.get(&at).is_some_and(|buffered| buffered.ticket <= synced) {
                self.states.remove(&at);
            }
        }
    }

    /// The buffered objects of a range, in key order.
    pub(super) fn range<'a>(
        &'a self,
        range: &'a KeyRange,
    ) -> impl Iterator<Item = (&'a StoreKey, &'a ObjectKey, Option<&'a EncodedState>)> {
        let from = StoreKey::from_bytes(range.from.clone());
        self.states
            .range((Bound::Included(from), Bound::Unbounded))
            .take_while(|(at, _)| range.contains(at.as_bytes()))
            .map(|(at, buffered)| (at, &buffered.key, buffered.state.as_ref()))
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }
}
