use super::*;
use crate::register::tests::{base_of, successor};

const ME: NodeId = NodeId::new(1);

fn proposer(members: u64) -> Proposer {
    let base = base_of(members);
    let proposal = successor(&base, 1);
    let mut proposer = Proposer::new(ME, base, proposal, 4);
    let ballot = Ballot { round: 5, node: 1 };
    let prepare = ProposerStep::Broadcast(RegisterMessage::Prepare { ballot });
    assert_eq!(proposer.start(), prepare);
    proposer
}

fn promise(proposer: &mut Proposer, from: u64) -> ProposerStep {
    let message = RegisterMessage::Promise { ballot: proposer.ballot, accepted: None };
    proposer.on_message(NodeId::new(from), message)
}

fn accepted(proposer: &mut Proposer, from: u64) -> ProposerStep {
    let message = RegisterMessage::Accepted { ballot: proposer.ballot };
    proposer.on_message(NodeId::new(from), message)
}

fn refused(proposer: &mut Proposer, from: u64, round: u64) -> ProposerStep {
    let promised = Ballot { round, node: 2 };
    let message = RegisterMessage::Refused { ballot: proposer.ballot, promised };
    proposer.on_message(NodeId::new(from), message)
}

fn is_accept(step: &ProposerStep, mark: u64, members: u64) -> bool {
    matches!(
        step,
        ProposerStep::Broadcast(RegisterMessage::Accept { ring, .. })
            if *ring == successor(&base_of(members), mark)
    )
}

#[test]
fn majorities_of_odd_and_even_sizes() {
    for (members, needed) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4)] {
        let mut proposer = proposer(members);
        for from in 1..needed {
            assert_eq!(promise(&mut proposer, from), ProposerStep::Wait, "{members}");
        }
        assert!(is_accept(&promise(&mut proposer, needed), 1, members));
        for from in 1..needed {
            assert_eq!(accepted(&mut proposer, from), ProposerStep::Wait, "{members}");
        }
        let chosen = ProposerStep::Chosen(successor(&base_of(members), 1));
        assert_eq!(accepted(&mut proposer, needed), chosen);
        assert_eq!(accepted(&mut proposer, members), ProposerStep::Wait, "told once");
    }
}

#[test]
fn nobody_counts_twice_and_strangers_do_not_count() {
    let mut proposer = proposer(3);
    for from in [1, 1, 9, 9] {
        assert_eq!(promise(&mut proposer, from), ProposerStep::Wait);
    }
    assert!(is_accept(&promise(&mut proposer, 2), 1, 3));
    for from in [2, 2, 9, 9] {
        assert_eq!(accepted(&mut proposer, from), ProposerStep::Wait);
    }
    assert!(matches!(accepted(&mut proposer, 3), ProposerStep::Chosen(_)));
}

#[test]
fn its_own_promise_is_waited_for() {
    let mut proposer = proposer(5);
    for from in 2..=5 {
        assert_eq!(promise(&mut proposer, from), ProposerStep::Wait);
    }
    assert!(is_accept(&promise(&mut proposer, 1), 1, 5));
}

#[test]
fn what_was_accepted_under_the_highest_ballot_is_proposed_again() {
    let base = base_of(5);
    let mut proposer = proposer(5);
    for (from, round, mark) in [(2, 2, 12), (3, 3, 13)] {
        let told = Some((Ballot { round, node: 9 }, successor(&base, mark)));
        let message = RegisterMessage::Promise { ballot: proposer.ballot, accepted: told };
        assert_eq!(proposer.on_message(NodeId::new(from), message), ProposerStep::Wait);
    }
    assert!(is_accept(&promise(&mut proposer, 1), 13, 5));
    assert_eq!(accepted(&mut proposer, 1), ProposerStep::Wait);
    assert_eq!(accepted(&mut proposer, 2), ProposerStep::Wait);
    assert_eq!(accepted(&mut proposer, 3), ProposerStep::Chosen(successor(&base, 13)));
}

#[test]
fn a_refusal_is_told_once_and_the_next_ballot_is_above_all() {
    let mut proposer = proposer(3);
    assert_eq!(refused(&mut proposer, 2, 40), ProposerStep::Retry);
    assert_eq!(refused(&mut proposer, 3, 70), ProposerStep::Wait);
    let ballot = Ballot { round: 71, node: 1 };
    let prepare = ProposerStep::Broadcast(RegisterMessage::Prepare { ballot });
    assert_eq!(proposer.start(), prepare);
    assert_eq!(refused(&mut proposer, 2, 71), ProposerStep::Retry, "a new ballot, a new refusal");
}

#[test]
fn a_refusal_by_few_does_not_undo_the_votes_of_many() {
    let mut proposer = proposer(3);
    assert_eq!(promise(&mut proposer, 1), ProposerStep::Wait);
    assert!(is_accept(&promise(&mut proposer, 2), 1, 3));
    assert_eq!(refused(&mut proposer, 3, 40), ProposerStep::Retry);
    assert_eq!(accepted(&mut proposer, 1), ProposerStep::Wait);
    assert!(matches!(accepted(&mut proposer, 2), ProposerStep::Chosen(_)));
}

#[test]
fn messages_of_an_earlier_ballot_change_nothing() {
    let mut proposer = proposer(3);
    let old = proposer.ballot;
    let _ = proposer.start();
    for message in [
        RegisterMessage::Promise { ballot: old, accepted: None },
        RegisterMessage::Accepted { ballot: old },
        RegisterMessage::Refused { ballot: old, promised: Ballot { round: 99, node: 3 } },
    ] {
        for from in 1..=3 {
            let step = proposer.on_message(NodeId::new(from), message.clone());
            assert_eq!(step, ProposerStep::Wait);
        }
    }
}

#[test]
fn nothing_counts_before_the_start() {
    let base = base_of(1);
    let mut proposer = Proposer::new(ME, Arc::clone(&base), successor(&base, 1), 4);
    assert_eq!(promise(&mut proposer, 1), ProposerStep::Wait);
    assert_eq!(refused(&mut proposer, 1, 9), ProposerStep::Wait);
}
