//! Background work keeps to its budget in whole shards (rule 20).

use super::world::{World, node, object, written};
use super::*;
use crate::budget::BytesPerSecond;
use crate::effect::Input;
use crate::quorum::QuorumOptions;
use crate::request::{ClientRequest, ClientRequestId, Operation};
use crate::time::Deadline;

const OBJECTS: usize = 200;
const VALUE: usize = 10 << 10;

/// One side has everything. Returns how long it took until the other one has it.
fn time_to_copy(ceiling: u64) -> Duration {
    let ceiling = BytesPerSecond::new(ceiling).expect("not 0");
    let mut world = World::with_ceiling(2, 7, ceiling);
    for number in 0..OBJECTS {
        let state = EncodedState::of(&written(number as u64 + 1, vec![7; VALUE].into()));
        world.store(node(1), &object(&format!("key {number}")), &state);
    }
    world.start();
    let began = world.now;
    let healed = |world: &World| world.exchanges().iter().any(|(_, healed)| *healed > Some(0));
    assert!(world.until(LONG, healed), "it was starved");
    assert_eq!(world.objects(node(1)), world.objects(node(2)));
    assert_eq!(world.objects(node(2)).len(), OBJECTS);
    world.now.since(began)
}

#[test]
fn much_data_under_a_small_ceiling_takes_its_time_and_arrives() {
    let bytes = (OBJECTS * VALUE) as u64;
    let ceiling = 64 << 10;
    let least = Duration::from_secs(bytes / ceiling);
    let took = time_to_copy(ceiling);
    // A quarter of a second's worth may have been saved up.
    assert!(took + Duration::from_secs(1) >= least, "{took:?}, less than {least:?}");
    // Both sides read, and one looks through all it has before.
    assert!(took < least * 5, "{took:?}, and {least:?} would do");
    assert!(time_to_copy(64 << 20) < least / 4);
}

/// So many gets, one every 20 ms, whose answers take so long.
fn ask(world: &mut World, gets: u64, takes: Duration) {
    for number in 0..gets {
        let began = world.now;
        let request = ClientRequest {
            id: ClientRequestId(number),
            operation: Operation::Get { key: object("key"), quorum: QuorumOptions::default() },
            deadline: Deadline::after(began, Duration::from_secs(5)),
        };
        world.step(node(1), Input::Client(request));
        world.now = began.after(takes);
        world.run_to(began.after(Duration::from_millis(20)).max(world.now));
    }
}

#[test]
fn slow_answers_to_gets_shrink_the_allowance_and_fast_ones_restore_it() {
    let mut world = World::new(3, 8);
    world.start();
    let usual = Duration::from_millis(2);
    ask(&mut world, 50 * 60, usual);
    let allowance = |world: &World| world.condition(node(1)).budget;
    let ceiling = BytesPerSecond::DEFAULT_CEILING.get();
    assert_eq!(allowance(&world), ceiling);
    ask(&mut world, 30 * 3, Duration::from_millis(30));
    let cut = allowance(&world);
    assert!(cut <= ceiling / 2, "{cut}");
    assert_eq!(world.condition(node(2)).budget, ceiling, "nobody asks this node");
    ask(&mut world, 30 * 30, Duration::from_millis(30));
    let lowest = allowance(&world);
    assert!(lowest >= BytesPerSecond::FLOOR.get());
    ask(&mut world, 50 * 60, usual);
    assert_eq!(allowance(&world), ceiling);
    let told = world.observed.iter().filter_map(|(at, observation)| match observation {
        Observation::BudgetCut { .. } if *at == node(1) => Some("cut"),
        Observation::BudgetRestored if *at == node(1) => Some("restored"),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>()[..2], ["cut", "restored"]);
}
