//! What a shard does with states that peers send it, and what it says when they read: as a replica
//! of the key, or as a fallback that keeps hints for one (rules 8 to 11).

use super::Shard;
use crate::collection::Round;
use crate::effect::{DiskRoom, Effects};
use crate::hints::{Desk, HintRefused, NewHint};
use crate::identity::NodeId;
use crate::message::{
    AckStage, AckWish, EncodedState, Purpose, ReadAnswer, ReadWish, ReplicateRefusal, RequestId,
};
use crate::object::{Content, ObjectKey};
use crate::replica::{Durability, MergeError, Waiter};
use crate::store::ReadStore;
use crate::time::Now;
use crate::token::Partition;
use crate::transfer::Footing;

/// What a frame that carries a state says beside it.
pub(super) struct Arrived {
    pub(super) from: NodeId,
    pub(super) request: RequestId,
    pub(super) footing: Footing,
    pub(super) round: Round,
    pub(super) purpose: Purpose,
    pub(super) acks: AckWish,
    pub(super) partition: Partition,
}

type Stage = Result<AckStage, ReplicateRefusal>;

impl Shard {
    /// Takes a peer's state in. Returns what to answer at once, if anything.
    pub(super) fn take_state(
        &mut self,
        now: Now,
        arrived: &Arrived,
        (key, state): (&ObjectKey, &EncodedState),
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Option<Stage> {
        if let Some(footing) = self.view.refuses_write(arrived.partition, arrived.footing) {
            return Some(Err(ReplicateRefusal::Behind(footing)));
        }
        if self.is_none_of_mine(arrived, key) {
            let footing = self.view.footing(arrived.partition);
            let is_behind = self.view.is_moving(arrived.partition) && arrived.footing < footing;
            return Some(Err(if is_behind {
                ReplicateRefusal::Behind(footing)
            } else {
                ReplicateRefusal::StaleRing
            }));
        }
        if self.view.dead.contains(&arrived.from) {
            return Some(Err(ReplicateRefusal::StaleRing));
        }
        if self.stopping {
            return Some(Err(ReplicateRefusal::Overloaded));
        }
        if arrived.round < self.replica.round(arrived.partition)
            || !self.replica.is_round_known(arrived.partition)
        {
            return Some(Err(ReplicateRefusal::EarlierRound));
        }
        if self.has_no_room_for(arrived.purpose, state) {
            return Some(Err(ReplicateRefusal::DiskReserve));
        }
        let (request, partition) = (arrived.request, arrived.partition);
        let kept_for = self.kept_for(arrived.purpose, partition);
        let since = now.instant;
        let waiter = Waiter::Peer { node: arrived.from, request, partition, kept_for, since };
        let kept = match kept_for {
            Some(owner) => {
                let new = NewHint { owner, key, partition, state };
                self.keep_hint(now, &new, waiter, store, out)
            }
            None => self.replica.merge(key, state, waiter, store, out).map_err(unmergeable),
        };
        match kept {
            Ok(Durability::OnDisk) => Some(Ok(AckStage::Durable)),
            Ok(Durability::Pending) if arrived.acks == AckWish::Durable => None,
            Ok(Durability::Pending) => Some(Ok(AckStage::Received)),
            Err(refusal) => Some(Err(refusal)),
        }
    }

    /// Whose copy it becomes, if it is kept as a hint: a replica keeps everything as its own.
    pub(super) fn kept_for(&self, purpose: Purpose, partition: Partition) -> Option<NodeId> {
        match purpose {
            Purpose::Hint { owner } if !self.view.is_replica(partition) => Some(owner),
            Purpose::Hint { .. } | Purpose::Write | Purpose::Repair => None,
        }
    }

    fn keep_hint(
        &mut self,
        now: Now,
        new: &NewHint<'_>,
        waiter: Waiter,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Durability, ReplicateRefusal> {
        let journal = self.replica.journal_mut();
        let mut desk = Desk { wall: now.wall, journal, store, out };
        let kept = self.hints.take(new, waiter, &mut desk);
        match &kept {
            Ok(_) => self.counts.hints_stored += 1,
            Err(_) => self.counts.hints_refused += 1,
        }
        kept.map_err(|refused| match refused {
            HintRefused::Full => ReplicateRefusal::HintsFull,
            HintRefused::Unmergeable(why) => unmergeable(why),
        })
    }

    /// Whether the sender takes this node, by a ring that this node knows, for something that it is
    /// not: for a replica, although it has handed the partition over and would bring back what it
    /// dropped; or for one that may keep hints, although nobody would look for them here.
    fn is_none_of_mine(&self, arrived: &Arrived, key: &ObjectKey) -> bool {
        let Some(ring) = &self.view.ring else { return false };
        let partition = arrived.partition;
        if arrived.footing.ring > ring.version || self.view.is_replica(partition) {
            return false;
        }
        let Purpose::Hint { .. } = arrived.purpose else { return true };
        let n = self.view.bucket(key.bucket()).fixed.n;
        let place = self.view.placement(ring, partition, None);
        !place.rings().any(|ring| ring.fallbacks(partition, n).contains(&self.config.me))
    }

    /// With the disk's reserve reached, new values are refused; deletes and repairs are not.
    fn has_no_room_for(&self, purpose: Purpose, state: &EncodedState) -> bool {
        if self.disk == DiskRoom::Enough || purpose == Purpose::Repair {
            return false;
        }
        // What can't be decoded is refused for that.
        state.decode().is_ok_and(|state| {
            state.siblings().iter().any(|sibling| sibling.content != Content::Tombstone)
        })
    }

    /// What this node has of an object, for a reader.
    pub(super) fn say_what_is_here(
        &mut self,
        now: Now,
        (footing, at_least): (Footing, Round),
        (key, wish): (&ObjectKey, ReadWish),
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> (ReadAnswer, Round) {
        if let Some(insists) = self.view.refuses_read(self.partition_of(key), footing) {
            return (ReadAnswer::Behind(insists), Round::default());
        }
        if self.sent_by_an_older_ring(footing.ring, key.token()) {
            return (ReadAnswer::Unknown, Round::default());
        }
        let mut turn = self.turn(now, store, out);
        turn.rise(key, at_least);
        let said = match wish {
            ReadWish::State => {
                turn.state_here(key).map(|(state, round)| (ReadAnswer::State(state), round))
            }
            ReadWish::Digest => {
                turn.digest_here(key).map(|(digest, round)| (ReadAnswer::Digest(digest), round))
            }
        };
        said.unwrap_or((ReadAnswer::Unknown, Round::default()))
    }
}

fn unmergeable(why: MergeError) -> ReplicateRefusal {
    match why {
        MergeError::Undecodable => ReplicateRefusal::Undecodable,
        MergeError::Unreadable(_) => ReplicateRefusal::Damaged,
    }
}
