//! One collection round, run by the first owner of a partition's list. That one is needed in any
//! case, as all owners are, so nobody else has to stand in for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Candidate, CollectAnswer, CollectAsk, Round};
use crate::coordinator::Turn;
use crate::effect::Timer;
use crate::identity::{ActorId, NodeId};
use crate::message::{RequestId, ShardMessage};
use crate::replica::Waiter;
use crate::store::ReadStore;
use crate::time::Instant;
use crate::token::Partition;
use crate::upkeep::{TaskEnded, TaskEvent, TaskStep};

/// How long a round waits for one step before it comes to nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// A round that is under way.
#[derive(Clone, Debug)]
pub struct Collection {
    id: RequestId,
    partition: Partition,
    round: Round,
    phase: Phase,
    /// What all who have answered agree on.
    candidates: Vec<Candidate>,
    live: BTreeSet<ActorId>,
    /// The other owners.
    owners: Vec<NodeId>,
    /// Who may hold hints and is no owner.
    holders: Vec<NodeId>,
    waits_for: BTreeMap<RequestId, NodeId>,
    /// Whether this node's own agreement is on disk.
    agreed_here: bool,
    until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Agreeing,
    Confirming,
    Dropping,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectionEnded {
    /// Of which partition.
    pub partition: Partition,
    /// Whether all had agreed.
    pub decided: bool,
}

impl Collection {
    /// Of which partition.
    pub const fn partition(&self) -> Partition {
        self.partition
    }

    /// Begins a round for these candidates; none if not everybody whom it needs can be reached, or
    /// if a hint is here.
    pub fn begin<S: ReadStore>(
        id: RequestId,
        partition: Partition,
        candidates: Vec<Candidate>,
        turn: &mut Turn<'_, S>,
    ) -> Option<Self> {
        let ring = turn.view.ring.clone()?;
        let me = turn.view.me;
        let owners: Vec<NodeId> =
            ring.table[partition.index()].iter().copied().filter(|&owner| owner != me).collect();
        let holders: Vec<NodeId> = ring.hint_holders(partition).into_iter().collect();
        let now = turn.now.instant;
        let reachable = |node: &NodeId| turn.peers.healthy(turn.view, now, *node);
        let ready = owners.iter().chain(&holders).all(reachable)
            && turn.standing.counts(partition)
            && turn.view.hints_in_place
            && !turn.hints.may_hold(ring.partitions, partition);
        if !ready {
            return None;
        }
        let round = turn.replica.round(partition).next();
        let agreed = turn.replica.agree(partition, round, &candidates, turn.store, turn.out)?;
        turn.replica.journal_mut().wait(agreed.ticket, Waiter::Coordinator(id));
        let mut collection = Self {
            id,
            partition,
            round,
            phase: Phase::Agreeing,
            candidates: kept(candidates, &agreed.same),
            live: agreed.live.into_iter().collect(),
            owners,
            holders,
            waits_for: BTreeMap::new(),
            agreed_here: false,
            until: now,
        };
        collection.ask_all(turn);
        turn.set_timer(collection.until, Timer::Deadline(id));
        Some(collection)
    }

    /// Whether it waits for the answer to this request.
    pub fn asked(&self, request: RequestId) -> bool {
        self.waits_for.contains_key(&request)
    }

    /// Takes in what happened.
    pub fn on<S: ReadStore>(&mut self, event: TaskEvent, turn: &mut Turn<'_, S>) -> TaskStep {
        match event {
            TaskEvent::Answered(from, message) => self.on_answer(from, message, turn),
            TaskEvent::Synced => {
                self.agreed_here = true;
                self.go_on(turn)
            }
            TaskEvent::NotSent(peer) | TaskEvent::LinkDown(peer) => self.on_unreachable(peer),
            TaskEvent::Deadline if turn.now.instant >= self.until => self.end(),
            TaskEvent::Deadline => {
                turn.set_timer(self.until, Timer::Deadline(self.id));
                TaskStep::Waiting
            }
            TaskEvent::Delivered | TaskEvent::Undelivered | TaskEvent::Room => TaskStep::Waiting,
        }
    }

    fn on_answer<S: ReadStore>(
        &mut self,
        from: NodeId,
        message: ShardMessage,
        turn: &mut Turn<'_, S>,
    ) -> TaskStep {
        let ShardMessage::Collected { request, round, answer, .. } = message else {
            return TaskStep::Waiting;
        };
        if self.waits_for.get(&request) != Some(&from) {
            return TaskStep::Waiting;
        }
        self.waits_for.remove(&request);
        match (self.phase, answer) {
            (Phase::Agreeing, CollectAnswer::Agreed { same, live }) => {
                if self.owners.contains(&from) {
                    if same.len() != self.candidates.len() {
                        return self.end();
                    }
                    self.agreements(&same);
                }
                self.live.extend(live);
            }
            (Phase::Confirming, CollectAnswer::Confirmed)
            | (Phase::Dropping, CollectAnswer::Dropped) => {}
            (_, _) => {
                // Where it is ahead, the next round begins above it.
                turn.replica.rise(self.partition, round, turn.out);
                return self.end();
            }
        }
        self.go_on(turn)
    }

    /// Somebody holds only these of the candidates. Their list keeps its length until all have
    /// answered, since the others answer by place.
    fn agreements(&mut self, same: &[bool]) {
        for (candidate, same) in self.candidates.iter_mut().zip(same) {
            if !same {
                candidate.sum = crate::merkle::TreeSum::default();
            }
        }
    }

    fn on_unreachable(&mut self, peer: NodeId) -> TaskStep {
        // Before the decision everybody is needed to the end; after it nobody is.
        if self.phase != Phase::Dropping && self.all().any(|node| node == peer) {
            return self.end();
        }
        self.waits_for.retain(|_, waited| *waited != peer);
        if self.waits_for.is_empty() { self.end() } else { TaskStep::Waiting }
    }

    fn go_on<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> TaskStep {
        if !self.waits_for.is_empty() || !self.agreed_here {
            return TaskStep::Waiting;
        }
        match self.phase {
            Phase::Agreeing => {
                self.candidates.retain(|agreed| agreed.sum != crate::merkle::TreeSum::default());
                if self.candidates.is_empty() {
                    return self.end();
                }
                self.phase = Phase::Confirming;
            }
            Phase::Confirming => {
                self.phase = Phase::Dropping;
                turn.drop_collected(self.partition, self.round, &self.candidates, &self.live);
            }
            Phase::Dropping => return self.end(),
        }
        self.ask_all(turn);
        TaskStep::Waiting
    }

    fn all(&self) -> impl Iterator<Item = NodeId> {
        self.owners.iter().chain(&self.holders).copied()
    }

    fn ask_all<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) {
        self.until = turn.now.instant.after(PATIENCE);
        let Some(ring) = turn.view.ring.as_ref().map(|ring| ring.version) else { return };
        for node in self.all().collect::<Vec<_>>() {
            let is_owner = self.owners.contains(&node);
            let ask = match self.phase {
                Phase::Agreeing if is_owner => CollectAsk::Agree(self.candidates.clone()),
                Phase::Agreeing => CollectAsk::Agree(Vec::new()),
                Phase::Confirming => CollectAsk::Confirm,
                Phase::Dropping if is_owner => CollectAsk::Drop {
                    candidates: self.candidates.clone(),
                    live: self.live.clone(),
                },
                Phase::Dropping => continue,
            };
            let request = turn.ids.next();
            self.waits_for.insert(request, node);
            let (partition, round) = (self.partition, self.round);
            turn.send(node, ShardMessage::Collect { request, ring, partition, round, ask });
        }
    }

    fn end(&self) -> TaskStep {
        let decided = self.phase == Phase::Dropping;
        let ended = CollectionEnded { partition: self.partition, decided };
        TaskStep::Ended(TaskEnded::Collection(ended))
    }
}

fn kept(candidates: Vec<Candidate>, same: &[bool]) -> Vec<Candidate> {
    candidates.into_iter().zip(same).filter(|(_, same)| **same).map(|(kept, _)| kept).collect()
}
