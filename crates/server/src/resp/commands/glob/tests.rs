use super::*;

#[test]
fn patterns_match_as_in_redis() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything", true),
        ("**", "a", true),
        ("cart:*", "cart:1", true),
        ("cart:*", "art:1", false),
        ("*:1", "cart:1:1", true),
        ("*a*b*", "xxaxxbxx", true),
        ("*a*b*", "xxbxxa", false),
        ("h?llo", "hello", true),
        ("h?llo", "hllo", false),
        ("h[ae]llo", "hallo", true),
        ("h[ae]llo", "hillo", false),
        ("h[^e]llo", "hello", false),
        ("h[^e]llo", "hallo", true),
        ("h[a-c]llo", "hbllo", true),
        ("h[c-a]llo", "hbllo", true),
        ("[a-]", "-", false),
        ("[\\]]", "]", true),
        ("[abc", "b", true),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("a\\", "a\\", true),
        ("*[0-9]", "k7", true),
    ] {
        assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
    }
    assert!(matches(b"\xff?", b"\xff\0"));
}

#[test]
fn many_stars_take_no_longer_than_pattern_times_text() {
    let pattern = b"a*".repeat(2_000);
    assert!(!matches(&[&pattern[..], b"b"].concat(), &b"a".repeat(10_000)));
}
