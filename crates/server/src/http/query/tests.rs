use super::*;
use crate::backend::DEFAULT_TIMEOUT;
use crate::http::problem::Intent;

fn slug(result: Result<impl std::fmt::Debug, Problem>) -> String {
    let document = result.expect_err("it must be refused").document(Intent::Read);
    let name = document.r#type;
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

fn parse(raw: &str) -> Result<Words, Problem> {
    Words::parse(raw.as_bytes(), OBJECT_WORDS)
}

#[test]
fn a_query_says_what_a_request_wants() {
    let words = parse("r=2&pr=one&w=quorum&pw=0&dw=all&node_confirms=%33&quorum=strict&timeout=50");
    let words = words.expect("all of it is known");
    let expected = QuorumOptions {
        r: Some(Level::Count(2)),
        pr: Some(Level::One),
        w: Some(Level::Quorum),
        pw: Some(Level::Count(0)),
        dw: Some(Level::All),
        node_confirms: Some(Level::Count(3)),
        mode: Some(QuorumMode::Strict),
    };
    assert_eq!(words.quorum().expect("it is well formed"), expected);
    assert_eq!(words.timeout(DEFAULT_TIMEOUT).expect("a number"), Duration::from_millis(50));
}

#[test]
fn what_is_not_said_is_left_to_the_bucket() {
    for raw in ["", "&&"] {
        let words = parse(raw).expect("it says nothing");
        assert_eq!(words.quorum().expect("nothing"), QuorumOptions::default());
        assert_eq!(words.timeout(DEFAULT_TIMEOUT).expect("nothing"), DEFAULT_TIMEOUT);
    }
}

#[test]
fn unknown_words_are_named_with_the_known_ones() {
    let problem = parse("W=3").expect_err("words are lower case").document(Intent::Read);
    let detail = problem.detail;
    assert!(detail.contains("W ") && detail.contains("node_confirms"), "{detail}");
    assert_eq!(slug(parse("w=2&x")), "query-unknown");
    assert_eq!(slug(Words::parse(b"a=1", &[])), "query-unknown");
}

#[test]
fn doubled_and_malformed_words_are_refused() {
    assert_eq!(slug(parse("w=1&w=1")), "query-invalid");
    assert_eq!(slug(parse("w=%f")), "query-invalid");
    assert_eq!(slug(parse("w=%ff")), "query-invalid");
    for raw in ["w=", "w", "w=two", "w=-1", "w=+1", "w=1.5", "r=1 ", "quorum=both", "quorum="] {
        assert_eq!(slug(parse(raw).and_then(|words| words.quorum())), "query-invalid", "{raw}");
    }
    for raw in ["timeout=0", "timeout=10001", "timeout=x", "timeout=", "timeout=-1"] {
        let timeout = parse(raw).and_then(|words| words.timeout(DEFAULT_TIMEOUT));
        assert_eq!(slug(timeout), "query-invalid", "{raw}");
    }
    let longest = parse("timeout=10000").and_then(|words| words.timeout(DEFAULT_TIMEOUT));
    assert_eq!(longest.expect("the bound is inclusive"), Duration::from_secs(10));
}

#[test]
fn more_replicas_than_any_bucket_has_is_impossible_rather_than_malformed() {
    for raw in ["w=256", "r=99999999999999999999999"] {
        let slug = slug(parse(raw).and_then(|words| words.quorum()));
        assert_eq!(slug, "impossible-quorum", "{raw}");
    }
}
