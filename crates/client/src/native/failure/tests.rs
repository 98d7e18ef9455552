use super::*;

fn error(error: RequestError) -> CallError {
    CallError::Request(error)
}

fn problem(error: &CallError, effect: Effect) -> Problem {
    match told(error, effect) {
        ClientError::Problem(problem) => *problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn doubt_stays_doubt_and_is_never_asked_again() {
    let doubt = error(RequestError::Indeterminate { needed: 2, acked: 1 });
    let told = problem(&doubt, Effect::Write);
    assert_eq!((told.status, told.outcome), (504, Outcome::Indeterminate));
    assert_eq!(Again::of(&doubt, Effect::Write), Again::Never);
}

#[test]
fn what_was_refused_for_the_moment_may_be_asked_elsewhere() {
    for refused in [RequestError::Overloaded, RequestError::NotMember, RequestError::DiskReserve] {
        let refused = error(refused);
        assert_eq!(problem(&refused, Effect::Write).outcome, Outcome::Refused);
        assert_eq!(Again::of(&refused, Effect::Write), Again::Anywhere);
    }
}

#[test]
fn what_is_wrong_with_the_request_is_wrong_everywhere() {
    let too_many = error(RequestError::TooManySiblings { siblings: 101, max: 100 });
    let too_large = CallError::TooLarge { what: Large::Object, text: "large".to_owned() };
    for (wrong, status) in [(too_many, 429), (too_large, 413)] {
        assert_eq!(Again::of(&wrong, Effect::Write), Again::Never);
        let told = problem(&wrong, Effect::Write);
        assert_eq!((told.status, told.outcome), (status, Outcome::Refused));
    }
}

/// A delete without a context reads first: what it could not read it has not written.
#[test]
fn a_write_that_could_not_read_is_refused() {
    let late = error(RequestError::ReadTimeout { needed: 2, answered: 1 });
    let told = problem(&late, Effect::Write);
    assert_eq!((told.status, told.outcome), (503, Outcome::Refused));
    assert_eq!(problem(&late, Effect::Read).status, 504);
}

#[test]
fn a_reader_that_has_seen_more_asks_others() {
    assert_eq!(Again::of(&CallError::Behind, Effect::Read), Again::Anywhere);
    assert!(told(&CallError::Behind, Effect::Read).is_retryable());
}
