use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Event {
    Ask(u8),
    Received(u8),
    Durable(u8),
    Failed(u8),
}

fn event() -> impl Strategy<Value = Event> {
    (0_u8..4, 0_u8..5).prop_map(|(kind, node)| match kind {
        0 => Event::Ask(node),
        1 => Event::Received(node),
        2 => Event::Durable(node),
        _ => Event::Failed(node),
    })
}

fn node(number: u8) -> NodeId {
    NodeId::new(u64::from(number))
}

fn apply(tally: &mut Tally, event: Event) {
    match event {
        Event::Ask(n) => {
            let role = if n < 3 { Role::Primary } else { Role::Fallback };
            tally.ask(node(n), role);
        }
        Event::Received(n) => tally.received(node(n)),
        Event::Durable(n) => tally.durable(node(n)),
        Event::Failed(n) => tally.failed(node(n)),
    }
}

proptest! {
    /// Rule 8: W acks from different nodes (one counts once), of which dw durable and pw primary.
    #[test]
    fn enough_means_that_all_conditions_hold(
        events in prop::collection::vec(event(), 0..30),
        total in 1_u8..4, primaries in 0_u8..4, durable in 0_u8..4,
    ) {
        let needs = Needs { total, primaries, durable };
        let mut tally = Tally::new(needs);
        for event in events {
            let before = tally.verdict();
            apply(&mut tally, event);
            let answered = tally.answered(3, 3);
            let met = answered.total() >= total
                && answered.primaries >= primaries
                && answered.durable >= durable;
            prop_assert_eq!(tally.verdict() == Verdict::Enough, met);
            // What was enough stays enough: an answer is never taken back.
            if before == Verdict::Enough {
                prop_assert_eq!(tally.verdict(), Verdict::Enough);
            }
        }
    }

    /// Impossible is said only if no further answer of those who were asked could help.
    #[test]
    fn impossible_means_that_no_answer_could_help(
        events in prop::collection::vec(event(), 0..30), total in 1_u8..4, durable in 0_u8..4,
    ) {
        let needs = Needs { total, primaries: 0, durable: durable.min(total) };
        let mut tally = Tally::new(needs);
        for event in events {
            apply(&mut tally, event);
        }
        let mut hopeful = tally.clone();
        let could_help: Vec<NodeId> = (0..5)
            .map(node)
            .filter(|n| tally.of(*n).is_some_and(|entry| entry.standing >= Standing::Waiting))
            .collect();
        for n in could_help {
            hopeful.durable(n);
        }
        let possible = hopeful.verdict() == Verdict::Enough;
        prop_assert_eq!(tally.verdict() == Verdict::Impossible, !possible);
    }
}

#[test]
fn one_node_counts_once() {
    let mut tally = Tally::new(Needs { total: 2, primaries: 0, durable: 2 });
    tally.ask(node(0), Role::Primary);
    tally.ask(node(1), Role::Primary);
    for _ in 0..3 {
        tally.durable(node(0));
    }
    assert_eq!(tally.verdict(), Verdict::Waiting);
    tally.durable(node(1));
    assert_eq!(tally.verdict(), Verdict::Enough);
}

#[test]
fn an_answer_from_someone_who_was_not_asked_counts_for_nothing() {
    let mut tally = Tally::new(Needs { total: 1, primaries: 0, durable: 0 });
    tally.ask(node(0), Role::Primary);
    tally.durable(node(9));
    assert_eq!(tally.verdict(), Verdict::Waiting);
}

/// A hint goes home and is deleted: what its owner and its fallback both said is one copy. Seed 243
/// of the simulator once lost a write that two such answers had made out to be safe.
#[test]
fn a_primary_and_its_stand_in_count_once() {
    let mut tally = Tally::new(Needs { total: 2, primaries: 0, durable: 2 });
    tally.ask(node(0), Role::Primary);
    tally.ask(node(1), Role::Primary);
    tally.ask_to_stand_in(node(2), node(0));
    tally.durable(node(2));
    tally.durable(node(0));
    assert_eq!(tally.verdict(), Verdict::Waiting);
    assert_eq!((tally.answered(3, 3).primaries, tally.answered(3, 3).fallbacks), (1, 0));
    tally.durable(node(1));
    assert_eq!(tally.verdict(), Verdict::Enough);
}

/// Whoever fails a place has not failed it while another one may still fill it.
#[test]
fn a_place_is_hopeful_while_either_may_answer() {
    let mut tally = Tally::new(Needs { total: 1, primaries: 0, durable: 1 });
    tally.ask(node(0), Role::Primary);
    tally.ask_to_stand_in(node(2), node(0));
    tally.failed(node(0));
    assert_eq!(tally.verdict(), Verdict::Waiting);
    tally.durable(node(2));
    assert_eq!(tally.verdict(), Verdict::Enough);
    assert_eq!((tally.answered(3, 3).primaries, tally.answered(3, 3).fallbacks), (0, 1));
}
