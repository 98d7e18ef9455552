//! Hints on their way home (the paper, 4.6; rule 11): in batches, as many at a time as the way to
//! an owner has room for, each deleted once its owner has it on disk.
//!
//! The hints of all owners lie in one order of keys, so that looking for one owner's may pass many
//! of another who stays away. One step therefore looks at a bounded number of them.

use super::Shard;
use crate::coordinator::Turn;
use crate::delivery::{Delivery, Reason};
use crate::effect::{Effect, Effects};
use crate::hints::{Desk, Hint, HintKey};
use crate::identity::NodeId;
use crate::observe::Observation;
use crate::replica::Waiter;
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::time::Now;
use crate::token::Partition;

/// Hints looked at together.
const PAGE: usize = 64;
/// Hints looked at in one step for one owner.
pub(super) const LOOKED_AT_ONCE: usize = 256;
/// Hints counted in one step after a start.
pub(super) const COUNTED_AT_ONCE: usize = 512;

/// How far the hints of one owner have been looked through.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    partition: Option<Partition>,
    after: Option<HintKey>,
}

/// Why looking through a partition's hints ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    /// All of them were looked at.
    AtAll,
    /// There is no more room on the way to the owner: what arrives there makes some.
    UntilNoRoom,
    /// Enough for one step.
    Enough,
}

impl Shard {
    /// Counts some of the hints that were here when the node started. Returns whether there are
    /// others.
    pub(super) fn count_hints(&mut self, store: &impl ReadStore, out: &mut Effects) -> bool {
        let Some(ring) = self.view.ring.clone() else { return true };
        let (shard, shards) = (u32::from(self.config.shard), u32::from(self.config.shards));
        let mut left = COUNTED_AT_ONCE;
        for partition in ring.partitions.all().filter(|p| p.get() % shards == shard) {
            while !self.hints.is_counted(partition) {
                if left == 0 {
                    return true;
                }
                // What can't be read now is tried again at the next look around.
                let Ok(page) = self.hints.count(ring.partitions, partition, left, store) else {
                    return true;
                };
                // An empty partition costs a look as well.
                left = left.saturating_sub(page.hints.len().max(1));
                for at in page.damaged {
                    let what = format!("the hint at {at:?}");
                    out.push(Effect::Observe(Observation::Damaged { what }));
                }
            }
        }
        false
    }

    /// Sends home what there is room for. Returns whether there are hints that were not looked at.
    pub(super) fn send_hints_home(
        &mut self,
        now: Now,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> bool {
        let mut more = false;
        for owner in self.hints.held().into_keys() {
            more |= self.send_hints_to(now, owner, store, out);
        }
        more
    }

    /// Sends one owner's hints on from where this stopped. Returns whether there are some that were
    /// not looked at, and that nothing but time stands in the way of.
    pub(super) fn send_hints_to(
        &mut self,
        now: Now,
        owner: NodeId,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> bool {
        let Some(ring) = self.view.ring.clone() else { return false };
        if self.view.dead.contains(&self.config.me) {
            // Nobody takes anything of this node any more.
            return false;
        }
        if !self.budget.allows(now.instant) {
            // Nothing is read that can't be sent.
            self.hints_home.entry(owner).or_default();
            return false;
        }
        let mut place = self.hints_home.remove(&owner).unwrap_or_default();
        let mut left = LOOKED_AT_ONCE;
        for partition in self.hints.partitions_for(owner) {
            if place.partition.is_some_and(|reached| partition < reached) {
                continue;
            }
            if place.partition != Some(partition) {
                place = Place { partition: Some(partition), after: None };
            }
            let mut turn = self.turn(now, store, out);
            let looked =
                send_partition((owner, partition), &ring, &mut place, &mut left, &mut turn);
            if looked != Looked::AtAll {
                self.hints_home.insert(owner, place);
                return looked == Looked::Enough;
            }
        }
        false
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
        // Once all were looked at, what is still here is looked at again by the next patrol, and
        // not for each one that arrives.
        if self.hints_home.contains_key(&owner) && self.deliveries.has_room_for_many(delivery.to) {
            self.send_hints_to(now, owner, store, out);
        }
    }
}

/// Sends hints of one partition.
fn send_partition<S: ReadStore>(
    (owner, partition): (NodeId, Partition),
    ring: &Ring,
    place: &mut Place,
    left: &mut usize,
    turn: &mut Turn<'_, S>,
) -> Looked {
    let healthy = turn.peers.healthy(turn.view, turn.now.instant, owner);
    let keeps_its_place = turn.view.placement(ring, partition, None).owns(owner, partition)
        && !turn.view.dead.contains(&owner);
    if !healthy && keeps_its_place && turn.view.stands_in(partition) {
        return Looked::AtAll;
    }
    let range = ring.partitions.range_of(partition);
    while *left > 0 {
        let room = turn.budget.room(turn.now.instant) / turn.hints.usual_bytes().max(1);
        let limit = PAGE.min(*left).min(usize::try_from(room).unwrap_or(PAGE).max(1));
        *left -= limit;
        // What can't be read now is tried again when everything is looked through again.
        let Ok(page) = turn.hints.page(range, place.after.as_ref(), limit, turn.store) else {
            return Looked::AtAll;
        };
        for (at, hint) in page.hints {
            if hint.owner == owner && !move_on(&hint, partition, ring, turn) {
                return Looked::UntilNoRoom;
            }
            place.after = Some(at);
        }
        if page.next.is_none() {
            return Looked::AtAll;
        }
        place.after = page.next;
    }
    Looked::Enough
}

/// Sends a hint to its owner if that can be reached; one whose owner has lost its place, or is dead,
/// is kept for those who are primaries now; and one that this node may not keep any more, by the ring that it
/// knows, goes to somebody who may. Returns whether there was room for it.
fn move_on<S: ReadStore>(
    hint: &Hint,
    partition: Partition,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> bool {
    let owner = hint.owner;
    let n = turn.view.bucket(hint.key.bucket()).fixed.n;
    // While the partition moves, its old owners are owners still.
    let place = turn.view.placement(ring, partition, None);
    let lives = |node: &NodeId| !turn.view.dead.contains(node);
    // One for a dead node is a copy like any other, and kept by whoever may stand in until a ring gives
    // its place away. Where this node may not, all have it who own the partition and live.
    let is_forlorn = !lives(&owner) && !turn.view.stands_in(partition);
    if !place.owns(owner, partition) || is_forlorn {
        let nodes =
            if is_forlorn { &ring.table[partition.index()] } else { ring.primaries(partition, n) };
        let heirs: Vec<NodeId> = nodes.iter().copied().filter(lives).collect();
        if !heirs.is_empty() {
            readdress(hint, partition, &heirs, turn);
        }
        return true;
    }
    let healthy = |node: NodeId| turn.peers.healthy(turn.view, turn.now.instant, node);
    let to = if healthy(owner) {
        Some(owner)
    } else if turn.view.stands_in(partition) {
        None
    } else {
        ring.fallbacks(partition, n).iter().copied().find(|&node| healthy(node))
    };
    let Some(to) = to.filter(|&to| !turn.deliveries.carries(to, &hint.key)) else { return true };
    turn.deliver(to, &hint.key, &hint.state, partition, Reason::Hint { owner })
}

/// Keeps a hint for the present primaries; if this node is one of them, it has the state as its own
/// from now on. What can't be merged stays as it is (rule 13: a hint is never dropped).
fn readdress<S: ReadStore>(
    hint: &Hint,
    partition: Partition,
    primaries: &[NodeId],
    turn: &mut Turn<'_, S>,
) {
    let me = turn.view.me;
    if primaries.contains(&me) {
        // Nobody waits: that it is on disk before the hint's deletion is a matter of order.
        let nobody = Waiter::Coordinator(turn.ids.next());
        let merged = turn.replica.merge(&hint.key, &hint.state, nobody, turn.store, turn.out);
        if merged.is_err() {
            return;
        }
    }
    let others: Vec<NodeId> = primaries.iter().copied().filter(|&node| node != me).collect();
    let (wall, journal) = (turn.now.wall, turn.replica.journal_mut());
    let mut desk = Desk { wall, journal, store: turn.store, out: turn.out };
    // If it can't be merged into what is held for one of them, it is tried again later.
    let _ = turn.hints.readdress(hint, &others, partition, &mut desk);
}
