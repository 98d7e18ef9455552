use super::*;

fn refused() -> Failure {
    Failure::refused("too few")
}

fn doubt() -> Failure {
    Failure::indeterminate("too late")
}

#[test]
fn all_dealt_with_is_how_many_changed() {
    assert_eq!(together([Ok(true), Ok(false), Ok(true)]), Ok(2));
    assert_eq!(together([]), Ok(0));
}

#[test]
fn nothing_written_and_no_doubt_is_a_refusal() {
    assert_eq!(together([Err(refused()), Err(refused())]), Err(refused()));
    assert_eq!(together([Ok(false), Err(refused())]), Err(refused()));
    assert_eq!(together([Err(doubt())]), Err(doubt()));
}

#[test]
fn some_written_or_in_doubt_is_never_called_refused() {
    for outcomes in [
        vec![Ok(true), Err(refused())],
        vec![Err(refused()), Err(doubt())],
        vec![Ok(true), Err(doubt()), Err(refused())],
    ] {
        let failure = together(outcomes.clone()).expect_err("not all were dealt with");
        assert!(failure.is_indeterminate(), "{outcomes:?}: {failure:?}");
    }
}
