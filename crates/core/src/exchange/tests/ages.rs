//! How long ago a replica was compared: told by whom of two owners begins, and by nobody else.

use std::time::Duration;

use super::super::EXCHANGE_EVERY;
use super::world::{World, node};
use crate::status::Compared;
use crate::time::Instant;
use crate::token::Partition;

/// The one partition, as a node tells of it.
fn compared(world: &World, id: u64) -> Compared {
    world.condition(node(id)).partitions[&Partition::new(0)].compared
}

fn last(world: &World, id: u64) -> Instant {
    match compared(world, id) {
        Compared::Last(at) => at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_two_owners_the_one_that_begins_tells_when_it_was_and_a_lost_peer_makes_it_old() {
    let mut world = World::new(3, 3);
    assert_eq!((compared(&world, 1), compared(&world, 3)), (Compared::NotYet, Compared::ByOthers));
    world.start();
    world.pass(EXCHANGE_EVERY * 2);
    let first = last(&world, 1);
    assert!(first > Instant::default());
    assert_eq!(compared(&world, 3), Compared::ByOthers, "1 and 2 begin those with 3");
    world.pass(EXCHANGE_EVERY * 2);
    let second = last(&world, 1);
    assert!(second > first);

    world.cut(node(2));
    world.pass(EXCHANGE_EVERY * 3);
    assert_eq!(last(&world, 1), second, "the oldest counts: nothing is compared with 2");
    assert!(last(&world, 2) <= second.after(EXCHANGE_EVERY));
}

#[test]
fn a_full_look_is_remembered_with_its_time() {
    let mut world = World::new(1, 4);
    let looked = |world: &World| {
        let condition = world.condition(node(1));
        condition.partitions.values().map(|status| status.scrubbed).collect::<Vec<_>>()
    };
    assert!(looked(&world).iter().all(Option::is_none));
    world.start();
    world.pass(Duration::from_secs(30));
    assert!(looked(&world).iter().all(Option::is_some), "{:?}", looked(&world));
}
