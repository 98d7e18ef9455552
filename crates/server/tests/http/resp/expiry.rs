//! When values expire: absolute, part of the version, absent for everybody once it is over.

use std::time::{SystemTime, UNIX_EPOCH};

use stator_core::object::{Content, Metadata, ObjectState, Value};
use stator_core::request::{Operation, Precedence, RequestError};
use stator_core::time::WallTime;

use super::client::{Door, Talk};
use super::shelf::{read_only, shelf};
use crate::fake::{expired, key, state};

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis() as u64
}

async fn number(talk: &mut Talk, line: &str) -> i64 {
    talk.say(line).await[1..].parse().expect("a number")
}

#[tokio::test]
async fn each_form_names_the_moment_at_which_the_value_expires() {
    let fake = shelf();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    let (seconds, millis) = (now() / 1000 + 100, now() + 100_000);
    for line in [
        "SET k v EX 100",
        "SET k v PX 100000",
        "SETEX k 100 v",
        "PSETEX k 100000 v",
        &format!("SET k v EXAT {seconds}"),
        &format!("SET k v PXAT {millis}"),
    ] {
        assert_eq!(talk.say(line).await, "+OK", "{line}");
        assert!((90..=100).contains(&number(&mut talk, "TTL k").await), "{line}");
        assert!((90_000..=100_000).contains(&number(&mut talk, "PTTL k").await), "{line}");
        assert_eq!(talk.say("GET k").await, "v");
    }
    let writes = fake.operations();
    let Some(Operation::Put(last)) =
        writes.iter().rev().find(|operation| matches!(operation, Operation::Put(_)))
    else {
        panic!("{writes:?}")
    };
    let Content::Value(value) = &last.value else { panic!("{last:?}") };
    assert_eq!(value.metadata.expires_at.map(WallTime::as_millis), Some(millis));
}

#[tokio::test]
async fn a_value_keeps_its_expiry_only_if_that_is_asked_for() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    talk.play(&[
        ("TTL k", ":-2"),
        ("PTTL k", ":-2"),
        ("SET k v", "+OK"),
        ("TTL k", ":-1"),
        ("PTTL k", ":-1"),
        ("PERSIST k", ":0"),
        ("EXPIRE k 100", ":1"),
        ("SET k w KEEPTTL", "+OK"),
        ("GET k", "w"),
    ])
    .await;
    assert!(number(&mut talk, "TTL k").await > 90);
    talk.play(&[("PERSIST k", ":1"), ("TTL k", ":-1"), ("PEXPIRE k 100000", ":1")]).await;
    assert!(number(&mut talk, "TTL k").await > 90);
    talk.play(&[("SET k x", "+OK"), ("TTL k", ":-1"), ("GETEX k EX 100", "x")]).await;
    assert!(number(&mut talk, "TTL k").await > 90);
    talk.play(&[("GETEX k", "x"), ("GETEX k PERSIST", "x"), ("TTL k", ":-1")]).await;
    talk.play(&[("GETEX x EX 5", "nil"), ("EXPIRE x 5", ":0"), ("PERSIST x", ":0")]).await;
}

#[tokio::test]
async fn a_moment_that_has_passed_deletes() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    for line in ["EXPIRE k 0", "EXPIRE k -5", "PEXPIRE k 0"] {
        talk.play(&[("SET k v", "+OK"), (line, ":1"), ("EXISTS k", ":0"), ("TTL k", ":-2")]).await;
    }
    talk.play(&[("SET k v EXAT 1", "+OK"), ("GET k", "nil")]).await;
    talk.play(&[("SET k v", "+OK"), ("GETEX k PXAT 1", "v"), ("GET k", "nil")]).await;
    for (line, told) in [
        ("SET k v EX 0", "-ERR invalid expire time in 'set' command"),
        ("SET k v PX -1", "-ERR invalid expire time in 'set' command"),
        ("SETEX k 0 v", "-ERR invalid expire time in 'setex' command"),
        ("PSETEX k x v", "-ERR value is not an integer or out of range"),
        ("GETEX k EX 0", "-ERR invalid expire time in 'getex' command"),
        ("EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command"),
        ("EXPIRE k 1 2", "-ERR Unsupported option 2"),
        ("EXPIRE k soon", "-ERR value is not an integer or out of range"),
    ] {
        assert_eq!(talk.say(line).await, told, "{line}");
    }
}

/// An expired value is absent to every command, and none brings it back: a command that needs a
/// value writes nothing.
#[tokio::test]
async fn what_has_expired_is_absent_and_stays_so() {
    let fake = read_only([(key("redis.0", b"k"), state([expired(b"old")]))], || {
        panic!("nothing may be written")
    });
    let door = Door::open(fake).await;
    let mut talk = door.connect().await;
    talk.play(&[
        ("GET k", "nil"),
        ("MGET k k", "[nil, nil]"),
        ("STRLEN k", ":0"),
        ("EXISTS k", ":0"),
        ("TYPE k", "+none"),
        ("TTL k", ":-2"),
        ("PERSIST k", ":0"),
        ("EXPIRE k 100", ":0"),
        ("GETEX k PERSIST", "nil"),
        ("GETDEL k", "nil"),
        ("DEL k", ":0"),
        ("SCAN 0", "[0, []]"),
        ("DBSIZE", ":0"),
    ])
    .await;
}

/// Changing the expiry writes the same value with what stands beside it.
#[tokio::test]
async fn a_new_expiry_keeps_what_stands_beside_the_value() {
    let metadata = Metadata { content_type: "text/x-cart".into(), ..Metadata::default() };
    let value = Content::Value(Value { bytes: "v".into(), metadata });
    let stored: ObjectState = state([value]);
    let refused = || Err(RequestError::Overloaded);
    let fake = read_only([(key("redis.0", b"k"), stored)], refused);
    let door = Door::open(fake.clone()).await;
    assert!(door.connect().await.say("EXPIRE k 100").await.starts_with("-REFUSED "));
    let asked = fake.operations();
    let [_, Operation::Put(order)] = &asked[..] else { panic!("{asked:?}") };
    let Content::Value(value) = &order.value else { panic!("{order:?}") };
    assert_eq!(
        (&value.bytes[..], &value.metadata.content_type[..]),
        (&b"v"[..], &b"text/x-cart"[..])
    );
    assert!(value.metadata.expires_at.is_some() && order.context.is_some());
    assert_eq!(order.precedence, Precedence::AboveSeen, "a value set meanwhile stays");
}
