//! Get and head.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use stator_core::object::{Content, Metadata, Value};
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_core::request::{Answered, Done, Operation, RequestError};
use stator_server::Readiness;

use crate::client::{Answer, Door, find};
use crate::fake::{Fake, SEALED, expired, found, key, state, value};

#[tokio::test]
async fn one_value_comes_as_its_own_bytes() {
    let metadata = Metadata {
        content_type: "image/x-\u{fc}".into(),
        user: vec![("color".into(), "red".into()), ("raw".into(), Bytes::from_static(b"\xff"))],
        expires_at: None,
    };
    let bytes: Bytes = (0..=255).collect::<Vec<u8>>().into();
    let stored = Content::Value(Value { bytes: bytes.clone(), metadata });
    let fake = Fake::having(state([stored]));
    let door = Door::open(fake.clone()).await;
    let answer = door.get("/v1/kv/carts/alice").await;

    assert_eq!((answer.status, &answer.body[..]), (200, &bytes[..]));
    assert_eq!(answer.header("content-type"), Some("image/x-ü"));
    assert_eq!(answer.header("content-length"), Some("256"));
    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", "d1".repeat(16)).as_str()));
    assert_eq!(answer.header("last-modified"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(answer.header("stator-context"), Some(SEALED));
    assert_eq!(answer.header("stator-replicas"), Some("answered=2; primaries=2; fallbacks=0"));
    assert_eq!(answer.header("stator-meta-color"), Some("red"));
    assert_eq!(answer.header_bytes("stator-meta-raw"), Some(&b"\xff"[..]));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("content-security-policy"), Some("sandbox"));
    let asked = fake.operations();
    let [Operation::Get { key: asked, quorum }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((asked, *quorum), (&key("carts", b"alice"), QuorumOptions::default()));
    assert_eq!(fake.timeouts(), [std::time::Duration::from_secs(2)]);
}

#[tokio::test]
async fn a_value_without_a_type_and_without_bytes_is_still_a_value() {
    let empty = Content::Value(Value { bytes: Bytes::new(), metadata: Metadata::default() });
    let answer = Door::open(Fake::having(state([empty]))).await.get("/v1/kv/b/k").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn a_query_reaches_the_coordinator() {
    let fake = Fake::having(state([value(b"v")]));
    let path = "/v1/kv/b/k?r=3&pr=one&quorum=strict&timeout=10000";
    assert_eq!(Door::open(fake.clone()).await.get(path).await.status, 200);
    let asked = fake.operations();
    let [Operation::Get { quorum, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(quorum.r, Some(Level::Count(3)));
    assert_eq!(quorum.pr, Some(Level::One));
    assert_eq!(quorum.mode, Some(QuorumMode::Strict));
    assert_eq!(fake.timeouts(), [std::time::Duration::from_secs(10)]);
}

#[tokio::test]
async fn fewer_replicas_than_wanted_are_told() {
    let fake = Fake::answering(|_| {
        let mut reply = found(state([value(b"v")]));
        reply.answered = Answered { primaries: 1, wanted: 3, existing: 1, ..Answered::default() };
        Ok(Done::Got(reply))
    });
    let answer = Door::open(fake).await.get("/v1/kv/b/k").await;
    let told = "answered=1; primaries=1; fallbacks=0; n=1; wanted=3";
    assert_eq!(answer.header("stator-replicas"), Some(told));
}

#[tokio::test]
async fn every_byte_may_stand_in_a_key() {
    let fake = Fake::having(state([value(b"v")]));
    let door = Door::open(fake.clone()).await;
    let all: Vec<u8> = (0..=255).collect();
    let escaped = all.iter().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    assert_eq!(door.get(&format!("/v1/kv/%00%2F%FF/{escaped}")).await.status, 200);
    assert_eq!(door.get("/v1/kv/b/a/../b//c+%2525/").await.status, 200);
    let asked: Vec<_> = fake
        .operations()
        .into_iter()
        .map(|operation| match operation {
            Operation::Get { key, .. } => key,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked[0].bucket().as_bytes(), &b"\0/\xff"[..]);
    assert_eq!(asked[0].key().as_bytes(), &all[..]);
    assert_eq!(asked[1], key("b", b"a/../b//c+%25/"));
}

#[tokio::test]
async fn a_head_is_a_get_without_a_body() {
    let door = Door::open(Fake::having(state([value(b"12345")]))).await;
    let (got, head) = (door.get("/v1/kv/b/k").await, door.send("HEAD /v1/kv/b/k", &[], b"").await);
    assert_eq!((head.status, head.body.len()), (200, 0));
    let both = ["content-length", "content-type", "etag", "stator-context", "last-modified"];
    for name in both {
        assert_eq!(head.header(name), got.header(name), "{name}");
    }

    let door = Door::open(Fake::having(state([value(b"1"), value(b"2")]))).await;
    let head = door.send("HEAD /v1/kv/b/k", &[], b"").await;
    assert_eq!((head.status, head.body.len()), (300, 0));
    let gone = Door::open(Fake::new()).await.send("HEAD /v1/kv/b/k", &[], b"").await;
    assert_eq!((gone.status, gone.body.len()), (404, 0));
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let tag = format!("\"{}\"", "d1".repeat(16));
    for versions in [vec![value(b"v")], vec![value(b"v"), value(b"w")]] {
        let door = Door::open(Fake::having(state(versions))).await;
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let headers = [("If-None-Match", known.as_str())];
            let answer = door.send("GET /v1/kv/b/k", &headers, b"").await;
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
            assert_eq!(answer.header("stator-context"), Some(SEALED));
        }
        let other = door.send("GET /v1/kv/b/k", &[("If-None-Match", "\"x\"")], b"").await;
        assert!([200, 300].contains(&other.status));
    }
    let door = Door::open(Fake::having(state([Content::Tombstone]))).await;
    let gone = door.send("GET /v1/kv/b/k", &[("If-None-Match", "*")], b"").await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn a_deleted_object_is_not_found_and_keeps_its_context() {
    for versions in [
        vec![Content::Tombstone],
        vec![Content::Tombstone, Content::Tombstone],
        vec![expired(b"old")],
        vec![expired(b"old"), Content::Tombstone],
    ] {
        let answer = Door::open(Fake::having(state(versions))).await.get("/v1/kv/b/k").await;
        assert_eq!((answer.status, answer.slug().as_str()), (404, "not-found"));
        assert_eq!(answer.header("stator-context"), Some(SEALED));
        assert_eq!(answer.times("cache-control"), 1);
        assert!(answer.outcome().is_none(), "a read has no outcome");
    }
    let never = Door::open(Fake::new()).await.get("/v1/kv/b/k").await;
    assert_eq!((never.status, never.slug().as_str()), (404, "not-found"));
    assert_eq!(never.header("stator-context"), None);
}

#[derive(Debug)]
struct Part {
    headers: Vec<String>,
    body: Vec<u8>,
}

fn parts(answer: &Answer) -> Vec<Part> {
    let content_type = answer.header("content-type").expect("it has a type");
    let boundary = content_type.strip_prefix("multipart/mixed; boundary=").expect("multipart");
    let mut rest = answer.body.strip_prefix(format!("--{boundary}").as_bytes()).expect("a part");
    let delimiter = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    while rest != b"--\r\n" {
        let part = rest.strip_prefix(b"\r\n").expect("a part begins on a line of its own");
        let end = find(part, delimiter.as_bytes()).expect("a part ends");
        let head = find(&part[..end], b"\r\n\r\n").expect("a part has a head");
        let headers = String::from_utf8_lossy(&part[..head]);
        parts.push(Part {
            headers: headers.split("\r\n").map(str::to_owned).collect(),
            body: part[head + 4..end].to_vec(),
        });
        rest = &part[end + delimiter.len()..];
    }
    parts
}

#[tokio::test]
async fn siblings_come_as_parts() {
    let metadata = Metadata {
        content_type: "text/plain".into(),
        user: vec![("from".into(), "phone".into())],
        expires_at: None,
    };
    let tricky = b"\r\n--stator-\r\n\0\xff".to_vec();
    let plain = Content::Value(Value { bytes: tricky.clone().into(), metadata });
    let all = state([plain, Content::Tombstone, value(b""), expired(b"old")]);
    let answer = Door::open(Fake::having(all)).await.get("/v1/kv/b/k").await;
    assert_eq!((answer.status, answer.header("stator-context")), (300, Some(SEALED)));
    assert!(answer.whole, "the length that was told is the length that came");
    assert!(answer.header("content-length").is_some());
    assert_eq!(answer.header("vary"), Some("accept"));

    let parts = parts(&answer);
    assert_eq!(parts.len(), 4);
    assert_eq!(parts[0].body, tricky);
    for header in [
        "Content-Type: text/plain",
        "Stator-Meta-From: phone",
        "ETag: \"0000000000000005-1\"",
        "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
    ] {
        assert!(parts[0].headers.iter().any(|given| given == header), "{header} in {parts:?}");
    }
    let deleted = |part: &Part| part.headers.iter().any(|given| given == "Stator-Deleted: true");
    assert_eq!(parts.iter().map(deleted).collect::<Vec<_>>(), [false, true, false, true]);
    assert!(parts[1..].iter().all(|part| part.body.is_empty()));
}

#[tokio::test]
async fn a_value_beside_a_tombstone_is_a_conflict() {
    let both = state([value(b"v"), Content::Tombstone]);
    let answer = Door::open(Fake::having(both)).await.get("/v1/kv/b/k").await;
    assert_eq!((answer.status, parts(&answer).len()), (300, 2));
}

#[tokio::test]
async fn siblings_come_as_json_to_who_prefers_it() {
    let door = Door::open(Fake::having(state([value(b"v\xff"), Content::Tombstone]))).await;
    let answer = door.send("GET /v1/kv/b/k", &[("Accept", "application/json")], b"").await;
    assert_eq!(answer.status, 300);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = serde_json::json!({
        "context": SEALED,
        "siblings": [
            {
                "value": STANDARD.encode(b"v\xff"),
                "content_type": "text/x-cart",
                "etag": "\"0000000000000005-1\"",
                "written_at": "1994-11-06T08:49:37.000Z",
                "deleted": false,
                "meta": {},
            },
            {
                "value": null,
                "content_type": null,
                "etag": "\"0000000000000005-2\"",
                "written_at": "1994-11-06T08:49:37.000Z",
                "deleted": true,
                "meta": {},
            },
        ],
    });
    assert_eq!(answer.json(), expected);
    let neither = door.send("GET /v1/kv/b/k", &[("Accept", "image/png")], b"").await;
    assert_eq!(parts(&neither).len(), 2);
}

#[tokio::test]
async fn a_single_object_ignores_what_the_request_accepts() {
    let door = Door::open(Fake::having(state([value(b"v")]))).await;
    let answer = door.send("GET /v1/kv/b/k", &[("Accept", "application/json")], b"").await;
    assert_eq!((answer.status, answer.text()), (200, "v"));
    assert_eq!(answer.header("content-type"), Some("text/x-cart"));
}

#[tokio::test]
async fn a_read_that_fails_says_how() {
    for (error, status, slug) in [
        (RequestError::ReadTimeout { needed: 2, answered: 1 }, 504, "read-timeout"),
        (RequestError::NotEnoughReplicas { needed: 2, reachable: 1 }, 503, "not-enough-replicas"),
        (RequestError::Overloaded, 503, "overloaded"),
        (RequestError::NotMember, 503, "not-member"),
        (RequestError::Expired, 503, "expired"),
        (RequestError::Damaged("checksum".to_owned()), 503, "damaged"),
    ] {
        let answer = Door::open(Fake::refusing(error)).await.get("/v1/kv/b/k").await;
        assert_eq!((answer.status, answer.slug().as_str()), (status, slug));
        assert_eq!(answer.header("retry-after"), (status == 503).then_some("1"));
        assert_eq!(answer.outcome(), None);
    }
}

#[tokio::test]
async fn health_tells_alive_from_serving() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    assert_eq!(door.get("/livez").await.status, 200);
    assert_eq!(door.get("/readyz").await.status, 200);
    fake.set_readiness(Readiness::NotReady("no ring is known".to_owned()));
    let unready = door.get("/readyz").await;
    assert_eq!((unready.status, unready.slug().as_str()), (503, "not-ready"));
    assert_eq!(unready.detail(), "no ring is known");
    let watcher = [("Host", "n1.cluster.example")];
    assert_eq!(door.send("GET /livez", &watcher, b"").await.status, 200);
    assert_eq!(door.post("/livez", "").await.status, 405);
}
