//! What a node itself has of an object.

use std::collections::BTreeMap;

use serde_json::json;
use stator_core::collection::Round;
use stator_core::identity::NodeId;
use stator_core::message::EncodedState;
use stator_core::object::Content;
use stator_core::status::OwnCopy;
use stator_core::token::Partition;

use crate::client::Door;
use crate::fake::{Fake, state, value};

/// A replica with this state, and with a hint of it for somebody who is no member.
pub(crate) fn copy(content: Content) -> OwnCopy {
    let state = EncodedState::of(&state([content]));
    OwnCopy {
        partition: Partition::new(3),
        is_replica: true,
        counts: true,
        round: Round(2),
        state: Ok(Some(state.clone())),
        hints: Ok(BTreeMap::from([(NodeId::new(0xc3), state)])),
    }
}

#[tokio::test]
async fn a_node_tells_what_it_has_and_asks_nobody() {
    let fake = Fake::new();
    fake.set_own_copy(copy(value(b"milk")));
    let door = Door::open(fake.clone()).await;
    let answer = door.get("/v1/replica/carts/alice").await;
    let mut document = answer.json();
    let mut of_hint = document["hints"][0]["state"].take();
    assert_eq!(of_hint["digest"], document["state"]["digest"]);
    of_hint["digest"].take();
    let digest = document["state"]["digest"].take();
    assert_eq!(digest.as_str().map(str::len), Some(32));
    let dot = json!({ "actor": "0000000000000005", "counter": 1 });
    let state = json!({
        "digest": null, "bytes": of_hint["bytes"], "conflicts": "siblings", "vector": [dot],
        "siblings_count": 1,
        "siblings": [{
            "dot": dot, "written_at": "1994-11-06T08:49:37.000Z", "deleted": false,
            "expires_at": null, "content_type": "text/x-cart", "bytes": 4, "value": "bWlsaw==",
        }],
    });
    assert_eq!(of_hint, state);
    let expected = json!({
        "name": "n1", "id": "00000000000000a1", "partition": 3, "is_replica": true, "counts": true,
        "round": 2, "state": state, "unreadable": null,
        "hints": [{ "for": "00000000000000c3", "id": "00000000000000c3", "state": null }],
    });
    assert_eq!((answer.status, document), (200, expected));
    assert!(fake.operations().is_empty(), "no other replica is asked");
}

#[tokio::test]
async fn a_long_value_is_cut_and_a_copy_that_can_not_be_read_says_why() {
    let fake = Fake::new();
    fake.set_own_copy(copy(value(&[7; 5000])));
    let door = Door::open(fake.clone()).await;
    let version = &door.get("/v1/replica/b/k").await.json()["state"]["siblings"][0];
    assert_eq!(version["bytes"], 5000);
    assert_eq!(version["value"].as_str().map(str::len), Some(1024_usize.div_ceil(3) * 4));

    let damaged = Err("its checksum does not match".to_owned());
    fake.set_own_copy(OwnCopy { state: damaged, ..copy(value(b"milk")) });
    let document = door.get("/v1/replica/b/k").await.json();
    assert_eq!(document["unreadable"], "its checksum does not match");
    assert!(document["state"].is_null());
    assert_eq!(document["hints"].as_array().map(Vec::len), Some(1), "hints are told all the same");
}

#[tokio::test]
async fn a_node_that_is_too_busy_or_no_member_says_so() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let busy = door.get("/v1/replica/b/k").await;
    assert_eq!((busy.status, busy.slug().as_str()), (503, "overloaded"));
    fake.set_view(|view| view.ring = None);
    let alone = door.get("/v1/replica/b/k").await;
    assert_eq!((alone.status, alone.slug().as_str()), (503, "not-member"));
    assert_eq!(door.put("/v1/replica/b/k", b"v").await.status, 405);
}
