//! Values: set, read, measured, several at a time.

use std::sync::Arc;
use std::time::Duration;

use stator_core::bucket::{BucketFact, FixedProperties, MutableProperties};
use stator_core::object::{ConflictRule, Content};
use stator_core::request::Operation;
use stator_core::time::Stamp;

use super::client::{Door, written};
use super::shelf::shelf;
use crate::fake::{Fake, ME, key};

const CONDITIONAL: &str =
    "acts on what it finds, which needs a linearizable bucket: `strong` buckets are not built yet";

#[tokio::test]
async fn what_was_set_is_what_is_read() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    talk.play(&[
        ("GET k", "nil"),
        ("STRLEN k", ":0"),
        ("SET k v1", "+OK"),
        ("GET k", "v1"),
        ("STRLEN k", ":2"),
        ("set k v2 get", "v1"),
        ("SET new v GET", "nil"),
        ("GETDEL k", "v2"),
        ("GETDEL k", "nil"),
        ("GET k", "nil"),
    ])
    .await;
    let bytes = b"\0\r\n\xff*1\r\n$0";
    talk.send(&written(&[b"SET", b"\xfe\0", bytes])).await;
    assert_eq!(talk.reply().await.as_deref(), Some("+OK"));
    talk.send(&written(&[b"GET", b"\xfe\0"])).await;
    assert_eq!(talk.reply().await, Some(bytes.escape_ascii().to_string()));
    assert_eq!(talk.ask(&["SET", "empty", ""]).await, "+OK");
    talk.play(&[("GET empty", ""), ("STRLEN empty", ":0"), ("EXISTS empty", ":1")]).await;
}

#[tokio::test]
async fn several_values_are_set_and_read_in_the_order_in_which_they_are_named() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    talk.play(&[
        ("MSET a 1 b 2 a 3", "+OK"),
        ("MGET b x a b", "[2, nil, 3, 2]"),
        ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
    ])
    .await;
    let many: Vec<String> = (0..500).map(|number| format!("key{number}")).collect();
    let mut set = vec!["MSET"];
    set.extend(many.iter().flat_map(|name| [name.as_str(), name.as_str()]));
    assert_eq!(talk.ask(&set).await, "+OK");
    let mut get = vec!["MGET"];
    get.extend(many.iter().map(String::as_str));
    assert_eq!(talk.ask(&get).await, format!("[{}]", many.join(", ")));
}

#[tokio::test]
async fn a_database_is_a_bucket_and_a_set_carries_no_context() {
    let fake = shelf();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    talk.play(&[
        ("SET k v", "+OK"),
        ("SELECT 15", "+OK"),
        ("GET k", "nil"),
        ("SET k w", "+OK"),
        ("SELECT 0", "+OK"),
        ("GET k", "v"),
    ])
    .await;
    let names: Vec<_> = fake
        .operations()
        .into_iter()
        .filter_map(|operation| match operation {
            Operation::Put(order) => {
                assert_eq!(order.context, None);
                Some(order.key)
            }
            _ => None,
        })
        .collect();
    assert_eq!(names, [key("redis.0", b"k"), key("redis.15", b"k")]);
}

#[tokio::test]
async fn what_would_need_linearizability_is_refused_and_writes_nothing() {
    let fake = shelf();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    for (line, what) in [
        ("SET k v NX", "SET NX"),
        ("SET k v EX 5 xx", "SET XX"),
        ("SETNX k v", "SETNX"),
        ("MSETNX k v", "MSETNX"),
        ("INCR k", "INCR"),
        ("incrby k 5", "INCRBY"),
        ("APPEND k v", "APPEND"),
        ("EXPIRE k 5 NX", "EXPIRE NX"),
        ("PEXPIRE k 5 gt", "PEXPIRE GT"),
    ] {
        assert_eq!(talk.say(line).await, format!("-ERR {what} {CONDITIONAL}"), "{line}");
    }
    assert!(fake.operations().is_empty());
}

#[tokio::test]
async fn options_that_contradict_each_other_are_refused() {
    let fake = shelf();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    for line in [
        "SET k v EX",
        "SET k v EX 1 PX 1",
        "SET k v KEEPTTL EX 1",
        "SET k v EX 1 KEEPTTL",
        "SET k v MORE",
        "GETEX k EX",
        "GETEX k EX 1 PERSIST",
        "GETEX k NOW",
    ] {
        assert_eq!(talk.say(line).await, "-ERR syntax error", "{line}");
    }
    assert!(fake.operations().is_empty());
}

#[tokio::test]
async fn values_of_a_bucket_that_expires_expire() {
    let fake = Fake::new();
    fake.set_view(|view| {
        let ttl = Some(Duration::from_mins(10));
        let fact = BucketFact {
            fixed: FixedProperties { n: 3, conflicts: ConflictRule::LastWriteWins },
            made: (Stamp::default(), ME),
            mutable: MutableProperties { ttl, ..MutableProperties::default() },
            changed: (Stamp::default(), ME),
        };
        Arc::make_mut(&mut view.buckets).insert(key("redis.0", b"k").bucket().clone(), fact);
    });
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    talk.play(&[("SET k v", "+OK"), ("MSET k v", "+OK"), ("SELECT 1", "+OK"), ("SET k v", "+OK")])
        .await;
    let expires: Vec<bool> = fake
        .operations()
        .into_iter()
        .map(|operation| match operation {
            Operation::Put(order) => match order.value {
                Content::Value(value) => value.metadata.expires_at.is_some(),
                Content::Tombstone => panic!("a value was set"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(expires, [true, true, false]);
}
