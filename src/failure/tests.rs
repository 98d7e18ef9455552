use super::*;

fn broken(outcome: Outcome) -> ClientError {
    ClientError::Broken { endpoint: "http://n1:1".into(), cause: "reset".into(), outcome }
}

#[test]
fn a_write_in_doubt_is_never_called_a_failure() {
    let failure = Failure::from(broken(Outcome::Indeterminate));
    assert_eq!(failure.exit, Exit::Indeterminate);
    assert!(failure.cause.contains("may appear later"));
    assert!(failure.next.is_some());
}

#[test]
fn a_read_that_broke_is_a_failure() {
    assert_eq!(Failure::from(broken(Outcome::Refused)).exit, Exit::Failed);
}
