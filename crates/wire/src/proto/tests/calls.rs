//! Calls of clients and their answers come back, and nothing that nodes say to each other is one.

use std::time::Duration;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use stator_core::bucket::{BucketProperties, FixedProperties, MutableProperties};
use stator_core::identity::ActorId;
use stator_core::object::ObjectDigest;
use stator_core::request::PutReply;
use stator_core::time::WallTime;
use stator_core::version::Dot;

use super::super::*;
use super::{clusters, encoded, values};
use crate::client::{Answer, ClientCall, NodeAnswer};
use crate::client::{Ask, CallError, Got, GotSibling, Large, NodeAddresses, RingPicture};

fn ask() -> BoxedStrategy<Ask> {
    let get = (values::object_key(), values::quorum(), option::of(values::sealed()));
    let put = (values::put_order(), option::of(values::duration()));
    let delete = (values::object_key(), values::quorum());
    prop_oneof![
        get.prop_map(|(key, quorum, seen)| Ask::Get { key, quorum, seen }),
        put.prop_map(|(order, ttl)| Ask::Put { order, ttl }),
        delete.prop_map(|(key, quorum)| Ask::Delete { key, quorum }),
        values::bucket().prop_map(Ask::Bucket),
        Just(Ask::Ring),
    ]
    .boxed()
}

pub(super) fn call() -> BoxedStrategy<ClientCall> {
    let timeout = any::<u32>().prop_map(|millis| Duration::from_millis(millis.into()));
    (1..u64::MAX, timeout, ask())
        .prop_map(|(id, timeout, ask)| ClientCall { id, timeout, ask })
        .boxed()
}

fn got() -> impl Strategy<Value = Got> {
    let sibling = (any::<u64>(), any::<u64>(), any::<u64>(), values::content()).prop_map(
        |(actor, counter, written_at, content)| GotSibling {
            dot: Dot { actor: ActorId::new(actor), counter },
            written_at: WallTime::from_millis(written_at),
            content,
        },
    );
    let digest = any::<[u8; 16]>().prop_map(ObjectDigest::new);
    (vec(sibling, 0..4), option::of(values::sealed()), digest, values::answered()).prop_map(
        |(siblings, context, digest, answered)| Got { siblings, context, digest, answered },
    )
}

fn properties() -> impl Strategy<Value = BucketProperties> {
    let fixed = (1..=u8::MAX, values::conflict_rule())
        .prop_map(|(n, conflicts)| FixedProperties { n, conflicts });
    let mutable = (values::quorum(), option::of(values::duration()), any::<u32>())
        .prop_map(|(quorum, ttl, max_siblings)| MutableProperties { quorum, ttl, max_siblings });
    (fixed, mutable).prop_map(|(fixed, mutable)| BucketProperties { fixed, mutable })
}

fn picture() -> impl Strategy<Value = RingPicture> {
    let addresses = ("[a-z0-9:.]{0,20}", "[a-z0-9:.]{0,20}")
        .prop_map(|(native, http)| NodeAddresses { native, http });
    (
        option::of(clusters::ring()),
        btree_map(values::node(), addresses, 0..4),
        btree_set(values::node(), 0..4),
        btree_map(values::bucket(), 1..=u8::MAX, 0..4),
    )
        .prop_map(|(ring, nodes, suspected, replicas)| RingPicture {
            ring,
            nodes,
            suspected,
            replicas,
        })
}

fn error() -> impl Strategy<Value = CallError> {
    let what = prop_oneof![Just(Large::Key), Just(Large::Object), Just(Large::Metadata)];
    prop_oneof![
        values::request_error().prop_map(CallError::Request),
        (what, ".{0,20}").prop_map(|(what, text)| CallError::TooLarge { what, text }),
        Just(CallError::Behind),
        ".{0,20}".prop_map(|text| CallError::NotUnderstood { text }),
        (".{0,20}", any::<u64>()).prop_map(|(text, taken)| CallError::Closing { text, taken }),
    ]
}

pub(super) fn answer() -> BoxedStrategy<NodeAnswer> {
    let written = (values::sealed(), values::answered())
        .prop_map(|(context, answered)| PutReply { context, answered });
    let outcome = prop_oneof![
        got().prop_map(|got| Ok(Answer::Got(got))),
        written.prop_map(|reply| Ok(Answer::Written(reply))),
        properties().prop_map(|properties| Ok(Answer::Bucket(properties))),
        picture().prop_map(|picture| Ok(Answer::Ring(Box::new(picture)))),
        error().prop_map(Err),
    ];
    (any::<u64>(), values::ring_version(), outcome)
        .prop_map(|(id, ring, outcome)| NodeAnswer { id, ring, outcome })
        .boxed()
}

proptest! {
    #[test]
    fn calls_come_back(call in call()) {
        prop_assert_eq!(decode_call(encoded(&call, encode_call)), Ok(call));
    }

    #[test]
    fn answers_come_back(answer in answer()) {
        prop_assert_eq!(decode_answer(encoded(&answer, encode_answer)), Ok(answer));
    }

    /// Whoever holds a client key may send what it likes: no message between nodes is a call.
    #[test]
    fn what_one_shard_says_to_another_is_no_call(message in values::shard_message()) {
        let refused = decode_call(encoded(&message, encode_shard)).unwrap_err();
        prop_assert_eq!(refused.id, None);
    }

    #[test]
    fn what_membership_says_is_no_call(message in clusters::membership_message()) {
        let refused = decode_call(encoded(&message, encode_membership)).unwrap_err();
        prop_assert_eq!(refused.id, None);
    }

    /// Nor is a call a message between nodes, should it ever come to where those are read.
    #[test]
    fn a_call_is_no_message_between_nodes(call in call()) {
        let bytes = encoded(&call, encode_call);
        prop_assert!(decode_shard(bytes.clone()).is_err());
        prop_assert!(decode_membership(bytes).is_err());
    }
}

#[test]
fn a_call_of_a_newer_kind_is_named_by_its_number() {
    let call = ClientCall { id: 7, timeout: Duration::from_secs(1), ask: Ask::Ring };
    let mut out = BytesMut::new();
    encode_call(&call, &mut out);
    // The number and the time come first; the kind that follows is replaced by another.
    let known = encoded(&call, encode_call).len();
    out.truncate(known - 3);
    prost::encoding::bytes::encode(999, &Bytes::from_static(b"new"), &mut out);
    let unreadable = decode_call(out.freeze()).unwrap_err();
    assert_eq!(unreadable.id, Some(7));
    assert!(unreadable.error.is_from_newer_version(), "{unreadable}");
}
