use super::*;

fn read(format: KeyFormat, text: &str) -> Option<Vec<u8>> {
    format.read(OsStr::new(text)).ok().map(|bytes| bytes.to_vec())
}

#[test]
fn each_format_gives_the_bytes_it_stands_for() {
    assert_eq!(read(KeyFormat::Raw, "a%41"), Some(b"a%41".to_vec()));
    assert_eq!(read(KeyFormat::Percent, "a%41/%ff"), Some(b"aA/\xff".to_vec()));
    assert_eq!(read(KeyFormat::Hex, "00fF41"), Some(b"\x00\xffA".to_vec()));
}

#[test]
fn half_bytes_and_other_letters_are_refused() {
    for text in ["%4", "%", "%zz", "a%g0"] {
        assert_eq!(read(KeyFormat::Percent, text), None, "{text}");
    }
    for text in ["0", "abc", "0x00", "zz"] {
        assert_eq!(read(KeyFormat::Hex, text), None, "{text}");
    }
}

#[test]
fn what_is_shown_can_be_given_back() {
    let key: Vec<u8> = (0..=255).collect();
    assert_eq!(read(KeyFormat::Percent, &show(&key)), Some(key));
    assert_eq!(show(b"carts/alice 1"), "carts/alice 1");
}
