//! Which peers can be reached, and how fast they usually answer: what routing goes by, and nothing
//! else does (rule 18).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::identity::NodeId;
use crate::object::ObjectKey;
use crate::time::Instant;
use crate::token::Partition;
use crate::view::{Suspicion, View};

/// What a shard knows of its peers from its own traffic.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    connected: BTreeSet<NodeId>,
    /// Peers that were waited for in vain, and until when they are avoided for it.
    suspected: BTreeMap<NodeId, Instant>,
    usual: BTreeMap<NodeId, UsualTime>,
}

/// How long a peer is avoided for one missed deadline, unless it is heard before. After that it is
/// tried again: a peer that is silent for good is held to be down by the failure detector by then.
const AVOIDED_FOR: Duration = Duration::from_secs(2);

/// Whose turn it is among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot(u64);

impl From<&ObjectKey> for Lot {
    /// By what of the token does not say in which partition it is.
    fn from(key: &ObjectKey) -> Self {
        Self(key.token().get() as u64)
    }
}

impl From<Partition> for Lot {
    fn from(partition: Partition) -> Self {
        Self(u64::from(partition.get()))
    }
}

impl Peers {
    /// The connection to a peer is up. A suspicion is over: it is heard from, or was restarted.
    pub fn link_up(&mut self, peer: NodeId) {
        self.connected.insert(peer);
        self.suspected.remove(&peer);
    }

    /// The connection to a peer is lost.
    pub fn link_down(&mut self, peer: NodeId) {
        self.connected.remove(&peer);
    }

    /// A peer was waited for in vain. Returns whether that is news.
    pub fn suspect(&mut self, now: Instant, peer: NodeId) -> bool {
        let until = self.suspected.insert(peer, now.after(AVOIDED_FOR));
        until.is_none_or(|until| until <= now)
    }

    /// A peer was heard.
    pub fn heard(&mut self, peer: NodeId) {
        self.suspected.remove(&peer);
    }

    /// A peer answered a request after `took`.
    pub fn answered(&mut self, peer: NodeId, took: Duration) {
        self.usual.entry(peer).or_default().observe(took);
    }

    /// Whether there is a connection to send on.
    pub fn connected(&self, peer: NodeId) -> bool {
        self.connected.contains(&peer)
    }

    /// Whether a peer is expected to answer: connected, and suspected neither here nor by the
    /// node's failure detector.
    pub fn healthy(&self, view: &View, now: Instant, peer: NodeId) -> bool {
        self.connected(peer)
            && !view.suspected.contains_key(&peer)
            && self.suspected.get(&peer).is_none_or(|&until| until <= now)
    }

    /// Whether a peer may answer: connected, and not held to be down. One that was only waited for
    /// in vain lately is asked if there are too few healthy ones: a doubt refuses nothing.
    pub fn reachable(&self, view: &View, peer: NodeId) -> bool {
        self.connected(peer) && view.suspected.get(&peer) != Some(&Suspicion::Down)
    }

    /// The healthy ones of `nodes` other than this node, fastest first. Equals take turns by lot, so
    /// that no replica of a partition does the work of all its keys, and each key's goes to one.
    pub fn healthy_by_speed(
        &self,
        view: &View,
        now: Instant,
        (nodes, lot): (&[NodeId], Lot),
    ) -> Vec<NodeId> {
        let mut healthy: Vec<NodeId> =
            nodes.iter().copied().filter(|&node| node != view.me).collect();
        if !healthy.is_empty() {
            let turn = lot.0 % healthy.len() as u64;
            healthy.rotate_left(turn as usize);
        }
        healthy.retain(|&node| self.healthy(view, now, node));
        healthy.sort_by_key(|node| self.usual.get(node).map_or(Duration::ZERO, UsualTime::rank));
        healthy
    }

    /// Those of `nodes` other than this node that are reachable, but not healthy; in the order
    /// given.
    pub fn doubted(&self, view: &View, now: Instant, nodes: &[NodeId]) -> Vec<NodeId> {
        let doubted = |&node: &NodeId| {
            node != view.me && self.reachable(view, node) && !self.healthy(view, now, node)
        };
        nodes.iter().copied().filter(doubted).collect()
    }

    /// How long a peer may take before another one is asked too (rule 10).
    pub fn patience(&self, peer: NodeId) -> Duration {
        self.usual.get(&peer).map_or(UsualTime::UNKNOWN, UsualTime::patience)
    }

    /// The point at which `asked` peers have all had the time they usually need.
    pub fn all_slow_at(&self, now: Instant, asked: impl Iterator<Item = NodeId>) -> Instant {
        let patience = asked.map(|peer| self.patience(peer)).max();
        now.after(patience.unwrap_or(UsualTime::UNKNOWN))
    }
}

/// Smoothed answer time and its deviation, as TCP estimates round trips (RFC 6298).
#[derive(Clone, Copy, Debug, Default)]
struct UsualTime {
    mean_micros: f64,
    deviation_micros: f64,
    samples: u64,
}

impl UsualTime {
    /// The patience with a peer of which nothing is known.
    const UNKNOWN: Duration = Duration::from_millis(50);
    /// Below this a second request costs more than the wait.
    const LEAST: Duration = Duration::from_millis(5);

    fn observe(&mut self, took: Duration) {
        let micros = took.as_micros() as f64;
        if self.samples == 0 {
            (self.mean_micros, self.deviation_micros) = (micros, micros / 2.0);
        } else {
            let error = micros - self.mean_micros;
            self.mean_micros += error / 8.0;
            self.deviation_micros += (error.abs() - self.deviation_micros) / 4.0;
        }
        self.samples += 1;
    }

    fn patience(&self) -> Duration {
        let micros = 4.0f64.mul_add(self.deviation_micros, self.mean_micros);
        Duration::from_micros(micros as u64).max(Self::LEAST)
    }

    /// Answer times a factor of two apart are worth telling apart; smaller differences are noise
    /// that would send all traffic to one peer.
    fn rank(&self) -> Duration {
        let micros = (self.mean_micros as u64).max(1);
        Duration::from_micros(1 << micros.ilog2())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const PEER: NodeId = NodeId::new(7);

    #[test]
    fn a_suspicion_ends_with_a_sign_of_life_or_after_a_while() {
        let mut peers = Peers::default();
        let view = View::alone(NodeId::new(1));
        let now = Instant::from_micros(1);
        peers.link_up(PEER);
        assert!(peers.healthy(&view, now, PEER));
        assert!(peers.suspect(now, PEER));
        assert!(!peers.suspect(now, PEER), "a second suspicion is no news");
        assert!(!peers.healthy(&view, now, PEER));
        assert!(peers.healthy(&view, now.after(AVOIDED_FOR), PEER), "it is tried again");
        peers.heard(PEER);
        assert!(peers.healthy(&view, now, PEER));
        peers.link_down(PEER);
        assert!(!peers.healthy(&view, now, PEER));
    }

    #[test]
    fn a_peer_that_the_detector_holds_to_be_down_is_not_healthy() {
        let mut peers = Peers::default();
        let mut view = View::alone(NodeId::new(1));
        peers.link_up(PEER);
        view.suspected = Arc::new(BTreeMap::from([(PEER, Suspicion::Down)]));
        assert!(!peers.healthy(&view, Instant::default(), PEER));
        assert!(!peers.reachable(&view, PEER));
        view.suspected = Arc::new(BTreeMap::from([(PEER, Suspicion::Doubted)]));
        assert!(!peers.healthy(&view, Instant::default(), PEER));
        assert!(peers.reachable(&view, PEER), "a doubt refuses nothing");
        assert_eq!(peers.doubted(&view, Instant::default(), &[PEER]), [PEER]);
    }

    #[test]
    fn patience_follows_what_is_usual() {
        let mut peers = Peers::default();
        assert_eq!(peers.patience(PEER), UsualTime::UNKNOWN);
        peers.answered(PEER, Duration::from_millis(20));
        assert_eq!(peers.patience(PEER), Duration::from_millis(60), "one answer says little");
        for _ in 0..100 {
            peers.answered(PEER, Duration::from_millis(20));
        }
        let patience = peers.patience(PEER);
        assert!(patience >= Duration::from_millis(20) && patience < Duration::from_millis(30));
        for _ in 0..100 {
            peers.answered(PEER, Duration::from_millis(80));
        }
        assert!(peers.patience(PEER) >= Duration::from_millis(80));
    }

    #[test]
    fn the_fastest_healthy_peers_come_first_and_equals_take_turns() {
        let mut peers = Peers::default();
        let view = View::alone(NodeId::new(1));
        let nodes: Vec<NodeId> = (1..=4).map(NodeId::new).collect();
        for &node in &nodes {
            peers.link_up(node);
        }
        peers.answered(nodes[1], Duration::from_millis(40));
        peers.answered(nodes[2], Duration::from_micros(500));
        peers.answered(nodes[3], Duration::from_micros(400));
        let by_lot = |lot| peers.healthy_by_speed(&view, Instant::default(), (&nodes, Lot(lot)));
        assert_eq!(by_lot(0), [nodes[2], nodes[3], nodes[1]]);
        assert_eq!(by_lot(2), [nodes[3], nodes[2], nodes[1]]);
    }
}
