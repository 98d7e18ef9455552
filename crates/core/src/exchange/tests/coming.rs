//! A partition that comes to new owners (rule 17): pulled from enough old ones that have learned of
//! the ring, and confirmed.

use super::world::{Weather, World, node, object, written};
use super::*;
use crate::collection::Round;
use crate::effect::Input;
use crate::identity::NodeId;
use crate::message::{
    AckWish, Purpose, ReadAnswer, ReadWish, ReplicateRefusal, RequestId, ShardMessage,
};
use crate::ring::RingVersion;
use crate::transfer::{Footing, MoveLevel};

const NEW: [u64; 3] = [3, 4, 5];

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn learn_all(world: &mut World, nodes: std::ops::RangeInclusive<u64>, level: MoveLevel) {
    for id in nodes.map(node) {
        world.learn(id, &NEW, level);
    }
}

fn all_confirmed(world: &World) -> bool {
    NEW.iter().all(|&id| world.has_confirmed(node(id)))
}

/// What a node answers to a read of "key 1" by somebody on this footing.
fn answer(world: &mut World, at: NodeId, level: MoveLevel) -> ReadAnswer {
    let footing = Footing { ring: RingVersion(3), level };
    let (request, key) = (RequestId::new(0, 1), object("key 1"));
    let round = Round::default();
    let message = ShardMessage::Read { request, footing, round, key, wish: ReadWish::State };
    world.step(at, Input::Peer { from: node(9), message });
    let Some((_, _, ShardMessage::ReadAnswered { answer, .. })) = world.sent.last() else {
        panic!("a read is answered at once")
    };
    answer.clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is lost or comes twice, and whoever crashes: once all new owners have confirmed,
    /// each has everything that two of the three old ones had.
    #[test]
    fn who_confirms_has_all_that_old_owners_can_have_acknowledged(
        writes in prop::collection::vec((1_u64..=3, any::<u8>()), 0..80),
        seed in any::<u64>(),
        lost in 0_u32..15,
        crashes in prop::collection::vec((1_u64..=5, 1_u64..20), 0..4),
    ) {
        let mut world = World::with_others(5, seed);
        let two: Vec<(u64, u8)> =
            writes.iter().flat_map(|(at, name)| [(*at, *name), (at % 3 + 1, *name)]).collect();
        // The same write on two of the old owners, as if they had acknowledged it.
        let mut known: BTreeMap<(u64, u8), crate::object::ObjectState> = BTreeMap::new();
        for (number, pair) in two.chunks(2).enumerate() {
            let new = written(number as u64 + 1, format!("write {number}").into());
            for place in pair {
                let entry = known.entry(*place).or_default();
                *entry = std::mem::take(entry).merge(new.clone());
            }
        }
        let mut all: BTreeMap<ObjectKey, crate::object::ObjectState> = BTreeMap::new();
        for ((at, name), state) in &known {
            let key = object(&format!("key {name}"));
            world.store(node(*at), &key, &EncodedState::of(state));
            let entry = all.entry(key).or_default();
            *entry = std::mem::take(entry).merge(state.clone());
        }
        world.weather = Weather { lost, twice: 10 };
        world.start();
        learn_all(&mut world, 1..=5, MoveLevel::Both);
        for (who, after) in crashes {
            world.pass(seconds(after));
            world.restart(node(who), StoreStanding::Kept);
        }
        world.weather = Weather::default();
        prop_assert!(world.until(LONG, all_confirmed));
        for id in NEW.map(node) {
            let objects = world.objects(id);
            for (key, state) in &all {
                let bytes = objects.get(StoreKey::of(key).as_bytes()).expect("it was pulled");
                let (_, here) = crate::replica::decode_record(&StoreKey::of(key), bytes)
                    .expect("a whole record");
                let here = here.decode().expect("a state");
                prop_assert_eq!(here.clone().merge(state.clone()), here);
            }
        }
    }
}

fn five(seed: u64) -> World {
    let mut world = World::with_others(5, seed);
    for at in 1..=3 {
        for number in 0..40_u64 {
            let state = written(number + 1, Bytes::from_static(b"value"));
            world.store(node(at), &object(&format!("key {number}")), &EncodedState::of(&state));
        }
    }
    world.start();
    world.pass(seconds(5));
    world
}

#[test]
fn nobody_is_a_source_who_has_not_learned_of_the_ring() {
    let mut world = five(1);
    learn_all(&mut world, 3..=5, MoveLevel::Both);
    world.pass(seconds(200));
    assert!(!world.has_confirmed(node(4)), "only n3 has learned of it");
    world.learn(node(1), &NEW, MoveLevel::Both);
    world.pass(seconds(200));
    assert!(
        !world.has_confirmed(node(4)),
        "a request may have asked for w=1, and n2 alone have it"
    );
    world.learn(node(2), &NEW, MoveLevel::Both);
    assert!(world.until(seconds(200), all_confirmed));
}

#[test]
fn a_newcomer_answers_no_reads_until_it_has_confirmed() {
    let mut world = five(2);
    learn_all(&mut world, 4..=4, MoveLevel::Both);
    assert_eq!(answer(&mut world, node(4), MoveLevel::ReadNew), ReadAnswer::Unknown);
    learn_all(&mut world, 1..=3, MoveLevel::Both);
    assert!(world.until(seconds(200), |world| world.has_confirmed(node(4))));
    let here = answer(&mut world, node(4), MoveLevel::ReadNew);
    assert!(matches!(here, ReadAnswer::State(Some(_))));
}

#[test]
fn a_confirmation_outlives_a_crash_and_dies_with_the_store() {
    let mut world = five(3);
    learn_all(&mut world, 1..=5, MoveLevel::Both);
    assert!(world.until(seconds(200), all_confirmed));
    world.restart(node(4), StoreStanding::Kept);
    assert!(world.has_confirmed(node(4)));
    world.restart(node(4), StoreStanding::Lost);
    world.pass(seconds(8));
    assert!(!world.has_confirmed(node(4)), "what it had acknowledged may still be counted");
    assert!(world.until(seconds(200), all_confirmed));
}

/// Only other old owners know what one of them has lost.
#[test]
fn an_old_owner_that_loses_its_store_is_refilled_from_old_ones() {
    let mut world = five(7);
    for id in (1..=3).map(node) {
        world.learn(id, &NEW, MoveLevel::Both);
    }
    world.restart(node(1), StoreStanding::Lost);
    assert_eq!(answer(&mut world, node(1), MoveLevel::Both), ReadAnswer::Unknown);
    world.pass(seconds(100));
    let here = answer(&mut world, node(1), MoveLevel::Both);
    assert!(matches!(here, ReadAnswer::State(Some(_))));
}

/// At `ReadNew` writes may pass the old owners by: it is refilled from new ones (rule 19).
#[test]
fn a_new_owner_that_loses_its_store_late_is_refilled_from_new_ones() {
    let mut world = five(4);
    learn_all(&mut world, 1..=5, MoveLevel::Both);
    assert!(world.until(seconds(200), all_confirmed));
    learn_all(&mut world, 1..=5, MoveLevel::ReadNew);
    world.cut(node(1));
    world.cut(node(2));
    world.restart(node(4), StoreStanding::Lost);
    assert_eq!(answer(&mut world, node(4), MoveLevel::ReadNew), ReadAnswer::Unknown);
    world.pass(seconds(200));
    let here = answer(&mut world, node(4), MoveLevel::ReadNew);
    assert!(matches!(here, ReadAnswer::State(Some(_))));
}

#[test]
fn an_old_owner_takes_no_writes_of_the_old_ring_any_more() {
    let mut world = five(5);
    world.learn(node(1), &NEW, MoveLevel::Both);
    let state = EncodedState::of(&written(99, Bytes::from_static(b"late")));
    let message = ShardMessage::Replicate {
        request: RequestId::new(0, 7),
        footing: Footing::settled(RingVersion(2)),
        round: Round::default(),
        purpose: Purpose::Write,
        key: object("late"),
        state,
        acks: AckWish::Durable,
    };
    world.step(node(1), Input::Peer { from: node(2), message });
    let told = Footing { ring: RingVersion(3), level: MoveLevel::Both };
    let Some((_, _, ShardMessage::Replicated { stage, .. })) = world.sent.last() else {
        panic!("it is refused at once")
    };
    assert_eq!(*stage, Err(ReplicateRefusal::Behind(told)));
}

#[test]
fn no_round_is_agreed_to_while_the_partition_moves() {
    let mut world = five(6);
    world.learn(node(2), &NEW, MoveLevel::Both);
    let message = ShardMessage::Collect {
        request: RequestId::new(0, 7),
        ring: RingVersion(3),
        partition: crate::token::Partition::new(0),
        round: Round(1),
        ask: crate::collection::CollectAsk::Agree(Vec::new()),
    };
    world.step(node(2), Input::Peer { from: node(3), message });
    let declined = world.sent.iter().rev().find_map(|(_, _, said)| match said {
        ShardMessage::Collected { answer, .. } => Some(answer.clone()),
        _ => None,
    });
    assert_eq!(declined, Some(crate::collection::CollectAnswer::Declined));
}
