//! Read repair: once a get has replied, replicas that it found to be behind get the merged state.
//!
//! The paper, 5; rule 10. The reply never waits for this. Replicas that were asked and answer late
//! are repaired as well, until the get's deadline. Only primaries are: a fallback keeps what it was
//! given and no more. One that can't tell what it has is healed by other means. A key that is on
//! its way to a replica is not sent there again, and nothing is sent where too much is under way.

use std::collections::{BTreeMap, BTreeSet};

use crate::collection::Round;
use crate::delivery::Reason;
use crate::effect::Effect;
use crate::identity::NodeId;
use crate::message::{EncodedState, ReadAnswer, RequestId, ShardMessage};
use crate::object::{ObjectDigest, ObjectKey};
use crate::observe::Observation;
use crate::replica::Waiter;
use crate::store::ReadStore;
use crate::token::Partition;
use crate::upkeep::{TaskEnded, TaskEvent, TaskStep};

use super::Turn;

/// What a get has found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) key: ObjectKey,
    /// The earliest round at which any of it was read: what is sent is labelled with it.
    pub(super) round: Round,
    /// All of it, merged; none if nobody who answered has seen the object.
    pub(super) merged: Option<(ObjectDigest, EncodedState)>,
    /// What each replica has.
    pub(super) heard: BTreeMap<NodeId, Option<ObjectDigest>>,
    /// Who was asked and has not answered.
    pub(super) awaits: BTreeSet<NodeId>,
}

/// The repair of one key after one get.
#[derive(Clone, Debug)]
pub struct Repair {
    id: RequestId,
    partition: Partition,
    primaries: Vec<NodeId>,
    found: Found,
}

impl Repair {
    /// Prepares the repair of what a get of a bucket with `n` replicas has found.
    pub(super) fn new<S: ReadStore>(
        id: RequestId,
        n: u8,
        found: Found,
        turn: &Turn<'_, S>,
    ) -> Option<Self> {
        let ring = turn.view.ring.as_ref()?;
        let partition = ring.partition_of(found.key.token());
        let reads = turn.view.placement(ring, partition, None).reads;
        let primaries = reads.primaries(partition, n).to_vec();
        Some(Self { id, partition, primaries, found })
    }

    /// Repairs what is known to be behind. Returns itself if there is more to wait for.
    pub(super) fn begin<S: ReadStore>(mut self, turn: &mut Turn<'_, S>) -> Option<Self> {
        self.send(turn);
        (!self.found.awaits.is_empty()).then_some(self)
    }

    /// Takes in what happened.
    pub fn on<S: ReadStore>(&mut self, event: TaskEvent, turn: &mut Turn<'_, S>) -> TaskStep {
        match event {
            TaskEvent::Answered(from, ShardMessage::ReadAnswered { round, answer, .. })
                if self.found.awaits.remove(&from) =>
            {
                self.hear(from, round, answer);
                self.send(turn);
            }
            TaskEvent::NotSent(peer) | TaskEvent::LinkDown(peer) => {
                self.found.awaits.remove(&peer);
            }
            TaskEvent::Deadline => self.found.awaits.clear(),
            _ => {}
        }
        if self.found.awaits.is_empty() {
            return TaskStep::Ended(TaskEnded::Quietly);
        }
        TaskStep::Waiting
    }

    /// A replica has answered after the reply: what it has may be news to the others.
    fn hear(&mut self, from: NodeId, round: Round, answer: ReadAnswer) {
        let digest = match answer {
            ReadAnswer::Unknown | ReadAnswer::Behind(_) => return,
            ReadAnswer::Digest(digest) => digest,
            ReadAnswer::State(None) => None,
            ReadAnswer::State(Some(state)) => {
                let digest = state.digest();
                let Some(merged) = self.merge_with(&state) else { return };
                self.found.merged = Some((merged.digest(), merged));
                Some(digest)
            }
        };
        self.found.round = self.found.round.min(round);
        self.found.heard.insert(from, digest);
    }

    fn merge_with(&self, state: &EncodedState) -> Option<EncodedState> {
        let theirs = state.decode().ok()?;
        let Some((_, known)) = &self.found.merged else { return Some(state.clone()) };
        Some(EncodedState::of(&known.decode().ok()?.merge(theirs)))
    }

    /// Sends the merged state to the primaries that have another one, once.
    fn send<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) {
        let Some((digest, state)) = self.found.merged.clone() else { return };
        for &primary in &self.primaries {
            let Some(theirs) = self.found.heard.get_mut(&primary) else { continue };
            if theirs.replace(digest) == Some(digest) {
                continue;
            }
            let (key, round) = (&self.found.key, self.found.round);
            let repaired = if primary == turn.view.me {
                let waiter = Waiter::Coordinator(self.id);
                // A state of an earlier round must not come in by this door either (rule 13).
                round >= turn.replica.round(self.partition)
                    && turn.replica.merge(key, &state, waiter, turn.store, turn.out).is_ok()
            } else {
                !turn.deliveries.carries(primary, key)
                    && turn.deliver_read_at(round, primary, (key, &state), Reason::ReadRepair)
            };
            if repaired {
                turn.counts.read_repairs += 1;
                let key = key.clone();
                turn.out.push(Effect::Observe(Observation::ReadRepaired { key, replica: primary }));
            }
        }
    }
}
