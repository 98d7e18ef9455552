//! How stale reads may be, as a node tells it.

use std::time::Duration;

use serde_json::{Value, json};
use stator_core::identity::NodeId;
use stator_core::staleness::{Delays, ReplicaDelays, WriteDelays};
use stator_core::status::{NodeStatus, ShardStatus};

use crate::client::Door;
use crate::fake::Fake;

/// A node whose sync takes 1 ms, and each of whose two peers is 10 ms away.
fn seen() -> NodeStatus {
    let always = |micros| {
        let mut delays = Delays::default();
        (0..50).for_each(|_| delays.add(Duration::from_micros(micros)));
        delays
    };
    let peer = ReplicaDelays { trips: always(20_000), syncs: always(1000) };
    let replicas = [2, 3].map(|id| (NodeId::new(id), peer.clone())).into();
    let writes = WriteDelays { own_syncs: always(1000), replicas };
    NodeStatus::of(1, [ShardStatus { writes, ..ShardStatus::default() }])
}

fn probabilities(estimate: &Value) -> Vec<(f64, f64)> {
    let steps = estimate["stale"].as_array().expect("a list").iter();
    let tell = |step: &Value| Some((step["after_ms"].as_f64()?, step["probability"].as_f64()?));
    steps.map(|step| tell(step).expect("a step")).collect()
}

#[tokio::test]
async fn a_node_that_has_watched_nothing_estimates_nothing() {
    let door = Door::open(Fake::new()).await;
    let answer = door.get("/v1/cluster/staleness").await;
    assert_eq!(answer.status, 200);
    let told = answer.json();
    assert_eq!((&told["estimates"], &told["own_sync"]), (&json!([]), &Value::Null));
    assert_eq!((&told["node"], &told["watched_puts"]), (&json!("n1"), &json!(0)));
    let metrics = String::from_utf8(door.get("/metrics").await.body).expect("text");
    assert!(metrics.contains("stator_staleness_watched_puts 0"), "{metrics}");
    assert!(!metrics.contains("stator_staleness_probability{"), "{metrics}");
}

#[tokio::test]
async fn what_was_watched_is_told_with_what_it_makes_likely() {
    let fake = Fake::new();
    fake.set_condition(seen());
    let door = Door::open(fake.clone()).await;
    let told = door.get("/v1/cluster/staleness?n=3&r=1&w=1").await.json();
    assert_eq!(told["watched_puts"], 50);
    let sync = told["own_sync"]["p50_ms"].as_f64().expect("a time");
    assert!((0.8..1.25).contains(&sync), "{told}");
    assert_eq!(told["replicas"].as_array().map(Vec::len), Some(2));
    let estimate = &told["estimates"][0];
    assert_eq!(
        (&estimate["r"], &estimate["w"], &estimate["dw"]),
        (&json!(1), &json!(1), &json!(1))
    );
    // Acknowledged after 1 ms, and there after 10.
    for (after, probability) in probabilities(estimate) {
        match after {
            ..6.0 => assert!(probability > 0.95, "{after}: {probability}"),
            ..12.0 => {}
            _ => assert!(probability < 0.001, "{after}: {probability}"),
        }
    }
    let seen = estimate["seen_by_999_per_mille_ms"].as_f64().expect("a time");
    assert!((8.0..14.0).contains(&seen), "{seen}");
    // For whatever time is asked for.
    let asked = "/v1/cluster/staleness?n=3&r=1&w=1&after_ms=2.5,13";
    let asked = door.get(asked).await.json();
    let found = probabilities(&asked["estimates"][0]);
    assert_eq!(found.iter().map(|(after, _)| *after).collect::<Vec<_>>(), [2.5, 13.0]);
    assert!(found[0].1 > 0.95 && found[1].1 < 0.001, "{found:?}");
    // What is left open is as usual, and an overlap leaves nothing stale.
    let usual = door.get("/v1/cluster/staleness?n=3&r=2").await.json();
    let usual = &usual["estimates"][0];
    assert_eq!((&usual["r"], &usual["w"], &usual["dw"]), (&json!(2), &json!(2), &json!(2)));
    assert!(probabilities(usual).iter().all(|(_, probability)| *probability == 0.0), "{usual}");
}

#[tokio::test]
async fn the_usual_settings_are_estimated_once_for_all_who_ask() {
    let fake = Fake::new();
    fake.set_condition(seen());
    let door = Door::open(fake.clone()).await;
    let first = door.get("/v1/cluster/staleness").await.json();
    assert_eq!(first["watched_puts"], 50);
    fake.set_condition(NodeStatus::default());
    let metrics = String::from_utf8(door.get("/metrics").await.body).expect("text");
    assert!(metrics.contains("stator_staleness_watched_puts 50"), "{metrics}");
    let asked = door.get("/v1/cluster/staleness?r=1").await.json();
    assert_eq!(asked["watched_puts"], 0, "what is asked for by name is made anew");
}
