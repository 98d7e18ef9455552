use super::*;

fn read(status: u16, body: &str, effect: Effect) -> Problem {
    let status = StatusCode::from_u16(status).expect("a status");
    Problem::read(status, &HeaderMap::new(), body.as_bytes(), effect)
}

#[test]
fn a_document_is_read_whole() {
    let body = r#"{"type":"https://stator.invalid/problems/context-invalid","title":"T",
                   "status":400,"detail":"D","outcome":"refused"}"#;
    let problem = read(400, body, Effect::Write);
    assert_eq!((problem.slug.as_str(), problem.title.as_str()), ("context-invalid", "T"));
    assert_eq!(problem.outcome, Outcome::Refused);
    assert_eq!(problem.to_string(), "D (400 context-invalid)");
    assert!(problem.advice().is_some_and(|advice| advice.contains("get the object")));
}

#[test]
fn without_an_outcome_the_status_decides_and_doubt_stays_doubt() {
    assert_eq!(read(503, "busy", Effect::Write).outcome, Outcome::Refused);
    assert_eq!(read(413, "", Effect::Write).outcome, Outcome::Refused);
    assert_eq!(read(504, "", Effect::Write).outcome, Outcome::Indeterminate);
    assert_eq!(read(500, "", Effect::Write).outcome, Outcome::Indeterminate);
    assert_eq!(read(504, "", Effect::Read).outcome, Outcome::Refused);
}

#[test]
fn what_is_no_document_is_shown_as_it_is() {
    let problem = read(502, "<html>bad gateway</html>", Effect::Read);
    assert_eq!(problem.to_string(), "<html>bad gateway</html> (502)");
    assert_eq!(read(502, "", Effect::Read).to_string(), "Bad Gateway (502)");
}
