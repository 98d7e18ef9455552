//! The background machines of a shard: begins them, feeds them what happens, and books how they
//! end. The paper, 4.7; rules 12 and 19.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Shard, StoreStanding};
use crate::effect::{Effect, Effects};
use crate::exchange::heal::{HEALED_AT_ONCE, Heal};
use crate::exchange::{
    self, Aim, EXCHANGE_EVERY, Exchange, ExchangeEnded, MOST_EXCHANGES, Pair, TRY_AGAIN, begins,
    pairs, shard_of,
};
use crate::identity::NodeId;
use crate::message::{Completeness, ExchangeAnswer, ExchangeAsk, RequestId, ShardMessage};
use crate::object::ObjectKey;
use crate::ring::{Ring, RingVersion};
use crate::store::ReadStore;
use crate::time::{Instant, Now};
use crate::token::Partition;
use crate::upkeep::{Task, TaskEnded, TaskEvent, TaskStep};

/// When a pair is looked at again whose partition is busy, or whose tree is being built.
const SOON: Duration = Duration::from_secs(1);

impl Shard {
    /// The store can be read: which partitions count in reads is known from now on (rule 19).
    pub(super) fn take_stock(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        let (shard, shards) = (self.config.shard, self.config.shards);
        let known = self.standing.load(now.instant, store).is_ok()
            && self.replica.load_rounds(|p| shard_of(p, shards) == shard, store).is_ok();
        if self.config.store == StoreStanding::Lost || !known {
            let all: Vec<Partition> = self.partitions_here().collect();
            self.replica.lose_rounds(all, out);
            let owned: Vec<Partition> = self.owned_partitions().collect();
            let journal = self.replica.journal_mut();
            self.standing.lost(now.instant, owned, journal, out);
        }
        self.standing.settle(&self.view, self.replica.journal_mut(), out);
        self.take_up_move(now, store, out);
    }

    /// The partitions of this shard that this node is a replica of.
    pub(super) fn owned_partitions(&self) -> impl Iterator<Item = Partition> {
        let (shard, shards) = (self.config.shard, self.config.shards);
        self.view.ring.iter().flat_map(move |ring| {
            let all = ring.partitions.all();
            all.filter(move |&p| shard_of(p, shards) == shard && self.view.keeps(ring, p))
        })
    }

    /// All partitions of this shard, also those that this node may only hold hints of.
    fn partitions_here(&self) -> impl Iterator<Item = Partition> {
        let (shard, shards) = (self.config.shard, self.config.shards);
        let all = self.view.ring.iter().flat_map(|ring| ring.partitions.all());
        all.filter(move |&partition| shard_of(partition, shards) == shard)
    }

    fn pairs(&self) -> Vec<Pair> {
        let place = (self.config.shard, self.config.shards);
        let mut all: Vec<Pair> =
            (self.view.ring.iter()).flat_map(|ring| pairs(ring, self.config.me, place)).collect();
        all.extend(self.old_pairs());
        all.extend(self.wanted_pairs());
        all.extend(self.leaving_pairs());
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A peer can be reached again: whatever either side has missed is looked for at once.
    pub(super) fn peer_returned(&mut self, now: Now, peer: NodeId) {
        for pair in self.pairs().into_iter().filter(|(_, other)| *other == peer) {
            self.schedule.at_once(now.instant, pair);
        }
    }

    /// Another ring: partitions may have other owners now.
    pub(super) fn owners_changed(&mut self, now: Now) {
        let pairs: BTreeSet<Pair> = self.pairs().into_iter().collect();
        self.schedule.keep(|pair| pairs.contains(pair));
        let reached = |pair: &Pair| self.peers.connected(pair.1) && begins(self.config.me, *pair);
        for pair in pairs.into_iter().filter(reached) {
            self.schedule.after(now.instant, EXCHANGE_EVERY, pair);
        }
    }

    /// Begins what is due, as far as there is room for it.
    pub(super) fn begin_tasks(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        self.standing.settle(&self.view, self.replica.journal_mut(), out);
        // One that counts again since is a source of its own.
        self.confirm_what_agrees(out);
        self.begin_exchanges(now, store, out);
        self.begin_healing(now, store, out);
        self.begin_collection(now, store, out);
    }

    fn begin_exchanges(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        while self.exchanges().count() < MOST_EXCHANGES {
            let Some(pair) = self.schedule.next(now.instant) else { return };
            let (partition, peer) = pair;
            if !self.peers.connected(peer) {
                // Its return puts it on the schedule again.
                continue;
            }
            if !self.peers.healthy(&self.view, now.instant, peer) {
                self.schedule.after(now.instant, TRY_AGAIN, pair);
                continue;
            }
            if self.exchanges().any(|under_way| under_way.partition() == partition) {
                // What one peer brings need not be brought by another as well.
                self.schedule.after(now.instant, SOON, pair);
                continue;
            }
            let id = self.ids.next();
            let aim = if self.handing.wants(partition, peer) { Aim::HandOver } else { Aim::Alike };
            match Exchange::begin(id, pair, aim, &mut self.turn(now, store, out)) {
                Some(exchange) => drop(self.tasks.insert(id, Task::Exchange(exchange))),
                None => self.schedule.after(now.instant, SOON, pair),
            }
        }
    }

    fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.tasks.values().filter_map(Task::as_exchange)
    }

    fn begin_healing(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        let owned: Vec<Partition> = self.owned_partitions().collect();
        for partition in owned {
            let objects: Vec<ObjectKey> =
                self.replica.quarantined(partition).take(HEALED_AT_ONCE).cloned().collect();
            if objects.is_empty() || self.tasks.values().any(|task| task.heals(partition)) {
                continue;
            }
            if !self.budget.allows(now.instant) {
                return;
            }
            let id = self.ids.next();
            let heal = Heal::begin(id, partition, objects, &mut self.turn(now, store, out));
            if let Some(heal) = heal {
                self.tasks.insert(id, Task::Heal(heal));
            }
        }
    }

    /// Something happened to a task that may be under way.
    pub(super) fn advance_task(
        &mut self,
        now: Now,
        id: RequestId,
        event: TaskEvent,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let Some(mut task) = self.tasks.remove(&id) else { return };
        match task.on(event, &mut self.turn(now, store, out)) {
            TaskStep::Waiting => drop(self.tasks.insert(id, task)),
            TaskStep::Ended(ended) => self.task_ended(now, ended, store, out),
        }
    }

    /// Something happened to what a task asked under a name of its own.
    pub(super) fn advance_asker(
        &mut self,
        now: Now,
        request: RequestId,
        event: TaskEvent,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let asker = self.tasks.iter().find(|(_, task)| task.asked(request)).map(|(id, _)| *id);
        if let Some(id) = asker {
            self.advance_task(now, id, event, store, out);
        }
    }

    /// Something happened that may concern any task.
    pub(super) fn advance_all_tasks(
        &mut self,
        now: Now,
        event: &TaskEvent,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let under_way: Vec<RequestId> = self.tasks.keys().copied().collect();
        for id in under_way {
            self.advance_task(now, id, event.clone(), store, out);
        }
    }

    fn task_ended(
        &mut self,
        now: Now,
        ended: TaskEnded,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        match ended {
            TaskEnded::Exchange(ended) => {
                self.standing.compared(&ended);
                self.pulled_from(&ended, out);
                self.brought_to(&ended);
                if ended.healed.is_some() {
                    self.schedule.found_alike(now.instant, (ended.partition, ended.peer));
                }
                self.schedule_next(now.instant, &ended);
                self.standing.settle(&self.view, self.replica.journal_mut(), out);
                self.begin_exchanges(now, store, out);
            }
            TaskEnded::Collection(ended) => self.collection_ended(now, ended),
            // What is still set aside is met again by the next look around.
            TaskEnded::Heal(_) | TaskEnded::Quietly => {}
        }
    }

    fn schedule_next(&mut self, now: Instant, ended: &ExchangeEnded) {
        let pair = (ended.partition, ended.peer);
        if self.wanted_pairs().contains(&pair) || self.handing.wants(pair.0, pair.1) {
            return self.schedule.after(now, TRY_AGAIN, pair);
        }
        let owned = |ring: &Ring| {
            ring.table.get(ended.partition.index()).is_some_and(|owners| owners.contains(&pair.1))
        };
        if !self.view.ring.as_ref().is_some_and(|ring| owned(ring)) && !self.is_old_pair(pair) {
            return;
        }
        if ended.healed.is_none() {
            return self.schedule.after(now, TRY_AGAIN, pair);
        }
        if self.standing.wants(pair.0, pair.1) {
            let again = self.standing.settling_from().max(now);
            if now < self.standing.settling_from() {
                return self.schedule.no_later_than(again, pair);
            }
            return self.schedule.after(now, TRY_AGAIN, pair);
        }
        if begins(self.config.me, pair) {
            self.schedule.after(now, EXCHANGE_EVERY, pair);
        }
    }

    /// Answers a step of an exchange that a peer began.
    pub(super) fn answer_exchange(
        &mut self,
        now: Now,
        (from, request): (NodeId, RequestId),
        (theirs, partition): (RingVersion, Partition),
        ask: &ExchangeAsk,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let room = self.budget.room(now.instant);
        let (shard, shards) = (self.config.shard, self.config.shards);
        // Who answers has learned of the asker's ring, and refuses what goes by an older one: a new
        // owner relies on that (rule 17).
        let mine = |ring: &&std::sync::Arc<Ring>| {
            partition.get() < ring.partitions.get()
                && theirs <= ring.version
                && shard_of(partition, shards) == shard
                && self.view.keeps(ring, partition)
        };
        let answer = match self.view.ring.as_ref().filter(mine) {
            Some(ring) if !self.is_busy_with(partition, from, ask) => {
                exchange::answer(ring, partition, ask, room, &self.replica, store)
            }
            _ => ExchangeAnswer::NotReady,
        };
        // The first object is answered whatever its size. What that takes beyond the room is not
        // booked: peers that pull must not keep this node from its own work.
        if let ExchangeAnswer::States { states, .. } = &answer {
            self.budget.spend(now.instant, exchange::bytes_of(states).min(room));
        }
        let has = if self.standing.counts(partition) {
            exchange::completeness(&self.replica, partition, ask)
        } else {
            Completeness::Lost
        };
        let round = self.replica.round(partition);
        let message = ShardMessage::ExchangeAnswered { request, round, has, answer };
        out.push(Effect::Send { to: from, message });
    }

    /// Whether a new exchange of a partition has to wait since this node has begun one itself. Of
    /// two that begin with each other at once, the one with the lower id goes on.
    fn is_busy_with(&self, partition: Partition, from: NodeId, ask: &ExchangeAsk) -> bool {
        if !matches!(ask, ExchangeAsk::Root(_)) {
            return false;
        }
        self.exchanges()
            .filter(|own| own.partition() == partition)
            .any(|own| own.peer() != from || !own.is_first_step() || self.config.me < from)
    }
}
