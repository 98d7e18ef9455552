use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::context::Context;
use crate::identity::ActorId;
use crate::object::{ConflictRule, Content, Metadata, ObjectState, Sibling, Value};
use crate::time::{Stamp, WallTime};
use crate::version::Dot;

/// What a client puts: none is a tombstone.
type Put = Option<(Vec<u8>, Vec<u8>)>;

/// Siblings of as many writers, none of whom has seen another.
fn state(puts: Vec<Put>) -> ObjectState {
    let mut state = ObjectState::default();
    for (writer, put) in (1_u64..).zip(puts) {
        let content = put.map_or(Content::Tombstone, |(name, bytes)| {
            let user = vec![(Bytes::from(name), Bytes::from_static(b"text"))];
            let expires_at = Some(WallTime::from_millis(writer * 1_000));
            let metadata = Metadata { content_type: Bytes::new(), user, expires_at };
            Content::Value(Value { bytes: bytes.into(), metadata })
        });
        let dot = Dot { actor: ActorId::new(writer * 7), counter: writer };
        let sibling = Sibling { dot, stamp: Stamp::from_bits(writer << 20), content };
        state.write(ConflictRule::Siblings, &Context::default(), sibling);
    }
    state
}

fn puts() -> impl Strategy<Value = Vec<Put>> {
    let text = || prop::collection::vec(any::<u8>(), 1..40);
    let bytes = || prop::collection::vec(any::<u8>(), 0..400);
    prop::collection::vec(prop::option::weighted(0.8, (text(), bytes())), 0..5)
}

proptest! {
    #[test]
    fn a_flipped_bit_anywhere_is_another_digest(puts in puts(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let encoded = state(puts).encode();
        let mut other = encoded.to_vec();
        other[at.index(encoded.len())] ^= 1_u8 << bit;
        prop_assert_ne!(ObjectDigest::of_encoded(&encoded), ObjectDigest::of_encoded(&other));
    }

    #[test]
    fn a_piece_cut_off_or_put_on_is_another_digest(puts in puts(), at in any::<prop::sample::Index>()) {
        let encoded = state(puts).encode();
        let digest = ObjectDigest::of_encoded(&encoded);
        prop_assert_ne!(digest, ObjectDigest::of_encoded(&encoded[..at.index(encoded.len())]));
        let longer = [&encoded[..], &[0]].concat();
        prop_assert_ne!(digest, ObjectDigest::of_encoded(&longer));
    }

    /// Dots are what tells states apart, so that they are under the cryptographic hash.
    #[test]
    fn values_alone_are_under_the_fast_hash(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let of = |bytes: &[u8]| condensed(&state(vec![Some((b"name".to_vec(), bytes.to_vec()))]).encode());
        let condensed = of(&bytes).expect("an encoding");
        prop_assert!(condensed.ends_with(&xxh3_128(&bytes).to_be_bytes()));
        let plain = state(vec![Some((b"name".to_vec(), bytes.clone()))]).encode();
        prop_assert_eq!(&condensed[..condensed.len() - 16], &plain[..plain.len() - bytes.len()]);
    }
}

/// Replicas of different builds must agree.
#[test]
fn the_digest_of_a_state_is_the_same_for_ever() {
    let puts = vec![Some((b"by".to_vec(), b"a value".to_vec())), None];
    let digest = ObjectDigest::of_encoded(&state(puts).encode());
    assert_eq!(digest.to_string(), "bc83611bda412154d8ed03d9ee94f6d7");
}
