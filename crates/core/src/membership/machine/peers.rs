//! Heartbeats, handshakes, and which peers are held to be down.
//!
//! In a small cluster every peer is sent a heartbeat every interval. In a large one that would be
//! more for each node with every node that is added: there each peer's turn comes every few
//! intervals, so that what a node sends does not grow, and silence alone is noticed later. What
//! requests meet is not (rule 18): a peer that somebody waited for in vain is doubted at once, and
//! asked every interval until it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Membership, MembershipConfig, Turn};
use crate::identity::NodeId;
use crate::membership::MembershipMessage;
use crate::membership::detector::Detector;
use crate::membership::effect::{Introduction, MembershipEffect, MembershipObservation};
use crate::membership::facts::Facts;
use crate::membership::staging;
use crate::time::Instant;
use crate::view::Suspicion;

/// A node sends heartbeats to so many peers in an interval, at most, beside those that it doubts.
const BEATS_AT_ONCE: usize = 32;
/// A beat that comes this many intervals late means that this node itself was paused.
const PAUSE_INTERVALS: u32 = 3;

/// The peers that are watched: all members, and the nodes that want to join.
#[derive(Debug)]
pub(super) struct Peers {
    interval: Duration,
    threshold: f64,
    next_beat: Instant,
    /// Counts intervals: whose turn it is.
    round: usize,
    /// Counts heartbeats. Begins above every number of earlier starts, so that peers need not be
    /// told of a restart to go on counting.
    sequence: u64,
    /// The state of the facts for which it is known whom to watch.
    edition: Option<u64>,
    detectors: BTreeMap<NodeId, Detector>,
    foreign: BTreeSet<NodeId>,
    suspected: Arc<BTreeMap<NodeId, Suspicion>>,
}

impl Peers {
    pub(super) fn new(config: &MembershipConfig) -> Self {
        Self {
            interval: config.heartbeat_interval,
            threshold: config.phi_threshold,
            next_beat: Instant::default(),
            round: 0,
            sequence: config.boot.0 << 32,
            edition: None,
            detectors: BTreeMap::new(),
            foreign: BTreeSet::new(),
            suspected: Arc::default(),
        }
    }

    pub(super) const fn start(&mut self, now: Instant) {
        self.next_beat = now;
    }

    pub(super) const fn due(&self) -> Instant {
        self.next_beat
    }

    pub(super) fn is_foreign(&self, node: NodeId) -> bool {
        self.foreign.contains(&node)
    }

    /// Everybody watched.
    pub(super) fn all(&self) -> impl Iterator<Item = NodeId> {
        self.detectors.keys().copied()
    }

    /// The peers that are not trusted.
    pub(super) const fn suspected(&self) -> &Arc<BTreeMap<NodeId, Suspicion>> {
        &self.suspected
    }

    pub(super) fn detector(&self, node: NodeId) -> Option<&Detector> {
        self.detectors.get(&node)
    }

    pub(super) fn message(&mut self, now: Instant, from: NodeId) {
        if let Some(detector) = self.detectors.get_mut(&from) {
            detector.message(now);
        }
    }

    pub(super) fn heartbeat(&mut self, now: Instant, from: NodeId, sequence: u64, heard: u64) {
        if let Some(detector) = self.detectors.get_mut(&from) {
            detector.heartbeat(now, sequence, heard);
        }
    }

    /// Somebody waited for it in vain, or its connection broke.
    pub(super) fn suspect(&mut self, node: NodeId) {
        let next = self.sequence + 1;
        if let Some(detector) = self.detectors.get_mut(&node) {
            detector.suspect(next);
        }
    }

    /// Watches these from now on, and nobody else.
    fn watch(&mut self, nodes: &BTreeSet<NodeId>, now: Instant) {
        self.detectors.retain(|node, _| nodes.contains(node));
        let interval = self.interval * turns(nodes.len()) as u32;
        for &node in nodes {
            let detector = self.detectors.entry(node);
            detector.or_insert_with(|| Detector::new(interval, now)).expect_every(interval);
        }
    }

    /// A round of heartbeats, if it is time for one.
    fn beat(&mut self, now: Instant) -> Option<Vec<(NodeId, MembershipMessage)>> {
        if now < self.next_beat {
            return None;
        }
        let late = now.since(self.next_beat);
        if late > self.interval * PAUSE_INTERVALS {
            self.detectors.values_mut().for_each(|detector| detector.forgive(now, late));
        }
        self.next_beat = now.after(self.interval);
        self.sequence += 1;
        self.round = self.round.wrapping_add(1);
        let (sequence, round) = (self.sequence, self.round);
        let turns = turns(self.detectors.len());
        let heartbeat = |(place, (&node, detector)): (usize, (&NodeId, &Detector))| {
            let is_its_turn = place % turns == round % turns;
            let wants_answer = turns > 1 && detector.is_doubted();
            let heard = detector.sequence();
            let message = MembershipMessage::Heartbeat { sequence, heard, wants_answer };
            (is_its_turn || wants_answer).then_some((node, message))
        };
        Some(self.detectors.iter().enumerate().filter_map(heartbeat).collect())
    }

    /// A heartbeat out of turn, to a peer that has just been met, or asks for one.
    fn out_of_turn(&mut self, node: NodeId) -> Option<MembershipMessage> {
        let heard = self.detectors.get(&node)?.sequence();
        self.sequence += 1;
        let (sequence, wants_answer) = (self.sequence, false);
        Some(MembershipMessage::Heartbeat { sequence, heard, wants_answer })
    }

    /// Judges everybody anew; says who went down and who came up.
    fn judge(&mut self, now: Instant) -> Vec<MembershipObservation> {
        let threshold = self.threshold;
        let suspected: BTreeMap<NodeId, Suspicion> = self
            .detectors
            .iter()
            .filter_map(|(&node, detector)| Some((node, detector.suspicion(now, threshold)?)))
            .collect();
        if *self.suspected == suspected {
            return Vec::new();
        }
        let before = &self.suspected;
        let went = suspected.keys().filter(|node| !before.contains_key(node));
        let went = went.map(|&node| MembershipObservation::PeerDown(node));
        let came = before.keys().filter(|node| !suspected.contains_key(node));
        let came = came.filter(|node| self.detectors.contains_key(node));
        let came = came.map(|&node| MembershipObservation::PeerUp(node));
        let news = went.chain(came).collect();
        self.suspected = Arc::new(suspected);
        news
    }
}

/// In how many intervals each of so many peers is sent one heartbeat.
fn turns(peers: usize) -> usize {
    peers.div_ceil(BEATS_AT_ONCE).max(1)
}

impl Membership {
    /// A peer says that it lives. One that is not watched here has left the ring, and goes on
    /// coordinating: it is answered, so that it knows who can be reached.
    pub(super) fn take_heartbeat(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        (sequence, heard, wants_answer): (u64, u64, bool),
    ) {
        if self.peers.detector(from).is_some() {
            self.peers.heartbeat(turn.now.instant, from, sequence, heard);
            if wants_answer && let Some(answer) = self.peers.out_of_turn(from) {
                self.send(turn, from, answer);
            }
            return;
        }
        // Only a member answers, and only who is none: so no answer is ever answered.
        let has_left = self.ring_as_member().is_some_and(|ring| ring.removed.contains(&from));
        if has_left {
            let mine = self.peers.sequence;
            let answer = MembershipMessage::Heartbeat {
                sequence: mine,
                heard: sequence,
                wants_answer: false,
            };
            self.send(turn, from, answer);
        }
    }

    /// Heartbeats and a gossip round, every interval.
    pub(super) fn beat(&mut self, turn: &mut Turn<'_>) {
        let Some(heartbeats) = self.peers.beat(turn.now.instant) else { return };
        if !self.disk.knows_cluster() {
            return;
        }
        for (to, message) in heartbeats {
            self.send(turn, to, message);
        }
        self.gossip_round(turn);
        self.tell_progress(turn);
        self.repeat_pushes(turn);
    }

    /// Watches whom the facts name, and says who is up and who is down.
    pub(super) fn watch_peers(&mut self, turn: &mut Turn<'_>) {
        if self.peers.edition != Some(self.disk.edition()) {
            self.peers.edition = Some(self.disk.edition());
            let facts = self.facts.facts();
            let members = facts.ring.iter().flat_map(|ring| ring.members.keys().copied());
            let left = facts.change.left.iter().flat_map(|left| left.members.keys().copied());
            let leaving = left.filter(|&node| facts.is_leaving(node));
            let mut nodes: BTreeSet<NodeId> =
                members.chain(leaving).chain(staging::joining(facts)).collect();
            nodes.remove(&self.config.me);
            self.peers.watch(&nodes, turn.now.instant);
        }
        for observation in self.peers.judge(turn.now.instant) {
            turn.act(MembershipEffect::Observe(observation));
        }
    }

    /// A handshake has said who is at the other end of a connection.
    pub(super) fn introduced(&mut self, turn: &mut Turn<'_>, introduction: Introduction) {
        let Introduction { node, cluster, boot, nonce } = introduction;
        if node == self.config.me {
            if (boot, nonce) != (self.config.boot, self.config.nonce) {
                self.met_copy(turn);
            }
            return;
        }
        let Some(cluster) = cluster else { return };
        let Some(mine) = self.cluster else { return self.adopt_cluster(turn, node, cluster) };
        if mine != cluster {
            self.peers.foreign.insert(node);
            let met = MembershipObservation::ForeignCluster { node, cluster };
            turn.act(MembershipEffect::Observe(met));
            return;
        }
        self.peers.foreign.remove(&node);
        if let Some(detector) = self.peers.detectors.get_mut(&node) {
            detector.handshake(turn.now.instant);
        }
        self.greet(turn, introduction);
    }

    /// The first words to a peer of the same cluster. What is remembered of a peer that has started
    /// anew comes first of all: should its identity be an old copy, it learns so before it is asked
    /// for a vote (rule 19).
    fn greet(&mut self, turn: &mut Turn<'_>, peer: Introduction) {
        if !self.disk.knows_cluster() {
            return self.remember_contact(peer.node);
        }
        let remembered = self.facts.facts().nodes.get(&peer.node);
        let other_start = |fact: &&crate::membership::facts::NodeFact| {
            (fact.version.boot, fact.nonce) != (peer.boot, peer.nonce)
        };
        if let Some(fact) = remembered.filter(other_start).cloned() {
            let facts = Facts { nodes: BTreeMap::from([(peer.node, fact)]), ..Facts::default() };
            let message = MembershipMessage::Delta { facts: Box::new(facts), wants: None };
            self.send(turn, peer.node, message);
        }
        if let Some(heartbeat) = self.peers.out_of_turn(peer.node) {
            self.send(turn, peer.node, heartbeat);
        }
        self.level_with(turn, peer.node);
    }
}

#[cfg(test)]
mod tests;
