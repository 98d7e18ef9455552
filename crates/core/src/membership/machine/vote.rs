//! The register's messages on their way to the acceptor and the proposer of this node.
//!
//! Rule 15: the ring after v is chosen by a majority of v's members. A node votes only in the
//! register of the ring it knows as the newest; whoever asks in another is brought level first.
//! Votes are durable before they are told.

use std::sync::Arc;

use super::disk::Then;
use super::{Membership, Turn};
use crate::identity::NodeId;
use crate::membership::MembershipMessage;
use crate::membership::gossip::check_ring;
use crate::register::{AcceptorReply, RegisterMessage};
use crate::ring::{Ring, RingVersion};

impl Membership {
    /// A message of the register that chooses the ring after `base`.
    pub(super) fn register(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        base: RingVersion,
        message: RegisterMessage,
    ) {
        let Some(ring) = self.facts.ring().cloned() else { return };
        if base > ring.version {
            return self.level_with(turn, from);
        }
        if base < ring.version {
            return self.send_ring(turn, from);
        }
        if !ring.members.contains_key(&from) || !is_sound(&ring, &message) {
            return;
        }
        match message {
            RegisterMessage::Prepare { .. } | RegisterMessage::Accept { .. } => {
                self.vote(turn, from, &ring, &message);
            }
            RegisterMessage::Promise { .. }
            | RegisterMessage::Accepted { .. }
            | RegisterMessage::Refused { .. } => self.count_vote(turn, from, base, message),
        }
    }

    fn vote(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        ring: &Arc<Ring>,
        message: &RegisterMessage,
    ) {
        // A vote takes the place of those for the ring before: what came of these has to be durable.
        if self.ring_as_member().is_none() || self.disk.ring_version() != ring.version {
            return;
        }
        let before = self.acceptor.votes().sequence;
        let reply = self.acceptor.step(ring.version, message);
        if self.acceptor.votes().sequence != before {
            self.save_votes(turn);
        }
        let base = ring.version;
        match reply {
            AcceptorReply::AfterSaving(message) => {
                let message = MembershipMessage::Register { base, message };
                self.after_votes(turn, Then::Send { to: from, message });
            }
            AcceptorReply::AtOnce(message) => {
                self.send(turn, from, MembershipMessage::Register { base, message });
            }
            AcceptorReply::Stale => self.send_ring(turn, from),
            AcceptorReply::Ignored => {}
        }
    }
}

/// Whether the rings in a message could follow `ring`.
fn is_sound(ring: &Ring, message: &RegisterMessage) -> bool {
    let proposed = match message {
        RegisterMessage::Accept { ring, .. } => Some(ring),
        RegisterMessage::Promise { accepted, .. } => accepted.as_ref().map(|(_, ring)| ring),
        _ => None,
    };
    proposed.is_none_or(|proposed| {
        proposed.version == ring.version.next() && check_ring(ring.cluster, proposed).is_ok()
    })
}
