//! How facts travel: by a gossip round every heartbeat interval, and by pushes where an operator
//! waits for others to know.
//!
//! The paper, 4.8.1: each node talks to a random peer every second. A round in ten goes to a peer
//! that is held to be down, or back to the seeds, so that two halves that lost each other meet
//! again (the paper's logical partitions).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::disk::Then;
use super::{Membership, Turn};
use crate::identity::NodeId;
use crate::membership::MembershipMessage;
use crate::membership::admin::{AdminDone, AdminError, AdminId};
use crate::membership::effect::{MembershipEffect, MembershipObservation};
use crate::membership::facts::{Facts, FactsDigest};
use crate::ring::RingVersion;
use crate::time::Instant;

/// One gossip round in so many goes to somebody who can't be heard.
const ROUNDS_PER_LONG_SHOT: u32 = 10;

/// How many must know before the operator is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enough {
    /// A majority of the members, or all that can be heard; else the operator is told who does not
    /// answer.
    Majority,
    /// All that can be heard; but what is pushed holds anyway, so the wait is only a courtesy.
    Courtesy,
}

/// Facts on their way to all peers, and the operator who waits for it.
#[derive(Debug)]
pub(super) struct Push {
    facts: Facts,
    pushed: BTreeSet<NodeId>,
    asker: AdminId,
    done: AdminDone,
    enough: Enough,
    deadline: Instant,
}

/// All pushes under way, by number.
#[derive(Debug, Default)]
pub(super) struct Pushes {
    last: u64,
    under_way: BTreeMap<u64, Push>,
}

impl Pushes {
    /// A peer, or this node itself, has the facts durably.
    pub(super) fn pushed(&mut self, from: NodeId, number: u64) {
        if let Some(push) = self.under_way.get_mut(&number) {
            push.pushed.insert(from);
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.under_way.values().map(|push| push.deadline).min()
    }
}

/// What an operator waits for.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) asker: AdminId,
    pub(super) done: AdminDone,
    pub(super) enough: Enough,
    pub(super) deadline: Instant,
}

impl Membership {
    /// Takes in facts of this cluster.
    pub(super) fn learn(&mut self, turn: &mut Turn<'_>, facts: &Facts) {
        let Some(cluster) = self.cluster else { return };
        let before = self.facts.ring().map(|ring| ring.version);
        // Facts that are refused changed nothing; whoever sent them is told nothing, since an
        // answer could not make them better.
        if self.facts.merge(cluster, facts) != Ok(true) {
            return;
        }
        self.disk.facts_changed();
        let now = self.facts.ring().map(|ring| ring.version);
        if let Some(version) = now.filter(|_| now > before) {
            let adopted = MembershipObservation::RingAdopted(version);
            turn.act(MembershipEffect::Observe(adopted));
        }
    }

    /// Begins a gossip round with one peer.
    pub(super) fn gossip_round(&mut self, turn: &mut Turn<'_>) {
        let suspected = self.peers.suspected();
        let (down, live): (Vec<NodeId>, Vec<NodeId>) =
            self.peers.all().partition(|node| suspected.contains_key(node));
        let long_shot = self.random.below(ROUNDS_PER_LONG_SHOT) == 0;
        if let Some(peer) = self.pick(&live) {
            self.probe(turn, peer);
        }
        if (long_shot || live.is_empty())
            && let Some(peer) = self.pick(&down)
        {
            self.probe(turn, peer);
        }
        let forlorn = live.is_empty() && self.seeking.is_none() && !self.config.seeds.is_empty();
        if long_shot && forlorn {
            let seed = self.random.below(self.config.seeds.len() as u32) as usize;
            turn.act(MembershipEffect::Introduce(self.config.seeds[seed].clone()));
        }
    }

    fn pick(&mut self, nodes: &[NodeId]) -> Option<NodeId> {
        let index = self.random.below(u32::try_from(nodes.len()).ok()?);
        nodes.get(index as usize).copied()
    }

    /// Asks `peer` whether it knows the same.
    fn probe(&mut self, turn: &mut Turn<'_>, peer: NodeId) {
        let fingerprint = self.facts.fingerprint();
        self.send(turn, peer, MembershipMessage::Probe { fingerprint });
    }

    /// A peer has asked whether this node knows the same: if not, both level what they know.
    pub(super) fn answer_probe(&mut self, turn: &mut Turn<'_>, from: NodeId, fingerprint: u64) {
        if fingerprint != self.facts.fingerprint() {
            self.level_with(turn, from);
        }
    }

    /// Begins a gossip exchange with `peer`.
    pub(super) fn level_with(&mut self, turn: &mut Turn<'_>, peer: NodeId) {
        let digest = self.facts.digest();
        self.send(turn, peer, MembershipMessage::Digest(digest));
    }

    /// A peer knows a newer ring: it is asked at once.
    pub(super) fn ask_for_ring(&mut self, turn: &mut Turn<'_>, peer: NodeId, version: RingVersion) {
        let known = self.facts.ring().map_or(RingVersion(0), |ring| ring.version);
        if self.disk.knows_cluster() && !self.peers.is_foreign(peer) && version > known {
            self.level_with(turn, peer);
        }
    }

    /// A peer does not know the newest ring: it is sent along (rule 16).
    pub(super) fn send_ring(&mut self, turn: &mut Turn<'_>, to: NodeId) {
        let (ring, change) = (self.facts.ring().cloned(), self.facts.facts().change.clone());
        let facts = Facts { ring, change, ..Facts::default() };
        let message = MembershipMessage::Delta { facts: Box::new(facts), wants: None };
        self.send(turn, to, message);
    }

    pub(super) fn answer_digest(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        digest: &FactsDigest,
    ) {
        if !self.check_digest(turn, digest) {
            return;
        }
        let facts = self.facts.delta_for(digest);
        let wants = self.facts.lacks(digest).then(|| self.facts.digest());
        if wants.is_some() || facts != Facts::default() {
            let message = MembershipMessage::Delta { facts: Box::new(facts), wants };
            self.send(turn, from, message);
        }
    }

    pub(super) fn take_delta(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        facts: &Facts,
        wants: Option<FactsDigest>,
    ) {
        let mut facts = facts.clone();
        if !self.check_facts(turn, &mut facts) {
            return;
        }
        self.learn(turn, &facts);
        let Some(wants) = wants else { return };
        if !self.check_digest(turn, &wants) {
            return;
        }
        let facts = self.facts.delta_for(&wants);
        if facts != Facts::default() {
            let message = MembershipMessage::Delta { facts: Box::new(facts), wants: None };
            self.send(turn, from, message);
        }
    }

    pub(super) fn take_push(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        number: u64,
        facts: &Facts,
    ) {
        let mut facts = facts.clone();
        if !self.check_facts(turn, &mut facts) {
            return;
        }
        self.learn(turn, &facts);
        let message = MembershipMessage::Pushed { number };
        self.after_facts(turn, Then::Send { to: from, message });
    }

    /// Makes these facts known here and to all peers, then answers the operator.
    pub(super) fn push(&mut self, turn: &mut Turn<'_>, facts: Facts, waiting: Waiting) {
        self.learn(turn, &facts);
        self.pushes.last += 1;
        let number = self.pushes.last;
        let Waiting { asker, done, enough, deadline } = waiting;
        let pushed = BTreeSet::new();
        let push = Push { facts: facts.clone(), pushed, asker, done, enough, deadline };
        self.pushes.under_way.insert(number, push);
        let own = Then::Send { to: self.config.me, message: MembershipMessage::Pushed { number } };
        self.after_facts(turn, own);
        let peers: Vec<NodeId> = self.peers_of_ring();
        for to in peers {
            let message = MembershipMessage::Push { number, facts: Box::new(facts.clone()) };
            self.send(turn, to, message);
        }
    }

    /// The members of the newest ring and whoever else is watched, without this node. (A ring that
    /// was adopted in this very step has members that are not watched yet.)
    fn peers_of_ring(&self) -> Vec<NodeId> {
        let members = self.facts.ring().into_iter().flat_map(|ring| ring.members.keys().copied());
        let mut peers: BTreeSet<NodeId> = members.chain(self.peers.all()).collect();
        peers.remove(&self.config.me);
        peers.into_iter().collect()
    }

    /// Sends pushes again to who has not confirmed them.
    pub(super) fn repeat_pushes(&mut self, turn: &mut Turn<'_>) {
        let peers = self.peers_of_ring();
        let mut messages = Vec::new();
        for (&number, push) in &self.pushes.under_way {
            for &to in peers.iter().filter(|peer| !push.pushed.contains(peer)) {
                let facts = Box::new(push.facts.clone());
                messages.push((to, MembershipMessage::Push { number, facts }));
            }
        }
        for (to, message) in messages {
            self.send(turn, to, message);
        }
    }

    /// Answers the operators whose pushes have arrived, or waited long enough.
    pub(super) fn finish_pushes(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now.instant;
        let ended = |push: &Push| self.has_arrived(push) || now >= push.deadline;
        let ended: Vec<u64> = (self.pushes.under_way.iter())
            .filter(|(_, push)| ended(push))
            .map(|(&number, _)| number)
            .collect();
        for number in ended {
            let Some(push) = self.pushes.under_way.remove(&number) else { continue };
            let reply = if push.enough == Enough::Courtesy || self.has_arrived(&push) {
                Ok(push.done)
            } else {
                Err(AdminError::Unreachable { names: self.missing(&push.pushed) })
            };
            turn.act(MembershipEffect::Reply { id: push.asker, reply });
        }
    }

    fn has_arrived(&self, push: &Push) -> bool {
        let Some(ring) = self.facts.ring() else { return false };
        if !push.pushed.contains(&self.config.me) {
            return false;
        }
        let suspected = self.peers.suspected();
        let members = ring.members.keys();
        let all_live =
            members.clone().all(|node| push.pushed.contains(node) || suspected.contains_key(node));
        let known_by = members.filter(|node| push.pushed.contains(node)).count();
        all_live || push.enough == Enough::Majority && known_by >= ring.majority()
    }

    /// The names of the members that are not among these.
    pub(super) fn missing(&self, answered: &BTreeSet<NodeId>) -> Vec<String> {
        let members = self.facts.ring().into_iter().flat_map(|ring| ring.members.keys());
        members.filter(|node| !answered.contains(node)).map(|&node| self.name_of(node)).collect()
    }
}

/// How long an operator waits at most for others to know of something that holds anyway.
pub(super) const COURTESY: Duration = Duration::from_secs(2);
