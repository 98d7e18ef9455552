//! What one node does with the partitions it holds: read, mint, merge, list.
//!
//! The paper, 4.4, 4.5 and 6.1. Rules 1 to 7: dots are minted under ids drawn at this start, after
//! reading the replica's own current state of the key; states change only by a write or a merge;
//! what is not yet on disk is read from the object buffer. One shard owns a replica alone, so all
//! of this is serial per key.

mod actors;
mod buffer;
mod journal;
mod listing;
mod record;
mod trees;
mod write;

pub use journal::{Journal, Waiter};
pub use record::{StoreKey, decode_record, encode_record};
pub use write::{MintError, Minted, Stamps, Write};

use crate::collection::Round;
use crate::effect::{Effect, Effects, Ticket};
use crate::message::EncodedState;
use crate::object::{ObjectKey, ObjectState};
use crate::observe::Observation;
use crate::random::Random;
use crate::store::{Batch, Keyspace, ReadStore};
use crate::time::WallTime;
use crate::token::Partition;

use actors::Actors;
use buffer::ObjectBuffer;
use trees::Trees;

/// The replicas of one shard.
#[derive(Clone, Debug)]
pub struct Replica {
    actors: Actors,
    buffer: ObjectBuffer,
    stamps: Stamps,
    journal: Journal,
    trees: Trees,
}

/// The object can't be read here: its stored bytes are damaged or the engine failed. It is not
/// served, and answers "unknown" to readers (rule 19).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl Replica {
    /// The replicas of a shard that has just started. Its ids are fresh (rule 1).
    pub fn new(random: Random) -> Self {
        Self {
            actors: Actors::new(random),
            buffer: ObjectBuffer::default(),
            stamps: Stamps::default(),
            journal: Journal::default(),
            trees: Trees::default(),
        }
    }

    /// The whole state of an object as this replica has it; none if it has never seen it.
    pub fn read(
        &self,
        key: &ObjectKey,
        store: &impl ReadStore,
    ) -> Result<Option<EncodedState>, Unreadable> {
        self.read_at(&StoreKey::of(key), store)
    }

    fn read_at(
        &self,
        at: &StoreKey,
        store: &impl ReadStore,
    ) -> Result<Option<EncodedState>, Unreadable> {
        if let Some(state) = self.buffer.get(at) {
            return Ok(Some(state.clone()));
        }
        let found = store
            .get(Keyspace::Objects, at.as_bytes())
            .map_err(|error| Unreadable(error.to_string()))?;
        let Some(record) = found else { return Ok(None) };
        let (_, state) =
            decode_record(at, &record).map_err(|error| Unreadable(error.to_string()))?;
        Ok(Some(state))
    }

    fn read_decoded(
        &self,
        at: &StoreKey,
        store: &impl ReadStore,
    ) -> Result<Option<(EncodedState, ObjectState)>, Unreadable> {
        let Some(encoded) = self.read_at(at, store)? else { return Ok(None) };
        let state = encoded.decode().map_err(|error| Unreadable(error.to_string()))?;
        Ok(Some((encoded, state)))
    }

    /// Mints a client's write after reading the current state (rules 2 and 4), and has it written.
    /// `waiter` is told when it is on disk.
    pub fn mint(
        &mut self,
        wall: WallTime,
        write: Write<'_>,
        waiter: Waiter,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Minted, MintError> {
        let at = StoreKey::of(write.key);
        let current = match self.read_decoded(&at, store) {
            Ok(current) => current.map(|(_, state)| state).unwrap_or_default(),
            Err(unreadable) => {
                // Something minted under the id may be what was damaged (rule 1).
                self.actors.retire(write.partition);
                observe_damage(write.key, &unreadable, out);
                return Err(MintError::Unreadable(unreadable));
            }
        };
        write.check_siblings(&current)?;
        let dot = self.actors.mint(write.partition);
        let key = write.key;
        let (state, context) = write.apply(current, dot, wall, &mut self.stamps);
        let siblings = state.siblings().len() as u32;
        out.push(Effect::Observe(Observation::Minted { key: key.clone(), dot, siblings }));
        let encoded = EncodedState::of(&state);
        let ticket = self.record(at, key, &encoded, out);
        self.journal.wait(ticket, waiter);
        Ok(Minted { encoded, context })
    }

    /// The collection round of a partition here: every state that is sent is labelled with it.
    pub fn round(&self, _partition: Partition) -> Round {
        Round::default()
    }

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
        let their_state = theirs.decode().map_err(|_| MergeError::Undecodable)?;
        let at = StoreKey::of(key);
        let current = self.read_decoded(&at, store).map_err(|unreadable| {
            observe_damage(key, &unreadable, out);
            MergeError::Unreadable(unreadable)
        })?;
        let merged = match current {
            None => (theirs.clone(), their_state),
            Some((ours, _)) if ours == *theirs => return Ok(self.already_have(&at, waiter)),
            Some((ours, our_state)) => {
                let state = our_state.merge(their_state);
                let encoded = EncodedState::of(&state);
                if encoded == ours {
                    return Ok(self.already_have(&at, waiter));
                }
                (encoded, state)
            }
        };
        let siblings = merged.1.siblings().len() as u32;
        out.push(Effect::Observe(Observation::Merged { key: key.clone(), siblings }));
        let ticket = self.record(at, key, &merged.0, out);
        self.journal.wait(ticket, waiter);
        Ok(Durability::Pending)
    }

    /// The state is known here already: on disk, or on its way there with an earlier batch.
    fn already_have(&mut self, at: &StoreKey, waiter: Waiter) -> Durability {
        let Some(ticket) = self.buffer.ticket(at) else { return Durability::OnDisk };
        self.journal.wait(ticket, waiter);
        Durability::Pending
    }

    fn record(
        &mut self,
        at: StoreKey,
        key: &ObjectKey,
        state: &EncodedState,
        out: &mut Effects,
    ) -> Ticket {
        self.trees.fresh = false;
        let mut batch = Batch::new();
        batch.put(Keyspace::Objects, at.as_bytes().clone(), encode_record(&at, key, state));
        let ticket = self.journal.write(batch, out);
        self.buffer.insert(at, key.clone(), state.clone(), ticket);
        ticket
    }

    /// The shard's batches: what it writes beside objects goes through the same order.
    pub fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// The shard's batches and the stamps of what it mints: what a put into a hint needs of both.
    pub fn journal_and_stamps(&mut self) -> (&mut Journal, &mut Stamps) {
        (&mut self.journal, &mut self.stamps)
    }

    /// All batches up to `ticket` are on disk: lets go of what the buffer held for them, and
    /// returns who waited.
    pub fn synced(&mut self, ticket: Ticket) -> Vec<Waiter> {
        self.buffer.release(ticket);
        self.journal.synced(ticket)
    }

    /// How many states are in memory because they are not on disk yet.
    pub fn unsynced(&self) -> usize {
        self.buffer.len()
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

fn observe_damage(key: &ObjectKey, unreadable: &Unreadable, out: &mut Effects) {
    let what = format!("{key}: {unreadable}");
    out.push(Effect::Observe(Observation::Damaged { what }));
}

#[cfg(test)]
mod tests;
