//! The answering side is asked for what no honest peer asks for.

use super::world::{World, node};
use super::*;
use crate::effect::Input;
use crate::merkle::{BranchSet, LEAVES};
use crate::message::MAX_LEAVES_ASKED;
use crate::message::MAX_STATES_ASKED;
use crate::ring::RingVersion;
use crate::token::Token;

fn answer_to(partition: u32, ask: ExchangeAsk) -> ExchangeAnswer {
    let mut world = World::new(2, 1);
    fill(&mut world, 2, 10);
    world.start();
    world.pass(Duration::from_secs(10));
    world.sent.clear();
    let message = ShardMessage::Exchange {
        request: RequestId::new(0, 1),
        ring: RingVersion(2),
        partition: Partition::new(partition),
        round: crate::collection::Round::default(),
        ask,
    };
    world.step(node(1), Input::Peer { from: node(2), message });
    let answers = world.sent.iter().filter_map(|(_, _, message)| match message {
        ShardMessage::ExchangeAnswered { answer, .. } => Some(answer.clone()),
        _ => None,
    });
    answers.last().expect("every ask is answered")
}

#[test]
fn an_owner_answers_and_says_how_much() {
    let root = ExchangeAsk::Root(TreeSum::default());
    assert!(matches!(answer_to(0, root), ExchangeAnswer::Branches(sums) if sums.len() == 64));
    let leaves = ExchangeAsk::Leaves(BranchSet(0b101));
    assert!(matches!(answer_to(0, leaves), ExchangeAnswer::Leaves(sums) if sums.len() == 128));
    let states = ExchangeAsk::States(vec![object("key 1").token(), object("unknown").token()]);
    let ExchangeAnswer::States { answered, states } = answer_to(0, states) else {
        panic!("states were asked for")
    };
    assert_eq!((answered, states.len()), (2, 1));
}

#[test]
fn a_partition_that_nobody_has_is_not_ready() {
    let root = ExchangeAsk::Root(TreeSum::default());
    assert_eq!(answer_to(1, root.clone()), ExchangeAnswer::NotReady);
    assert_eq!(answer_to(u32::MAX, root), ExchangeAnswer::NotReady);
}

#[test]
fn as_much_as_the_bounds_allow_is_answered() {
    let leaves = (0..LEAVES as u16).filter_map(LeafIndex::new);
    let items = ExchangeAsk::Items(leaves.take(MAX_LEAVES_ASKED).collect());
    assert!(matches!(answer_to(0, items), ExchangeAnswer::Items(_)));
    let states = ExchangeAsk::States(vec![Token::new(1); MAX_STATES_ASKED]);
    assert!(matches!(answer_to(0, states), ExchangeAnswer::States { .. }));
}

#[test]
fn more_than_the_bounds_is_not_answered() {
    let leaves = (0..LEAVES as u16).filter_map(LeafIndex::new);
    let many = leaves.take(MAX_LEAVES_ASKED + 1).collect();
    assert_eq!(answer_to(0, ExchangeAsk::Items(many)), ExchangeAnswer::NotReady);
    let many = vec![Token::new(1); MAX_STATES_ASKED + 1];
    assert_eq!(answer_to(0, ExchangeAsk::States(many)), ExchangeAnswer::NotReady);
}
