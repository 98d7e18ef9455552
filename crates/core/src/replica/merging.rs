//! Taking in a state that another replica sent (rule 5).

use super::trees::Before;
use super::{Replica, StoreKey, Unreadable, Waiter, decoded};
use crate::effect::{Effect, Effects, Ticket};
use crate::message::EncodedState;
use crate::object::{ObjectKey, ObjectState};
use crate::observe::Observation;
use crate::store::ReadStore;

impl Replica {
    /// Merges a state that another replica sent (rule 5) and has the result written. Returns
    /// whether it is on disk already; if not, `waiter` is told when it is.
    pub fn merge(
        &mut self,
        key: &ObjectKey,
        theirs: &EncodedState,
        waiter: Waiter,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Durability, MergeError> {
        let Some(ticket) = self.merge_in(key, theirs, store, out)? else {
            return Ok(Durability::OnDisk);
        };
        self.journal.wait(ticket, waiter);
        Ok(Durability::Pending)
    }

    /// Merges a state. Returns the batch that carries the result to disk; none if it is there.
    pub(super) fn merge_in(
        &mut self,
        key: &ObjectKey,
        theirs: &EncodedState,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Option<Ticket>, MergeError> {
        let their_state = theirs.decode().map_err(|_| MergeError::Undecodable)?;
        let at = StoreKey::of(key);
        let mut before = self.before_write(&at, key, store, out).map_err(MergeError::Unreadable)?;
        let mut merged = merged(&before, theirs, &their_state)?;
        if merged == Merged::Unclear {
            before =
                self.whole_before_write(&at, key, store, out).map_err(MergeError::Unreadable)?;
            merged = self::merged(&before, theirs, &their_state)?;
        }
        let (encoded, state) = match merged {
            Merged::Ours | Merged::Unclear => return Ok(self.buffer.ticket(&at)),
            Merged::Theirs => (theirs.clone(), their_state),
            Merged::Both(encoded, state) => (encoded, state),
        };
        let siblings = state.siblings().len() as u32;
        out.push(Effect::Observe(Observation::Merged { key: key.clone(), siblings }));
        Ok(Some(self.record(at, key, &before, Some((&encoded, &state)), out)))
    }
}

/// How far a state is on its way to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// There already.
    OnDisk,
    /// The waiter will be told.
    Pending,
}

/// Why a state was not merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeError {
    /// The bytes that came are no state.
    Undecodable,
    /// The current state can't be read.
    Unreadable(Unreadable),
}

/// What two states are together (rule 5).
#[derive(Debug, PartialEq, Eq)]
enum Merged {
    /// What is here already.
    Ours,
    /// What has come.
    Theirs,
    /// Neither of them.
    Both(EncodedState, ObjectState),
    /// What is here must be read to tell.
    Unclear,
}

fn merged(
    before: &Before,
    theirs: &EncodedState,
    their_state: &ObjectState,
) -> Result<Merged, MergeError> {
    match before {
        Before::Nothing | Before::Unknown => Ok(Merged::Theirs),
        Before::State(ours) if ours == theirs => Ok(Merged::Ours),
        Before::State(ours) => {
            let state = decoded(before).map_err(MergeError::Unreadable)?.merge(their_state.clone());
            let encoded = EncodedState::of(&state);
            Ok(if encoded == *ours { Merged::Ours } else { Merged::Both(encoded, state) })
        }
        Before::Cached(cached) => {
            let ours = &cached.versions;
            Ok(if ours.supersedes(their_state) {
                Merged::Ours
            } else if their_state.supersedes(ours) {
                Merged::Theirs
            } else {
                Merged::Unclear
            })
        }
    }
}
