//! Put and delete.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use stator_core::bucket::{BucketFact, FixedProperties, MutableProperties};
use stator_core::object::{ConflictRule, Content, Value};
use stator_core::quorum::{Level, QuorumOptions};
use stator_core::request::{Operation, PutOrder, RequestError};
use stator_core::time::{Stamp, WallTime};

use crate::client::Door;
use crate::fake::{Fake, ME, SEALED, key, sealed};

fn only_put(fake: &Fake) -> PutOrder {
    match &fake.operations()[..] {
        [Operation::Put(order)] => order.clone(),
        other => panic!("one put was expected: {other:?}"),
    }
}

fn stored(fake: &Fake) -> Value {
    match only_put(fake).value {
        Content::Value(value) => value,
        Content::Tombstone => panic!("a value was expected"),
    }
}

#[tokio::test]
async fn a_put_stores_bytes_and_what_stands_beside_them() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let headers = [
        ("Content-Type", "text/x-cart; v=2"),
        ("Stator-Meta-Zone", "north"),
        ("STATOR-META-color", "red"),
        ("stator-meta-color", "blue"),
        ("Stator-Context", SEALED),
    ];
    let line = "PUT /v1/kv/carts/alice?w=3&dw=one&pw=2&node_confirms=quorum";
    let answer = door.send(line, &headers, b"\0beans\xff").await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.header("stator-context"), Some(SEALED));
    let told = "acked=3; primaries=2; fallbacks=1; durable=3";
    assert_eq!(answer.header("stator-replicas"), Some(told));

    let order = only_put(&fake);
    assert_eq!((order.key, order.context), (key("carts", b"alice"), Some(sealed())));
    let quorum = QuorumOptions {
        w: Some(Level::Count(3)),
        dw: Some(Level::One),
        pw: Some(Level::Count(2)),
        node_confirms: Some(Level::Quorum),
        ..QuorumOptions::default()
    };
    assert_eq!(order.quorum, quorum);
    let value = stored(&fake);
    assert_eq!(value.bytes, &b"\0beans\xff"[..]);
    assert_eq!(value.metadata.content_type, &b"text/x-cart; v=2"[..]);
    let user: [(Bytes, Bytes); 2] =
        [("color".into(), "red, blue".into()), ("zone".into(), "north".into())];
    assert_eq!(value.metadata.user, user);
    assert_eq!(value.metadata.expires_at, None);
}

#[tokio::test]
async fn bodies_from_nothing_to_the_limit_are_stored_whole() {
    for size in [0, 1, 100_000, 8 * 1024 * 1024] {
        let fake = Fake::new();
        let body: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
        let answer = Door::open(fake.clone()).await.put("/v1/kv/b/k", &body).await;
        assert_eq!(answer.status, 204, "{size}");
        assert!(stored(&fake).bytes == body, "{size} bytes came as others");
    }
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let fake = Fake::new();
    let chunked = [("Transfer-Encoding", "chunked")];
    let body = b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
    let answer = Door::open(fake.clone()).await.send("PUT /v1/kv/b/k", &chunked, body).await;
    assert_eq!((answer.status, &stored(&fake).bytes[..]), (204, &b"abcdefg"[..]));
}

#[tokio::test]
async fn a_padded_context_is_the_same_context() {
    let fake = Fake::new();
    let padded = format!("{}==", "AA");
    let headers = [("Stator-Context", padded.as_str())];
    let answer = Door::open(fake.clone()).await.send("PUT /v1/kv/b/k", &headers, b"v").await;
    assert_eq!(answer.status, 204);
    assert_eq!(only_put(&fake).context.expect("one was sent").0, &b"\0"[..]);
}

fn seconds_left(value: &Value) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let expiry = value.metadata.expires_at.expect("it expires").as_millis();
    (u128::from(expiry) - now).div_ceil(1000) as u64
}

#[tokio::test]
async fn a_value_expires_as_its_put_or_its_bucket_says() {
    let fake = Fake::new();
    let headers = [("Stator-TTL", "3600")];
    let answer = Door::open(fake.clone()).await.send("PUT /v1/kv/b/k", &headers, b"v").await;
    assert_eq!(answer.status, 204);
    assert!((3500..=3600).contains(&seconds_left(&stored(&fake))));

    let fake = Fake::new();
    let ttl = Some(Duration::from_mins(10));
    fake.set_view(|view| {
        let fact = BucketFact {
            fixed: FixedProperties { n: 3, conflicts: ConflictRule::Siblings },
            made: (Stamp::default(), ME),
            mutable: MutableProperties { ttl, ..MutableProperties::default() },
            changed: (Stamp::default(), ME),
        };
        Arc::make_mut(&mut view.buckets).insert(key("b", b"k").bucket().clone(), fact);
    });
    let door = Door::open(fake.clone()).await;
    assert_eq!(door.put("/v1/kv/b/k", b"v").await.status, 204);
    assert!((500..=600).contains(&seconds_left(&stored(&fake))));
}

#[tokio::test]
async fn the_longest_lives_do_not_wrap_around() {
    let fake = Fake::new();
    let headers = [("Stator-TTL", "18446744073709551615")];
    let answer = Door::open(fake.clone()).await.send("PUT /v1/kv/b/k", &headers, b"v").await;
    assert_eq!(answer.status, 204);
    assert_eq!(stored(&fake).metadata.expires_at.map(WallTime::as_millis), Some(u64::MAX));
}

#[tokio::test]
async fn a_delete_covers_its_context_or_what_is_read() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let answer = door.send("DELETE /v1/kv/b/k?w=1", &[("Stator-Context", SEALED)], b"").await;
    assert_eq!((answer.status, answer.header("stator-context")), (204, Some(SEALED)));
    let order = only_put(&fake);
    assert_eq!((order.value, order.context), (Content::Tombstone, Some(sealed())));
    assert_eq!(order.quorum.w, Some(Level::Count(1)));

    let fake = Fake::new();
    let answer = Door::open(fake.clone()).await.send("DELETE /v1/kv/b/k?r=1", &[], b"").await;
    assert_eq!(answer.status, 204);
    let told = "acked=3; primaries=2; fallbacks=1; durable=3";
    assert_eq!(answer.header("stator-replicas"), Some(told));
    let asked = fake.operations();
    let [Operation::Delete { key: deleted, quorum }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((deleted, quorum.r), (&key("b", b"k"), Some(Level::Count(1))));
}

#[tokio::test]
async fn a_write_that_fails_says_what_is_known_of_it() {
    use stator_core::context::ContextError;
    use stator_core::quorum::ImpossibleQuorum;
    use stator_core::token::Partition;
    let impossible = ImpossibleQuorum::MoreThanReplicas { name: "w", asked: 4, n: 3 };
    for (error, status, slug, outcome) in [
        (RequestError::Context(ContextError::Forged), 400, "context-invalid", "refused"),
        (RequestError::Quorum(impossible), 422, "impossible-quorum", "refused"),
        (
            RequestError::NotEnoughReplicas { needed: 2, reachable: 1 },
            503,
            "not-enough-replicas",
            "refused",
        ),
        (
            RequestError::TooManySiblings { siblings: 101, max: 100 },
            429,
            "too-many-siblings",
            "refused",
        ),
        (RequestError::Overloaded, 503, "overloaded", "refused"),
        (RequestError::Moving { partition: Partition::new(1) }, 503, "moving", "refused"),
        (RequestError::NotMember, 503, "not-member", "refused"),
        (RequestError::Expired, 503, "expired", "refused"),
        (
            RequestError::Indeterminate { needed: 3, acked: 2 },
            504,
            "indeterminate",
            "indeterminate",
        ),
        (RequestError::ReadTimeout { needed: 2, answered: 0 }, 503, "read-timeout", "refused"),
        (RequestError::Damaged("checksum".to_owned()), 503, "damaged", "refused"),
    ] {
        let door = Door::open(Fake::refusing(error)).await;
        let put = door.put("/v1/kv/b/k", b"v").await;
        let delete = door.send("DELETE /v1/kv/b/k", &[], b"").await;
        for answer in [put, delete] {
            assert_eq!((answer.status, answer.slug().as_str()), (status, slug));
            assert_eq!(answer.outcome().as_deref(), Some(outcome), "{slug}");
            assert_eq!(answer.header("retry-after"), (status == 503).then_some("1"));
        }
    }
}
