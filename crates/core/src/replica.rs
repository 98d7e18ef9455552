//! What one node does with the partitions it holds: read, mint, merge, list.
//!
//! The paper, 4.4, 4.5 and 6.1. Rules 1 to 7: dots are minted under ids drawn at this start, after
//! reading the replica's own current state of the key; states change only by a write or a merge;
//! what is not yet on disk is read from the object buffer. One shard owns a replica alone, so all
//! of this is serial per key.

mod actors;
mod buffer;
mod cache;
mod collecting;
mod forgetting;
mod journal;
mod listing;
mod look;
mod merging;
mod minting;
mod quarantine;
mod record;
mod rows;
mod snapshot;
mod trees;
mod write;

pub use cache::CacheCounts;
pub use collecting::{Agreement, Candidates};
pub use forgetting::Forgotten;
pub use journal::{Journal, Waiter};
pub use look::Looked;
pub use merging::{Durability, MergeError};
pub use quarantine::quarantine_row;
pub use record::{StoreKey, decode_record, encode_record};
pub use snapshot::{delete_snapshot, snapshot_rows};
pub use trees::Found;
pub use write::{MintError, Minted, Stamps, Write};

use crate::collection::{Round, Rounds};
use crate::effect::{Effects, Ticket};
use crate::identity::ActorId;
use crate::message::EncodedState;
use crate::object::{DecodeError, ObjectDigest, ObjectKey, ObjectState};
use crate::random::Random;
use crate::store::{Batch, Keyspace, ReadStore, StoreError};
use crate::token::Partition;

use actors::Actors;
use buffer::ObjectBuffer;
use cache::ObjectCache;
use look::Look;
use quarantine::{Failed, Quarantine};
use rows::Damaged;
use trees::{Before, Counts, Trees};

/// The replicas of one shard.
#[derive(Clone, Debug)]
pub struct Replica {
    actors: Actors,
    buffer: ObjectBuffer,
    cache: ObjectCache,
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
    /// The replicas of a shard that has just started. Its ids are fresh (rule 1). It caches objects
    /// within so many bytes.
    pub fn new(random: Random, cache_bytes: u64) -> Self {
        Self {
            actors: Actors::new(random),
            buffer: ObjectBuffer::default(),
            cache: ObjectCache::within(cache_bytes),
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
        if let Some(state) = self.cache.state(&at) {
            return Ok(Some(state));
        }
        match self.stored(&at, store) {
            Ok(state) => {
                if let Some(state) = &state {
                    self.remember(&at, key, state);
                }
                Ok(state)
            }
            Err(Failed::Engine(unreadable)) => Err(unreadable),
            Err(Failed::Damaged(damaged)) => {
                self.set_aside(&at, key, &damaged, out);
                Err(Unreadable(damaged.0))
            }
        }
    }

    /// Caches what was read of the store. Not what this node keeps no longer: that may be on its way
    /// out of the store ([`Self::forget`]).
    fn remember(&mut self, at: &StoreKey, key: &ObjectKey, encoded: &EncodedState) {
        if self.trees.place_of(key).is_none() {
            return;
        }
        let versions = || Some(encoded.decode().ok()?.versions());
        self.cache.insert(at, encoded, encoded.digest(), versions);
    }

    /// The digest of the state that [`Self::read`] would return, for readers who need no more.
    pub fn read_digest(
        &mut self,
        key: &ObjectKey,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Option<ObjectDigest>, Unreadable> {
        let at = StoreKey::of(key);
        if !self.quarantine.holds(&at)
            && self.buffer.get(&at).is_none()
            && let Some(digest) = self.cache.digest(&at)
        {
            return Ok(Some(digest));
        }
        Ok(self.read(key, store, out)?.map(|state| state.digest()))
    }

    /// What the store has, whatever is on its way there.
    fn stored(
        &mut self,
        at: &StoreKey,
        store: &impl ReadStore,
    ) -> Result<Option<EncodedState>, Failed> {
        self.cache.missed();
        let Some(record) = store.get(Keyspace::Objects, at.as_bytes())? else { return Ok(None) };
        let damaged = |error: DecodeError| Failed::Damaged(Damaged(error.to_string()));
        let (_, state) = decode_record(at, &record).map_err(damaged)?;
        Ok(Some(state))
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

    /// Has an object's new state written, which is given in both forms, or the object dropped, and
    /// changes its tree and what is cached of it in the same step.
    fn record(
        &mut self,
        at: StoreKey,
        key: &ObjectKey,
        before: &Before,
        after: Option<(&EncodedState, &ObjectState)>,
        out: &mut Effects,
    ) -> Ticket {
        let mut batch = Batch::new();
        let digest = after.map(|(encoded, _)| encoded.digest());
        if let Some((partition, leaf)) = self.trees.place_of(key) {
            self.unsave_tree(partition, &mut batch);
            let counted = Counts::before(key, before);
            let counts =
                after.zip(digest).map_or_else(Counts::default, |((encoded, _), digest)| {
                    Counts::of(key, digest, encoded.as_bytes().len() as u64)
                });
            if let Some(kept) = self.trees.kept.get_mut(&partition) {
                kept.changed(leaf, counted, counts);
            }
            self.look.changed((partition, leaf), &at, counted, counts);
        }
        if let Some(((encoded, state), digest)) = after.zip(digest) {
            let record = encode_record(&at, key, encoded);
            batch.put(Keyspace::Objects, at.as_bytes().clone(), record);
            self.cache.insert(&at, encoded, digest, || Some(state.versions()));
        } else {
            batch.delete(Keyspace::Objects, at.as_bytes().clone());
            self.cache.remove(&at);
        }
        let ticket = self.journal.write(batch, out);
        self.buffer.insert(at, key.clone(), after.map(|(encoded, _)| encoded.clone()), ticket);
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

    /// What the object cache holds, and how often it helped.
    pub fn cache_counts(&self) -> CacheCounts {
        self.cache.counts()
    }

    /// How many states are in memory because they are not on disk yet.
    pub fn unsynced(&self) -> usize {
        self.buffer.len()
    }
}

/// The state before a write; the one of an object that nobody has written if it is not known.
fn decoded(before: &Before) -> Result<ObjectState, Unreadable> {
    let Before::State(encoded) = before else { return Ok(ObjectState::default()) };
    encoded.decode().map_err(|error| Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests;
