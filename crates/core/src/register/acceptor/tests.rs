use super::*;
use crate::register::tests::{base_of, successor};

const FIRST: RingVersion = RingVersion(1);

fn ballot(round: u64, node: u64) -> Ballot {
    Ballot { round, node }
}

fn prepare(round: u64, node: u64) -> RegisterMessage {
    RegisterMessage::Prepare { ballot: ballot(round, node) }
}

fn accept(round: u64, node: u64) -> RegisterMessage {
    let ring = successor(&base_of(3), node);
    RegisterMessage::Accept { ballot: ballot(round, node), ring }
}

#[test]
fn promises_say_what_was_accepted() {
    let mut acceptor = Acceptor::default();
    let promise = RegisterMessage::Promise { ballot: ballot(1, 1), accepted: None };
    assert_eq!(acceptor.step(FIRST, &prepare(1, 1)), AcceptorReply::AfterSaving(promise));
    let accepted = RegisterMessage::Accepted { ballot: ballot(1, 1) };
    assert_eq!(acceptor.step(FIRST, &accept(1, 1)), AcceptorReply::AfterSaving(accepted));
    let told = Some((ballot(1, 1), successor(&base_of(3), 1)));
    let promise = RegisterMessage::Promise { ballot: ballot(1, 2), accepted: told };
    assert_eq!(acceptor.step(FIRST, &prepare(1, 2)), AcceptorReply::AfterSaving(promise));
}

#[test]
fn lower_ballots_are_refused_and_change_nothing() {
    let mut acceptor = Acceptor::default();
    let _ = acceptor.step(FIRST, &prepare(5, 2));
    let before = acceptor.votes().clone();
    for (message, low) in [
        (prepare(5, 1), ballot(5, 1)),
        (prepare(4, 9), ballot(4, 9)),
        (accept(5, 1), ballot(5, 1)),
        (accept(0, 0), ballot(0, 0)),
    ] {
        let refused = RegisterMessage::Refused { ballot: low, promised: ballot(5, 2) };
        assert_eq!(acceptor.step(FIRST, &message), AcceptorReply::AtOnce(refused));
    }
    assert_eq!(*acceptor.votes(), before);
}

#[test]
fn round_zero_is_never_voted_for() {
    let mut acceptor = Acceptor::default();
    assert!(matches!(acceptor.step(FIRST, &prepare(0, 0)), AcceptorReply::AtOnce(_)));
    assert!(matches!(acceptor.step(FIRST, &accept(0, 0)), AcceptorReply::AtOnce(_)));
    assert_eq!(acceptor.votes().accepted, None);
}

#[test]
fn a_vote_said_again_changes_nothing_and_still_waits_for_the_save() {
    let mut acceptor = Acceptor::default();
    for message in [prepare(1, 1), accept(1, 1)] {
        let first = acceptor.step(FIRST, &message);
        let votes = acceptor.votes().clone();
        assert_eq!(acceptor.step(FIRST, &message), first);
        assert!(matches!(first, AcceptorReply::AfterSaving(_)));
        assert_eq!(*acceptor.votes(), votes);
    }
    assert_eq!(acceptor.votes().sequence, 3, "a new register, a promise, an accept");
}

#[test]
fn an_accept_binds_like_a_promise() {
    let mut acceptor = Acceptor::default();
    let _ = acceptor.step(FIRST, &accept(7, 2));
    assert_eq!(acceptor.votes().promised, ballot(7, 2));
    assert!(matches!(acceptor.step(FIRST, &accept(7, 1)), AcceptorReply::AtOnce(_)));
}

#[test]
fn a_later_register_starts_afresh_and_an_earlier_one_gets_no_answer() {
    let mut acceptor = Acceptor::default();
    let _ = acceptor.step(FIRST, &accept(9, 1));
    let sequence = acceptor.votes().sequence;

    let promise = RegisterMessage::Promise { ballot: ballot(1, 1), accepted: None };
    let second = FIRST.next();
    assert_eq!(acceptor.step(second, &prepare(1, 1)), AcceptorReply::AfterSaving(promise));
    assert_eq!(acceptor.votes().base, second);
    assert!(acceptor.votes().sequence > sequence);

    let votes = acceptor.votes().clone();
    assert_eq!(acceptor.step(FIRST, &prepare(99, 1)), AcceptorReply::Stale);
    assert_eq!(acceptor.step(FIRST, &accept(99, 1)), AcceptorReply::Stale);
    assert_eq!(*acceptor.votes(), votes);
}

#[test]
fn a_ring_that_can_not_follow_is_not_voted_for() {
    let mut acceptor = Acceptor::default();
    let mut ring = Ring::clone(&successor(&base_of(3), 1));
    ring.version = RingVersion(3);
    let message = RegisterMessage::Accept { ballot: ballot(1, 1), ring: Arc::new(ring) };
    assert_eq!(acceptor.step(FIRST, &message), AcceptorReply::Ignored);
    assert_eq!(*acceptor.votes(), Votes::default());
}

#[test]
fn answers_are_not_for_acceptors() {
    let mut acceptor = Acceptor::default();
    let message = RegisterMessage::Accepted { ballot: ballot(1, 1) };
    assert_eq!(acceptor.step(FIRST, &message), AcceptorReply::Ignored);
}
