use stator_core::object::{BucketName, Key, Metadata, Value};
use stator_core::quorum::QuorumOptions;
use stator_core::request::ClientReply;
use stator_core::request::{Precedence, PutOrder, RequestError};

use super::*;

fn key(name: &str) -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"b")).expect("a name");
    ObjectKey::new(bucket, Key::new(Bytes::copy_from_slice(name.as_bytes())).expect("a name"))
}

fn get(name: &str) -> Operation {
    Operation::Get { key: key(name), quorum: QuorumOptions::default() }
}

fn put(name: &str, value: &'static [u8]) -> Operation {
    let (bytes, metadata) = (Bytes::from_static(value), Metadata::default());
    Operation::Put(PutOrder {
        key: key(name),
        context: None,
        value: Content::Value(Value { bytes, metadata }),
        quorum: QuorumOptions::default(),
        precedence: Precedence::Newest,
    })
}

const REFUSED: ClientReply = Err(RequestError::Overloaded);

fn written() -> Done {
    let context = stator_core::context::SealedContext(Bytes::new());
    let answered = stator_core::request::Answered::default();
    Done::Written(stator_core::request::PutReply { context, answered })
}

fn at(minutes: u64) -> Instant {
    Instant::default().after(Duration::from_mins(minutes))
}

fn count(top: &Top, shard: u8, operation: &Operation, reply: &ClientReply, minutes: u64) {
    top.count(
        shard,
        &Request::of(operation).expect("one object"),
        reply.as_ref().ok(),
        at(minutes),
    );
}

fn counts(keys: &[TopKey]) -> Vec<(&str, u64)> {
    keys.iter().map(|key| (std::str::from_utf8(&key.key).expect("text"), key.count)).collect()
}

#[test]
fn reads_writes_and_bytes_of_all_shards_are_told_from_the_busiest_on() {
    let top = Top::new(2);
    for _ in 0..3 {
        count(&top, 0, &get("a"), &REFUSED, 0);
    }
    count(&top, 1, &get("b"), &REFUSED, 0);
    count(&top, 1, &put("b", b"12345"), &Ok(written()), 0);
    count(&top, 1, &put("b", b"12345"), &REFUSED, 0);
    count(&top, 0, &put("c", b"1"), &Ok(written()), 0);
    count(&top, 9, &get("a shard that is none"), &REFUSED, 0);
    let keys = top.keys(10, at(1));
    assert_eq!(counts(&keys.reads), [("a", 3), ("b", 1)]);
    assert_eq!(counts(&keys.writes), [("b", 2), ("c", 1)]);
    assert_eq!(counts(&keys.bytes), [("b", 5), ("c", 1)], "what is refused moves nothing");
    assert_eq!(counts(&top.keys(1, at(1)).reads), [("a", 3)]);
    assert_eq!(keys.span, Duration::from_mins(1));
}

#[test]
fn what_was_counted_is_forgotten_after_two_spans() {
    let top = Top::new(1);
    count(&top, 0, &get("old"), &REFUSED, 0);
    count(&top, 0, &get("new"), &REFUSED, 11);
    let keys = top.keys(10, at(12));
    assert_eq!(counts(&keys.reads).len(), 2);
    assert_eq!(keys.span, Duration::from_mins(11), "a minute, and the span before");
    assert_eq!(counts(&top.keys(10, at(22)).reads), [("new", 1)]);
    assert_eq!(counts(&top.keys(10, at(60)).reads), [], "nothing was asked since");
}

#[test]
fn long_names_are_cut() {
    let top = Top::new(1);
    count(&top, 0, &get(&"k".repeat(60_000)), &REFUSED, 0);
    count(&top, 0, &get("short"), &REFUSED, 0);
    let mut reads = top.keys(10, at(0)).reads;
    reads.sort_by_key(|key| key.is_cut);
    assert_eq!((reads[0].is_cut, reads[1].is_cut), (false, true));
    assert_eq!(reads[1].key.len(), NAME_BYTES);
    assert_eq!(reads[1].token, key(&"k".repeat(60_000)).token());
}
