//! A cluster begins as one node and grows by staged joins.

use std::time::Duration;

use super::world::{
    CLUSTER, Flags, PARTITIONS, World, assert_committed, assert_nothing_planned, id, name,
};
use crate::identity::{BootNonce, BootNumber, ClusterId};
use crate::membership::MembershipMessage;
use crate::membership::admin::{AdminDone, AdminRequest, MemberState};
use crate::membership::effect::{Introduction, MembershipInput, MembershipObservation};
use crate::ring::RingVersion;

fn alone() -> Flags {
    Flags { found: Some(CLUSTER), seeds: vec![] }
}

fn joining(seeds: &[&str]) -> Flags {
    Flags { found: None, seeds: seeds.iter().map(|&seed| seed.to_owned()).collect() }
}

#[test]
fn a_founder_owns_everything_once_that_is_durable() {
    let mut world = World::new(1);
    world.start(id(1), &alone());
    assert!(world.nodes[&id(1)].ring().is_none(), "nothing is durable yet");
    world.run(Duration::from_millis(50));
    let ring = world.nodes[&id(1)].ring().expect("it was saved by now");
    assert_eq!((ring.cluster, ring.version), (CLUSTER, RingVersion(1)));
    assert_eq!(ring.table, vec![vec![id(1)]; PARTITIONS as usize]);
    assert_eq!(world.nodes[&id(1)].directory.cluster, Some(CLUSTER));
}

#[test]
fn one_node_becomes_three_then_five() {
    let mut world = World::with_joiners(1, 3);
    let status = world.status(id(1));
    let states: Vec<_> = status.members.iter().map(|m| (m.name.as_str(), m.state)).collect();
    let (up, joining_state) = (MemberState::Up, MemberState::Joining);
    assert_eq!(states, [("n1", up), ("n2", joining_state), ("n3", joining_state)]);
    let Ok(AdminDone::Plan(plan)) = world.get(id(1), AdminRequest::Plan) else { panic!("no plan") };
    assert_eq!((plan.version(), plan.changes.len()), (RingVersion(2), 2));

    let reply = world.commit(id(1), 2);
    let Ok(AdminDone::Committed(ring)) = reply else { panic!("{reply:?}") };
    assert_eq!(*ring, plan.ring);
    for number in 1..=3 {
        assert_eq!(world.version(id(number)), 2, "all know it when the operator is answered");
    }

    for number in 4..=5 {
        world.start(id(number), &joining(&["n2", "n3"]));
    }
    world.run(Duration::from_secs(10));
    // Any member may be asked.
    assert_committed(&world.commit(id(3), 3));
    world.run(Duration::from_secs(5));
    for number in 1..=5 {
        let status = world.status(id(number));
        assert_eq!(status.members.len(), 5);
        assert!(status.members.iter().all(|member| member.state == MemberState::Up));
        assert!(status.members.iter().all(|member| member.share > 0.1));
        assert!(status.members.iter().all(|member| member.ring == RingVersion(3)));
        let node = &world.nodes[&id(number)];
        assert!(!node.observed.iter().any(|o| matches!(o, MembershipObservation::PeerDown(_))));
    }
}

#[test]
fn who_joins_knows_its_cluster_durably_before_it_says_a_word() {
    let mut world = World::new(1);
    world.start(id(1), &alone());
    world.run(Duration::from_secs(1));
    world.start(id(2), &joining(&["n1"]));
    while world.nodes[&id(2)].directory.cluster.is_none() {
        assert!(!world.sent.iter().any(|(from, _, _)| *from == id(2)));
        world.run(Duration::from_micros(100));
    }
    world.run(Duration::from_secs(1));
    assert!(world.sent.iter().any(|(from, _, _)| *from == id(2)));
    assert!(world.nodes[&id(2)].observed.contains(&MembershipObservation::JoinStaged(id(2))));
}

#[test]
fn a_seed_that_comes_up_late_is_found() {
    let mut world = World::new(1);
    world.start(id(2), &joining(&["n1"]));
    world.run(Duration::from_secs(20));
    world.start(id(1), &alone());
    world.run_until("the seed is asked again", |world| world.version(id(2)) == 1);
}

#[test]
fn a_restarted_node_needs_no_seed_and_is_a_member_still() {
    let mut world = World::cluster(1, 3);
    world.kill(id(2));
    world.run(Duration::from_secs(2));
    world.restart(id(2));
    let view = world.nodes[&id(2)].view.clone().expect("it shows what it knew");
    assert!(view.ring_as_member().is_some());
    world.run(Duration::from_secs(5));
    let pending = world.get(id(1), AdminRequest::Plan);
    assert_nothing_planned(&pending);
    assert!(world.nodes[&id(1)].view.as_ref().is_some_and(|view| view.suspected.is_empty()));
}

#[test]
fn a_whole_cluster_restarts_without_flags() {
    let mut world = World::cluster(1, 3);
    for number in 1..=3 {
        world.kill(id(number));
    }
    for number in 1..=3 {
        world.restart(id(number));
    }
    world.run(Duration::from_secs(5));
    for number in 1..=3 {
        let status = world.status(id(number));
        assert!(status.members.iter().all(|member| member.state == MemberState::Up));
    }
}

#[test]
fn a_joining_node_that_restarts_stages_its_join_anew() {
    let mut world = World::with_joiners(1, 2);
    let done = world.get(id(1), AdminRequest::Discard);
    assert_eq!(done, Ok(AdminDone::Discarded));
    world.run(Duration::from_secs(3));
    let plan = world.get(id(1), AdminRequest::Plan);
    assert_nothing_planned(&plan);
    world.kill(id(2));
    world.restart(id(2));
    world.run(Duration::from_secs(5));
    assert_committed(&world.commit(id(1), 2));
}

#[test]
fn a_node_of_another_cluster_is_ignored() {
    let mut world = World::cluster(1, 2);
    let cluster = ClusterId::new(0xf0);
    world.start(id(9), &Flags { found: Some(cluster), seeds: vec![] });
    world.run(Duration::from_secs(1));
    let facts = Box::new(world.facts(id(9)).clone());
    let before = world.facts(id(1)).clone();

    let (boot, nonce) = (BootNumber(1), BootNonce(1));
    let stranger = Introduction { node: id(9), cluster: Some(cluster), boot, nonce };
    world.step(id(1), MembershipInput::Introduced(stranger));
    let message = MembershipMessage::Delta { facts, wants: None };
    world.step(id(1), MembershipInput::Peer { from: id(9), message });

    assert_eq!(*world.facts(id(1)), before);
    let met = MembershipObservation::ForeignCluster { node: id(9), cluster };
    assert!(world.nodes[&id(1)].observed.contains(&met));
}

#[test]
fn init_with_join_founds_only_if_every_named_peer_knows_no_cluster() {
    let mut world = World::new(1);
    let flags = Flags { found: Some(CLUSTER), seeds: vec!["n2".into(), "n3".into()] };
    world.start(id(2), &joining(&["n1"]));
    world.start(id(1), &flags);
    world.run(Duration::from_mins(1));
    assert_eq!(world.version(id(1)), 0, "n3 was never reached");
    world.start(id(3), &joining(&["n1"]));
    world.run_until("all were asked", |world| world.version(id(1)) == 1);
    world.run_until("they join it", |world| world.version(id(3)) == 1 && world.version(id(2)) == 1);
}

#[test]
fn init_with_join_joins_the_cluster_that_a_named_peer_knows() {
    let mut world = World::cluster(1, 2);
    let wiped = Flags { found: Some(ClusterId::new(0xbad)), seeds: vec![name(id(2))] };
    world.start(id(3), &wiped);
    world.run(Duration::from_secs(5));
    assert_eq!(world.nodes[&id(3)].directory.cluster, Some(CLUSTER));
    assert_committed(&world.commit(id(1), 3));
}
