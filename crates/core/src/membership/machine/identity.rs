//! What this node says of itself, and the tripwires of rule 19.
//!
//! Peers remember, durably, the highest start and the most votes that a node has told of itself.
//! A node that hears more of itself than it knows runs on a copy, or on an old state, of its
//! identity: it may have forgotten votes, so it stops.

use super::{Membership, Turn};
use crate::membership::effect::MembershipEffect;
use crate::membership::facts::{FactVersion, Facts, FactsDigest, NodeFact};

const COPY: &str = "another process runs, or has run, on a copy of this node's identity: stop it, \
    or give this node an empty data directory and let it join anew";
const OLD: &str = "this node's identity is older than what its peers remember of it (was it \
    restored from a copy?): it may have forgotten votes, so give it an empty data directory and \
    let it join anew";

/// What this node has last said of itself.
#[derive(Debug, Default)]
pub(super) struct OwnFact {
    sequence: u64,
    said: Option<NodeFact>,
}

impl Membership {
    /// Says anew what this node is, where that has changed.
    pub(super) fn renew_own_fact(&mut self) {
        if self.cluster.is_none() {
            return;
        }
        let version = FactVersion { boot: self.config.boot, sequence: self.own.sequence };
        let fact = NodeFact {
            version,
            nonce: self.config.nonce,
            name: self.config.name.clone(),
            zone: self.config.zone.clone(),
            addresses: self.config.addresses.clone(),
            ring: self.disk.ring_version(),
            votes: self.disk.votes_sequence(),
            progress: self.own_progress(),
        };
        if self.own.said.as_ref() == Some(&fact) {
            return;
        }
        self.own.sequence += 1;
        let version = FactVersion { sequence: self.own.sequence, ..version };
        let fact = NodeFact { version, ..fact };
        if self.facts.note(self.config.me, &fact) {
            self.disk.facts_changed();
        }
        self.own.said = Some(fact);
    }

    /// Whether what was restored is older than this start, as it must be.
    pub(super) fn check_restored(&mut self, turn: &mut Turn<'_>) -> bool {
        let restored = self.facts.facts().nodes.get(&self.config.me);
        let newer = restored.is_some_and(|fact| fact.version.boot >= self.config.boot);
        if newer {
            self.stop(turn, COPY);
        }
        !newer
    }

    /// Looks for this node in facts from a peer, and takes it out of them: only it speaks for
    /// itself. Returns whether it may go on.
    pub(super) fn check_facts(&mut self, turn: &mut Turn<'_>, facts: &mut Facts) -> bool {
        let Some(fact) = facts.nodes.remove(&self.config.me) else { return true };
        if fact.version.boot > self.config.boot {
            return self.stop(turn, OLD);
        }
        if fact.version.boot == self.config.boot && fact.nonce != self.config.nonce {
            return self.stop(turn, COPY);
        }
        if fact.votes > self.acceptor.votes().sequence {
            return self.stop(turn, OLD);
        }
        true
    }

    /// Looks for this node in a digest. Returns whether it may go on.
    pub(super) fn check_digest(&mut self, turn: &mut Turn<'_>, digest: &FactsDigest) -> bool {
        let known = digest.nodes.get(&self.config.me);
        if known.is_some_and(|version| version.boot > self.config.boot) {
            return self.stop(turn, OLD);
        }
        true
    }

    /// Another process has introduced itself with this node's id.
    pub(super) fn met_copy(&mut self, turn: &mut Turn<'_>) {
        self.stop(turn, COPY);
    }

    fn stop(&mut self, turn: &mut Turn<'_>, why: &str) -> bool {
        if !self.stopped {
            self.stopped = true;
            self.loopback.clear();
            turn.act(MembershipEffect::Stop(why.to_owned()));
        }
        false
    }
}
