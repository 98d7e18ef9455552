//! Hints on their way home (the paper, 4.6; rule 11): in batches, as many at a time as the way to
//! an owner has room for, each deleted once its owner has it on disk.

use super::Shard;
use crate::coordinator::Turn;
use crate::delivery::{Delivery, Reason};
use crate::effect::Effects;
use crate::hints::{Desk, HintKey, Page};
use crate::identity::NodeId;
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::time::Now;
use crate::token::Partition;

/// Hints looked at together.
const PAGE: usize = 64;
/// Hints read in one step while those of a start are counted.
const HINTS_COUNTED_AT_ONCE: usize = 1024;

/// How far the hints of one owner have been looked through.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    partition: Option<Partition>,
    after: Option<HintKey>,
}

impl Shard {
    /// Counts the hints that were here when the node started, some partitions at a time. Returns
    /// whether there are others.
    pub(super) fn count_hints(&mut self, store: &impl ReadStore) -> bool {
        let Some(ring) = self.view.ring.clone() else { return true };
        let (shard, shards) = (u32::from(self.config.shard), u32::from(self.config.shards));
        let mut seen = 0;
        for partition in ring.partitions.all().filter(|p| p.get() % shards == shard) {
            if seen > HINTS_COUNTED_AT_ONCE {
                return true;
            }
            match self.hints.count(ring.partitions, partition, store) {
                Ok(found) => seen += found.unwrap_or_default(),
                // It is tried again at the next look around.
                Err(_) => return true,
            }
        }
        false
    }

    /// Sends home what there is room for.
    pub(super) fn send_hints_home(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        for owner in self.hints.held().into_keys() {
            self.send_hints_to(now, owner, store, out);
        }
    }

    /// Sends one owner's hints on from where this stopped, until there is no more room on the way
    /// to it or all of them were looked at once.
    pub(super) fn send_hints_to(
        &mut self,
        now: Now,
        owner: NodeId,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let Some(ring) = self.view.ring.clone() else { return };
        let mut place = self.hints_home.remove(&owner).unwrap_or_default();
        for partition in self.hints.partitions_for(owner) {
            if place.partition.is_some_and(|reached| partition < reached) {
                continue;
            }
            if place.partition != Some(partition) {
                place = Place { partition: Some(partition), after: None };
            }
            let mut turn = self.turn(now, store, out);
            if !send_partition(owner, &ring, &mut place, &mut turn) {
                self.hints_home.insert(owner, place);
                return;
            }
        }
    }

    /// A hint has arrived at its owner, durably, or will not.
    pub(super) fn hint_delivered(
        &mut self,
        now: Now,
        delivery: &Delivery,
        result: Result<(), ()>,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let Reason::Hint { owner } = delivery.reason else { return };
        if result.is_err() {
            return;
        }
        let partition = self.partition_of(&delivery.key);
        let journal = self.replica.journal_mut();
        let mut desk = Desk { wall: now.wall, journal, store, out };
        if self.hints.delivered(owner, &delivery.key, partition, delivery.digest, &mut desk) {
            self.counts.hints_delivered += 1;
        }
        self.send_hints_to(now, owner, store, out);
    }
}

/// Sends hints of one partition. Returns whether all of them were looked at.
fn send_partition<S: ReadStore>(
    owner: NodeId,
    ring: &Ring,
    place: &mut Place,
    turn: &mut Turn<'_, S>,
) -> bool {
    let Some(partition) = place.partition else { return true };
    // A hint whose owner is no replica any more goes to one that is.
    let to = if ring.owns(owner, partition) {
        Some(owner)
    } else {
        first_reachable(ring, partition, turn)
    };
    let Some(to) = to.filter(|&to| turn.peers.healthy(turn.view, turn.now.instant, to)) else {
        return true;
    };
    let range = ring.partitions.range_of(partition);
    loop {
        let page = turn.hints.page(range, place.after.as_ref(), PAGE, turn.store);
        // What can't be read now is tried again when everything is looked through again.
        let Ok(Page { hints, next }) = page else { return true };
        for (at, hint) in hints {
            let mine = hint.owner == owner && !turn.deliveries.carries(to, &hint.key);
            let reason = Reason::Hint { owner };
            let (round, what) = (hint.round, (&hint.key, &hint.state));
            if mine && !turn.deliver_read_at(round, to, what, reason) {
                return false;
            }
            place.after = Some(at);
        }
        if next.is_none() {
            return true;
        }
        place.after = next;
    }
}

fn first_reachable<S: ReadStore>(
    ring: &Ring,
    partition: Partition,
    turn: &Turn<'_, S>,
) -> Option<NodeId> {
    let owners = ring.primaries(partition, ring.replicas);
    turn.peers.healthy_by_speed(turn.view, turn.now.instant, owners).into_iter().next()
}
