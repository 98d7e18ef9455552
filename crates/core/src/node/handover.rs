//! The shard's side of a partition that leaves this node: what it has is brought to the new owners,
//! then dropped. Rule 17; the paper, 4.9.
//!
//! The rule kept here: nothing is dropped before a majority of the new owners has on disk all that
//! was here when nobody wrote here any more, and nothing is written here afterwards. Hints that this
//! node may not keep by the new ring leave it as well; of a node that leaves, that is all.

use super::Shard;
use crate::effect::{Effect, Effects, Ticket};
use crate::exchange::{ExchangeEnded, Pair, shard_of};
use crate::store::ReadStore;
use crate::time::Now;
use crate::token::Partition;
use crate::transfer::{Handing, MoveLevel, Progress};

/// Objects dropped in one step.
const DROPPED_AT_ONCE: usize = 512;

impl Shard {
    /// Takes up what the view says of partitions that leave this node.
    pub(super) fn take_up_leaving(&mut self, now: Now, store: &impl ReadStore) {
        let Some(transition) = self.view.transition.clone().filter(|_| self.started) else {
            return;
        };
        let ring = transition.to().version;
        if self.handing.ring() != ring {
            // What can't be read is handed over once more.
            self.handing = Handing::begin(ring, store).unwrap_or_default();
            self.own_partitions();
        }
        let (me, shard, shards) = (self.config.me, self.config.shard, self.config.shards);
        for (partition, level) in transition.moving() {
            if level == MoveLevel::New
                && transition.is_moving(partition)
                && shard_of(partition, shards) == shard
                && transition.leaves(me, partition)
            {
                self.handing.bring(partition, now.instant);
            }
        }
        for pair in self.leaving_pairs() {
            self.schedule.at_once(now.instant, pair);
        }
    }

    /// New owners that have still to be brought what is here.
    pub(super) fn leaving_pairs(&self) -> Vec<Pair> {
        let Some(transition) = &self.view.transition else { return Vec::new() };
        let owners = |partition: Partition| {
            let new = transition.new_owners(partition).iter().copied();
            new.filter(move |&owner| self.handing.wants(partition, owner))
                .map(move |owner| (partition, owner))
        };
        self.handing.bringing().flat_map(owners).collect()
    }

    /// An exchange has ended: if it was with a new owner, that has all that was here.
    pub(super) fn brought_to(&mut self, ended: &ExchangeEnded) {
        if ended.healed.is_some() {
            self.handing.has_all(ended.partition, ended.peer, ended.began);
        }
    }

    /// Drops some of what was brought to enough new owners. Returns whether there is more.
    pub(super) fn hand_over(&mut self, store: &impl ReadStore, out: &mut Effects) -> bool {
        self.give_up_what_was_brought();
        let Some((partition, after)) = self.handing.next_to_drop() else { return false };
        if !self.replica.is_synced(partition) {
            return true;
        }
        let forgotten = self.replica.forget(partition, after.as_ref(), DROPPED_AT_ONCE, store);
        // What can't be read now is tried again.
        let Ok(mut forgotten) = forgotten else { return true };
        if let Some(last) = forgotten.more_after {
            self.replica.journal_mut().write(forgotten.batch, out);
            self.handing.dropped_up_to(partition, last);
            return true;
        }
        self.handing.record(&mut forgotten.batch, partition);
        self.standing.given_up(partition, &mut forgotten.batch);
        let ticket = self.replica.journal_mut().write(forgotten.batch, out);
        self.handing.hand_over(partition, ticket);
        self.handing.next_to_drop().is_some()
    }

    fn give_up_what_was_brought(&mut self) {
        let Some(transition) = self.view.transition.clone() else { return };
        let brought = |partition: &Partition| {
            self.handing.is_brought(&transition, *partition, &self.view.dead)
        };
        let brought: Vec<Partition> = self.handing.bringing().filter(brought).collect();
        if brought.is_empty() {
            return;
        }
        for partition in brought {
            self.handing.begin_to_drop(partition);
            self.tasks.retain(|_, task| !task.is_about(partition));
        }
        self.own_partitions();
    }

    /// Whether hints may still come that this node may not keep once everything has moved.
    fn may_take_strays(&self) -> bool {
        let (shard, shards) = (self.config.shard, self.config.shards);
        let mut moving = self.view.transition.iter().flat_map(|transition| transition.moving());
        moving.any(|(partition, level)| {
            shard_of(partition, shards) == shard && level < MoveLevel::New
        })
    }

    /// Says that no hint is here any more that this node may not keep, once that is so.
    pub(super) fn say_hints_in_place(&mut self, out: &mut Effects) {
        let Some(ring) = self.view.ring.as_ref().map(|ring| ring.version) else { return };
        if self.in_place_for == Some(ring) || !self.hints_counted {
            return;
        }
        let mut kept = self.hints.held().into_keys();
        let strays = kept.any(|owner| {
            self.hints.partitions_for(owner).into_iter().any(|p| !self.view.stands_in(p))
        });
        if !strays && !self.may_take_strays() {
            self.in_place_for = Some(ring);
            self.say_progress(out);
        }
    }

    /// Says what is confirmed and handed over, and whether hints are where they belong.
    pub(super) fn say_progress(&self, out: &mut Effects) {
        let Some(ring) = self.view.ring.as_ref().map(|ring| ring.version) else { return };
        let mut progress = Progress {
            ring,
            hints_in_place: self.in_place_for == Some(ring),
            ..Progress::default()
        };
        if self.confirming.ring() == ring {
            progress.confirmed.clone_from(self.confirming.confirmed());
        }
        if self.handing.ring() == ring {
            progress.handed_over.clone_from(self.handing.handed_over());
        }
        out.push(Effect::Moved(progress));
    }

    /// What was confirmed or handed over up to this ticket is on disk.
    pub(super) fn moves_synced(&mut self, ticket: Ticket, out: &mut Effects) {
        let confirmed = self.confirming.synced(ticket);
        if self.handing.synced(ticket) || confirmed {
            self.say_progress(out);
        }
    }
}
