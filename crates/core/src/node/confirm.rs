//! The shard's side of a partition that comes to this node: it is pulled from its old owners and
//! confirmed. Rule 17; the paper, 4.9.
//!
//! A new owner is like a replica that lost its store: it pulls by exchanges, and until it has
//! confirmed it answers no reads. One that was an owner before goes on counting as such.

use super::Shard;
use crate::effect::Effects;
use crate::exchange::{ExchangeEnded, Pair, shard_of};
use crate::store::{Batch, ReadStore};
use crate::time::Now;
use crate::token::Partition;
use crate::transfer::{Confirming, MoveLevel, Transition};

/// Any request may ask for so few acknowledgements, whatever its bucket says. A change waits for every
/// living owner in any case, so that to pull from all of them holds nothing up.
const SMALLEST_W: u8 = 1;

impl Shard {
    /// Takes up what the view says of partitions that come to this node.
    pub(super) fn take_up_move(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        self.take_up_leaving(now, store);
        let Some(transition) = self.view.transition.clone().filter(|_| self.started) else {
            return;
        };
        let ring = transition.to().version;
        if self.confirming.ring() != ring {
            // What can't be read is confirmed once more.
            let begun = Confirming::begin(ring, now.instant, store);
            self.confirming = begun.unwrap_or_default();
        }
        let me = self.config.me;
        let coming: Vec<Partition> = self.unconfirmed().collect();
        for &partition in &coming {
            // What is not known here is known by old owners alone.
            if !transition.old_owners(partition).contains(&me) && self.standing.counts(partition) {
                let journal = self.replica.journal_mut();
                self.standing.arrived(partition, journal, out);
                self.replica.lose_rounds([partition], out);
            }
        }
        for pair in self.wanted_pairs() {
            self.schedule.at_once(now.instant, pair);
        }
        self.ask_for_rounds(|_| true, out);
        self.confirm_what_agrees(out);
        self.say_progress(out);
    }

    /// Partitions that come to this shard and are not confirmed, as long as old owners have all of
    /// them: later on a lost store is refilled from new owners (rule 19).
    fn unconfirmed(&self) -> impl Iterator<Item = Partition> {
        let (me, shard, shards) = (self.config.me, self.config.shard, self.config.shards);
        self.view.transition.iter().flat_map(move |transition| {
            transition
                .moving()
                .filter(move |(partition, level)| {
                    *level <= MoveLevel::Both
                        && shard_of(*partition, shards) == shard
                        && transition.new_owners(*partition).contains(&me)
                        && !self.confirming.is_done(*partition)
                })
                .map(|(partition, _)| partition)
        })
    }

    /// Old owners that a partition has still to be compared with.
    pub(super) fn wanted_pairs(&self) -> Vec<Pair> {
        let Some(transition) = &self.view.transition else { return Vec::new() };
        let others = |partition: Partition| {
            let old = transition.old_owners(partition).iter();
            old.filter(move |&&owner| {
                owner != self.config.me && self.confirming.wants(partition, owner)
            })
        };
        let unconfirmed = self.unconfirmed();
        unconfirmed.flat_map(|p| others(p).map(move |owner| (p, *owner))).collect()
    }

    /// Whether this node and the peer are both old owners of a partition that moves: they go on
    /// healing each other as long as reads may go to them, or new owners pull from them.
    pub(super) fn is_old_pair(&self, (partition, peer): Pair) -> bool {
        let both = |transition: &Transition| {
            let old = transition.old_owners(partition);
            let is_read = transition.level(partition) < Some(MoveLevel::New);
            is_read && old.contains(&self.config.me) && old.contains(&peer)
        };
        peer != self.config.me && self.view.transition.as_deref().is_some_and(both)
    }

    /// All such pairs of this shard.
    pub(super) fn old_pairs(&self) -> Vec<Pair> {
        let (shard, shards) = (self.config.shard, self.config.shards);
        let Some(transition) = &self.view.transition else { return Vec::new() };
        let here =
            transition.moving().filter(|(partition, _)| shard_of(*partition, shards) == shard);
        here.flat_map(|(p, _)| transition.old_owners(p).iter().map(move |&owner| (p, owner)))
            .filter(|pair| self.is_old_pair(*pair))
            .collect()
    }

    /// An exchange has ended: if it was with an old owner that counts in reads and had learned of
    /// the ring, it has told all that old owners alone may have acknowledged before. As in rule 19,
    /// what this node acknowledged with a store that it has lost must be decided before.
    pub(super) fn pulled_from(&mut self, ended: &ExchangeEnded, out: &mut Effects) {
        let Some(transition) = &self.view.transition else { return };
        let is_source = transition.old_owners(ended.partition).contains(&ended.peer)
            && self.confirming.ring() == transition.to().version
            && ended.began >= self.confirming.since().max(self.standing.settling_from());
        if is_source && ended.pulled && ended.counts {
            self.confirming.agrees(ended.partition, ended.peer);
            self.confirm_what_agrees(out);
        }
    }

    /// Confirms what was pulled from enough old owners, of which this node may be one.
    pub(super) fn confirm_what_agrees(&mut self, out: &mut Effects) {
        let Some(transition) = self.view.transition.clone() else { return };
        let me = self.config.me;
        let unconfirmed: Vec<Partition> = self.unconfirmed().collect();
        for partition in unconfirmed {
            let old = transition.old_owners(partition);
            let was_owner = old.contains(&me);
            if was_owner {
                if !self.standing.counts(partition) {
                    continue;
                }
                self.confirming.agrees(partition, me);
            }
            if !self.confirming.is_enough(&transition, partition, SMALLEST_W, &self.view.dead) {
                continue;
            }
            let mut batch = Batch::new();
            self.confirming.record(&mut batch, partition);
            if !was_owner {
                self.standing.confirmed(partition, &mut batch, out);
            }
            let ticket = self.replica.journal_mut().write(batch, out);
            self.confirming.confirm(partition, ticket);
        }
    }
}
