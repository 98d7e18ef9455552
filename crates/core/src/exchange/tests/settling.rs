//! A node that lost its store (rule 19): refilled at once, and counted in reads only after it has
//! been compared with enough others, a full maximal deadline after its start.

use super::world::{Weather, World, node, object, size};
use super::*;
use crate::collection::Round;
use crate::effect::Input;
use crate::message::{ReadAnswer, ReadWish, RequestId};
use crate::observe::Observation;
use crate::ring::RingVersion;
use crate::transfer::Footing;

const LOST: NodeId = NodeId::new(1);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn three_with_data(seed: u64) -> World {
    let mut world = World::new(3, seed);
    fill(&mut world, 3, 500);
    world.start();
    world.pass(seconds(10));
    world
}

/// What a node answers to a read of an object that all have.
fn answer(world: &mut World, at: NodeId) -> ReadAnswer {
    let request = RequestId::new(0, 1);
    let (footing, key) = (Footing::settled(RingVersion(2)), object("key 1"));
    let round = Round::default();
    let message = ShardMessage::Read { request, footing, round, key, wish: ReadWish::State };
    world.step(at, Input::Peer { from: node(9), message });
    let Some((_, _, ShardMessage::ReadAnswered { answer, .. })) = world.sent.last() else {
        panic!("a read is answered at once")
    };
    answer.clone()
}

fn is_settled(world: &World) -> bool {
    world.observed.iter().any(|(at, seen)| *at == LOST && matches!(seen, Observation::Refilled(_)))
}

#[test]
fn data_comes_back_at_once_and_counts_only_after_the_longest_deadline() {
    let mut world = three_with_data(1);
    world.restart(LOST, StoreStanding::Lost);
    world.pass(seconds(8));
    assert_eq!(world.objects(LOST).len(), 500, "refilled early");
    assert_eq!(answer(&mut world, LOST), ReadAnswer::Unknown);
    assert!(!is_settled(&world));
    world.pass(seconds(10));
    assert!(is_settled(&world));
    assert!(matches!(answer(&mut world, LOST), ReadAnswer::State(Some(_))));
    world.objects(LOST);
    assert!(world.records(LOST).is_empty(), "nothing is unsettled any more");
}

/// What one peer brings is not brought by the other as well.
#[test]
fn a_refill_moves_each_object_about_once() {
    let mut world = three_with_data(2);
    let needed: usize = world.objects(LOST).values().map(Bytes::len).sum();
    world.sent.clear();
    world.restart(LOST, StoreStanding::Lost);
    world.pass(seconds(8));
    let moved = world.sent.iter().filter(|(_, to, _)| *to == LOST).map(|(_, _, said)| match said {
        ShardMessage::Replicate { state, .. } => state.as_bytes().len(),
        ShardMessage::ExchangeAnswered {
            answer: ExchangeAnswer::States { states, .. }, ..
        } => states.iter().map(|(_, state)| state.as_bytes().len()).sum(),
        _ => 0,
    });
    let moved: usize = moved.sum();
    assert!(moved >= needed && moved * 10 <= needed * 11, "{moved} bytes for {needed}");
    assert!(world.sent.iter().map(|(_, _, message)| size(message)).max() < Some(1 << 20));
}

/// Whether an owner that has begun an exchange, and hears that the peer has nothing, goes on with it.
fn goes_on_with(has: Completeness) -> bool {
    let mut world = three_with_data(9);
    world.sent.clear();
    let roots = |world: &World| {
        world.sent.iter().find_map(|(from, to, said)| match said {
            ShardMessage::Exchange { request, ask: ExchangeAsk::Root(_), .. } => {
                Some((*from, *to, *request))
            }
            _ => None,
        })
    };
    assert!(world.until(seconds(90), |world| roots(world).is_some()));
    let (asker, peer, request) = roots(&world).expect("one was begun");
    let answer = ExchangeAnswer::Branches(vec![TreeSum::default(); crate::merkle::FAN_OUT]);
    let message = ShardMessage::ExchangeAnswered { request, round: Round(0), has, answer };
    let before = world.sent.len();
    world.step(asker, Input::Peer { from: peer, message });
    world.sent[before..].iter().any(|(from, _, said)| {
        *from == asker && matches!(said, ShardMessage::Exchange { ask: ExchangeAsk::Leaves(_), .. })
    })
}

/// It pulls by exchanges of its own; what others pushed as well would be moved twice.
#[test]
fn a_replica_that_is_being_refilled_is_left_to_pull() {
    assert!(goes_on_with(Completeness::Whole));
    assert!(goes_on_with(Completeness::Damaged), "of the rest it may have more");
    assert!(!goes_on_with(Completeness::Lost));
}

#[test]
fn one_other_owner_is_not_enough() {
    let mut world = three_with_data(3);
    world.restart(LOST, StoreStanding::Lost);
    world.cut(node(3));
    world.pass(seconds(60));
    assert_eq!(world.objects(LOST).len(), 500);
    assert_eq!(answer(&mut world, LOST), ReadAnswer::Unknown);
    world.restart(node(3), StoreStanding::Kept);
    assert!(world.until(seconds(30), is_settled));
}

#[test]
fn owners_that_do_not_count_themselves_settle_nobody() {
    let mut world = three_with_data(4);
    world.restart(LOST, StoreStanding::Lost);
    world.restart(node(2), StoreStanding::Lost);
    world.pass(seconds(120));
    assert_eq!(world.objects(LOST).len(), 500);
    assert_eq!(world.objects(node(2)).len(), 500);
    assert_eq!(answer(&mut world, LOST), ReadAnswer::Unknown);
    assert_eq!(answer(&mut world, node(2)), ReadAnswer::Unknown);
    assert!(matches!(answer(&mut world, node(3)), ReadAnswer::State(Some(_))));
}

/// The node is killed while it is unsettled: its store is there at the next start and still does
/// not count, for a full deadline from then on.
#[test]
fn a_restart_in_the_middle_goes_on() {
    let mut world = three_with_data(5);
    world.restart(LOST, StoreStanding::Lost);
    world.pass(seconds(8));
    assert_eq!(world.records(LOST).len(), 1, "it is written down that the partition is unsettled");
    world.restart(LOST, StoreStanding::Kept);
    assert_eq!(answer(&mut world, LOST), ReadAnswer::Unknown);
    world.pass(seconds(9));
    assert_eq!(answer(&mut world, LOST), ReadAnswer::Unknown);
    assert!(world.until(seconds(20), is_settled));
}

/// It takes writes while it is unsettled, and nothing of that is lost.
#[test]
fn an_unsettled_replica_takes_writes() {
    let mut world = three_with_data(6);
    world.weather = Weather { lost: 20, twice: 20 };
    world.restart(LOST, StoreStanding::Lost);
    // It has to hear first at which collection round the others are.
    world.pass(seconds(5));
    assert!(!is_settled(&world));
    let (key, state) = (object("new"), EncodedState::of(&written(7, "new".into())));
    let message = ShardMessage::Replicate {
        request: RequestId::new(0, 1),
        footing: Footing::settled(RingVersion(2)),
        round: Round::default(),
        purpose: crate::message::Purpose::Write,
        key: key.clone(),
        state: state.clone(),
        acks: crate::message::AckWish::Durable,
    };
    world.step(LOST, Input::Peer { from: node(2), message });
    world.pass(seconds(60));
    world.weather = Weather::default();
    world.pass(seconds(90));
    for id in (1..=3).map(node) {
        let objects = world.objects(id);
        assert_eq!(objects.len(), 501);
        assert_eq!(objects.get(StoreKey::of(&key).as_bytes()), Some(state.as_bytes()));
    }
}

/// A founder without others has nobody to ask.
#[test]
fn an_only_owner_counts_at_once() {
    let mut world = World::new(1, 7);
    world.restart(LOST, StoreStanding::Lost);
    assert!(is_settled(&world));
    assert_eq!(answer(&mut world, LOST), ReadAnswer::State(None));
}
