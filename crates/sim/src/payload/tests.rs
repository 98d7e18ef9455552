use super::*;

fn stored(call: u64, len: usize) -> Value {
    match payload(CallId(call), len) {
        Content::Value(value) => value,
        Content::Tombstone => unreachable!("a payload is a value"),
    }
}

#[test]
fn every_length_names_its_write() {
    for len in [0, 1, 7, 8, 9, 1000] {
        let value = stored(77, len);
        assert_eq!(value.bytes.len(), len);
        assert_eq!(author(&value), Ok(CallId(77)));
    }
}

#[test]
fn cut_and_mixed_values_are_recognised() {
    let mut cut = stored(5, 100);
    cut.bytes.truncate(99);
    assert!(author(&cut).is_err());
    let mut mixed = stored(5, 16);
    mixed.bytes = stored(6, 16).bytes;
    assert!(author(&mixed).is_err());
    let mut swapped = stored(5, 16);
    swapped.metadata = stored(6, 17).metadata;
    assert!(author(&swapped).is_err());
}
