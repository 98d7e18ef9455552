//! Messages that decode as protobuf and are none that the core could have made: each is refused
//! with the field's name.

use prost::encoding::{WireType, encode_key, encode_varint};
use stator_core::identity::{ClusterId, NodeId};
use stator_core::ring::{Member, Weight};
use stator_core::token::PartitionCount;

use super::*;

/// Builds protobuf by hand.
#[derive(Clone, Default)]
struct Proto(BytesMut);

impl Proto {
    fn number(mut self, tag: u32, value: u64) -> Self {
        encode_key(tag, WireType::Varint, &mut self.0);
        encode_varint(value, &mut self.0);
        self
    }

    fn fixed(mut self, tag: u32, value: u64) -> Self {
        encode_key(tag, WireType::SixtyFourBit, &mut self.0);
        self.0.put_u64_le(value);
        self
    }

    fn bytes(mut self, tag: u32, bytes: &[u8]) -> Self {
        encode_key(tag, WireType::LengthDelimited, &mut self.0);
        encode_varint(bytes.len() as u64, &mut self.0);
        self.0.put_slice(bytes);
        self
    }

    fn message(self, tag: u32, message: Self) -> Self {
        self.bytes(tag, &message.0)
    }

    fn shard(self) -> WireError {
        decode_shard(self.0.freeze()).unwrap_err()
    }

    fn ring(self) -> WireError {
        decode_ring(self.0.freeze()).unwrap_err()
    }

    fn facts(self) -> WireError {
        decode_facts(self.0.freeze()).unwrap_err()
    }
}

fn proto() -> Proto {
    Proto::default()
}

fn named(error: &WireError) -> String {
    error.to_string().split_whitespace().next().unwrap_or_default().to_owned()
}

#[test]
fn names_out_of_bounds() {
    let replicate = |bucket: &[u8], key: &[u8]| {
        proto().message(1, proto().bytes(3, bucket).bytes(4, key).number(6, 1)).shard()
    };
    assert!(matches!(replicate(b"", b"k"), WireError::Name { field: "replicate.key", .. }));
    assert!(matches!(replicate(b"b", b""), WireError::Name { field: "replicate.key", .. }));
    let long = vec![b'x'; BucketName::MAX_LEN + 1];
    assert!(matches!(replicate(&long, b"k"), WireError::Name { .. }));
    let long = vec![b'x'; Key::MAX_LEN + 1];
    assert!(matches!(replicate(b"b", &long), WireError::Name { .. }));
}

#[test]
fn words_that_nobody_knows() {
    let acks = |word| proto().message(1, proto().bytes(3, b"b").bytes(4, b"k").number(6, word));
    assert!(decode_shard(acks(1).0.freeze()).is_ok());
    for word in [0, 3] {
        let field = "replicate.acks";
        assert_eq!(acks(word).shard(), WireError::UnknownValue { field, value: word });
    }
    let stage = proto().message(2, proto().number(2, 9)).shard();
    assert_eq!(stage, WireError::UnknownValue { field: "replicated.stage", value: 9 });
    let refusal = proto().message(2, proto().number(3, 9)).shard();
    assert_eq!(refusal, WireError::UnknownValue { field: "replicated.refusal", value: 9 });
    let wish = proto().message(3, proto().bytes(3, b"b").bytes(4, b"k").number(5, 9)).shard();
    assert_eq!(wish, WireError::UnknownValue { field: "read.wish", value: 9 });
}

#[test]
fn answers_of_a_wrong_shape() {
    let digest = proto().message(4, proto().bytes(4, &[1; 15])).shard();
    let field = "read_answered.digest";
    assert_eq!(digest, WireError::Length { field, found: 15, expected: 16 });
    let answer = proto().message(4, proto().fixed(1, 1)).shard();
    assert_eq!(answer, WireError::UnknownKind { field: "read_answered.answer" });
    let sums = proto().number(1, 200).number(2, 100);
    let reply = proto().message(6, proto().message(2, proto().message(2, sums))).shard();
    assert_eq!(named(&reply), "answered.fallbacks");
    let name = proto().bytes(3, b"quux");
    let failed = proto().message(6, proto().message(3, proto().message(2, name))).shard();
    assert_eq!(failed, WireError::UnknownKind { field: "impossible_quorum.name" });
    let error = proto().message(6, proto().message(3, proto().number(77, 1))).shard();
    assert_eq!(error, WireError::UnknownKind { field: "request_error.kind" });
}

/// A put of a value with these metadata names, with `nanos` left of its deadline.
fn forward(names: &[&[u8]], nanos: u64) -> Proto {
    let value = names.iter().fold(proto(), |value, name| value.message(3, proto().bytes(1, name)));
    let order = proto()
        .bytes(1, b"b")
        .bytes(2, b"k")
        .message(4, proto().message(1, value))
        .message(5, proto());
    proto().message(5, proto().message(3, order).message(4, proto().number(2, nanos)))
}

#[test]
fn puts_that_would_mint_what_nobody_can_decode() {
    assert!(decode_shard(forward(&[b"a", b"b"], 0).0.freeze()).is_ok());
    for names in [[b"b", b"a"], [b"a", b"a"]] {
        let error = forward(&names.map(|name| &name[..]), 0).shard();
        assert_eq!(error, WireError::Disordered { field: "value.user" });
    }
    assert_eq!(named(&forward(&[], 1_000_000_000).shard()), "forward_put.remaining");
    let empty = proto().message(5, proto().message(4, proto())).shard();
    assert_eq!(empty, WireError::Missing { field: "forward_put.order" });
}

#[test]
fn listings_out_of_bounds() {
    let list = |partition, limit| {
        let order =
            proto().bytes(1, b"b").number(2, partition).number(4, limit).message(5, proto());
        proto().message(7, proto().message(3, order))
    };
    let most = u64::from(PartitionCount::MAX);
    assert!(decode_shard(list(most - 1, 1).0.freeze()).is_ok());
    assert_eq!(named(&list(most, 1).shard()), "list_order.partition");
    assert_eq!(named(&list(0, 0).shard()), "list_order.limit");
    let entry = proto().bytes(2, b"b").bytes(3, b"k").bytes(4, b"garbage");
    let page = proto().message(8, proto().message(2, proto().message(1, entry))).shard();
    assert!(matches!(page, WireError::State { field: "list_entry.outline", .. }));
}

/// A ring of two members, two partitions and two replicas, with a table of our choice.
fn ring(table: &[u8]) -> Proto {
    let member = |node| proto().fixed(1, node).number(4, 1);
    proto()
        .bytes(1, &[0; 16])
        .number(3, 2)
        .number(4, 2)
        .message(5, member(10))
        .message(5, member(20))
        .bytes(7, table)
}

#[test]
fn tables_that_are_none() {
    let decoded = decode_ring(ring(&[1, 2, 0, 2, 0]).0.freeze()).unwrap();
    let (a, b) = (NodeId::new(10), NodeId::new(20));
    assert_eq!(decoded.table, [vec![a, b], vec![b]]);
    let short = ring(&[1, 2, 0]).ring();
    assert_eq!(short, WireError::Length { field: "ring.table", found: 1, expected: 2 });
    let long = ring(&[1, 0, 1, 0, 1, 0]).ring();
    assert_eq!(long, WireError::Length { field: "ring.table", found: 3, expected: 2 });
    assert_eq!(named(&ring(&[1, 0, 1, 0, 1]).ring()), "ring.table");
    assert_eq!(named(&ring(&[]).ring()), "ring.table");
    assert_eq!(named(&ring(&[0, 1, 0]).ring()), "ring.table.replicas");
    assert_eq!(named(&ring(&[1, 3, 0, 1, 0]).ring()), "ring.table.place");
    assert_eq!(named(&ring(&[1, 1, 0, 1, 0]).ring()), "ring.table.replicas");
    assert_eq!(named(&ring(&[1, 2, 1, 0, 1, 0]).ring()), "ring.table.replicas");
}

#[test]
fn rings_out_of_bounds() {
    let whole = || ring(&[1, 0, 2, 0]);
    assert!(decode_ring(whole().0.freeze()).is_ok());
    assert!(matches!(whole().number(4, 3).ring(), WireError::Partitions(_)));
    let many = u64::from(PartitionCount::MAX) * 2;
    assert!(matches!(whole().number(4, many).ring(), WireError::Partitions(_)));
    assert_eq!(named(&whole().number(3, 0).ring()), "ring.replicas");
    assert_eq!(named(&whole().number(3, 256).ring()), "ring.replicas");
    assert_eq!(named(&whole().bytes(1, &[0; 17]).ring()), "ring.cluster");
    let removed = whole().fixed(6, 20).ring();
    assert_eq!(removed, WireError::Disordered { field: "ring.removed" });
    let twice = whole().message(5, proto().fixed(1, 20).number(4, 1)).ring();
    assert_eq!(twice, WireError::Disordered { field: "ring.members" });
    let weight = whole().message(5, proto().fixed(1, 30).number(4, 10_001)).ring();
    assert_eq!(named(&weight), "member.weight");
}

#[test]
fn facts_that_contradict_themselves() {
    let node = || proto().fixed(1, 7).message(2, proto());
    let twice = proto().message(2, node()).message(2, node()).facts();
    assert_eq!(twice, WireError::Disordered { field: "facts.nodes" });
    let version = proto().message(2, proto().fixed(1, 7)).facts();
    assert_eq!(version, WireError::Missing { field: "node_fact.version" });
    let leave = proto().message(2, proto());
    let staged = proto().number(2, 2).message(3, proto()).message(4, leave);
    let slot = proto().message(3, staged).facts();
    assert_eq!(slot, WireError::WrongSlot { field: "staged.change" });
    let unknown = proto().message(3, proto().number(2, 9)).facts();
    assert_eq!(unknown, WireError::UnknownValue { field: "staged.slot", value: 9 });
    let bucket =
        proto().message(4, proto().bytes(1, b"b").message(2, proto().number(2, 1))).facts();
    assert_eq!(named(&bucket), "bucket_fact.n");
}

/// The core's own rule, which encoding rests on.
#[test]
fn a_founded_ring_can_be_sent() {
    let member = Member { name: "n1".into(), zone: String::new(), weight: Weight::DEFAULT };
    let count = PartitionCount::new(256).unwrap();
    let ring = Ring::found(ClusterId::new(1), count, 3, NodeId::new(1), member);
    assert_eq!(decode_ring(encoded(&ring, encode_ring)), Ok(ring));
}
