//! Who votes: promises and accepts for the register that follows one ring, and remembers.

use std::sync::Arc;

use super::{Ballot, RegisterMessage, Votes};
use crate::ring::{Ring, RingVersion};

/// A node's voice in registers: one at a time, that of the newest ring it was asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acceptor {
    votes: Votes,
}

/// What comes of a message to an acceptor.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum AcceptorReply {
    /// A vote: save [`Acceptor::votes`] durably, and only then send it. Also where the vote is an
    /// old one that is said again, as the save of it may still be under way.
    AfterSaving(RegisterMessage),
    /// A refusal, which binds nobody: send it at once.
    AtOnce(RegisterMessage),
    /// The register was decided long ago, since this node votes in a later one: no answer. Who asks
    /// needs the newer ring instead (rule 16).
    Stale,
    /// No message for an acceptor of this register: no answer.
    Ignored,
}

impl AcceptorReply {
    /// The answer, if there is one; to be sent once the votes are durable.
    pub fn into_message(self) -> Option<RegisterMessage> {
        match self {
            Self::AfterSaving(message) | Self::AtOnce(message) => Some(message),
            Self::Stale | Self::Ignored => None,
        }
    }
}

impl Acceptor {
    /// The acceptor that gave these votes: the durable ones after a start, none for a new node.
    pub const fn new(votes: Votes) -> Self {
        Self { votes }
    }

    /// What is to be durable before anything that depends on it is said.
    pub const fn votes(&self) -> &Votes {
        &self.votes
    }

    /// Takes a message for the register that follows ring `base`. The caller sees to it that this
    /// node is a member of that ring, and that it was chosen.
    pub fn step(&mut self, base: RingVersion, message: &RegisterMessage) -> AcceptorReply {
        if base < self.votes.base {
            return AcceptorReply::Stale;
        }
        match message {
            RegisterMessage::Prepare { ballot } => self.prepare(base, *ballot),
            RegisterMessage::Accept { ballot, ring } => self.accept(base, *ballot, ring),
            RegisterMessage::Promise { .. }
            | RegisterMessage::Accepted { .. }
            | RegisterMessage::Refused { .. } => AcceptorReply::Ignored,
        }
    }

    fn prepare(&mut self, base: RingVersion, ballot: Ballot) -> AcceptorReply {
        self.turn_to(base);
        let promised = self.votes.promised;
        if ballot < promised || ballot.round == 0 {
            return AcceptorReply::AtOnce(RegisterMessage::Refused { ballot, promised });
        }
        if ballot > promised {
            self.votes.promised = ballot;
            self.votes.sequence += 1;
        }
        let accepted = self.votes.accepted.clone();
        AcceptorReply::AfterSaving(RegisterMessage::Promise { ballot, accepted })
    }

    fn accept(&mut self, base: RingVersion, ballot: Ballot, ring: &Arc<Ring>) -> AcceptorReply {
        if ring.version != base.next() {
            return AcceptorReply::Ignored;
        }
        self.turn_to(base);
        let promised = self.votes.promised;
        if ballot < promised || ballot.round == 0 {
            return AcceptorReply::AtOnce(RegisterMessage::Refused { ballot, promised });
        }
        let before = self.votes.accepted.as_ref().map(|(ballot, _)| *ballot);
        if before != Some(ballot) {
            self.votes.promised = ballot;
            self.votes.accepted = Some((ballot, Arc::clone(ring)));
            self.votes.sequence += 1;
        }
        AcceptorReply::AfterSaving(RegisterMessage::Accepted { ballot })
    }

    /// Turns to the register that follows `base` if that is a later one than now: what was
    /// promised and accepted in the one before has no meaning there.
    fn turn_to(&mut self, base: RingVersion) {
        if base > self.votes.base {
            self.votes = Votes { sequence: self.votes.sequence + 1, base, ..Votes::default() };
        }
    }
}

#[cfg(test)]
mod tests;
