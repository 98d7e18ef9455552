//! Anything may happen for a while; then it stops, and all nodes must come to agree.
//!
//! Safety is checked all along, by the world: one ring for each version, and levels that never go
//! down. Liveness is checked at the end.

use std::time::Duration;

use super::world::{Weather, World, id};
use crate::membership::admin::AdminRequest;
use crate::membership::facts::StagedChange;
use crate::ring::{RingVersion, Weight};

const NODES: u64 = 5;
const SEEDS: u64 = 40;

fn any_node(world: &mut World) -> u64 {
    1 + u64::from(world.random.below(NODES as u32))
}

/// One thing that happens.
fn disturb(world: &mut World) {
    let (number, other) = (any_node(world), any_node(world));
    let node = id(number);
    match world.random.below(12) {
        0 if world.is_up(node) => world.kill(node),
        0..=2 if !world.is_up(node) => world.restart(node),
        3 => {
            let side: Vec<u64> = (1..=number).collect();
            let rest: Vec<u64> = (number + 1..=NODES).collect();
            world.split(&side, &rest);
        }
        4 => {
            world.cut.insert((node, id(other)));
        }
        5 | 6 => world.heal(),
        7 | 8 => {
            let weight = 50 * (1 + world.random.below(8));
            let change = StagedChange::Weight(Weight::new(weight).expect("it is possible"));
            world.ask(node, AdminRequest::Stage { node: id(other), change });
        }
        9 if world.random.below(4) == 0 => {
            world.ask(node, AdminRequest::Discard);
        }
        _ => {
            let version = RingVersion(world.version(node) + 1);
            world.ask(node, AdminRequest::Commit { version });
        }
    }
}

fn has_settled(world: &World) -> bool {
    let first = id(1);
    world.nodes.keys().all(|&node| {
        let view = world.nodes[&node].view.as_ref();
        view.is_some_and(|view| view.suspected.is_empty() && view.hints_in_place)
            && world.is_settled(node)
            && world.version(node) == world.version(first)
            && world.facts(node) == world.facts(first)
            && world.nodes[&node].directory.facts == *world.facts(node)
    })
}

/// Returns how many rings were chosen.
fn run(seed: u64) -> usize {
    let mut world = World::cluster(seed, NODES);
    world.weather = Weather { lost_percent: 5, doubled_percent: 5, delay_max_millis: 100 };
    for _ in 0..150 {
        disturb(&mut world);
        let pause = u64::from(world.random.below(1500));
        world.run(Duration::from_millis(pause));
    }
    world.heal();
    world.weather = Weather { delay_max_millis: 20, ..Weather::default() };
    for number in 1..=NODES {
        assert_eq!(world.nodes[&id(number)].stop, None, "seed {seed}");
        if !world.is_up(id(number)) {
            world.restart(id(number));
        }
    }
    let end = world.now.after(Duration::from_secs(90));
    while !has_settled(&world) {
        assert!(world.now < end, "seed {seed} does not come to rest");
        world.run(Duration::from_secs(1));
    }
    world.rings.len()
}

#[test]
fn a_cluster_survives_anything_and_agrees_in_the_end() {
    let rings: usize = (0..2 * SEEDS).map(run).sum();
    assert!(rings > 3 * 2 * SEEDS as usize, "only {rings} rings: too little was going on");
}

/// Operators who commit different changes at the same moment, give up early, and are cut off from
/// each other while it lasts.
fn quarrel(seed: u64) -> usize {
    let mut world = World::cluster(seed, NODES);
    world.weather.delay_max_millis = 30;
    for number in 1..=NODES {
        let weight = 50 * (1 + world.random.below(8));
        let change = StagedChange::Weight(Weight::new(weight).expect("it is possible"));
        let node = id(number);
        world.ask(node, AdminRequest::Stage { node, change });
    }
    for _ in 0..60 {
        let (number, other) = (any_node(&mut world), any_node(&mut world));
        let version = RingVersion(world.version(id(number)) + 1);
        let timeout = Duration::from_millis(u64::from(world.random.below(600)));
        match world.random.below(8) {
            0 => {
                world.cut.insert((id(number), id(other)));
            }
            1 => world.split(&[number], &[1, 2, 3, 4, 5]),
            2 | 3 => world.heal(),
            4 if world.is_up(id(number)) => {
                world.kill(id(number));
                world.restart(id(number));
            }
            _ => {
                world.ask_within(id(number), AdminRequest::Commit { version }, timeout);
            }
        }
        let pause = u64::from(world.random.below(150));
        world.run(Duration::from_millis(pause));
    }
    world.heal();
    world.run(Duration::from_secs(40));
    assert!(world.nodes.keys().all(|&node| world.is_settled(node)), "seed {seed}");
    world.rings.len()
}

#[test]
fn operators_who_quarrel_get_one_ring_after_the_other() {
    let rings: usize = (0..150).map(quarrel).sum();
    assert!(rings > 2 * 150, "only {rings} rings: too little was going on");
}

#[test]
fn the_same_seed_is_the_same_story() {
    let story = |seed| {
        let mut world = World::cluster(seed, NODES);
        for _ in 0..40 {
            disturb(&mut world);
            world.run(Duration::from_millis(300));
        }
        world.sent
    };
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}
