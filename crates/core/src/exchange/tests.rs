mod ages;
mod answering;
mod coming;
mod healing;
mod settling;
mod slowly;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::message::EncodedState;
use crate::node::StoreStanding;
use crate::object::ObjectKey;
use crate::replica::StoreKey;

use world::{Weather, World, node, object, size, written};

const LONG: Duration = Duration::from_mins(50);

/// Which node was written to, under which of a few names.
type Writes = Vec<(u64, u8)>;

/// Puts different writes onto different nodes. Returns what all of them together amount to.
fn scatter(world: &mut World, writes: &Writes) -> BTreeMap<Bytes, Bytes> {
    let mut known: BTreeMap<(u64, ObjectKey), crate::object::ObjectState> = BTreeMap::new();
    let mut all: BTreeMap<ObjectKey, crate::object::ObjectState> = BTreeMap::new();
    for (number, (at, name)) in writes.iter().enumerate() {
        let key = object(&format!("key {name}"));
        let new = written(number as u64 + 1, format!("write {number}").into());
        for entry in [known.entry((*at, key.clone())).or_default(), all.entry(key).or_default()] {
            *entry = std::mem::take(entry).merge(new.clone());
        }
    }
    for ((at, key), state) in known {
        world.store(node(at), &key, &EncodedState::of(&state));
    }
    let bytes = |state| EncodedState::of(state).as_bytes().clone();
    all.iter().map(|(key, state)| (StoreKey::of(key).as_bytes().clone(), bytes(state))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is lost or comes twice on the way: once an exchange says that it is complete, both
    /// have the same, which is everything that either had.
    #[test]
    fn one_complete_exchange_makes_two_replicas_identical(
        writes in prop::collection::vec((1_u64..=2, any::<u8>()), 0..120),
        seed in any::<u64>(),
        lost in 0_u32..20,
        twice in 0_u32..30,
    ) {
        let mut world = World::new(2, seed);
        let all = scatter(&mut world, &writes);
        world.weather = Weather { lost, twice };
        world.start();
        let ended = |world: &World| world.exchanges().iter().any(|(_, healed)| healed.is_some());
        prop_assert!(world.until(LONG, ended), "no exchange was ever complete");
        prop_assert_eq!(&world.objects(node(1)), &all);
        prop_assert_eq!(&world.objects(node(2)), &all);
    }

    /// Three replicas converge although messages are lost and one of them is killed on the way.
    #[test]
    fn three_replicas_converge_whatever_is_lost(
        writes in prop::collection::vec((1_u64..=3, any::<u8>()), 0..120),
        seed in any::<u64>(),
        lost in 0_u32..20,
        killed in 1_u64..=3,
        turns in 0_usize..200,
    ) {
        let mut world = World::new(3, seed);
        let all = scatter(&mut world, &writes);
        world.weather = Weather { lost, twice: 10 };
        world.start();
        (0..turns).for_each(|_| world.turn());
        world.restart(node(killed), StoreStanding::Kept);
        world.pass(Duration::from_secs(20));
        world.weather = Weather::default();
        world.pass(Duration::from_secs(90));
        for id in (1..=3).map(node) {
            prop_assert_eq!(&world.objects(id), &all, "at {}", id);
        }
    }
}

fn fill(world: &mut World, owners: u64, objects: usize) {
    for number in 0..objects {
        let value = Bytes::from(format!("value {number}"));
        let state = EncodedState::of(&written(number as u64 + 1, value));
        for owner in (1..=owners).map(node) {
            world.store(owner, &object(&format!("key {number}")), &state);
        }
    }
}

/// Runs until one exchange has ended, and returns what was said.
fn first_exchange(world: &mut World) -> Vec<ShardMessage> {
    world.start();
    assert!(world.until(LONG, |world| !world.exchanges().is_empty()));
    let begun_by = world.exchanges()[0].0;
    let of_it = |(from, to, _): &(NodeId, NodeId, _)| *from == begun_by || *to == begun_by;
    world.sent.drain(..).filter(of_it).map(|(_, _, message)| message).collect()
}

#[test]
fn equal_replicas_exchange_one_message_each_way() {
    let mut world = World::new(2, 1);
    fill(&mut world, 2, 300);
    let said = first_exchange(&mut world);
    assert_eq!(world.exchanges(), [(world.exchanges()[0].0, Some(0))]);
    let asks = said.iter().filter(|said| matches!(said, ShardMessage::Exchange { .. })).count();
    assert_eq!((asks, said.len()), (1, 2), "{said:?}");
    assert!(said.iter().map(size).sum::<usize>() < 200);
}

#[test]
fn ten_differences_in_twenty_thousand_objects_cost_little() {
    let mut world = World::new(2, 2);
    fill(&mut world, 2, 20_000);
    for number in 0..10_u64 {
        let key = object(&format!("key {number}"));
        let newer = written(number + 1, format!("value {number}").into())
            .merge(written(100_000 + number, Bytes::from_static(&[7; 1000])));
        world.store(node(1 + number % 2), &key, &EncodedState::of(&newer));
    }
    let said = first_exchange(&mut world);
    assert_eq!(world.exchanges()[0].1, Some(10));
    assert_eq!(world.objects(node(1)), world.objects(node(2)));
    let bytes: usize = said.iter().map(size).sum();
    let states = said.iter().map(|said| match said {
        ShardMessage::Replicate { .. }
        | ShardMessage::ExchangeAnswered { answer: ExchangeAnswer::States { .. }, .. } => {
            size(said)
        }
        _ => 0,
    });
    let states: usize = states.sum();
    // Root, leaves, items and states there and back, and five states pushed.
    assert!(said.len() <= 4 * 2 + 5 * 2, "{} messages", said.len());
    assert!(states < 14_000, "{states} bytes of states: each moves once");
    assert!(bytes - states < 15_000, "{} bytes to find ten differences", bytes - states);
}

/// Objects that do not fit into one answer come in several.
#[test]
fn large_states_come_in_bounded_answers() {
    let mut world = World::new(2, 3);
    for number in 0..6 {
        let value = Bytes::from(vec![number as u8; 50 << 10]);
        let state = EncodedState::of(&written(number + 1, value));
        world.store(node(1 + number % 2), &object(&format!("key {number}")), &state);
    }
    let said = first_exchange(&mut world);
    assert_eq!(world.exchanges()[0].1, Some(6));
    assert!(said.iter().all(|message| size(message) < MAX_STATES_BYTES + (1 << 10)));
    assert_eq!(world.objects(node(1)).len(), 6);
    assert_eq!(world.objects(node(1)), world.objects(node(2)));
}

/// The connection breaks in the middle: the exchange is given up, and after the return another one
/// ends the work.
#[test]
fn a_broken_exchange_is_tried_again_after_the_return() {
    let mut world = World::new(2, 4);
    for number in 0..600 {
        let state = EncodedState::of(&written(number + 1, Bytes::from_static(b"x")));
        world.store(node(1), &object(&format!("key {number}")), &state);
    }
    world.start();
    let moving = |world: &World| {
        world.sent.iter().any(|(_, _, message)| {
            matches!(
                message,
                ShardMessage::Replicate { .. }
                    | ShardMessage::ExchangeAnswered { answer: ExchangeAnswer::States { .. }, .. }
            )
        })
    };
    assert!(world.until(LONG, moving));
    world.cut(node(2));
    assert!(world.exchanges().iter().any(|(_, healed)| healed.is_none()));
    world.restart(node(2), StoreStanding::Kept);
    assert!(world.objects(node(2)).len() < 600);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.objects(node(2)), world.objects(node(1)));
}

/// Nobody answers: the exchange ends by its own deadline and is tried again.
#[test]
fn silence_ends_an_exchange() {
    let mut world = World::new(2, 5);
    world.weather = Weather { lost: 100, twice: 0 };
    world.start();
    world.pass(Duration::from_secs(30));
    let ended = world.exchanges();
    assert!(ended.len() > 4 && ended.iter().all(|(_, healed)| healed.is_none()), "{ended:?}");
    assert!(ended.len() < 16, "a failed one waits before it is tried again: {}", ended.len());
}

/// While nothing happens only one of two owners begins, about once a minute.
#[test]
fn idle_replicas_are_compared_once_a_minute() {
    let mut world = World::new(2, 6);
    world.start();
    world.pass(Duration::from_secs(15));
    let before = world.exchanges().len();
    world.pass(Duration::from_mins(10));
    let ended = &world.exchanges()[before..];
    assert!((8..=14).contains(&ended.len()), "{}", ended.len());
    assert!(ended.iter().all(|(begun_by, _)| *begun_by == ended[0].0), "one of them begins all");
}
