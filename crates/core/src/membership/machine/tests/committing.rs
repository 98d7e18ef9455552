//! One ring follows another: by majority, and once.

use std::time::Duration;

use super::world::{World, assert_committed, assert_nothing_planned, assert_refused, id};
use crate::identity::NodeId;
use crate::membership::MembershipMessage;
use crate::membership::admin::{AdminDone, AdminError, AdminRequest};
use crate::membership::effect::MembershipInput;
use crate::membership::facts::StagedChange;
use crate::register::{Ballot, RegisterMessage};
use crate::ring::{RingVersion, Weight};

fn weigh(node: NodeId, weight: u32) -> AdminRequest {
    let weight = Weight::new(weight).expect("the test names a possible weight");
    AdminRequest::Stage { node, change: StagedChange::Weight(weight) }
}

fn commit(version: u64) -> AdminRequest {
    AdminRequest::Commit { version: RingVersion(version) }
}

fn all_know_version(world: &World, version: u64) -> bool {
    world.nodes.keys().all(|&node| world.version(node) == version)
}

fn nothing_staged(error: &AdminError) -> bool {
    *error == AdminError::NothingStaged
}

#[test]
fn a_stale_version_is_refused_with_the_plan_as_it_is() {
    let mut world = World::with_joiners(1, 2);
    let reply = world.commit(id(1), 3);
    assert_refused(&reply, |error| {
        matches!(error, AdminError::StaleVersion { asked: RingVersion(3), current }
            if current.version() == RingVersion(2))
    });
    assert_committed(&world.commit(id(1), 2));
    let reply = world.commit(id(1), 2);
    assert_refused(&reply, nothing_staged);
}

#[test]
fn only_members_plan_and_commit() {
    let mut world = World::with_joiners(1, 2);
    assert_refused(&world.get(id(2), AdminRequest::Plan), |e| *e == AdminError::NotMember);
    assert_refused(&world.commit(id(2), 2), |e| *e == AdminError::NotMember);
    assert_refused(&world.get(id(2), AdminRequest::Discard), |e| *e == AdminError::NotMember);
}

#[test]
fn one_commit_at_a_time_on_one_node() {
    let mut world = World::with_joiners(1, 2);
    let first = world.ask(id(1), commit(2));
    let second = world.ask(id(1), commit(2));
    assert_eq!(world.reply(second), Some(&Err(AdminError::Busy)));
    world.run_until("an answer", |world| world.reply(first).is_some());
    assert_committed(world.reply(first).expect("it was waited for"));
}

#[test]
fn only_the_side_with_the_majority_gets_its_ring() {
    let mut world = World::cluster(1, 5);
    world.split(&[1, 2], &[3, 4, 5]);
    let minority = world.ask(id(1), weigh(id(1), 101));
    let majority = world.ask(id(4), weigh(id(5), 101));
    world.run_until("answers", |world| {
        world.reply(minority).is_some() && world.reply(majority).is_some()
    });
    assert_eq!(world.reply(majority), Some(&Ok(AdminDone::Staged)));
    for side in [id(1), id(4)] {
        let Ok(AdminDone::Plan(plan)) = world.get(side, AdminRequest::Plan) else {
            panic!("no plan")
        };
        assert!(plan.moves.is_empty(), "else owners on the other side are waited for");
    }
    let minority = world.ask(id(1), commit(3));
    let majority = world.ask(id(4), commit(3));
    world.run_until("answers", |world| {
        world.reply(minority).is_some() && world.reply(majority).is_some()
    });
    assert_committed(world.reply(majority).expect("it was waited for"));
    let reply = world.reply(minority).expect("it was waited for");
    assert_refused(reply, |error| matches!(error, AdminError::Unreachable { .. }));
    world.heal();
    world.run_until("one ring", |world| all_know_version(world, 3));
    let ring = world.nodes[&id(1)].ring().expect("it knows it").clone();
    assert_eq!(ring.members[&id(5)].weight.get(), 101);
    assert_eq!(ring.members[&id(1)].weight.get(), 100);
    world.run_until("it is settled", |world| world.is_settled(id(1)));
    // What the minority staged is still there and can be committed now.
    assert_committed(&world.commit(id(1), 4));
}

#[test]
fn of_two_operators_at_once_one_commits_and_one_is_told() {
    let (mut overtaken, mut committed) = (0, 0);
    for seed in 0..30 {
        let mut world = World::cluster(seed, 5);
        world.weather.delay_max_millis = 50;
        // They have not heard of each other's change, so that they want different rings.
        world.split(&[1, 2], &[3, 4, 5]);
        world.ask(id(1), weigh(id(1), 300));
        world.ask(id(5), weigh(id(5), 300));
        world.run(Duration::from_millis(200));
        world.heal();
        let asked = [world.ask(id(1), commit(3)), world.ask(id(5), commit(3))];
        world.run_until("answers", |w| asked.iter().all(|&id| w.reply(id).is_some()));
        for id in asked {
            match world.reply(id).expect("it was waited for") {
                Ok(AdminDone::Committed(ring)) => {
                    assert_eq!(ring.version, RingVersion(3));
                    committed += 1;
                }
                Err(AdminError::Overtaken { chosen: RingVersion(3) }) => overtaken += 1,
                // It had learned of the other change just in time.
                Err(AdminError::StaleVersion { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        world.run_until("one ring", |world| all_know_version(world, 3));
    }
    assert_eq!(committed, 30);
    assert!(overtaken > 20, "only {overtaken} operators met in the register");
}

#[test]
fn a_commit_whose_outcome_is_in_doubt_is_completed_later() {
    let mut world = World::cluster(1, 4);
    world.get(id(1), weigh(id(1), 300)).expect("all are up");
    let asked = world.ask_within(id(1), commit(3), Duration::from_secs(3));
    world.run_until("votes are asked for", |w| w.sent.iter().any(|(_, _, kind)| *kind == "accept"));
    // The votes are given, but the proposer does not hear of them.
    world.cut.extend([2, 3, 4].map(|other| (id(other), id(1))));
    world.run_until("an answer", |world| world.reply(asked).is_some());
    let reply = world.reply(asked).expect("it was waited for").clone();
    assert_refused(&reply, |error| matches!(error, AdminError::Unreachable { .. }));
    world.heal();
    world.run_until("it is decided", |world| all_know_version(world, 3));
    assert_eq!(world.nodes[&id(1)].ring().expect("it knows it").members[&id(1)].weight.get(), 300);
}

#[test]
fn a_dead_node_is_removed_and_learns_of_it_when_it_returns() {
    let mut world = World::cluster(1, 4);
    world.kill(id(4));
    let remove = AdminRequest::Stage { node: id(4), change: StagedChange::RemoveDead };
    assert_eq!(world.get(id(1), remove), Ok(AdminDone::Staged));
    assert_committed(&world.commit(id(1), 3));
    world.restart(id(4));
    world.run_until("it learns", |world| world.version(id(4)) == 3);
    assert!(world.nodes[&id(4)].view.as_ref().is_some_and(|v| v.ring_as_member().is_none()));
    world.kill(id(4));
    world.restart(id(4));
    world.run(Duration::from_secs(5));
    assert_nothing_planned(&world.get(id(1), AdminRequest::Plan));
    assert!(!world.facts(id(1)).nodes.contains_key(&id(4)));
}

/// What a node has sent, in order.
fn sent_by(world: &World, node: NodeId) -> Vec<&'static str> {
    world.sent.iter().filter(|(from, ..)| *from == node).map(|(.., kind)| *kind).collect()
}

/// Rule 15: the register of a ring that was followed already has chosen.
#[test]
fn who_asks_for_votes_after_an_older_ring_gets_none() {
    let mut world = World::cluster(1, 3);
    world.sent.clear();
    for (base, promises) in [(1, 0), (2, 1)] {
        let ballot = Ballot { round: 100 + base, node: id(1).get() };
        let message = RegisterMessage::Prepare { ballot };
        let message = MembershipMessage::Register { base: RingVersion(base), message };
        world.step(id(2), MembershipInput::Peer { from: id(1), message });
        world.run(Duration::from_millis(100));
        let promised = sent_by(&world, id(2)).into_iter().filter(|kind| *kind == "promise");
        assert_eq!(promised.count(), promises, "after ring {base}");
    }
}
