use std::ops::RangeBounds;

use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::{prop_assert_eq, prop_oneof, strategy::Just, strategy::Strategy};

use super::*;

#[test]
fn the_successor_of_a_prefix() {
    assert_eq!(successor(b"a").as_deref(), Some(&b"b"[..]));
    assert_eq!(successor(b"a\xff\xff").as_deref(), Some(&b"b"[..]));
    assert_eq!(successor(b"a\xff\x00").as_deref(), Some(&b"a\xff\x01"[..]));
    assert_eq!(successor(b"\xff\xff"), None);
    assert_eq!(successor(b""), None);
}

#[test]
fn a_range_that_ends_before_it_begins_is_empty() {
    let range = KeyRange { from: Bytes::from_static(b"c"), to: Bytes::from_static(b"a") };
    assert_eq!(bounds(&range), None);
}

/// Short keys of few byte values, so that prefixes and 0xFF meet often.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0x00), Just(0x01), Just(0xfe), Just(0xff), any::<u8>()];
    vec(byte, 0..4)
}

proptest! {
    #[test]
    fn bounds_hold_exactly_what_the_range_contains(from in key(), to in key(), probe in key()) {
        let range = KeyRange { from: from.into(), to: to.into() };
        let probe = Bytes::from(probe);
        let held = bounds(&range).is_some_and(|bounds| bounds.contains(&probe));
        prop_assert_eq!(held, range.contains(&probe));
    }
}
