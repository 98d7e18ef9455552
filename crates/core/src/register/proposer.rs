//! Who asks for votes: one attempt to have a ring follow another.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Ballot, RegisterMessage};
use crate::identity::NodeId;
use crate::ring::Ring;

/// One attempt by a member. It sends nothing and keeps no time: the caller broadcasts what it is
/// given to all members of the ring that is followed, its own node included, and, if nothing comes
/// of it for a while, calls [`Self::start`] again.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposer {
    me: NodeId,
    base: Arc<Ring>,
    proposal: Arc<Ring>,
    ballot: Ballot,
    /// The highest round that was heard of.
    highest: u64,
    phase: Phase,
    /// Whether somebody refused this ballot, which is told once.
    refused: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    /// Nobody was asked.
    Idle,
    /// Promises are gathered.
    Preparing {
        promised: BTreeSet<NodeId>,
        /// What was accepted under the highest ballot of all that was told.
        accepted: Option<(Ballot, Arc<Ring>)>,
    },
    /// Votes for this ring are gathered.
    Accepting { ring: Arc<Ring>, accepted: BTreeSet<NodeId> },
    /// It was chosen.
    Done,
}

/// What comes of a message to a proposer.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum ProposerStep {
    /// Nothing yet.
    Wait,
    /// Send this to all voters.
    Broadcast(RegisterMessage),
    /// This ring is chosen and follows: the proposed one, or one that somebody else got accepted
    /// before.
    Chosen(Arc<Ring>),
    /// Somebody promised a higher ballot to another proposer: call [`Proposer::start`] again after
    /// a random while, or give way to the other. Votes that still come are counted until then.
    Retry,
}

impl Proposer {
    /// An attempt by `me` to have `proposal` follow `base`, in rounds above `seen`: the round of
    /// what this node's own acceptor has promised last, as saved.
    pub const fn new(me: NodeId, base: Arc<Ring>, proposal: Arc<Ring>, seen: u64) -> Self {
        let ballot = Ballot { round: seen, node: me.get() };
        Self { me, base, proposal, ballot, highest: seen, phase: Phase::Idle, refused: false }
    }

    /// Begins, or begins again, with a ballot above all that were heard of.
    pub fn start(&mut self) -> ProposerStep {
        self.highest = self.highest.saturating_add(1);
        self.ballot = Ballot { round: self.highest, node: self.me.get() };
        self.phase = Phase::Preparing { promised: BTreeSet::new(), accepted: None };
        self.refused = false;
        ProposerStep::Broadcast(RegisterMessage::Prepare { ballot: self.ballot })
    }

    /// Takes a message that an acceptor sent; a late one, one of another ballot and one of a node
    /// that has no vote change nothing.
    pub fn on_message(&mut self, from: NodeId, message: RegisterMessage) -> ProposerStep {
        if !self.base.members.contains_key(&from) {
            return ProposerStep::Wait;
        }
        match message {
            RegisterMessage::Promise { ballot, accepted } if ballot == self.ballot => {
                self.on_promise(from, accepted)
            }
            RegisterMessage::Accepted { ballot } if ballot == self.ballot => self.on_accepted(from),
            RegisterMessage::Refused { ballot, promised } if ballot == self.ballot => {
                self.on_refused(promised)
            }
            _ => ProposerStep::Wait,
        }
    }

    fn on_promise(&mut self, from: NodeId, told: Option<(Ballot, Arc<Ring>)>) -> ProposerStep {
        let Phase::Preparing { promised, accepted } = &mut self.phase else {
            return ProposerStep::Wait;
        };
        promised.insert(from);
        if let Some((ballot, ring)) = told
            && accepted.as_ref().is_none_or(|(highest, _)| ballot > *highest)
        {
            *accepted = Some((ballot, ring));
        }
        // Without the promise of its own node a proposer that restarts could use this ballot again
        // for another ring: what that node saved is the only memory of ballots.
        if !promised.contains(&self.me) || promised.len() < self.base.majority() {
            return ProposerStep::Wait;
        }
        let taken = accepted.take().map(|(_, ring)| ring);
        let ring = taken.unwrap_or_else(|| Arc::clone(&self.proposal));
        self.phase = Phase::Accepting { ring: Arc::clone(&ring), accepted: BTreeSet::new() };
        ProposerStep::Broadcast(RegisterMessage::Accept { ballot: self.ballot, ring })
    }

    fn on_accepted(&mut self, from: NodeId) -> ProposerStep {
        let Phase::Accepting { ring, accepted } = &mut self.phase else {
            return ProposerStep::Wait;
        };
        accepted.insert(from);
        if accepted.len() < self.base.majority() {
            return ProposerStep::Wait;
        }
        let chosen = Arc::clone(ring);
        self.phase = Phase::Done;
        ProposerStep::Chosen(chosen)
    }

    fn on_refused(&mut self, promised: Ballot) -> ProposerStep {
        self.highest = self.highest.max(promised.round);
        if self.refused
            || promised <= self.ballot
            || matches!(self.phase, Phase::Idle | Phase::Done)
        {
            return ProposerStep::Wait;
        }
        self.refused = true;
        ProposerStep::Retry
    }
}

#[cfg(test)]
mod tests;
