//! The shard's side of collection: begins rounds for partitions that it is the first owner of, and
//! answers those of others. Rule 13.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Shard;
use crate::collection::machine::{Collection, CollectionEnded};
use crate::collection::{Candidate, CollectAnswer, CollectAsk, Round};
use crate::coordinator::Turn;
use crate::effect::{Effect, Effects, Ticket};
use crate::identity::{ActorId, NodeId};
use crate::message::{RequestId, ShardMessage};
use crate::observe::Observation;
use crate::replica::{Candidates, StoreKey};
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::time::{Instant, Now};
use crate::token::{Partition, PartitionCount};
use crate::upkeep::Task;

/// When a round that came to nothing is tried again, and how soon a search goes on, where rounds do
/// not come more often than that.
const AGAIN: Duration = Duration::from_secs(5);
/// Partitions whose round is asked for in one look around.
const ASKED_AT_ONCE: usize = 64;

/// What collection remembers between two looks around.
#[derive(Clone, Debug, Default)]
pub(super) struct Collections {
    due: BTreeMap<Partition, Instant>,
    /// After which object the search of a partition goes on.
    after: BTreeMap<Partition, StoreKey>,
    /// Partitions whose search has found something on its way.
    found_some: BTreeSet<Partition>,
    /// Owners that have lost the round of a partition as well.
    at_a_loss: BTreeMap<Partition, BTreeSet<NodeId>>,
    /// Agreements that are told once they are on disk.
    agreed: Vec<(Ticket, NodeId, ShardMessage)>,
}

impl Shard {
    /// Begins the next round that is due, if none is under way.
    pub(super) fn begin_collection(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        if self.tasks.values().any(Task::is_collection) {
            return;
        }
        let Some(ring) = self.view.ring.clone() else { return };
        for partition in self.due_partitions(now, &ring) {
            if !self.budget.allows(now.instant) {
                return;
            }
            let candidates = self.search(now, (ring.partitions, partition), store);
            if candidates.is_empty() {
                continue;
            }
            let id = self.ids.next();
            let mut turn = self.turn(now, store, out);
            if let Some(round) = Collection::begin(id, partition, candidates, &mut turn) {
                self.tasks.insert(id, Task::Collection(round));
                return;
            }
        }
    }

    /// Partitions that this node runs the rounds of and that are due, the one that has waited longest
    /// first: where rounds take longer than they are apart, none is left out for ever.
    fn due_partitions(&mut self, now: Now, ring: &Ring) -> Vec<Partition> {
        let mine: Vec<Partition> = self
            .owned_partitions()
            .filter(|p| ring.table[p.index()].first() == Some(&self.config.me))
            .filter(|p| !self.view.is_moving(*p))
            .collect();
        let first = now.instant.after(self.config.collect_every);
        let mut due: Vec<(Instant, Partition)> = mine
            .into_iter()
            .map(|partition| (*self.collections.due.entry(partition).or_insert(first), partition))
            .filter(|(due, _)| *due <= now.instant)
            .collect();
        due.sort_unstable();
        due.into_iter().map(|(_, partition)| partition).collect()
    }

    /// Goes on with the search through a partition, or begins it.
    fn search(
        &mut self,
        now: Now,
        (partitions, partition): (PartitionCount, Partition),
        store: &impl ReadStore,
    ) -> Vec<Candidate> {
        let (every, soon) = (self.config.collect_every, self.again());
        let collections = &mut self.collections;
        let after = collections.after.remove(&partition);
        // What can't be read now is searched again.
        let found = self.replica.candidates(now.wall, partitions, partition, after.as_ref(), store);
        let Candidates { found, next, bytes } = found.unwrap_or_default();
        self.budget.spend(now.instant, bytes);
        let again = if next.is_some() { soon } else { every };
        collections.due.insert(partition, now.instant.after(again));
        if !found.is_empty() {
            collections.found_some.insert(partition);
        }
        match next {
            Some(next) => drop(collections.after.insert(partition, next)),
            None if !collections.found_some.remove(&partition) => {
                self.replica.searched_in_vain(partition);
            }
            None => {}
        }
        found
    }

    pub(super) fn collection_ended(&mut self, now: Now, ended: CollectionEnded) {
        if !ended.decided {
            self.collections.due.insert(ended.partition, now.instant.after(self.again()));
        }
    }

    fn again(&self) -> Duration {
        AGAIN.min(self.config.collect_every)
    }

    /// Asks owners at which round partitions are, where that was lost with the store: those of them
    /// that are `asked` and can be reached.
    pub(super) fn ask_for_rounds(&mut self, asked: impl Fn(NodeId) -> bool, out: &mut Effects) {
        let Some(ring) = self.view.ring.clone() else { return };
        let unknown: Vec<Partition> = self.replica.unknown_rounds().take(ASKED_AT_ONCE).collect();
        for partition in unknown {
            let reads = self.view.placement(&ring, partition, None).reads;
            let Some(owners) = reads.table.get(partition.index()) else { continue };
            if owners[..] == [self.config.me] {
                self.replica.learn_round(partition, Round::default(), out);
            }
            let reached = |owner: &&NodeId| asked(**owner) && self.peers.connected(**owner);
            for &owner in owners.iter().filter(reached) {
                let message = ShardMessage::Collect {
                    request: self.ids.next(),
                    ring: ring.version,
                    partition,
                    round: Round::default(),
                    ask: CollectAsk::Round,
                };
                out.push(Effect::Send { to: owner, message });
            }
        }
    }

    /// An owner can't tell at which round a partition is. Where no other can either, nothing is left
    /// of what was collected, and the round that is known to be used goes on.
    pub(super) fn round_not_told(
        &mut self,
        from: NodeId,
        (partition, round): (Partition, Round),
        out: &mut Effects,
    ) {
        if self.replica.is_round_known(partition) {
            return;
        }
        self.replica.rise(partition, round, out);
        let at_a_loss = self.collections.at_a_loss.entry(partition).or_default();
        at_a_loss.insert(from);
        let Some(ring) = &self.view.ring else { return };
        let reads = self.view.placement(ring, partition, None).reads;
        let Some(owners) = reads.table.get(partition.index()) else { return };
        let mut others = owners.iter().filter(|&&owner| owner != self.config.me);
        if others.all(|owner| at_a_loss.contains(owner)) {
            let round = self.replica.round(partition);
            self.replica.learn_round(partition, round, out);
        }
    }

    /// Answers a step of a round that a peer runs.
    pub(super) fn answer_collect(
        &mut self,
        now: Now,
        (from, request): (NodeId, RequestId),
        (partition, round): (Partition, Round),
        ask: CollectAsk,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let answer = match ask {
            CollectAsk::Round if self.replica.is_round_known(partition) => CollectAnswer::Round,
            CollectAsk::Agree(candidates) => {
                return self.agree((from, request), (partition, round), &candidates, store, out);
            }
            CollectAsk::Confirm if self.replica.has_agreed(partition, round) => {
                CollectAnswer::Confirmed
            }
            CollectAsk::Drop { candidates, live } if self.replica.has_agreed(partition, round) => {
                self.turn(now, store, out).drop_collected(partition, round, &candidates, &live);
                CollectAnswer::Dropped
            }
            CollectAsk::Round | CollectAsk::Confirm | CollectAsk::Drop { .. } => {
                CollectAnswer::Declined
            }
        };
        let round = self.replica.round(partition);
        let message = ShardMessage::Collected { request, partition, round, answer };
        out.push(Effect::Send { to: from, message });
    }

    fn agree(
        &mut self,
        (from, request): (NodeId, RequestId),
        (partition, round): (Partition, Round),
        candidates: &[Candidate],
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let agreement = self
            .may_agree(from, partition)
            .then(|| self.replica.agree(partition, round, candidates, store, out))
            .flatten();
        let own = self.replica.round(partition);
        let said = |answer| ShardMessage::Collected { request, partition, round: own, answer };
        match agreement {
            None => out.push(Effect::Send { to: from, message: said(CollectAnswer::Declined) }),
            Some(agreed) => {
                let answer = CollectAnswer::Agreed { same: agreed.same, live: agreed.live };
                self.collections.agreed.push((agreed.ticket, from, said(answer)));
            }
        }
    }

    /// Whether the peer may run a round, and nothing here stands against it.
    fn may_agree(&self, from: NodeId, partition: Partition) -> bool {
        let Some(ring) = &self.view.ring else { return false };
        let runs = ring.table.get(partition.index()).and_then(|owners| owners.first());
        runs == Some(&from)
            && !self.view.is_moving(partition)
            && self.view.hints_in_place
            && !self.stopping
            && self.standing.counts(partition)
            && !self.hints.may_hold(ring.partitions, partition)
    }

    /// Tells of agreements that are on disk now.
    pub(super) fn tell_agreements(&mut self, synced: Ticket, out: &mut Effects) {
        let agreed = std::mem::take(&mut self.collections.agreed);
        for (ticket, to, message) in agreed {
            if ticket <= synced {
                out.push(Effect::Send { to, message });
            } else {
                self.collections.agreed.push((ticket, to, message));
            }
        }
    }
}

impl<S: ReadStore> Turn<'_, S> {
    /// Drops here what all have agreed to, and reports it.
    pub(crate) fn drop_collected(
        &mut self,
        partition: Partition,
        round: Round,
        candidates: &[Candidate],
        live: &BTreeSet<ActorId>,
    ) {
        let dropped = self.replica.drop_collected(
            self.now.wall,
            partition,
            candidates,
            live,
            self.store,
            self.out,
        );
        self.counts.collected += u64::from(dropped.tombstones);
        self.counts.pruned += u64::from(dropped.pruned);
        let (dropped, pruned) = (dropped.tombstones, dropped.pruned);
        let collected = Observation::Collected { partition, round, dropped, pruned };
        self.out.push(Effect::Observe(collected));
    }
}
