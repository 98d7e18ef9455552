//! Whole owners that collect together: what is dropped, what is not, and what is refused.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use crate::collection::{CollectAnswer, CollectAsk, Round, Rounds};
use crate::context::Context;
use crate::effect::Input;
use crate::exchange::tests::world::{Disk, Weather, World, node, object, written};
use crate::identity::{ActorId, NodeId};
use crate::message::{
    AckStage, AckWish, EncodedState, ExchangeAsk, Purpose, ReplicateRefusal, RequestId,
    ShardMessage,
};
use crate::node::StoreStanding;
use crate::object::{ConflictRule, Content, ObjectState, Sibling};
use crate::ring::RingVersion;
use crate::store::Batch;
use crate::time::Stamp;
use crate::token::Partition;
use crate::transfer::Footing;
use crate::version::Dot;

/// Longer than until the first round, with some tries.
const ROUND: Duration = Duration::from_secs(50);

/// `before` and a delete that covers all of it.
fn deleted(mut before: ObjectState, actor: u64) -> ObjectState {
    let seen = Context::of(&before);
    let dot = Dot { actor: ActorId::new(actor), counter: 1 };
    let tombstone = Sibling { dot, stamp: Stamp::default(), content: Content::Tombstone };
    before.write(ConflictRule::Siblings, &seen, tombstone);
    before
}

fn value() -> ObjectState {
    written(1, Bytes::from_static(b"old"))
}

fn tombstone() -> EncodedState {
    EncodedState::of(&deleted(value(), 2))
}

fn three_with(state: &EncodedState, seed: u64) -> World {
    let mut world = World::new(3, seed);
    for owner in (1..=3).map(node) {
        world.store(owner, &object("k"), state);
    }
    world.start();
    world
}

/// Sends a node the state of `k` as it was read at `round`, and returns what it answers at once.
fn offer(
    world: &mut World,
    at: NodeId,
    state: &EncodedState,
    round: Round,
) -> Option<Result<AckStage, ReplicateRefusal>> {
    let message = ShardMessage::Replicate {
        request: RequestId::new(0, 7),
        footing: Footing::settled(RingVersion(2)),
        round,
        purpose: Purpose::Write,
        key: object("k"),
        state: state.clone(),
        acks: AckWish::ReceivedAndDurable,
    };
    let before = world.sent.len();
    world.step(at, Input::Peer { from: node(9), message });
    world.sent[before..].iter().find_map(|(_, _, message)| match message {
        ShardMessage::Replicated { stage, .. } => Some(*stage),
        _ => None,
    })
}

#[test]
fn a_tombstone_that_all_owners_hold_is_dropped_by_all() {
    let mut world = three_with(&tombstone(), 1);
    world.pass(ROUND);
    for owner in (1..=3).map(node) {
        assert!(world.objects(owner).is_empty(), "at {owner}");
    }
}

/// Age alone is never the reason.
#[test]
fn doomstones_a_tombstone_stays_while_an_owner_is_away() {
    let mut world = three_with(&tombstone(), 2);
    world.cut(node(3));
    world.pass(Duration::from_hours(1));
    assert_eq!(world.objects(node(1)).len(), 1);
    assert_eq!(world.objects(node(2)).len(), 1);
    world.restart(node(3), StoreStanding::Kept);
    world.pass(ROUND);
    assert!(world.objects(node(1)).is_empty() && world.objects(node(3)).is_empty());
}

#[test]
fn a_frame_from_before_a_collection_is_refused_and_brings_nothing_back() {
    let mut world = three_with(&tombstone(), 3);
    let old = EncodedState::of(&value());
    assert_eq!(offer(&mut world, node(2), &old, Round(0)), Some(Ok(AckStage::Durable)));
    world.pass(ROUND);
    let refused = Some(Err(ReplicateRefusal::EarlierRound));
    assert_eq!(offer(&mut world, node(2), &old, Round(0)), refused);
    assert!(world.objects(node(2)).is_empty());
    world.restart(node(2), StoreStanding::Kept);
    assert_eq!(offer(&mut world, node(2), &old, Round(0)), refused, "the round is durable");
}

#[test]
fn a_node_that_lost_its_store_takes_no_state_before_it_knows_the_round() {
    let mut world = three_with(&tombstone(), 4);
    world.pass(ROUND);
    let old = EncodedState::of(&value());
    world.restart(node(2), StoreStanding::Lost);
    let refused = Some(Err(ReplicateRefusal::EarlierRound));
    assert_eq!(offer(&mut world, node(2), &old, Round(0)), refused, "it knows no round yet");
    world.pass(Duration::from_secs(5));
    assert_eq!(offer(&mut world, node(2), &old, Round(0)), refused, "it knows the others' round");
    let taken = offer(&mut world, node(2), &old, Round(100));
    assert_eq!(taken, Some(Ok(AckStage::Received)), "and takes what was read at a later one");
}

#[test]
fn a_node_that_crashes_right_after_it_lost_its_store_still_knows_that_it_knows_no_round() {
    let mut world = three_with(&tombstone(), 8);
    world.pass(ROUND);
    world.restart(node(2), StoreStanding::Lost);
    // It dies before anything that it has written is on disk; its new store is found as it was left.
    world.restart(node(2), StoreStanding::Kept);
    let old = EncodedState::of(&value());
    let refused = Some(Err(ReplicateRefusal::EarlierRound));
    assert_eq!(offer(&mut world, node(2), &old, Round(0)), refused);
}

/// Otherwise one shard, told late of a round that another has long left, would write it back.
#[test]
fn a_shard_reads_the_rounds_of_its_own_partitions_only() {
    let (mut disk, mut batch) = (Disk::default(), Batch::new());
    Rounds::mark_unknown(&mut batch, [Partition::new(4), Partition::new(5)]);
    disk.write_now(batch);
    let mut rounds = Rounds::default();
    rounds.load(|partition| partition.get() % 2 == 1, &disk).expect("readable");
    assert_eq!(rounds.unknown().collect::<Vec<_>>(), [Partition::new(5)]);
}

/// Rounds of a partition are run by its first owner alone.
#[test]
fn nobody_agrees_to_the_round_of_one_who_runs_none() {
    let mut world = three_with(&tombstone(), 9);
    let ask = ShardMessage::Collect {
        request: RequestId::new(0, 902),
        ring: RingVersion(2),
        partition: Partition::new(0),
        round: Round(9),
        ask: CollectAsk::Agree(Vec::new()),
    };
    let before = world.sent.len();
    world.step(node(2), Input::Peer { from: node(3), message: ask });
    let answered = world.sent[before..].iter().find_map(|(_, _, message)| match message {
        ShardMessage::Collected { round, answer, .. } => Some((*round, answer.clone())),
        _ => None,
    });
    assert_eq!(answered, Some((Round(0), CollectAnswer::Declined)));
}

/// Otherwise an owner that is ahead, with an object set aside, could never heal it.
#[test]
fn an_owner_that_is_asked_by_one_at_a_later_round_rises_and_answers_at_that() {
    let mut world = three_with(&tombstone(), 7);
    let ask = ShardMessage::Exchange {
        request: RequestId::new(0, 901),
        ring: RingVersion(2),
        partition: Partition::new(0),
        round: Round(9),
        ask: ExchangeAsk::States(vec![object("k").token()]),
    };
    let before = world.sent.len();
    world.step(node(2), Input::Peer { from: node(3), message: ask });
    let answered = world.sent[before..].iter().find_map(|(_, _, message)| match message {
        ShardMessage::ExchangeAnswered { round, .. } => Some(*round),
        _ => None,
    });
    assert_eq!(answered, Some(Round(9)));
    let refused = Some(Err(ReplicateRefusal::EarlierRound));
    assert_eq!(offer(&mut world, node(2), &tombstone(), Round(8)), refused);
}

/// Where nobody knows the round any more, nothing is left that it kept out.
#[test]
fn owners_that_have_all_lost_their_stores_take_states_again() {
    let mut world = three_with(&tombstone(), 6);
    (1..=3).map(node).for_each(|owner| world.restart(owner, StoreStanding::Lost));
    world.pass(Duration::from_secs(5));
    let new = EncodedState::of(&value());
    assert_eq!(offer(&mut world, node(2), &new, Round(0)), Some(Ok(AckStage::Received)));
}

#[test]
fn entries_of_retired_ids_are_pruned_alike_everywhere() {
    let mut state = value();
    for actor in 10..20 {
        let seen = Context::of(&state);
        let dot = Dot { actor: ActorId::new(actor), counter: 3 };
        let content = written(1, Bytes::from_static(b"new")).siblings()[0].content.clone();
        state.write(
            ConflictRule::Siblings,
            &seen,
            Sibling { dot, stamp: Stamp::default(), content },
        );
    }
    assert_eq!(state.vector().len(), 11);
    let mut world = three_with(&EncodedState::of(&state), 5);
    world.pass(ROUND);
    let kept = world.objects(node(1));
    let bytes = kept.values().next().expect("the value stays").clone();
    let pruned = EncodedState::from_bytes(bytes).decode().expect("a state");
    assert_eq!(pruned.vector().entries(), [(ActorId::new(19), 3)]);
    assert_eq!(pruned.siblings(), state.siblings());
    assert!(world.objects(node(2)) == kept && world.objects(node(3)) == kept);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever has the value and whoever its delete, whatever is lost or comes twice, and whoever
    /// is killed: at the end the value is nowhere, and all are alike.
    #[test]
    fn what_was_deleted_does_not_come_back(
        held in prop::array::uniform3(0_u8..3),
        seed in any::<u64>(),
        lost in 0_u32..15,
        killed in 1_u64..=3,
        wiped in any::<bool>(),
        turns in 0_usize..400,
    ) {
        // A fault that destroys the only copy of the delete would leave nothing to promise.
        let deleted_at = |owner: u64| held[owner as usize - 1] == 2;
        prop_assume!((1..=3).any(|owner| deleted_at(owner) && !(wiped && owner == killed)));
        let mut world = World::new(3, seed);
        for (owner, held) in (1..=3).map(node).zip(held) {
            match held {
                0 => {}
                1 => world.store(owner, &object("k"), &EncodedState::of(&value())),
                _ => world.store(owner, &object("k"), &tombstone()),
            }
        }
        world.weather = Weather { lost, twice: 20 };
        world.start();
        world.pass(Duration::from_secs(20));
        (0..turns).for_each(|_| world.turn());
        let standing = if wiped { StoreStanding::Lost } else { StoreStanding::Kept };
        world.restart(node(killed), standing);
        world.pass(Duration::from_mins(1));
        world.weather = Weather::default();
        world.pass(Duration::from_mins(5));
        let (first, deleted) = (world.objects(node(1)), tombstone());
        for record in first.values() {
            prop_assert_eq!(record, deleted.as_bytes(), "the value came back");
        }
        for owner in [node(2), node(3)] {
            prop_assert_eq!(&world.objects(owner), &first);
        }
    }
}
