use super::*;
use proptest::prelude::*;

fn number(bytes: &[u8]) -> Result<u64, DecodeError> {
    let mut reader = Reader::new(Bytes::copy_from_slice(bytes));
    let number = reader.number()?;
    reader.end()?;
    Ok(number)
}

fn written(value: u64) -> Bytes {
    let mut out = BytesMut::new();
    put_number(&mut out, value);
    out.freeze()
}

proptest! {
    #[test]
    fn numbers_come_back_in_as_many_bytes_as_they_need(value: u64, shift in 0_u32..64) {
        let value = value >> shift;
        let encoded = written(value);
        prop_assert_eq!(number(&encoded), Ok(value));
        let bits = (64 - value.leading_zeros()).max(1) as usize;
        prop_assert_eq!(encoded.len(), bits.div_ceil(7));
    }

    /// The buffer is made once: never too small for what is common, never much too large.
    #[test]
    fn the_size_hint_is_enough_and_not_much_more(
        counters in prop::collection::vec(1_u64.., 1..20),
        sizes in prop::collection::vec(prop::option::of(0_usize..3000), 0..6),
        content_type in 0_usize..40,
    ) {
        let entries = counters.iter().zip(1..).map(|(&counter, actor)| (ActorId::new(actor), counter));
        let vector = VersionVector::from_entries(entries);
        let dots = vector.entries().iter().map(|&(actor, counter)| Dot { actor, counter });
        let siblings: Vec<Sibling> = dots
            .zip(&sizes)
            .map(|(dot, size)| {
                let content = size.map_or(Content::Tombstone, |size| {
                    let content_type = Bytes::from(vec![b'a'; content_type]);
                    let metadata = Metadata { content_type, ..Metadata::default() };
                    Content::Value(Value { bytes: Bytes::from(vec![7; size]), metadata })
                });
                Sibling { dot, stamp: Stamp::default(), content }
            })
            .collect();
        let (entries, count) = (vector.len(), siblings.len());
        let state = ObjectState { rule: ConflictRule::Siblings, siblings, vector };
        let (hint, len) = (state.encoded_size_hint(), state.encode().len());
        prop_assert!(hint >= len, "a hint of {hint} for {len} bytes");
        prop_assert!(hint <= len + 16 + 9 * entries + 48 * count, "a hint of {hint} for {len} bytes");
    }
}

#[test]
fn the_largest_number_fits_and_one_bit_more_does_not() {
    let largest = written(u64::MAX);
    assert_eq!(number(&largest), Ok(u64::MAX));
    let mut larger = largest.to_vec();
    *larger.last_mut().expect("ten bytes") = 2;
    assert_eq!(number(&larger), Err(DecodeError::NotCanonical("a number is too large")));
}

#[test]
fn a_number_that_could_be_shorter_is_refused() {
    let longer = DecodeError::NotCanonical("a number is not in its shortest form");
    assert_eq!(number(&[0x80, 0x00]), Err(longer));
    assert_eq!(number(&[0xff, 0x80, 0x00]), Err(longer));
    assert_eq!(number(&[0x00]), Ok(0));
}

#[test]
fn a_declared_count_is_bounded_by_the_bytes_that_are_there() {
    let count = |declared: u8, left: usize, least: usize| {
        let mut bytes = vec![declared];
        bytes.resize(1 + left, 0);
        Reader::new(Bytes::from(bytes)).count(least)
    };
    assert_eq!(count(2, 18, 9), Ok(2));
    assert_eq!(count(2, 17, 9), Err(DecodeError::Truncated));
    assert_eq!(count(1, 0, 1), Err(DecodeError::Truncated));
}

fn state(rule: ConflictRule, dots: &[(u64, u64)], seen: &[(u64, u64)]) -> ObjectState {
    let dot = |&(actor, counter): &(u64, u64)| Dot { actor: ActorId::new(actor), counter };
    let sibling =
        |at| Sibling { dot: dot(at), stamp: Stamp::default(), content: Content::Tombstone };
    let entries = seen.iter().map(|&(actor, counter)| (ActorId::new(actor), counter));
    let vector = VersionVector::from_entries(entries);
    ObjectState { rule, siblings: dots.iter().map(sibling).collect(), vector }
}

#[test]
fn both_rules_come_back() {
    for rule in [ConflictRule::Siblings, ConflictRule::LastWriteWins] {
        let state = state(rule, &[(1, 2)], &[(1, 2), (3, 1)]);
        assert_eq!(ObjectState::decode(&state.encode()), Ok(state));
    }
}

/// Each of these would let two states that differ have one digest, or break a rule of merging.
#[test]
fn states_that_no_replica_can_have_are_refused() {
    use ConflictRule::{LastWriteWins, Siblings};
    let refused = |state: ObjectState| ObjectState::decode(&state.encode()).is_err();
    assert!(!refused(state(Siblings, &[(1, 2), (1, 3), (2, 1)], &[(1, 3), (2, 1)])));
    assert!(refused(state(Siblings, &[(1, 2)], &[(1, 1)])), "a sibling it has not seen");
    assert!(refused(state(Siblings, &[(1, 2)], &[])), "a sibling of an unknown actor");
    assert!(refused(state(Siblings, &[(1, 0)], &[(1, 1)])), "a dot that nobody mints");
    assert!(refused(state(Siblings, &[(1, 2), (1, 2)], &[(1, 2)])), "a sibling twice");
    assert!(refused(state(Siblings, &[(2, 1), (1, 2)], &[(1, 2), (2, 1)])), "out of order");
    assert!(refused(state(LastWriteWins, &[(1, 2), (2, 1)], &[(1, 2), (2, 1)])), "two of one");
}

#[test]
fn metadata_comes_back_and_is_refused_out_of_order() {
    let with = |names: &[&'static str]| {
        let text = |name: &&'static str| (Bytes::from_static(name.as_bytes()), Bytes::new());
        let user = names.iter().map(text).collect();
        let metadata = Metadata { user, ..Metadata::default() };
        let content = Content::Value(Value { bytes: Bytes::new(), metadata });
        let mut state = state(ConflictRule::Siblings, &[(1, 1)], &[(1, 1)]);
        state.siblings[0].content = content;
        state
    };
    let sorted = with(&["a", "b", "c"]);
    assert_eq!(ObjectState::decode(&sorted.encode()), Ok(sorted));
    for names in [["b", "a"], ["a", "a"]] {
        let refused = ObjectState::decode(&with(&names).encode());
        assert_eq!(refused, Err(DecodeError::NotCanonical("metadata is out of order")));
    }
}
