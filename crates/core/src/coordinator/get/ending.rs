//! How a get ends: what was heard is merged for the reply, and who is behind is to be repaired.

use super::replies::Heard;
use super::{Get, GetProgress};
use crate::budget::Foreground;
use crate::context::Context;
use crate::coordinator::Turn;
use crate::coordinator::repair::{Found, Repair};
use crate::effect::Effect;
use crate::message::EncodedState;
use crate::object::{ObjectDigest, ObjectState};
use crate::observe::Observation;
use crate::request::{Answered, GetReply, RequestError};
use crate::store::ReadStore;

impl Get {
    /// The merged state of all that was heard.
    pub(super) fn merged<S: ReadStore>(
        &self,
        turn: &Turn<'_, S>,
    ) -> Result<GetReply, RequestError> {
        let mut merged: Option<(ObjectDigest, ObjectState)> = None;
        for (_, _, heard) in self.replies.heard() {
            let Heard::State(Some((digest, encoded))) = heard else { continue };
            if merged.as_ref().is_some_and(|(so_far, _)| so_far == digest) {
                continue;
            }
            let state =
                encoded.decode().map_err(|error| RequestError::Damaged(error.to_string()))?;
            merged = Some(match merged {
                None => (*digest, state),
                Some((_, so_far)) => {
                    let state = so_far.merge(state);
                    (EncodedState::of(&state).digest(), state)
                }
            });
        }
        let (digest, state) = merged.unwrap_or_else(|| {
            let unwritten = ObjectState::default();
            (EncodedState::of(&unwritten).digest(), unwritten)
        });
        let context =
            (!state.is_unwritten()).then(|| turn.sealer.seal(&self.key, &Context::of(&state)));
        Ok(GetReply { state, context, digest, answered: self.answered() })
    }

    /// What is left to do once the reply has gone: to repair replicas that are behind, and to hear
    /// those that have not answered. None if nothing is.
    pub(in crate::coordinator) fn repair<S: ReadStore>(
        &self,
        reply: &GetReply,
        turn: &Turn<'_, S>,
    ) -> Option<Repair> {
        let awaits = || self.tally.outstanding().filter(|&node| node != turn.view.me);
        let heard = || self.replies.heard().filter(|(node, ..)| !self.tally.awaits(*node));
        let merged = (!reply.state.is_unwritten()).then_some(reply.digest);
        if awaits().next().is_none() && heard().all(|(_, _, heard)| heard.digest() == merged) {
            return None;
        }
        let found = Found {
            key: self.key.clone(),
            round: self.round.unwrap_or_default(),
            merged: merged.map(|digest| (digest, EncodedState::of(&reply.state))),
            heard: heard().map(|(node, _, heard)| (node, heard.digest())).collect(),
            awaits: awaits().collect(),
        };
        Repair::new(self.frame.id, self.wanted, found, turn)
    }

    fn answered(&self) -> Answered {
        self.tally.answered(self.wanted, self.existing)
    }

    pub(super) fn shortfall(&self) -> RequestError {
        let needed = self.tally.needs().total;
        RequestError::ReadTimeout { needed, answered: self.answered().total() }
    }

    pub(super) fn finish<S: ReadStore>(
        &self,
        result: Result<GetReply, RequestError>,
        turn: &mut Turn<'_, S>,
    ) -> GetProgress {
        let observed = match &result {
            Ok(reply) => Ok(reply.state.siblings().len() as u32),
            Err(error) => Err(error.clone()),
        };
        let (key, took) = (self.key.clone(), self.frame.took(turn.now));
        turn.tell_budget(Foreground::Get, took, result.as_ref().err());
        turn.out.push(Effect::Observe(Observation::GetFinished { key, took, result: observed }));
        GetProgress::Finished(result)
    }
}
