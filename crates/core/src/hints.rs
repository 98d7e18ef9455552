//! Hinted replicas: states that this node keeps for a primary that can't be reached.
//!
//! The paper, 4.6; rule 11. A hint is a whole object state, durable, with a named owner. It counts
//! for W, is served to reads while its owner is away, goes home when the owner can be reached, and
//! is deleted only after the owner's durable acknowledgement and only if it has not changed since.
//! Past the limits new hints are refused, never dropped: what was acknowledged stays.
//!
//! A put that no primary can be reached for is minted into a hint, under an id that belongs to
//! that hint alone and dies with it (rule 1): a node-wide id would be forgotten with the hint and
//! mint on, and a later merge would take the forgotten dot for one that was seen.

mod ledger;
mod minting;
mod record;
mod shelf;

use std::collections::BTreeMap;

use ledger::Ledger;
pub use record::{Hint, HintKey};
pub use shelf::Page;
use shelf::Shelf;

use crate::effect::{Effect, Effects, Ticket};
use crate::identity::NodeId;
use crate::message::EncodedState;
use crate::node::HintLimits;
use crate::object::{ObjectDigest, ObjectKey, ObjectState};
use crate::observe::Observation;
use crate::random::Random;
use crate::replica::{Durability, Journal, MergeError, Unreadable, Waiter};
use crate::status::HeldHints;
use crate::store::ReadStore;
use crate::time::WallTime;
use crate::token::{Partition, PartitionCount, Token};
use crate::version::Dot;

/// The hints that one shard holds.
#[derive(Clone, Debug)]
pub struct Hints {
    random: Random,
    limits: HintLimits,
    shelf: Shelf,
    ledger: Ledger,
    /// The last dot minted into each hint, under the hint's own id.
    minted: BTreeMap<HintKey, Dot>,
}

/// Why a hint was not taken. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HintRefused {
    /// As many are held as may be.
    Full,
    /// The state that came, or the one that is held, can't be read.
    Unmergeable(MergeError),
}

/// A state on its way into a hint.
#[derive(Debug)]
pub struct NewHint<'a> {
    /// Whom it is for.
    pub owner: NodeId,
    /// Which object.
    pub key: &'a ObjectKey,
    /// Its partition.
    pub partition: Partition,
    /// Its whole state.
    pub state: &'a EncodedState,
}

/// What storing something needs of the shard.
pub struct Desk<'a, S> {
    /// The wall clock.
    pub wall: WallTime,
    /// The shard's batches.
    pub journal: &'a mut Journal,
    /// The store, for reading.
    pub store: &'a S,
    /// What is to be done.
    pub out: &'a mut Effects,
}

impl Hints {
    /// A shard that has just started: what it holds is on disk and not counted yet.
    pub fn new(random: Random, limits: HintLimits) -> Self {
        Self {
            random,
            limits,
            shelf: Shelf::default(),
            ledger: Ledger::default(),
            minted: BTreeMap::new(),
        }
    }

    /// Bytes of a hint, on the average.
    pub fn usual_bytes(&self) -> u64 {
        let total = self.ledger.total();
        total.bytes.checked_div(total.objects).unwrap_or(0)
    }

    /// Keeps a state for a primary, merged with what is kept for it already; `waiter` is told when
    /// it is on disk, unless it is there already.
    pub fn take<S: ReadStore>(
        &mut self,
        new: &NewHint<'_>,
        waiter: Waiter,
        desk: &mut Desk<'_, S>,
    ) -> Result<Durability, HintRefused> {
        let held = self.held_for(new, desk.store).map_err(HintRefused::Unmergeable)?;
        if held.is_none() && self.is_full(new.state) {
            return Err(HintRefused::Full);
        }
        let ticket = self.keep(new, held, desk.wall, desk).map_err(HintRefused::Unmergeable)?;
        let Some(ticket) = ticket else { return Ok(Durability::OnDisk) };
        desk.journal.wait(ticket, waiter);
        Ok(Durability::Pending)
    }

    /// The hint's owner has lost its place: it is kept for these nodes instead, each of which gets
    /// it (rule 17). One acknowledgement would not do: the write may have been acknowledged on the
    /// strength of this copy and of one that the first to answer has already. No limit applies:
    /// this was taken before. The copies are on disk before the deletion is.
    pub fn readdress<S: ReadStore>(
        &mut self,
        hint: &Hint,
        owners: &[NodeId],
        partition: Partition,
        desk: &mut Desk<'_, S>,
    ) -> Result<(), MergeError> {
        for &owner in owners {
            let (key, state) = (&hint.key, &hint.state);
            let new = NewHint { owner, key, partition, state };
            let held = self.held_for(&new, desk.store)?;
            self.keep(&new, held, hint.stored, desk)?;
        }
        self.remove(hint, partition, desk);
        Ok(())
    }

    fn held_for(
        &self,
        new: &NewHint<'_>,
        store: &impl ReadStore,
    ) -> Result<Option<Hint>, MergeError> {
        let at = HintKey::of(new.owner, new.key);
        self.shelf.get(&at, store).map_err(MergeError::Unreadable)
    }

    /// Merges a state with what is `held` for its owner. Returns the batch that carries the result
    /// to disk; none if it is there.
    fn keep<S: ReadStore>(
        &mut self,
        new: &NewHint<'_>,
        held: Option<Hint>,
        stored: WallTime,
        desk: &mut Desk<'_, S>,
    ) -> Result<Option<Ticket>, MergeError> {
        let at = HintKey::of(new.owner, new.key);
        let undecodable = |_| MergeError::Undecodable;
        let theirs = new.state.decode().map_err(undecodable)?;
        let (state, stored) = match &held {
            None => (new.state.clone(), stored),
            Some(hint) => {
                let ours = hint.state.decode().map_err(undecodable)?;
                let merged = EncodedState::of(&ours.merge(theirs));
                if merged == hint.state {
                    return Ok(self.shelf.ticket(&at));
                }
                (merged, hint.stored.min(stored))
            }
        };
        let (owner, key) = (new.owner, new.key.clone());
        let hint = Hint { owner, key, state, stored };
        Ok(Some(self.put(at, new.partition, hint, held.as_ref(), desk)))
    }

    fn is_full(&self, state: &EncodedState) -> bool {
        let total = self.ledger.total();
        total.objects >= self.limits.objects
            || total.bytes + state.as_bytes().len() as u64 > self.limits.bytes
    }

    fn put<S: ReadStore>(
        &mut self,
        at: HintKey,
        partition: Partition,
        hint: Hint,
        before: Option<&Hint>,
        desk: &mut Desk<'_, S>,
    ) -> Ticket {
        self.ledger.replaced(partition, &at, before, Some(&hint));
        let (key, owner) = (hint.key.clone(), hint.owner);
        desk.out.push(Effect::Observe(Observation::HintStored { key, owner }));
        self.shelf.put(at, hint, desk.journal, desk.out)
    }

    /// Deletes a hint. The id under which it was minted into dies with it (rule 1).
    fn remove<S: ReadStore>(&mut self, hint: &Hint, partition: Partition, desk: &mut Desk<'_, S>) {
        let at = HintKey::of(hint.owner, &hint.key);
        self.ledger.replaced(partition, &at, Some(hint), None);
        self.minted.remove(&at);
        self.shelf.delete(at, desk.journal, desk.out);
    }

    /// All that is kept of an object, whomever it is kept for, merged.
    /// If any of it is damaged, what is left is not all of it, and can't be told (rule 19).
    pub fn read(
        &self,
        key: &ObjectKey,
        store: &impl ReadStore,
    ) -> Result<Option<EncodedState>, Unreadable> {
        let mut merged: Option<ObjectState> = None;
        for hint in self.shelf.of_token(key.token(), store)? {
            if hint.key != *key {
                continue;
            }
            let state = hint.state.decode().map_err(|error| Unreadable(error.to_string()))?;
            merged = Some(match merged {
                None => state,
                Some(so_far) => so_far.merge(state),
            });
        }
        Ok(merged.map(|state| EncodedState::of(&state)))
    }

    /// What is kept of an object, by the node that it is kept for.
    pub fn by_owner(
        &self,
        key: &ObjectKey,
        store: &impl ReadStore,
    ) -> Result<BTreeMap<NodeId, EncodedState>, Unreadable> {
        let of_key = self.shelf.of_token(key.token(), store)?.into_iter();
        let of_key = of_key.filter(|hint| hint.key == *key);
        Ok(of_key.map(|hint| (hint.owner, hint.state)).collect())
    }

    /// The owner has acknowledged a hint as it was when it had this digest: deletes it, unless it
    /// has changed since. Returns whether it is deleted; it counts as gone once that is on disk.
    pub fn delivered<S: ReadStore>(
        &mut self,
        owner: NodeId,
        key: &ObjectKey,
        partition: Partition,
        digest: ObjectDigest,
        desk: &mut Desk<'_, S>,
    ) -> bool {
        let at = HintKey::of(owner, key);
        let Ok(Some(hint)) = self.shelf.get(&at, desk.store) else { return false };
        if hint.state.digest() != digest {
            return false;
        }
        self.remove(&hint, partition, desk);
        let key = key.clone();
        desk.out.push(Effect::Observe(Observation::HintDelivered { key, owner }));
        true
    }

    /// Whether any hint of the partition may be here: stored, on its way to disk, not counted yet
    /// after a start, or its deletion not yet durable.
    pub fn may_hold(&self, partitions: PartitionCount, partition: Partition) -> bool {
        let (first, last) = partitions.range_of(partition);
        !self.ledger.is_counted(partition)
            || self.ledger.holds(partition)
            || self.shelf.has_unsynced(first, last)
    }

    /// Up to `limit` hints of a range of tokens after a place.
    pub fn page(
        &self,
        range: (Token, Token),
        after: Option<&HintKey>,
        limit: usize,
        store: &impl ReadStore,
    ) -> Result<Page, Unreadable> {
        self.shelf.page(range, after, limit, store)
    }

    /// Whether all that a partition held when the node started is counted.
    pub fn is_counted(&self, partition: Partition) -> bool {
        self.ledger.is_counted(partition)
    }

    /// Counts up to `limit` more of the hints that a partition held when the node started. Returns
    /// those that it has looked at.
    pub fn count(
        &mut self,
        partitions: PartitionCount,
        partition: Partition,
        limit: usize,
        store: &impl ReadStore,
    ) -> Result<Page, Unreadable> {
        let range = partitions.range_of(partition);
        let page = self.shelf.page(range, self.ledger.reached(partition), limit, store)?;
        self.ledger.count(partition, &page);
        Ok(page)
    }

    /// The partitions of which hints for this owner are held.
    pub fn partitions_for(&self, owner: NodeId) -> Vec<Partition> {
        self.ledger.partitions_for(owner)
    }

    /// Hints held, by owner.
    pub fn held(&self) -> BTreeMap<NodeId, HeldHints> {
        self.ledger.by_owner()
    }

    /// All batches up to `ticket` are on disk.
    pub fn synced(&mut self, ticket: Ticket) {
        self.shelf.release(ticket);
    }

    /// How many hints, and deletions of hints, are on their way to disk.
    pub fn unsynced(&self) -> usize {
        self.shelf.unsynced()
    }
}

#[cfg(test)]
mod tests;
