//! Peers that fail, paths that fail one way, and identities that are not what they were.

use std::collections::BTreeSet;
use std::time::Duration;

use super::world::{Flags, World, id};
use crate::identity::{BootNonce, BootNumber, NodeId};
use crate::membership::MembershipMessage;
use crate::membership::admin::MemberState;
use crate::membership::effect::{Introduction, MembershipInput, MembershipObservation};
use crate::membership::facts::{Facts, FactsDigest};

fn suspects(world: &World, node: NodeId) -> BTreeSet<NodeId> {
    let view = world.nodes[&node].view.as_ref();
    view.map(|view| view.suspected.keys().copied().collect()).unwrap_or_default()
}

#[test]
fn a_dead_peer_is_down_at_once_and_up_again_when_it_is_back() {
    let mut world = World::cluster(1, 3);
    world.kill(id(2));
    world.run(Duration::from_millis(50));
    assert_eq!(suspects(&world, id(1)), BTreeSet::from([id(2)]));
    let status = world.status(id(1));
    assert_eq!(status.members[1].state, MemberState::Down);
    world.restart(id(2));
    world.run_until("it is heard", |world| suspects(world, id(1)).is_empty());
    let observed = &world.nodes[&id(1)].observed;
    assert!(observed.contains(&MembershipObservation::PeerDown(id(2))));
    assert!(observed.contains(&MembershipObservation::PeerUp(id(2))));
    assert_eq!(world.version(id(1)), 2, "no ownership was changed (rule 18)");
}

#[test]
fn a_path_that_fails_one_way_is_noticed_at_both_ends() {
    let mut world = World::cluster(1, 3);
    world.cut.insert((id(1), id(2)));
    world.run(Duration::from_secs(25));
    assert_eq!(suspects(&world, id(1)), BTreeSet::from([id(2)]));
    assert_eq!(suspects(&world, id(2)), BTreeSet::from([id(1)]));
    assert_eq!(suspects(&world, id(3)), BTreeSet::new());
    world.heal();
    world.run(Duration::from_secs(5));
    assert_eq!(suspects(&world, id(1)), BTreeSet::new());
    assert_eq!(suspects(&world, id(2)), BTreeSet::new());
}

#[test]
fn a_shards_suspicion_counts_at_once_and_ends_with_a_round_trip() {
    let mut world = World::cluster(1, 3);
    world.step(id(1), MembershipInput::Suspect(id(3)));
    assert_eq!(suspects(&world, id(1)), BTreeSet::from([id(3)]));
    world.run(Duration::from_secs(4));
    assert_eq!(suspects(&world, id(1)), BTreeSet::new());
}

#[test]
fn losing_a_fifth_of_all_messages_raises_no_alarm() {
    let mut world = World::cluster(1, 3);
    world.weather.lost_percent = 20;
    world.run(Duration::from_mins(10));
    for node in world.nodes.values() {
        let alarm = |o: &MembershipObservation| matches!(o, MembershipObservation::PeerDown(_));
        assert!(!node.observed.iter().any(alarm));
    }
}

#[test]
fn what_is_said_before_a_node_belongs_to_a_cluster_changes_nothing() {
    let mut world = World::cluster(1, 2);
    let facts = Box::new(world.facts(id(1)).clone());
    world.start(id(7), &Flags { seeds: vec!["nobody".to_owned()], ..Flags::default() });
    let message = MembershipMessage::Delta { facts, wants: None };
    world.step(id(7), MembershipInput::Peer { from: id(1), message });
    assert_eq!(world.facts(id(7)).ring, None);
}

#[test]
fn its_own_voice_is_no_peer() {
    let mut world = World::cluster(1, 2);
    world.sent.clear();
    let digest = FactsDigest::default();
    let message = MembershipMessage::Digest(digest);
    world.step(id(1), MembershipInput::Peer { from: id(1), message });
    assert!(!world.sent.iter().any(|(_, to, _)| *to == id(1)));
}

#[test]
fn a_second_process_on_a_copy_of_an_identity_stops() {
    let mut world = World::cluster(1, 3);
    // It started from a copy with the same boot number and introduces itself to node 1.
    let copy = Introduction {
        node: id(2),
        cluster: world.nodes[&id(2)].directory.cluster,
        boot: BootNumber(world.nodes[&id(2)].directory.boot),
        nonce: BootNonce(0),
    };
    // What node 1 would send to it: what it remembers of node 2.
    world.sent.clear();
    world.step(id(1), MembershipInput::Introduced(copy));
    assert_eq!(world.sent[0], (id(1), id(2), "delta"), "before anything else");
    let mut fact = world.facts(id(2)).nodes[&id(2)].clone();
    fact.nonce = BootNonce(0);
    let facts = Box::new(Facts { nodes: [(id(2), fact)].into(), ..Facts::default() });
    let message = MembershipMessage::Delta { facts, wants: None };
    world.step(id(2), MembershipInput::Peer { from: id(1), message });
    assert!(world.nodes[&id(2)].stop.as_ref().is_some_and(|why| why.contains("copy")));
}

#[test]
fn meeting_itself_under_another_nonce_stops_a_node() {
    let mut world = World::cluster(1, 2);
    let cluster = world.nodes[&id(1)].directory.cluster;
    let twin = Introduction { node: id(1), cluster, boot: BootNumber(1), nonce: BootNonce(0) };
    world.step(id(1), MembershipInput::Introduced(twin));
    assert!(world.nodes[&id(1)].stop.is_some());
}

#[test]
fn an_identity_restored_from_a_copy_stops_before_it_votes() {
    let mut world = World::cluster(1, 3);
    let copy = world.nodes[&id(3)].directory.clone();
    for _ in 0..2 {
        world.kill(id(3));
        world.restart(id(3));
        world.run(Duration::from_secs(3));
    }
    world.kill(id(3));
    world.nodes.get_mut(&id(3)).expect("it was started").directory = copy;
    world.restart(id(3));
    world.run(Duration::from_secs(3));
    assert!(world.nodes[&id(3)].stop.as_ref().is_some_and(|why| why.contains("older")));
}

#[test]
fn votes_that_peers_remember_and_the_node_does_not_stop_it() {
    let mut world = World::cluster(1, 3);
    world.kill(id(3));
    let directory = &mut world.nodes.get_mut(&id(3)).expect("it was started").directory;
    assert!(directory.votes.sequence > 0 || directory.facts.nodes[&id(3)].votes == 0);
    directory.votes = crate::register::Votes::default();
    world.restart(id(3));
    let mut fact = world.facts(id(1)).nodes[&id(3)].clone();
    fact.votes = 1;
    let facts = Box::new(Facts { nodes: [(id(3), fact)].into(), ..Facts::default() });
    let message = MembershipMessage::Delta { facts, wants: None };
    world.step(id(3), MembershipInput::Peer { from: id(1), message });
    assert!(world.nodes[&id(3)].stop.as_ref().is_some_and(|why| why.contains("votes")));
}
