//! What a node tells of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use stator_core::collection::Round;
use stator_core::identity::{ActorId, NodeId};
use stator_core::membership::admin::{MemberState, MemberStatus};
use stator_core::membership::facts::Addresses;
use stator_core::merkle::TreeSum;
use stator_core::replica::Found;
use stator_core::ring::{RingVersion, Weight};
use stator_core::status::{
    Compared, HeldHints, NodeStatus, PartitionStatus, ShardStatus, UpkeepCounts,
};
use stator_core::time::WallTime;
use stator_core::token::Partition;

use crate::client::Door;
use crate::fake::{Fake, ME, member, ring, status};

const SECOND: NodeId = NodeId::new(0xb2);
const GONE: NodeId = NodeId::new(0xc3);

fn replica(root: Option<u128>, counts: bool, quarantined: u32) -> PartitionStatus {
    PartitionStatus {
        root: root.map(TreeSum::from_bits),
        counts,
        actor: counts.then_some(ActorId::new(0xf)),
        quarantined,
        bytes: 100,
        round: Round::default(),
        found: Found::default(),
        scrubbed: None,
        compared: Compared::ByOthers,
    }
}

fn condition() -> NodeStatus {
    let hints = BTreeMap::from([
        (SECOND, HeldHints { objects: 3, bytes: 30, oldest: Some(WallTime::from_millis(9)) }),
        (GONE, HeldHints { objects: 1, bytes: 4, oldest: None }),
    ]);
    let partitions = BTreeMap::from([
        (Partition::new(0), replica(Some(0xab), true, 0)),
        (Partition::new(2), replica(None, false, 5)),
    ]);
    let upkeep = UpkeepCounts { exchanges: 7, read_repairs: 2, ..UpkeepCounts::default() };
    let shard = ShardStatus { partitions, hints, upkeep, ..ShardStatus::default() };
    NodeStatus::of(2, [shard])
}

fn with_condition() -> Arc<Fake> {
    let fake = Fake::new();
    fake.set_view(|view| {
        let mut ring = ring();
        ring.members.insert(SECOND, member("n2"));
        view.ring = Some(Arc::new(ring));
    });
    fake.set_condition(condition());
    fake
}

#[tokio::test]
async fn a_node_tells_what_it_holds_and_how_far_its_replicas_are() {
    let answer = Door::open(with_condition()).await.get("/v1/node").await;
    let mut document = answer.json();
    assert_eq!(answer.status, 200);
    let done = document["since_start"].take();
    assert_eq!((&done["exchanges"], &done["read_repairs"]), (&json!(7), &json!(2)));
    let expected = json!({
        "name": "n1", "id": "00000000000000a1", "ring_version": 1, "ring_partitions": 4,
        "version": env!("CARGO_PKG_VERSION"), "uptime_seconds": 0, "disk_bytes": 0,
        "approximate_objects": 0, "shards": 2, "silent_shards": 1,
        "hints": [
            { "for": "n2", "id": "00000000000000b2", "objects": 3, "bytes": 30, "oldest_unix_ms": 9 },
            { "for": "00000000000000c3", "id": "00000000000000c3", "objects": 1, "bytes": 4,
              "oldest_unix_ms": null },
        ],
        "counting_hints": false, "replicas": 2, "trees_building": 1, "not_counting": 1,
        "set_aside": 5, "compared_within_seconds": 0, "comparisons_outstanding": 0,
        "scrubbed_within_seconds": 0, "disk_reserved": false, "since_start": null,
        "partitions": [
            { "partition": 0, "root": "000000000000000000000000000000ab", "counts": true,
              "actor": "000000000000000f", "set_aside": 0, "bytes": 100, "round": 0, "tombstones": 0,
              "oldest_tombstone_unix_ms": null, "longest_vector": 0 },
            { "partition": 2, "root": null, "counts": false, "actor": null, "set_aside": 5,
              "bytes": 100, "round": 0, "tombstones": 0, "oldest_tombstone_unix_ms": null,
              "longest_vector": 0 },
        ],
    });
    assert_eq!(document, expected);
}

#[tokio::test]
async fn the_list_of_partitions_can_be_left_out() {
    let door = Door::open(with_condition()).await;
    assert_eq!(door.get("/v1/node?partitions=no").await.json()["partitions"], Value::Null);
    assert_eq!(door.get("/v1/node?partitions=some").await.status, 400);
    assert_eq!(door.get("/v1/node?roots=no").await.status, 400);
    assert_eq!(door.post("/v1/node", "").await.status, 405);
}

#[tokio::test]
async fn in_the_cluster_a_node_counts_its_own_hints_and_claims_nothing_of_others() {
    let each = |id, name: &str| MemberStatus {
        id,
        name: name.to_owned(),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
        addresses: Addresses::default(),
        state: MemberState::Up,
        phi: 0.0,
        share: 0.5,
        ring: RingVersion(1),
        silent_for: None,
    };
    let members = vec![each(ME, "n1"), each(SECOND, "n2")];
    let fake = Fake::administered(move |_| Ok(status(members.clone())));
    fake.set_condition(condition());
    let document = Door::open(fake).await.get("/v1/cluster").await.json();
    let hints: Vec<&Value> =
        document["members"].as_array().expect("members").iter().map(|m| &m["hints"]).collect();
    assert_eq!(hints, [&json!(4), &Value::Null]);
}
