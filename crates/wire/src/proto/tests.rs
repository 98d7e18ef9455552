//! Every message comes back as it was sent, and whatever else comes is a typed error.

mod calls;
mod clusters;
mod errors;
mod refused;
mod values;

use bytes::{BufMut, Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::Index;
use proptest::{prop_assert_eq, proptest};
use stator_core::collection::Round;
use stator_core::merkle::LeafIndex;
use stator_core::message::{
    AckWish, EncodedState, ExchangeAsk, MAX_LEAVES_ASKED, MAX_STATES_ASKED, Purpose, RequestId,
};
use stator_core::object::{BucketName, Key, ObjectKey};
use stator_core::ring::RingVersion;
use stator_core::token::{Partition, Token};
use stator_core::transfer::Footing;

use super::*;

fn encoded<T>(value: &T, encode: fn(&T, &mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    encode(value, &mut out);
    out.freeze()
}

/// The encoding of a message of either lane, or of a file.
fn any_encoding() -> impl Strategy<Value = Bytes> {
    proptest::prop_oneof![
        values::shard_message().prop_map(|message| encoded(&message, encode_shard)),
        clusters::membership_message().prop_map(|message| encoded(&message, encode_membership)),
        clusters::votes().prop_map(|votes| encoded(&votes, encode_votes)),
        clusters::ring().prop_map(|ring| encoded(&ring, encode_ring)),
        calls::call().prop_map(|call| encoded(&call, encode_call)),
        calls::answer().prop_map(|answer| encoded(&answer, encode_answer)),
    ]
}

/// One change to some bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
}

impl Mutation {
    fn any() -> impl Strategy<Value = Self> {
        proptest::prop_oneof![
            (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Self::Set(at, byte)),
            (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Self::Insert(at, byte)),
            any::<Index>().prop_map(Self::Remove),
            any::<Index>().prop_map(Self::Cut),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Set(at, byte) => *at.get_mut(bytes) = *byte,
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Self::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}

/// Decodes as everything. What is taken for a message must be one that can be sent again, and it
/// must come back the same: nothing was let through that the core could not have made.
fn decode_as_everything(bytes: &Bytes) {
    if let Ok(message) = decode_shard(bytes.clone()) {
        assert_eq!(decode_shard(encoded(&message, encode_shard)), Ok(message));
    }
    if let Ok(message) = decode_membership(bytes.clone()) {
        assert_eq!(decode_membership(encoded(&message, encode_membership)), Ok(message));
    }
    if let Ok(votes) = decode_votes(bytes.clone()) {
        assert_eq!(decode_votes(encoded(&votes, encode_votes)), Ok(votes));
    }
    if let Ok(facts) = decode_facts(bytes.clone()) {
        assert_eq!(decode_facts(encoded(&facts, encode_facts)), Ok(facts));
    }
    if let Ok(ring) = decode_ring(bytes.clone()) {
        assert_eq!(decode_ring(encoded(&ring, encode_ring)), Ok(ring));
    }
    if let Ok(call) = decode_call(bytes.clone()) {
        assert_eq!(decode_call(encoded(&call, encode_call)), Ok(call));
    }
    if let Ok(answer) = decode_answer(bytes.clone()) {
        assert_eq!(decode_answer(encoded(&answer, encode_answer)), Ok(answer));
    }
}

proptest! {
    #[test]
    fn shard_messages_come_back(message in values::shard_message()) {
        prop_assert_eq!(decode_shard(encoded(&message, encode_shard)), Ok(message));
    }

    #[test]
    fn membership_messages_come_back(message in clusters::membership_message()) {
        prop_assert_eq!(decode_membership(encoded(&message, encode_membership)), Ok(message));
    }

    #[test]
    fn rings_come_back(ring in clusters::ring()) {
        prop_assert_eq!(decode_ring(encoded(&ring, encode_ring)), Ok(ring));
    }

    #[test]
    fn facts_come_back(facts in clusters::facts()) {
        prop_assert_eq!(decode_facts(encoded(&facts, encode_facts)), Ok(facts));
    }

    #[test]
    fn votes_come_back(votes in clusters::votes()) {
        prop_assert_eq!(decode_votes(encoded(&votes, encode_votes)), Ok(votes));
    }

    #[test]
    fn what_is_there_before_stays(message in values::shard_message(), before in values::bytes(9)) {
        let mut out = BytesMut::from(&before[..]);
        encode_shard(&message, &mut out);
        let message = out.split_off(before.len()).freeze();
        prop_assert_eq!(out.freeze(), before);
        prop_assert_eq!(encoded(&decode_shard(message.clone()).unwrap(), encode_shard), message);
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in vec(any::<u8>(), 0..400)) {
        decode_as_everything(&bytes.into());
    }

    #[test]
    fn changed_messages_are_a_value_or_an_error(
        bytes in any_encoding(),
        mutations in vec(Mutation::any(), 1..6),
    ) {
        let mut bytes = bytes.to_vec();
        for mutation in &mutations {
            mutation.apply(&mut bytes);
        }
        decode_as_everything(&bytes.into());
    }

    #[test]
    fn a_field_that_a_newer_version_added_is_skipped(message in values::shard_message()) {
        let mut out = BytesMut::new();
        encode_shard(&message, &mut out);
        prost::encoding::bytes::encode(999, &Bytes::from_static(b"new"), &mut out);
        prop_assert_eq!(decode_shard(out.freeze()), Ok(message));
    }
}

#[test]
fn a_kind_that_a_newer_version_added_is_named_as_such() {
    let mut out = BytesMut::new();
    prost::encoding::bytes::encode(999, &Bytes::from_static(b"new"), &mut out);
    let bytes = out.freeze();
    let shard = decode_shard(bytes.clone()).unwrap_err();
    assert_eq!(shard, WireError::UnknownKind { field: "shard_message.kind" });
    assert!(shard.is_from_newer_version());
    let membership = decode_membership(bytes).unwrap_err();
    assert_eq!(membership, WireError::UnknownKind { field: "membership_message.kind" });
}

#[test]
fn keys_and_states_share_the_bytes_of_their_frame() {
    let state = Bytes::from(vec![7; 100_000]);
    let sent = ShardMessage::Replicate {
        request: RequestId::new(3, 4),
        footing: Footing::settled(RingVersion(5)),
        round: Round(6),
        purpose: Purpose::Repair,
        key: ObjectKey::new(
            BucketName::new(Bytes::from_static(b"carts")).unwrap(),
            Key::new(Bytes::from_static(b"alice")).unwrap(),
        ),
        state: EncodedState::from_bytes(state),
        acks: AckWish::Durable,
    };
    let frame = encoded(&sent, encode_shard);
    let ShardMessage::Replicate { key, state, .. } = decode_shard(frame.clone()).unwrap() else {
        panic!("another kind of message came back");
    };
    let within = frame.as_ptr_range();
    for part in [key.bucket().as_bytes(), key.key().as_bytes(), state.as_bytes()] {
        assert!(within.contains(&part.as_ptr()), "{} bytes were copied", part.len());
    }
}

#[test]
fn a_large_ring_is_small() {
    let ring = large_ring();
    let encoded = encoded(&ring, encode_ring);
    assert!(encoded.len() < 4 * 4096 + 1024, "{} bytes", encoded.len());
    assert_eq!(decode_ring(encoded), Ok(ring));
}

/// Twenty members, 4096 partitions, three replicas.
fn large_ring() -> Ring {
    use stator_core::identity::{ClusterId, NodeId};
    use stator_core::ring::{Member, Walks, Weight};
    use stator_core::token::PartitionCount;

    let member = |number: u64| Member {
        name: format!("n{number}"),
        zone: format!("rack-{}", number % 4),
        weight: Weight::DEFAULT,
    };
    let node = |number: u64| NodeId::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let replicas = |partition: u64| (0..3).map(|next| node((partition + next) % 20)).collect();
    let partitions = PartitionCount::new(4096).unwrap();
    let founded = Ring::found(ClusterId::new(9), partitions, 3, node(0), member(0));
    Ring {
        walks: Walks::default(),
        members: (0..20).map(|number| (node(number), member(number))).collect(),
        table: (0..4096).map(replicas).collect(),
        ..founded
    }
}

/// A list may claim any length; what is allocated for it must follow what was sent.
#[test]
fn a_claimed_length_reserves_nothing() {
    for tag in 1..=9_u32 {
        let mut out = BytesMut::new();
        prost::encoding::encode_key(tag, prost::encoding::WireType::LengthDelimited, &mut out);
        prost::encoding::encode_varint(u64::from(u32::MAX), &mut out);
        out.put_slice(&[0; 16]);
        let bytes = out.freeze();
        assert!(matches!(
            decode_shard(bytes.clone()),
            Err(WireError::Malformed(_) | WireError::UnknownKind { .. })
        ));
        assert!(matches!(decode_membership(bytes), Err(WireError::Malformed(_))));
    }
}

/// A step of an exchange names no more than one may ask for, however many bytes were sent.
#[test]
fn an_exchange_that_asks_for_too_much_is_refused() {
    let exchange = |ask| ShardMessage::Exchange {
        request: RequestId::new(1, 1),
        ring: RingVersion(2),
        partition: Partition::new(3),
        round: Round(4),
        ask,
    };
    let refused = |ask| {
        let bytes = encoded(&exchange(ask), encode_shard);
        matches!(decode_shard(bytes), Err(WireError::Length { .. }))
    };
    let leaf = LeafIndex::new(0).unwrap();
    assert!(!refused(ExchangeAsk::Items(vec![leaf; MAX_LEAVES_ASKED])));
    assert!(refused(ExchangeAsk::Items(vec![leaf; MAX_LEAVES_ASKED + 1])));
    assert!(!refused(ExchangeAsk::States(vec![Token::new(0); MAX_STATES_ASKED])));
    assert!(refused(ExchangeAsk::States(vec![Token::new(0); MAX_STATES_ASKED + 1])));
}
