//! A get that is asked again: at a later footing while its partition moves (rule 17), or at a later
//! collection round (rule 13).

use super::{Get, GetProgress};
use crate::coordinator::{Frame, Turn};
use crate::identity::NodeId;
use crate::message::RequestId;
use crate::request::RequestError;
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::transfer::Footing;

impl Get {
    /// Asks all of it again at the footing and the round that it has been told of, under a new name:
    /// no answer of before counts.
    pub(in crate::coordinator) fn again<S: ReadStore>(
        &self,
        id: RequestId,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Result<(Self, GetProgress), RequestError> {
        let frame = Frame { id, ..self.frame };
        let told = self.told.filter(|told| told.ring <= ring.version);
        Self::start_at((told, self.at_least), frame, (self.key.clone(), &self.quorum), ring, turn)
    }

    /// Another view: the ring that was waited for may be known.
    pub(in crate::coordinator) fn on_moved(&self, ring: &Ring) -> GetProgress {
        match self.told {
            Some(told) if told.ring <= ring.version => GetProgress::AskAgain,
            Some(_) | None => GetProgress::Waiting,
        }
    }

    /// A replica insists on a later footing.
    pub(super) fn on_behind<S: ReadStore>(
        &mut self,
        from: NodeId,
        told: Footing,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> GetProgress {
        if told <= self.footing {
            self.fail(from);
            return self.settle(ring, turn);
        }
        self.told = self.told.max(Some(told));
        if told.ring > ring.version {
            turn.ask_for_newer_ring(from);
        }
        self.on_moved(ring)
    }
}
