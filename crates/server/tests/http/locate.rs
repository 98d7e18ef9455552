//! Where an object lives.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use stator_core::identity::NodeId;
use stator_core::view::Suspicion;

use crate::client::Door;
use crate::fake::{Fake, ME, key, member, ring};

#[tokio::test]
async fn an_objects_preference_list_is_told() {
    let fake = Fake::new();
    let (second, third) = (NodeId::new(0xb2), NodeId::new(0xc3));
    fake.set_view(|view| {
        let mut ring = ring();
        ring.members.insert(second, member("n2"));
        ring.members.insert(third, member("n3"));
        ring.table.fill(vec![third, ME]);
        view.ring = Some(Arc::new(ring));
        view.suspected = Arc::new(BTreeMap::from([(third, Suspicion::Down)]));
    });
    let answer = Door::open(fake).await.get("/v1/locate/carts/a%2Fb").await;
    let token = key("carts", b"a/b").token();
    let expected = json!({
        "token": token.to_string(),
        "partition": (token.get() >> 126) as u64,
        "ring_version": 1,
        "primaries": [
            { "name": "n3", "id": "00000000000000c3", "state": "down" },
            { "name": "n1", "id": "00000000000000a1", "state": "up" },
        ],
        "fallbacks": [{ "name": "n2", "id": "00000000000000b2", "state": "up" }],
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
}

#[tokio::test]
async fn a_node_without_a_ring_can_not_say() {
    let fake = Fake::new();
    fake.set_view(|view| view.ring = None);
    let answer = Door::open(fake).await.get("/v1/locate/b/k").await;
    assert_eq!((answer.status, answer.slug().as_str()), (503, "not-member"));
}
