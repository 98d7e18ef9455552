//! A ring that moves partitions is settled before another follows; levels rise with what is heard
//! (rule 17).

use std::time::Duration;

use super::world::{World, assert_committed, assert_refused, id};
use crate::identity::NodeId;
use crate::membership::admin::{AdminDone, AdminError, AdminReply, AdminRequest, MemberState};
use crate::membership::facts::StagedChange;
use crate::ring::{RingVersion, Weight};

fn stage(world: &mut World, node: u64, change: StagedChange) -> AdminReply {
    world.get(id(1), AdminRequest::Stage { node: id(node), change })
}

/// Of so many nodes, one gets more than it had.
fn weigh(world: &mut World, node: u64, weight: u32) {
    let weight = Weight::new(weight).expect("the test names a possible weight");
    assert_eq!(stage(world, node, StagedChange::Weight(weight)), Ok(AdminDone::Staged));
}

fn all_have_settled(world: &World, version: u64) -> bool {
    let settled = |node: NodeId| world.version(node) == version && world.is_settled(node);
    world.nodes.keys().filter(|node| world.is_up(**node)).all(|&node| settled(node))
}

fn under_way(reply: &AdminReply, waits_for: &str) {
    assert_refused(reply, |error| match error {
        AdminError::UnderWay { partitions_left, names, .. } => {
            *partitions_left > 0 && names.iter().any(|name| name == waits_for)
        }
        _ => false,
    });
}

#[test]
fn what_moves_is_settled_once_everybody_has_done_his_part() {
    let mut world = World::cluster(1, 4);
    weigh(&mut world, 1, 300);
    assert_committed(&world.commit(id(1), 3));
    assert!(world.status(id(1)).change.is_some_and(|change| change.version == RingVersion(3)));
    world.run_until("it is settled", |world| all_have_settled(world, 3));
    assert_eq!(world.status(id(1)).change, None);
    weigh(&mut world, 1, 100);
    assert_committed(&world.commit(id(1), 4));
}

#[test]
fn one_change_at_a_time_and_who_holds_it_up_is_named() {
    let mut world = World::cluster(1, 4);
    world.idle.insert(id(1));
    weigh(&mut world, 1, 300);
    assert_committed(&world.commit(id(1), 3));
    weigh(&mut world, 1, 100);
    world.run(Duration::from_secs(20));
    under_way(&world.commit(id(1), 4), "n1");
    let change = world.status(id(2)).change.expect("it is under way");
    assert_eq!(change.waits_for, [id(1)]);
    assert!(change.partitions_left > 0 && change.partitions_left <= change.partitions);
}

#[test]
fn a_node_that_never_comes_back_in_the_middle_of_its_own_join_is_declared_dead() {
    let mut world = World::with_joiners(1, 4);
    world.idle.insert(id(4));
    assert_committed(&world.commit(id(1), 2));
    world.run(Duration::from_secs(3));
    world.kill(id(4));
    world.run(Duration::from_secs(30));
    assert_eq!(stage(&mut world, 4, StagedChange::RemoveDead), Ok(AdminDone::Staged));
    let declared = AdminDone::DeclaredDead { names: vec!["n4".to_owned()] };
    assert_eq!(world.commit(id(1), 3), Ok(declared));
    world.run_until("it is settled", |world| all_have_settled(world, 2));
    assert_committed(&world.commit(id(1), 3));
    world.run_until("its places are taken", |world| all_have_settled(world, 3));
    assert!(world.nodes[&id(1)].ring().is_some_and(|ring| ring.dead.contains(&id(4))));
    // Should it come back after all, it learns that it may not.
    world.restart(id(4));
    world.run_until("it learns", |world| world.version(id(4)) == 3);
    let view = world.nodes[&id(4)].view.clone().expect("it was shown");
    assert!(view.ring_as_coordinator().is_none());
}

#[test]
fn who_leaves_is_heard_until_it_has_handed_over_and_coordinates_on() {
    let mut world = World::cluster(1, 5);
    world.idle.insert(id(5));
    assert_eq!(stage(&mut world, 5, StagedChange::Leave), Ok(AdminDone::Staged));
    assert_committed(&world.commit(id(1), 3));
    world.run(Duration::from_secs(20));
    let status = world.status(id(1));
    let leaving = status.members.iter().find(|member| member.id == id(5));
    assert_eq!(leaving.map(|member| member.state), Some(MemberState::Leaving));
    assert!(!world.is_settled(id(1)) && world.facts(id(1)).nodes.contains_key(&id(5)));

    // A restart takes up what was reached.
    world.idle.clear();
    world.kill(id(5));
    world.restart(id(5));
    world.run_until("it is settled", |world| all_have_settled(world, 3));
    assert!(!world.facts(id(1)).nodes.contains_key(&id(5)), "nobody waits for it any more");
    world.run(Duration::from_mins(1));
    let view = world.nodes[&id(5)].view.clone().expect("it was shown");
    assert!(view.ring_as_coordinator().is_some());
    assert!(view.suspected.is_empty(), "it hears who lives: {:?}", view.suspected);
}

#[test]
fn a_node_that_was_replaced_and_is_dead_is_not_waited_for_once_that_is_said() {
    let mut world = World::cluster(1, 4);
    world.start(id(6), &super::world::Flags { found: None, seeds: vec!["n1".into()] });
    world.run(Duration::from_secs(5));
    world.kill(id(3));
    world.run(Duration::from_secs(30));
    assert_eq!(stage(&mut world, 3, StagedChange::ReplaceBy(id(6))), Ok(AdminDone::Staged));
    assert_committed(&world.commit(id(1), 3));
    world.run(Duration::from_secs(20));
    assert!(!world.is_settled(id(1)));
    let declared = AdminDone::DeclaredDead { names: vec!["n3".to_owned()] };
    assert_eq!(stage(&mut world, 3, StagedChange::RemoveDead), Ok(declared));
    world.run_until("it is settled", |world| all_have_settled(world, 3));
}

#[test]
fn levels_outlive_crashes_at_any_moment() {
    for seed in 0..20 {
        let mut world = World::cluster(seed, 4);
        weigh(&mut world, 1, 300);
        assert_committed(&world.commit(id(1), 3));
        // The world checks that no level goes down.
        for _ in 0..12 {
            let victim = id(1 + u64::from(world.random.below(4)));
            let pause = u64::from(world.random.below(900));
            world.run(Duration::from_millis(pause));
            world.kill(victim);
            world.restart(victim);
        }
        world.run_until("it is settled", |world| all_have_settled(world, 3));
    }
}

/// Rule 19: amnesia never gives a second vote, since who has lost its votes has another id.
#[test]
fn a_node_that_lost_its_directory_asks_for_its_own_places() {
    let mut world = World::cluster(1, 3);
    world.kill(id(3));
    world.start_as("n3", id(9), &super::world::Flags { found: None, seeds: vec!["n1".into()] });
    world.run_until("it is staged", |world| {
        world.facts(id(1)).staged.values().any(|s| s.change == Some(StagedChange::ReplaceBy(id(9))))
    });
    let before = world.nodes[&id(1)].ring().expect("a ring").clone();
    let Ok(AdminDone::Plan(plan)) = world.get(id(1), AdminRequest::Plan) else { panic!("no plan") };
    assert!(plan.warnings.iter().any(|warning| warning.contains("empty directory")));
    assert_committed(&world.commit(id(1), 3));
    world.run_until("it is settled", |world| all_have_settled(world, 3));
    let after = world.nodes[&id(9)].ring().expect("a ring").clone();
    let renamed = |node: &NodeId| if *node == id(3) { id(9) } else { *node };
    for (old, new) in before.table.iter().zip(&after.table) {
        assert_eq!(old.iter().map(renamed).collect::<Vec<_>>(), *new);
    }
    assert!(after.dead.contains(&id(3)) && after.members[&id(9)].name == "n3");
}

#[test]
fn those_who_are_left_go_on_without_a_majority_once_that_is_forced() {
    let mut world = World::cluster(1, 5);
    world.kill(id(4));
    world.run(Duration::from_secs(30));
    let refused = world.get(id(1), AdminRequest::Recover);
    assert_refused(&refused, |error| matches!(error, AdminError::MajorityLives { .. }));

    world.kill(id(3));
    world.kill(id(5));
    world.run(Duration::from_secs(30));
    weigh_alone(&mut world);
    assert_committed(&world.get(id(1), AdminRequest::Recover));
    world.run_until("it is settled", |world| all_have_settled(world, 3));
    let ring = world.nodes[&id(2)].ring().expect("a ring").clone();
    assert_eq!(ring.members.keys().copied().collect::<Vec<_>>(), [id(1), id(2)]);
    assert!(ring.forced.contains(&RingVersion(3)) && ring.dead.contains(&id(5)));

    // It is remembered by every ring that follows, and those who were given up are refused.
    weigh(&mut world, 1, 50);
    assert_committed(&world.commit(id(1), 4));
    assert!(world.nodes[&id(1)].ring().is_some_and(|ring| ring.forced.contains(&RingVersion(3))));
    world.restart(id(5));
    world.run_until("it learns", |world| world.version(id(5)) == 4);
    let view = world.nodes[&id(5)].view.clone().expect("it was shown");
    assert!(view.ring_as_coordinator().is_none());
}

/// Without a majority nothing can be committed.
fn weigh_alone(world: &mut World) {
    let weight = Weight::new(50).expect("it is possible");
    assert_eq!(stage(world, 1, StagedChange::Weight(weight)), Ok(AdminDone::Staged));
    let reply = world.commit(id(1), 3);
    assert_refused(&reply, |error| matches!(error, AdminError::Unreachable { .. }));
    assert_eq!(world.get(id(1), AdminRequest::Discard), Ok(AdminDone::Discarded));
}
