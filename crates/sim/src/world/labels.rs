//! What the world holds against the rounds that frames name (rule 13): a state goes under the round
//! at which it was read, and nobody takes one that was read before the own round.

use stator_core::collection::Round;
use stator_core::effect::{Effect, Input};
use stator_core::message::{
    EncodedState, ExchangeAnswer, Purpose, ReadAnswer, RequestId, ShardMessage,
};
use stator_core::object::ObjectKey;
use stator_core::replica::{StoreKey, decode_record};
use stator_core::store::{Keyspace, WriteOp};
use stator_core::token::Partition;

use super::World;
use super::rounds::latest_entry;
use crate::event::Process;
use crate::witness::written;

/// What a node is told that has been read at a round.
#[derive(Clone, Copy, Debug)]
pub(super) enum Brought {
    /// States that it may take.
    States {
        /// Of which partition.
        partition: Partition,
        /// As of which round.
        round: Round,
        /// How they came.
        by: By,
    },
    /// An answer to what it reads.
    Answer(RequestId, Round),
}

/// How states came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// From somebody who may have read and sent them at any time.
    Sender,
    /// From an owner whom this process has asked, and who has read them since.
    Asked,
}

impl World {
    /// What a node is about to be brought, if it is.
    pub(super) fn brought(&self, input: &Input) -> Option<Brought> {
        let Input::Peer { message, .. } = input else { return None };
        match message {
            ShardMessage::Replicate { key, round, .. } => {
                let partition = self.layout.ring.partition_of(key.token());
                Some(Brought::States { partition, round: *round, by: By::Sender })
            }
            ShardMessage::ExchangeAnswered { round, answer, .. } => {
                let ExchangeAnswer::States { states, .. } = answer else { return None };
                let (key, _) = states.first()?;
                let partition = self.layout.ring.partition_of(key.token());
                Some(Brought::States { partition, round: *round, by: By::Asked })
            }
            ShardMessage::ReadAnswered { request, round, answer }
                if !matches!(answer, ReadAnswer::Unknown | ReadAnswer::Behind(_)) =>
            {
                Some(Brought::Answer(*request, *round))
            }
            _ => None,
        }
    }

    /// A state goes out that was read at this round, as its sender says.
    pub(super) fn judge_sent(
        &mut self,
        (at, request): (Process, RequestId),
        round: Round,
        (key, state): (&ObjectKey, &EncodedState),
    ) {
        if let Some((dot, Round(gone))) = self.gone_of(key.token(), || state.decode().ok(), round) {
            let sent = round.0;
            let what = format!("sent {dot:?} as of round {sent}: round {gone} collected it");
            self.amiss(at.node, &what);
        }
        let now = || (round, state.clone());
        let (last, sent) = self.rounds.sent.entry((at, request)).or_insert_with(now).clone();
        if round <= last {
            return;
        }
        if sent == *state && !self.has_now(at.node, key, state) {
            let Round(round) = round;
            let what = format!("sent a state as of round {round} that it had not read again");
            self.amiss(at.node, &what);
        }
        self.rounds.sent.insert((at, request), now());
    }

    /// Whether a node has an object in this state, on its disk or on the way there; or keeps hints
    /// of it, if any.
    fn has_now(&self, node: usize, key: &ObjectKey, state: &EncodedState) -> bool {
        let at = StoreKey::of(key);
        let record = self.nodes[node].disk.latest(Keyspace::Objects, at.as_bytes());
        let now = record.and_then(|record| decode_record(&at, record).ok());
        let is_owner = self.owners_of(key).contains(&self.layout.nodes[node]);
        !is_owner || now.is_some_and(|(_, now)| now == *state)
    }

    /// A node has been brought something, and this came of it.
    pub(super) fn judge_brought(&mut self, at: Process, brought: Brought, effects: &[Effect]) {
        match brought {
            Brought::States { partition, round, by } => {
                self.judge_taken(at.node, (partition, round), by, effects);
            }
            Brought::Answer(request, round) => self.judge_repair((at, request), round, effects),
        }
    }

    /// A read has been answered: what it repairs goes under the earliest round of all answers.
    fn judge_repair(&mut self, read: (Process, RequestId), round: Round, effects: &[Effect]) {
        let earliest = self.rounds.heard.entry(read).or_insert(round);
        *earliest = round.min(*earliest);
        let earliest = *earliest;
        let repaired = effects.iter().filter_map(|effect| match effect {
            Effect::Send {
                message: ShardMessage::Replicate { round, purpose: Purpose::Repair, .. },
                ..
            } => Some(*round),
            _ => None,
        });
        if let Some(Round(sent)) = repaired.max().filter(|sent| *sent > earliest) {
            let what = format!("repaired as of round {sent} what was read at {}", earliest.0);
            self.amiss(read.0.node, &what);
        }
    }

    /// States are taken: not of before the own round, nor while that is not known.
    fn judge_taken(
        &mut self,
        node: usize,
        (partition, round): (Partition, Round),
        by: By,
        effects: &[Effect],
    ) {
        let refused = |effect: &Effect| {
            let answered = |message: &ShardMessage| {
                matches!(message, ShardMessage::Replicated { stage: Err(_), .. })
            };
            matches!(effect, Effect::Send { message, .. } if answered(message))
        };
        let writes = written(effects).any(|op| {
            matches!(op, WriteOp::Put { keyspace: Keyspace::Objects | Keyspace::Hints, .. })
        });
        if !writes || effects.iter().any(refused) {
            return;
        }
        let own = latest_entry(&self.nodes[node].disk, partition).round;
        if round < own {
            let (round, own) = (round.0, own.0);
            self.amiss(node, &format!("took a state of round {round}, and was at round {own}"));
        } else if by == By::Sender && self.rounds.lost.contains(&(node, partition)) {
            self.amiss(node, "took a state before it knew its round again");
        }
    }
}
