//! Who may ask.

use stator_core::membership::admin::{AdminDone, AdminRequest};
use stator_server::{ConnectionLimits, HttpConfig};

use crate::client::Door;
use crate::fake::{Fake, status};

fn discarding() -> std::sync::Arc<Fake> {
    Fake::administered(|request| match request {
        AdminRequest::Discard => Ok(AdminDone::Discarded),
        _ => Ok(status(Vec::new())),
    })
}

#[tokio::test]
async fn a_web_page_can_not_reach_a_node_on_loopback() {
    let fake = discarding();
    let door = Door::open(fake.clone()).await;
    for (header, slug) in [
        (("Origin", "https://evil.example"), "foreign-origin"),
        (("Origin", "null"), "foreign-origin"),
        (("Host", "evil.example"), "foreign-host"),
        (("Host", "evil.example:7411"), "foreign-host"),
    ] {
        for line in ["POST /v1/cluster/discard", "PUT /v1/buckets/b", "PUT /v1/kv/b/k"] {
            let answer = door.send(line, &[header], b"").await;
            assert_eq!((answer.status, answer.slug().as_str()), (403, slug), "{line}");
            assert_eq!(answer.outcome().as_deref(), Some("refused"));
        }
        assert_eq!(door.send("GET /v1/kv/b/k", &[header], b"").await.status, 403);
    }
    assert!(fake.orders().is_empty() && fake.operations().is_empty());
    let own = [("Host", "127.0.0.1:7411"), ("Origin", "http://127.0.0.1:7411")];
    assert_eq!(door.send("POST /v1/cluster/discard", &own, b"").await.status, 204);
}

#[tokio::test]
async fn off_loopback_administration_wants_the_token() {
    let config = HttpConfig {
        is_loopback: false,
        admin_token: Some("t0ken".to_owned()),
        ..HttpConfig::default()
    };
    let fake = discarding();
    let door = Door::with(fake.clone(), config, ConnectionLimits::default()).await;
    let discard = "POST /v1/cluster/discard";
    let without = door.send(discard, &[], b"").await;
    assert_eq!((without.status, without.slug().as_str()), (401, "unauthorized"));
    assert_eq!(without.header("www-authenticate"), Some("Bearer"));
    let wrong = door.send(discard, &[("Authorization", "Bearer nope")], b"").await;
    assert_eq!((wrong.status, wrong.slug().as_str()), (403, "forbidden"));
    let bucket = door.put("/v1/buckets/b", b"{}").await;
    assert_eq!(bucket.status, 401);
    assert!(fake.orders().is_empty());

    let right = [("Authorization", "Bearer t0ken"), ("Host", "n1.example")];
    assert_eq!(door.send(discard, &right, b"").await.status, 204);
    assert_eq!(door.get("/v1/cluster").await.status, 200, "reading is free");
    assert_eq!(door.put("/v1/kv/b/k", b"v").await.status, 204, "data is");
}

#[tokio::test]
async fn off_loopback_without_a_secret_nobody_administers() {
    let config = HttpConfig { is_loopback: false, ..HttpConfig::default() };
    let door = Door::with(discarding(), config, ConnectionLimits::default()).await;
    let headers = [("Authorization", "Bearer ")];
    let answer = door.send("POST /v1/cluster/discard", &headers, b"").await;
    assert_eq!((answer.status, answer.slug().as_str()), (403, "administration-disabled"));
}
