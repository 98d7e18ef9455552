use super::*;

fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    split(line).map(|words| words.into_iter().map(|word| word.to_vec()).collect())
}

#[test]
fn words_are_what_redis_would_make_of_the_line() {
    let told: &[(&[u8], &[&[u8]])] = &[
        (b"", &[]),
        (b"  \t ", &[]),
        (b"GET key", &[b"GET", b"key"]),
        (b"  SET  k\tv  ", &[b"SET", b"k", b"v"]),
        (br#"SET k "a b""#, &[b"SET", b"k", b"a b"]),
        (br#"SET k "\x41\n\"\\\q""#, &[b"SET", b"k", b"A\n\"\\q"]),
        (br#"SET k "\x4g""#, &[b"SET", b"k", b"x4g"]),
        (br"SET k 'it\'s \n'", &[b"SET", b"k", br"it's \n"]),
        (br#"SET k """#, &[b"SET", b"k", b""]),
        (br#"SET pre"fix ed""#, &[b"SET", b"prefix ed"]),
        (b"\xff\0 x", &[b"\xff\0", b"x"]),
    ];
    for (line, expected) in told {
        let expected: Vec<Vec<u8>> = expected.iter().map(|word| word.to_vec()).collect();
        assert_eq!(words(line), Some(expected), "{}", line.escape_ascii());
    }
}

#[test]
fn quotes_that_do_not_match_are_refused() {
    for line in [&b"SET k \"v"[..], b"SET k 'v", b"\"a\"b", b"'a'\"b\"", b"\"\\\"", b"'"] {
        assert_eq!(words(line), None, "{}", line.escape_ascii());
    }
}
