//! What one node does with the partitions it holds: read, mint, merge, list.
//!
//! The paper, 4.4, 4.5 and 6.1. Rules 1 to 7: dots are minted under ids drawn at this start, after
//! reading the replica's own current state of the key; states change only by a write or a merge;
//! what is not yet on disk is read from the object buffer. One shard owns a replica alone, so all
//! of this is serial per key.

mod actors;
mod buffer;
mod collecting;
mod forgetting;
mod journal;
mod listing;
mod look;
mod quarantine;
mod record;
mod rows;
mod snapshot;
mod trees;
mod write;

pub use collecting::{Agreement, Candidates};
pub use forgetting::Forgotten;
pub use journal::{Journal, Waiter};
pub use look::Looked;
pub use quarantine::quarantine_row;
pub use record::{StoreKey, decode_record, encode_record};
pub use snapshot::{delete_snapshot, snapshot_rows};
pub use trees::Found;
pub use write::{MintError, Minted, Stamps, Write};

use crate::collection::{Round, Rounds};
use crate::effect::{Effect, Effects, Ticket};
use crate::identity::ActorId;
use crate::message::EncodedState;
use crate::object::{DecodeError, ObjectKey, ObjectState};
use crate::observe::Observation;
use crate::random::Random;
use crate::store::{Batch, Keyspace, ReadStore, StoreError};
use crate::time::WallTime;
use crate::token::Partition;

use actors::Actors;
use buffer::ObjectBuffer;
use look::Look;
use quarantine::{Failed, Quarantine};
use rows::Damaged;
use trees::{Before, Trees};

/// The replicas of one shard.
#[derive(Clone, Debug)]
pub struct Replica {
    actors: Actors,
    buffer: ObjectBuffer,
    stamps: Stamps,
    journal: Journal,
    trees: Trees,
    look: Look,
    quarantine: Quarantine,
    rounds: Rounds,
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
            look: Look::default(),
            quarantine: Quarantine::default(),
            rounds: Rounds::default(),
        }
    }

    /// The id under which this node mints in a partition; none before it has minted anything.
    pub fn actor(&self, partition: Partition) -> Option<ActorId> {
        self.actors.of(partition)
    }

    /// The whole state of an object as this replica has it; none if it has never seen it. A damaged
    /// object is set aside when it is met, and can't be read until it is healed.
    pub fn read(
        &mut self,
        key: &ObjectKey,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Option<EncodedState>, Unreadable> {
        let at = StoreKey::of(key);
        if self.quarantine.holds(&at) {
            self.learn_name(&at, key, out);
            return Err(Unreadable(
                "it is set aside as damaged until its peers heal it".to_owned(),
            ));
        }
        if let Some(pending) = self.buffer.get(&at) {
            return Ok(pending.state());
        }
        match Self::stored(&at, store) {
            Ok(state) => Ok(state),
            Err(Failed::Engine(unreadable)) => Err(unreadable),
            Err(Failed::Damaged(damaged)) => {
                self.set_aside(&at, key, &damaged, out);
                Err(Unreadable(damaged.0))
            }
        }
    }

    /// What the store has, whatever is on its way there.
    fn stored(at: &StoreKey, store: &impl ReadStore) -> Result<Option<EncodedState>, Failed> {
        let Some(record) = store.get(Keyspace::Objects, at.as_bytes())? else { return Ok(None) };
        let damaged = |error: DecodeError| Failed::Damaged(Damaged(error.to_string()));
        let (_, state) = decode_record(at, &record).map_err(damaged)?;
        Ok(Some(state))
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
        let before =
            self.before_write(&at, write.key, store, out).map_err(MintError::Unreadable)?;
        let current = decoded(&before).map_err(MintError::Unreadable)?;
        write.check_siblings(&current)?;
        let dot = self.actors.mint(write.partition);
        let key = write.key;
        let (state, context) = write.apply(current, dot, wall, &mut self.stamps);
        let siblings = state.siblings().len() as u32;
        out.push(Effect::Observe(Observation::Minted { key: key.clone(), dot, siblings }));
        let encoded = EncodedState::of(&state);
        let ticket = self.record(at, key, &before, Some(&encoded), out);
        self.journal.wait(ticket, waiter);
        Ok(Minted { dot, encoded, context })
    }

    /// The collection round of a partition here: every state that is sent is labelled with it.
    /// One of an earlier round is not taken any more (rule 13).
    pub fn round(&self, partition: Partition) -> Round {
        self.rounds.of(partition)
    }

    /// Whether that round is known for certain: not after the store was lost, until an owner has
    /// told its own. Nothing is taken from others before.
    pub fn is_round_known(&self, partition: Partition) -> bool {
        self.rounds.is_known(partition)
    }

    /// Partitions whose round is not known.
    pub fn unknown_rounds(&self) -> impl Iterator<Item = Partition> {
        self.rounds.unknown()
    }

    /// Whether this replica has agreed to this round, with the store that it has.
    pub fn has_agreed(&self, partition: Partition, round: Round) -> bool {
        self.rounds.has_agreed(partition, round)
    }

    /// Somebody is at a later round, and refuses what is read at this node's: so is this node from
    /// now on.
    pub fn rise(&mut self, partition: Partition, round: Round, out: &mut Effects) {
        self.rounds.rise(partition, round, &mut self.journal, out);
    }

    /// An owner has told at which round it is.
    pub fn learn_round(&mut self, partition: Partition, round: Round, out: &mut Effects) {
        self.rounds.learn(partition, round, &mut self.journal, out);
    }

    /// Reads the rounds that the start before this one has left.
    pub fn load_rounds(
        &mut self,
        is_here: impl Fn(Partition) -> bool,
        store: &impl ReadStore,
    ) -> Result<(), StoreError> {
        self.rounds.load(is_here, store)
    }

    /// The store was lost, and with it the rounds of these partitions.
    pub fn lose_rounds(
        &mut self,
        partitions: impl IntoIterator<Item = Partition>,
        out: &mut Effects,
    ) {
        self.rounds.lost(partitions, &mut self.journal, out);
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
        let Some(ticket) = self.merge_in(key, theirs, store, out)? else {
            return Ok(Durability::OnDisk);
        };
        self.journal.wait(ticket, waiter);
        Ok(Durability::Pending)
    }

    /// Merges a state. Returns the batch that carries the result to disk; none if it is there.
    fn merge_in(
        &mut self,
        key: &ObjectKey,
        theirs: &EncodedState,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Option<Ticket>, MergeError> {
        let their_state = theirs.decode().map_err(|_| MergeError::Undecodable)?;
        let at = StoreKey::of(key);
        let before = self.before_write(&at, key, store, out).map_err(MergeError::Unreadable)?;
        let (encoded, state) = match &before {
            Before::Unknown | Before::Known(None) => (theirs.clone(), their_state),
            Before::Known(Some(ours)) if ours == theirs => return Ok(self.buffer.ticket(&at)),
            Before::Known(Some(ours)) => {
                let merged = decoded(&before).map_err(MergeError::Unreadable)?.merge(their_state);
                let encoded = EncodedState::of(&merged);
                if encoded == *ours {
                    return Ok(self.buffer.ticket(&at));
                }
                (encoded, merged)
            }
        };
        let siblings = state.siblings().len() as u32;
        out.push(Effect::Observe(Observation::Merged { key: key.clone(), siblings }));
        Ok(Some(self.record(at, key, &before, Some(&encoded), out)))
    }

    /// Has an object's new state written, or the object dropped, and changes its tree in the same
    /// step.
    fn record(
        &mut self,
        at: StoreKey,
        key: &ObjectKey,
        before: &Before,
        after: Option<&EncodedState>,
        out: &mut Effects,
    ) -> Ticket {
        let mut batch = Batch::new();
        if let Some((partition, leaf)) = self.trees.place_of(key) {
            self.unsave_tree(partition, &mut batch);
            if let Some(kept) = self.trees.kept.get_mut(&partition) {
                kept.changed(leaf, key, before, after);
            }
            self.look.changed((partition, leaf), (&at, key), before, after);
        }
        match after {
            Some(state) => {
                let record = encode_record(&at, key, state);
                batch.put(Keyspace::Objects, at.as_bytes().clone(), record);
            }
            None => batch.delete(Keyspace::Objects, at.as_bytes().clone()),
        }
        let ticket = self.journal.write(batch, out);
        self.buffer.insert(at, key.clone(), after.cloned(), ticket);
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

/// The state before a write; the one of an object that nobody has written if it is not known.
fn decoded(before: &Before) -> Result<ObjectState, Unreadable> {
    let Before::Known(Some(encoded)) = before else { return Ok(ObjectState::default()) };
    encoded.decode().map_err(|error| Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests;
