use super::*;

fn parse(words: &str) -> Result<Options, Failure> {
    let words: Vec<Bytes> = std::iter::once("SCAN")
        .chain(words.split_whitespace())
        .map(|word| Bytes::copy_from_slice(word.as_bytes()))
        .collect();
    Options::parse(&words)
}

#[test]
fn a_cursor_is_the_upper_half_of_a_token_and_comes_before_all_that_have_it() {
    let token = Token::new(0x0123_4567_89ab_cdef_8000_0000_0000_0001);
    assert_eq!(upper(token), 0x0123_4567_89ab_cdef);
    let (begin, position) = beginning(upper(token));
    assert!(begin < token);
    let stored = ListPosition([&begin.to_be_bytes()[..], b"k"].concat().into());
    assert!(position < stored, "not even the first key is left out");
}

#[test]
fn options_are_checked_as_redis_checks_them() {
    let options = parse("18446744073709551615 match a* COUNT 99999999 TYPE STRING");
    let expected = Options {
        from: u64::MAX,
        pattern: Some("a*".into()),
        count: MOST_COUNT,
        is_of_strings: true,
    };
    assert_eq!(options, Ok(expected));
    assert_eq!(parse("0 TYPE hash").map(|options| options.is_of_strings), Ok(false));
    for (words, told) in [
        ("x", "invalid cursor"),
        ("-1", "invalid cursor"),
        ("18446744073709551616", "invalid cursor"),
        ("0 COUNT 0", "syntax error"),
        ("0 COUNT x", "value is not an integer or out of range"),
        ("0 MATCH", "syntax error"),
        ("0 LIMIT 5", "syntax error"),
    ] {
        assert_eq!(parse(words), Err(Failure::err(told)), "{words}");
    }
}
