//! What the world holds against the rounds that frames name (rule 13): a state goes under the round
//! at which it was read, and nobody takes one that was read before the own round.

use stator_core::collection::Round;
use stator_core::effect::{Effect, Input};
use stator_core::message::{EncodedState, ExchangeAnswer, RequestId, ShardMessage};
use stator_core::object::ObjectKey;
use stator_core::replica::{StoreKey, decode_record};
use stator_core::store::{Keyspace, WriteOp};
use stator_core::token::Partition;

use super::World;
use super::rounds::latest_entry;
use crate::event::Process;
use crate::witness::written;

/// A frame that brings states, and the round that it names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brought {
    partition: Partition,
    round: Round,
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Somebody who may have read and sent it at any time.
    Sender,
    /// An owner whom this process has asked, and who has read it since.
    Asked,
}

impl World {
    /// The states that a node is about to be brought, if it is.
    pub(super) fn brought(&self, input: &Input) -> Option<Brought> {
        let Input::Peer { message, .. } = input else { return None };
        match message {
            ShardMessage::Replicate { key, round, .. } => {
                let partition = self.layout.ring.partition_of(key.token());
                Some(Brought { partition, round: *round, by: By::Sender })
            }
            ShardMessage::ExchangeAnswered { round, answer, .. } => {
                let ExchangeAnswer::States { states, .. } = answer else { return None };
                let (key, _) = states.first()?;
                let partition = self.layout.ring.partition_of(key.token());
                Some(Brought { partition, round: *round, by: By::Asked })
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
        let first = || (round, state.clone());
        let (first, sent) = self.rounds.sent.entry((at, request)).or_insert_with(first);
        let is_relabelled = round > *first && sent == state;
        if is_relabelled && !self.has_now(at.node, key, state) {
            let Round(round) = round;
            let what = format!("sent a state as of round {round} that it had not read again");
            self.amiss(at.node, &what);
        }
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

    /// A node has been brought states: not of before its round, nor while it knows none.
    pub(super) fn judge_brought(&mut self, node: usize, brought: Brought, effects: &[Effect]) {
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
        let Brought { partition, round, by } = brought;
        let own = latest_entry(&self.nodes[node].disk, partition).round;
        if round < own {
            let (round, own) = (round.0, own.0);
            self.amiss(node, &format!("took a state of round {round}, and was at round {own}"));
        } else if by == By::Sender && self.rounds.lost.contains(&(node, partition)) {
            self.amiss(node, "took a state before it knew its round again");
        }
    }
}
