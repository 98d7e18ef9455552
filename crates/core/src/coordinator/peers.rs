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
    usual: BTreeMap<(NodeId, RequestKind), UsualTime>,
}

/// What a peer is asked for. A put waits for disks and a read does not: what is usual for one says
/// nothing of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
    /// A state or a digest of what it has.
    Read,
    /// A put, to coordinate.
    Put,
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

    /// A peer answered a request of this kind after `took`.
    pub fn answered(&mut self, now: Instant, (peer, kind): (NodeId, RequestKind), took: Duration) {
        self.usual.entry((peer, kind)).or_default().observe(now, took);
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

    /// The healthy ones of `nodes` other than this node, those first that answer requests of this
    /// kind fastest. Equals take turns by lot, so that no replica of a partition does the work of all
    /// its keys, and each key's goes to one.
    pub fn healthy_by_speed(
        &self,
        view: &View,
        (now, kind): (Instant, RequestKind),
        (nodes, lot): (&[NodeId], Lot),
    ) -> Vec<NodeId> {
        let mut healthy: Vec<NodeId> =
            nodes.iter().copied().filter(|&node| node != view.me).collect();
        if !healthy.is_empty() {
            let turn = lot.0 % healthy.len() as u64;
            healthy.rotate_left(turn as usize);
        }
        healthy.retain(|&node| self.healthy(view, now, node));
        let micros = |node: &NodeId| Some(self.usual.get(&(*node, kind))?.micros(now));
        if let Some(fastest) = healthy.iter().filter_map(micros).min() {
            healthy.sort_by_key(|node| micros(node).map(|micros| UsualTime::rank(micros, fastest)));
        }
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

    /// How long a peer may take for a request of this kind before another one is asked too (rule 10).
    pub fn patience(&self, now: Instant, asked: (NodeId, RequestKind)) -> Duration {
        let usual = self.usual.get(&asked);
        usual.map_or(UsualTime::UNKNOWN, |usual| usual.patience(now))
    }

    /// The point at which `asked` peers have all had the time they usually need for this kind of
    /// request.
    pub fn all_slow_at(
        &self,
        (now, kind): (Instant, RequestKind),
        asked: impl Iterator<Item = NodeId>,
    ) -> Instant {
        let patience = asked.map(|peer| self.patience(now, (peer, kind))).max();
        now.after(patience.unwrap_or(UsualTime::UNKNOWN))
    }
}

/// Smoothed answer time and its deviation, as TCP estimates round trips (RFC 6298). It fades while
/// there is no answer to learn from: a peer that was slow once is not asked, and would be held to be
/// slow for ever.
#[derive(Clone, Copy, Debug, Default)]
struct UsualTime {
    mean_micros: f64,
    deviation_micros: f64,
    samples: u64,
    /// When the last answer came.
    last: Instant,
}

impl UsualTime {
    /// The patience with a peer of which nothing is known.
    const UNKNOWN: Duration = Duration::from_millis(50);
    /// Below this a second request costs more than the wait.
    const LEAST: Duration = Duration::from_millis(5);

    /// After so long without an answer, it is as if the peer had been twice as fast.
    const FADES_IN: Duration = Duration::from_secs(10);

    fn observe(&mut self, now: Instant, took: Duration) {
        let micros = took.as_micros() as f64;
        *self = self.faded(now);
        self.last = now;
        if self.samples == 0 {
            (self.mean_micros, self.deviation_micros) = (micros, micros / 2.0);
        } else {
            let error = micros - self.mean_micros;
            self.mean_micros += error / 8.0;
            self.deviation_micros += (error.abs() - self.deviation_micros) / 4.0;
        }
        self.samples += 1;
    }

    /// What is left of it after the silence until `now`.
    fn faded(&self, now: Instant) -> Self {
        let silent = now.since(self.last).as_secs() / Self::FADES_IN.as_secs();
        let left = 0.5f64.powi(silent.min(64) as i32);
        let (mean_micros, deviation_micros) =
            (self.mean_micros * left, self.deviation_micros * left);
        Self { mean_micros, deviation_micros, ..*self }
    }

    fn patience(&self, now: Instant) -> Duration {
        let Self { mean_micros, deviation_micros, .. } = self.faded(now);
        let micros = 4.0f64.mul_add(deviation_micros, mean_micros);
        Duration::from_micros(micros as u64).max(Self::LEAST)
    }

    fn micros(&self, now: Instant) -> u64 {
        (self.faded(now).mean_micros as u64).max(1)
    }

    /// How far behind the fastest, in doublings: less than one is noise, and telling it apart would
    /// send all traffic to one peer.
    const fn rank(micros: u64, fastest: u64) -> u32 {
        (micros / fastest).ilog2()
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
        let now = Instant::default();
        let patience = |peers: &Peers| peers.patience(now, (PEER, RequestKind::Read));
        assert_eq!(patience(&peers), UsualTime::UNKNOWN);
        peers.answered(now, (PEER, RequestKind::Read), Duration::from_millis(20));
        assert_eq!(patience(&peers), Duration::from_millis(60), "one answer says little");
        for _ in 0..100 {
            peers.answered(now, (PEER, RequestKind::Read), Duration::from_millis(20));
            peers.answered(now, (PEER, RequestKind::Put), Duration::from_secs(1));
        }
        let usual = Duration::from_millis(20)..Duration::from_millis(30);
        assert!(usual.contains(&patience(&peers)), "puts say nothing of reads");
        for _ in 0..100 {
            peers.answered(now, (PEER, RequestKind::Read), Duration::from_millis(80));
        }
        assert!(patience(&peers) >= Duration::from_millis(80));
    }

    /// Three peers, all connected; the first took 40 ms for reads, the others half of one.
    fn one_of_three_is_slow() -> (Peers, Vec<NodeId>) {
        let mut peers = Peers::default();
        let nodes: Vec<NodeId> = (2..=4).map(NodeId::new).collect();
        for (&node, micros) in nodes.iter().zip([40_000, 511, 513]) {
            peers.link_up(node);
            let took = Duration::from_micros(micros);
            peers.answered(Instant::default(), (node, RequestKind::Read), took);
        }
        (peers, nodes)
    }

    fn by_speed(peers: &Peers, now: Instant, (nodes, lot): (&[NodeId], u64)) -> Vec<NodeId> {
        let view = View::alone(NodeId::new(1));
        peers.healthy_by_speed(&view, (now, RequestKind::Read), (nodes, Lot(lot)))
    }

    #[test]
    fn a_peer_that_was_slow_once_gets_another_chance() {
        let (mut peers, nodes) = one_of_three_is_slow();
        let mut firsts = BTreeSet::new();
        let mut when_it_was_asked = None;
        for secs in 0..100 {
            let now = Instant::default().after(Duration::from_secs(secs));
            for lot in 0..3 {
                let first = by_speed(&peers, now, (&nodes, lot))[0];
                firsts.insert(first);
                if first == nodes[0] && when_it_was_asked.is_none() {
                    when_it_was_asked = Some(secs);
                }
                peers.answered(now, (first, RequestKind::Read), Duration::from_micros(600));
            }
        }
        // 40 ms are less than twice 600 microseconds once they were halved six times.
        assert_eq!(when_it_was_asked, Some(60));
        assert_eq!(firsts.len(), 3);
        let end = Instant::default().after(Duration::from_secs(100));
        assert!((0..3).any(|lot| by_speed(&peers, end, (&nodes, lot))[0] == nodes[0]));
    }

    #[test]
    fn one_that_is_still_slow_is_known_to_be_after_one_answer() {
        let (mut peers, nodes) = one_of_three_is_slow();
        let mut now = Instant::default();
        for _ in 0..60 {
            now = now.after(Duration::from_secs(1));
            for &fast in &nodes[1..] {
                peers.answered(now, (fast, RequestKind::Read), Duration::from_micros(600));
            }
        }
        assert_eq!(by_speed(&peers, now, (&nodes, 0))[0], nodes[0]);
        peers.answered(now, (nodes[0], RequestKind::Read), Duration::from_millis(40));
        assert!((0..3).all(|lot| by_speed(&peers, now, (&nodes, lot))[2] == nodes[0]));
    }

    #[test]
    fn the_fastest_healthy_peers_come_first_and_equals_take_turns() {
        let (peers, nodes) = one_of_three_is_slow();
        let by_lot = |lot| by_speed(&peers, Instant::default(), (&nodes, lot));
        assert_eq!(by_lot(0), [nodes[1], nodes[2], nodes[0]]);
        assert_eq!(by_lot(2), [nodes[2], nodes[1], nodes[0]], "511 and 513 microseconds are equal");
    }
}
