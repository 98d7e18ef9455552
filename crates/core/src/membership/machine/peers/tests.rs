use super::*;
use crate::identity::{BootNonce, BootNumber};
use crate::membership::facts::Addresses;
use crate::ring::Weight;

const THRESHOLD: f64 = 8.0;

fn config() -> MembershipConfig {
    MembershipConfig {
        me: NodeId::new(0),
        name: "n0".to_owned(),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
        addresses: Addresses::default(),
        seeds: Vec::new(),
        found: None,
        boot: BootNumber(1),
        nonce: BootNonce(1),
        shards: 1,
        heartbeat_interval: MembershipConfig::HEARTBEAT_INTERVAL,
        phi_threshold: THRESHOLD,
    }
}

fn watching(count: u64) -> Peers {
    let mut peers = Peers::new(&config());
    peers.watch(&(1..=count).map(NodeId::new).collect(), Instant::default());
    peers.start(Instant::default());
    peers
}

/// Whom a round is sent to at this second, and whether they are asked for an answer.
fn round(peers: &mut Peers, second: u64) -> BTreeMap<NodeId, bool> {
    let now = Instant::default().after(Duration::from_secs(second));
    let sent = peers.beat(now).expect("it is time for one");
    let asks = |message| match message {
        MembershipMessage::Heartbeat { wants_answer, .. } => wants_answer,
        other => panic!("not a heartbeat: {other:?}"),
    };
    sent.into_iter().map(|(node, message)| (node, asks(message))).collect()
}

#[test]
fn in_a_small_cluster_everybody_has_a_heartbeat_every_interval() {
    let mut peers = watching(32);
    peers.suspect(NodeId::new(7));
    for second in 0..5 {
        let sent = round(&mut peers, second);
        assert_eq!(sent.len(), 32);
        assert!(sent.values().all(|wants_answer| !wants_answer), "its next one is due anyway");
    }
}

#[test]
fn in_a_large_cluster_a_node_sends_no_more_and_everybody_has_their_turn() {
    for count in [33, 99, 200, 999] {
        let mut peers = watching(count);
        let turns = count.div_ceil(32);
        let mut seen: BTreeMap<NodeId, u64> = BTreeMap::new();
        for second in 0..3 * turns {
            let sent = round(&mut peers, second);
            assert!(sent.len() <= 32, "{} of {count} at once", sent.len());
            for node in sent.into_keys() {
                *seen.entry(node).or_default() += 1;
            }
        }
        assert_eq!(seen.len() as u64, count);
        assert!(seen.values().all(|&times| times == 3), "{seen:?}");
    }
}

#[test]
fn who_is_doubted_in_a_large_cluster_is_asked_every_interval_until_it_has_answered() {
    let mut peers = watching(200);
    let doubted = NodeId::new(77);
    peers.suspect(doubted);
    for second in 0..10 {
        assert_eq!(round(&mut peers, second).get(&doubted), Some(&true));
    }
    let now = Instant::default().after(Duration::from_secs(10));
    peers.heartbeat(now, doubted, 1, peers.sequence);
    peers.judge(now);
    assert!(!peers.suspected().contains_key(&doubted), "it has echoed what it was asked with");
    let asked = (10..17).filter(|&second| round(&mut peers, second).contains_key(&doubted));
    assert_eq!(asked.count(), 1, "200 peers have seven turns");
}

#[test]
fn a_cluster_that_grows_makes_detectors_more_patient_at_once() {
    let down_after = |peers: &mut Peers, second: u64| {
        peers.judge(Instant::default().after(Duration::from_secs(second)));
        peers.suspected().values().any(|&suspicion| suspicion == Suspicion::Down)
    };
    // Heard every second for a while, in a cluster of two.
    let mut peers = watching(1);
    for second in 1..=100 {
        let now = Instant::default().after(Duration::from_secs(second));
        peers.heartbeat(now, NodeId::new(1), second, second);
    }
    assert!(down_after(&mut peers, 120));
    let now = Instant::default().after(Duration::from_secs(100));
    peers.watch(&(1..=64).map(NodeId::new).collect(), now);
    assert!(!down_after(&mut peers, 130), "its next turn may be two seconds away now");
    assert!(down_after(&mut peers, 140));
}
