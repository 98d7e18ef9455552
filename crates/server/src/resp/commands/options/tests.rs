use super::*;

fn parse(words: &str, known: &[&'static str]) -> Result<Options, Failure> {
    let words: Vec<Bytes> =
        words.split_whitespace().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
    Options::parse(&words, known)
}

#[test]
fn words_are_read_in_any_case_and_order() {
    let options = parse("dw 1 W quorum Quorum STRICT timeout 50 TTL 60", PUTS).expect("they are");
    let quorum = QuorumOptions {
        w: Some(Level::Quorum),
        dw: Some(Level::Count(1)),
        mode: Some(QuorumMode::Strict),
        ..QuorumOptions::default()
    };
    assert_eq!(options.quorum, quorum);
    assert_eq!(options.timeout, Duration::from_millis(50));
    assert_eq!(options.ttl, Some(Duration::from_mins(1)));
    assert_eq!(parse("", READS).map(|options| options.timeout), Ok(DEFAULT_TIMEOUT));
}

#[test]
fn what_is_not_understood_is_refused() {
    for (words, known, told) in [
        ("WW 3", PUTS, "WW means nothing here"),
        ("W 3", READS, "W means nothing here"),
        ("TTL 3", DELETES, "TTL means nothing here"),
        ("R", READS, "R has no value"),
        ("R 1 r 2", READS, "R is there twice"),
        ("R x", READS, "R x: write a number of replicas"),
        ("R +1", READS, "R +1: write a number of replicas"),
        ("R 256", READS, "R 256: write a number of replicas"),
        ("QUORUM some", READS, "QUORUM some: write sloppy or strict"),
        ("TIMEOUT 0", READS, "TIMEOUT 0: write a whole number from 1 to 10000"),
        ("TIMEOUT 10001", READS, "TIMEOUT 10001: write a whole number from 1 to 10000"),
        ("TTL 0", PUTS, "TTL 0: write a whole number"),
    ] {
        let failure = parse(words, known).expect_err("it is wrong");
        assert!(failure.detail().starts_with(told), "{words}: {failure:?}");
    }
}
