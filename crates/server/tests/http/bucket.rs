//! A bucket's properties.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stator_core::bucket::{BucketFact, BucketProperties, FixedProperties, MutableProperties};
use stator_core::membership::admin::{AdminDone, AdminError, AdminRequest};
use stator_core::object::ConflictRule;
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_core::time::Stamp;

use crate::client::Door;
use crate::fake::{Fake, ME, key};

const FIXED: FixedProperties = FixedProperties { n: 3, conflicts: ConflictRule::Siblings };

fn current() -> BucketProperties {
    let quorum = QuorumOptions { r: Some(Level::All), ..QuorumOptions::default() };
    let ttl = Some(Duration::from_mins(1));
    BucketProperties { fixed: FIXED, mutable: MutableProperties { quorum, ttl, max_siblings: 50 } }
}

/// A node whose every bucket was made with [`current`] properties.
fn made() -> Arc<Fake> {
    Fake::administered(|request| match request {
        AdminRequest::Bucket(_) => {
            let stamp = (Stamp::default(), ME);
            let mutable = current().mutable;
            let fact = BucketFact { fixed: FIXED, made: stamp, mutable, changed: stamp };
            Ok(AdminDone::Bucket { properties: current(), fact: Some(fact) })
        }
        AdminRequest::SetBucket { bucket, n: Some(2), .. } => {
            Err(AdminError::BucketFixed { bucket: bucket.clone(), fixed: FIXED })
        }
        AdminRequest::SetBucket { mutable, .. } => {
            Ok(AdminDone::BucketSet(BucketProperties { fixed: FIXED, mutable: *mutable }))
        }
        other => panic!("{other:?}"),
    })
}

#[tokio::test]
async fn properties_are_told_as_they_hold() {
    let answer = Door::open(made()).await.get("/v1/buckets/carts").await;
    let expected = json!({
        "bucket": "carts", "made": true, "n": 3, "r": "all", "w": 2, "dw": 2, "pr": 0, "pw": 0,
        "node_confirms": 2, "quorum": "sloppy", "conflicts": "siblings", "ttl": 60,
        "max_siblings": 50,
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
}

#[tokio::test]
async fn what_is_named_changes_and_the_rest_stays() {
    let fake = made();
    let door = Door::open(fake.clone()).await;
    let body = json!({ "w": 3, "quorum": "strict", "ttl": null, "conflicts": "siblings" });
    let answer = door.put("/v1/buckets/carts", body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200);
    assert_eq!((&answer.json()["w"], &answer.json()["ttl"]), (&json!(3), &json!(null)));
    let quorum = QuorumOptions {
        w: Some(Level::Count(3)),
        mode: Some(QuorumMode::Strict),
        ..current().mutable.quorum
    };
    let expected = AdminRequest::SetBucket {
        bucket: key("carts", b"k").bucket().clone(),
        n: None,
        conflicts: Some(ConflictRule::Siblings),
        mutable: MutableProperties { quorum, ttl: None, max_siblings: 50 },
    };
    assert_eq!(fake.orders()[1], expected);
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let door = Door::open(made()).await;
    let read = door.get("/v1/buckets/carts").await;
    let answer = door.put("/v1/buckets/carts", &read.body).await;
    assert_eq!((answer.status, answer.json()), (200, read.json()));
}

#[tokio::test]
async fn what_a_bucket_can_not_be_is_refused() {
    let fake = made();
    let door = Door::open(fake.clone()).await;
    for (body, status, slug) in [
        (r#"{"copies":3}"#, 400, "property-unknown"),
        (r#"{"W":3}"#, 400, "property-unknown"),
        (r#"{"type":"counter"}"#, 501, "not-built"),
        (r#"{"strong":true}"#, 501, "not-built"),
        (r#"{"n":0}"#, 400, "property-invalid"),
        (r#"{"n":"3"}"#, 400, "property-invalid"),
        (r#"{"w":"most"}"#, 400, "property-invalid"),
        (r#"{"w":-1}"#, 400, "property-invalid"),
        (r#"{"w":[2]}"#, 400, "property-invalid"),
        (r#"{"quorum":true}"#, 400, "property-invalid"),
        (r#"{"conflicts":"last"}"#, 400, "property-invalid"),
        (r#"{"ttl":0}"#, 400, "property-invalid"),
        (r#"{"max_siblings":0}"#, 400, "property-invalid"),
        (r#"{"w":4}"#, 422, "impossible-quorum"),
        (r#"{"w":0}"#, 422, "impossible-quorum"),
        (r#"{"r":1,"pr":2}"#, 422, "impossible-quorum"),
        (r#"{"w":3}{"#, 400, "body-malformed"),
        ("[]", 400, "body-malformed"),
        ("w=3", 400, "body-malformed"),
    ] {
        let answer = door.put("/v1/buckets/carts", body.as_bytes()).await;
        assert_eq!((answer.status, answer.slug().as_str()), (status, slug), "{body}");
        assert_eq!(answer.outcome().as_deref(), Some("refused"), "{body}");
    }
    let set = |order: &AdminRequest| matches!(order, AdminRequest::SetBucket { .. });
    assert!(!fake.orders().iter().any(set), "nothing was set");

    let unknown = door.put("/v1/buckets/carts", br#"{"copies":3}"#).await.detail();
    assert!(unknown.contains("copies") && unknown.contains("max_siblings"), "{unknown}");
    let fixed = door.put("/v1/buckets/carts", br#"{"n":2,"w":3}"#).await;
    assert_eq!((fixed.status, fixed.slug().as_str()), (409, "bucket-fixed"));
    let large = door.put("/v1/buckets/carts", &vec![b' '; 300_000]).await;
    assert_eq!((large.status, large.slug().as_str()), (413, "body-too-large"));
}
