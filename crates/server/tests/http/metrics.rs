//! The page of figures: its two forms, and what it says of a node whose membership is silent.

use crate::client::Door;
use crate::fake::Fake;

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a current Prometheus sends.
const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2";

#[tokio::test]
async fn who_asks_for_openmetrics_gets_it_and_everybody_else_the_older_text() {
    let door = Door::open(Fake::new()).await;
    let plain = door.get("/metrics").await;
    assert_eq!((plain.status, plain.header("content-type")), (200, Some(PLAIN)));
    let text = plain.text();
    assert!(text.contains("# TYPE stator_requests_total counter\n"), "{text}");
    assert!(!text.contains("# EOF"));

    let open = door.send("GET /metrics", &[("Accept", ACCEPT)], b"").await;
    assert_eq!((open.status, open.header("content-type")), (200, Some(OPEN)));
    let text = open.text();
    assert!(text.contains("# TYPE stator_requests counter\n"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_node_whose_membership_does_not_answer_tells_what_else_it_knows() {
    // The fake's membership answers nothing but that it is busy.
    let page = Door::open(Fake::new()).await.get("/metrics").await;
    let text = page.text();
    assert!(text.contains("\nstator_ring_version 1"), "{text}");
    assert!(text.contains("\nstator_tolerable_node_losses{keeps=\"data\"} 0"), "{text}");
    assert!(!text.contains("\nstator_peer_phi{"), "nothing is made up");
}

#[tokio::test]
async fn answers_are_counted_by_class() {
    let door = Door::open(Fake::new()).await;
    door.get("/v1/kv/b/absent").await;
    door.put("/v1/kv/b/k", b"v").await;
    door.put("/v1/kv/b/k", b"v").await;
    let page = door.get("/metrics").await;
    let text = page.text();
    assert!(text.contains("\nstator_http_responses_total{status=\"2xx\"} 2"), "{text}");
    assert!(text.contains("\nstator_http_responses_total{status=\"4xx\"} 1"), "{text}");
    assert_eq!(door.post("/metrics", "").await.status, 405);
}
