use super::*;

#[test]
fn times_are_written_as_both_standards_say() {
    let at = WallTime::from_millis(784_111_777_250);
    assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(rfc3339(at), "1994-11-06T08:49:37.250Z");
}

#[test]
fn a_time_beyond_the_year_9999_is_cut_rather_than_a_panic() {
    let at = WallTime::from_millis(u64::MAX);
    assert_eq!(http_date(at), "Fri, 31 Dec 9999 23:59:59 GMT");
    assert!(rfc3339(at).starts_with("9999-12-31T23:59:59"));
}
