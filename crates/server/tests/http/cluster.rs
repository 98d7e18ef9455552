//! The cluster and its staged changes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stator_core::identity::NodeId;
use stator_core::membership::admin::{
    AdminDone, AdminError, AdminRequest, ChangeStatus, MemberState, MemberStatus,
};
use stator_core::membership::facts::{Addresses, StagedChange};
use stator_core::ring::{Change, Move, Plan, RingVersion, Weight};
use stator_core::token::Partition;

use crate::client::Door;
use crate::fake::{Fake, ME, member, ring, status};

const NEW: NodeId = NodeId::new(0xb2);
const TWIN: NodeId = NodeId::new(0xd4);

fn node(id: NodeId, name: &str, state: MemberState) -> MemberStatus {
    MemberStatus {
        id,
        name: name.to_owned(),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
        addresses: Addresses {
            peer: "127.0.0.1:7410".to_owned(),
            http: "127.0.0.1:7411".to_owned(),
            resp: String::new(),
        },
        state,
        phi: 0.5,
        share: 1.0,
        ring: RingVersion(1),
        silent_for: Some(Duration::from_millis(12)),
    }
}

fn nodes() -> Vec<MemberStatus> {
    vec![
        node(ME, "n1", MemberState::Up),
        node(TWIN, "n1", MemberState::Joining),
        node(NEW, "n2", MemberState::Joining),
    ]
}

fn plan() -> Plan {
    let mut next = ring();
    next.version = RingVersion(2);
    next.members.insert(NEW, member("n2"));
    next.table = vec![vec![ME, NEW]; 4];
    let join =
        StagedChange::Join { name: "n2".to_owned(), zone: "z".to_owned(), weight: Weight::DEFAULT };
    Plan {
        ring: next,
        changes: vec![Change { node: NEW, change: join }],
        moves: vec![Move { partition: Partition::new(3), to: NEW, from: Some(ME) }],
        warnings: vec!["all in one zone".to_owned()],
    }
}

/// A node that does what it is told, except for what `errors` says.
fn obedient(
    mut errors: impl FnMut(&AdminRequest) -> Option<AdminError> + Send + 'static,
) -> Arc<Fake> {
    Fake::administered(move |request| {
        if let Some(error) = errors(request) {
            return Err(error);
        }
        match request {
            AdminRequest::Status => Ok(status(nodes())),
            AdminRequest::Stage { .. } => Ok(AdminDone::Staged),
            AdminRequest::Plan => Ok(AdminDone::Plan(plan())),
            AdminRequest::Commit { .. } => Ok(AdminDone::Committed(Arc::new(plan().ring))),
            AdminRequest::Discard => Ok(AdminDone::Discarded),
            other => panic!("{other:?}"),
        }
    })
}

#[tokio::test]
async fn the_cluster_is_told_as_scripts_rely_on() {
    let answer = Door::open(obedient(|_| None)).await.get("/v1/cluster").await;
    let document = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!((&document["ring_version"], &document["transition"]), (&json!(1), &json!(null)));
    let expected = json!({
        "name": "n1", "id": "00000000000000a1", "address": "127.0.0.1:7410",
        "http": "127.0.0.1:7411", "resp": "", "zone": "z", "weight": 100, "state": "up",
        "phi": 0.5, "share": 1.0, "hints": 0, "ring_version": 1, "silent_ms": 12,
    });
    assert_eq!(document["members"][0], expected);
    assert_eq!(document["members"][2]["state"], "joining");
}

#[tokio::test]
async fn a_plan_says_what_would_change_and_move() {
    let answer = Door::open(obedient(|_| None)).await.get("/v1/cluster/plan").await;
    let expected = json!({
        "version": 2,
        "changes": [{
            "kind": "join", "node": "n2", "id": "00000000000000b2", "zone": "z", "weight": 100,
        }],
        "moves": [{ "partition": 3, "from": "n1", "to": "n2" }],
        "members": [
            { "name": "n1", "id": "00000000000000a1", "share_before": 1.0, "share_after": 0.5 },
            { "name": "n2", "id": "00000000000000b2", "share_before": 0.0, "share_after": 0.5 },
        ],
        "partitions": 4, "bytes": 0, "seconds": 5,
        "warnings": ["all in one zone"],
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
}

#[tokio::test]
async fn changes_are_staged_for_nodes_by_name_or_id() {
    let staged = |body: serde_json::Value| async move {
        let fake = obedient(|_| None);
        let door = Door::open(fake.clone()).await;
        let answer = door.post("/v1/cluster/stage", &body.to_string()).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        let orders = fake.orders().into_iter();
        let staged = orders.filter_map(|order| match order {
            AdminRequest::Stage { node, change } => Some((node, change)),
            _ => None,
        });
        staged.collect::<Vec<_>>()
    };
    let one = staged(json!({ "kind": "leave", "node": "n1" })).await;
    assert_eq!(one, [(ME, StagedChange::Leave)]);
    let by_id = staged(json!({ "kind": "remove-dead", "node": "00000000000000a1" })).await;
    assert_eq!(by_id, [(ME, StagedChange::RemoveDead)]);
    let twins = staged(json!({ "kind": "replace", "node": "n1", "with": "n1" })).await;
    assert_eq!(twins, [(ME, StagedChange::ReplaceBy(TWIN))]);
    let weight = Weight::new(250).expect("a weight");
    let several = staged(json!({ "changes": [
        { "kind": "weight", "node": "n1", "weight": 250 },
        { "kind": "zone", "node": "n1", "zone": "east" },
        { "kind": "join", "node": "n2", "weight": 250 },
    ] }));
    let join = StagedChange::Join { name: "n2".to_owned(), zone: "z".to_owned(), weight };
    let expected = [
        (ME, StagedChange::Weight(weight)),
        (ME, StagedChange::Zone("east".to_owned())),
        (NEW, join),
    ];
    assert_eq!(several.await, expected);
}

#[tokio::test]
async fn a_change_that_means_nothing_stages_nothing() {
    let fake = obedient(|_| None);
    let door = Door::open(fake.clone()).await;
    for (body, slug) in [
        ("{}", "change-invalid"),
        (r#"{"kind":"explode","node":"n1"}"#, "change-invalid"),
        (r#"{"kind":"leave"}"#, "change-invalid"),
        (r#"{"kind":"leave","node":7}"#, "change-invalid"),
        (r#"{"kind":"leave","node":"n9"}"#, "node-unknown"),
        (r#"{"kind":"leave","node":"n1","weight":3}"#, "change-invalid"),
        (r#"{"kind":"weight","node":"n1","weight":0}"#, "change-invalid"),
        (r#"{"kind":"weight","node":"n1","weight":10001}"#, "change-invalid"),
        (r#"{"kind":"weight","node":"n1"}"#, "change-invalid"),
        (r#"{"kind":"zone","node":"n1","zone":""}"#, "change-invalid"),
        (r#"{"kind":"replace","node":"n1"}"#, "change-invalid"),
        (r#"{"changes":[]}"#, "change-invalid"),
        (r#"{"changes":[7]}"#, "change-invalid"),
        (r#"{"changes":[{"kind":"leave","node":"n1"},{"kind":"leave"}]}"#, "change-invalid"),
        (r#"{"changes":[{"kind":"leave","node":"n1"}],"kind":"leave"}"#, "change-invalid"),
        ("leave n1", "body-malformed"),
    ] {
        let answer = door.post("/v1/cluster/stage", body).await;
        assert_eq!((answer.status, answer.slug().as_str()), (400, slug), "{body}");
        assert_eq!(answer.outcome().as_deref(), Some("refused"));
    }
    assert!(fake.orders().is_empty());
}

#[tokio::test]
async fn a_commit_names_the_version_that_is_meant() {
    let fake = obedient(|_| None);
    let door = Door::open(fake.clone()).await;
    let answer = door.post("/v1/cluster/commit", r#"{"version":2}"#).await;
    assert_eq!((answer.status, &answer.json()["ring_version"]), (202, &json!(2)));
    assert_eq!(fake.orders(), [AdminRequest::Commit { version: RingVersion(2) }]);
    for body in ["", "{}", r#"{"version":"2"}"#, r#"{"version":2,"force":true}"#] {
        let answer = door.post("/v1/cluster/commit", body).await;
        assert_eq!((answer.status, answer.slug().as_str()), (400, "body-malformed"), "{body}");
    }
    assert_eq!(door.post("/v1/cluster/discard", "").await.status, 204);
    assert_eq!(fake.orders().len(), 2);
}

#[tokio::test]
async fn a_stale_version_is_answered_with_the_plan_that_holds() {
    let fake = obedient(|request| match request {
        AdminRequest::Commit { version } => {
            Some(AdminError::StaleVersion { asked: *version, current: Box::new(plan()) })
        }
        _ => None,
    });
    let answer = Door::open(fake).await.post("/v1/cluster/commit", r#"{"version":7}"#).await;
    assert_eq!((answer.status, answer.slug().as_str()), (409, "stale-version"));
    assert_eq!(answer.json()["version"], 2);
    assert_eq!(answer.json()["changes"][0]["node"], "n2");
    assert_eq!(answer.outcome().as_deref(), Some("refused"));
}

#[tokio::test]
async fn every_administrative_error_has_its_status() {
    let names = vec!["n3".to_owned()];
    let under_way = AdminError::UnderWay { version: RingVersion(2), partitions_left: 5, names };
    for (error, status, slug, outcome) in [
        (AdminError::NotMember, 503, "not-member", "refused"),
        (AdminError::NothingStaged, 409, "nothing-staged", "refused"),
        (AdminError::Overtaken { chosen: RingVersion(2) }, 409, "stale-version", "refused"),
        (under_way, 409, "change-under-way", "refused"),
        (
            AdminError::Unreachable { names: vec!["n3".to_owned()] },
            504,
            "unreachable",
            "indeterminate",
        ),
        (AdminError::InvalidChange("no".to_owned()), 400, "change-invalid", "refused"),
        (AdminError::NotBuilt("replace"), 501, "not-built", "refused"),
        (AdminError::InvalidBucket("no".to_owned()), 400, "bucket-invalid", "refused"),
        (AdminError::Busy, 409, "commit-under-way", "refused"),
    ] {
        let told = error.to_string();
        let fake = obedient(move |_| Some(error.clone()));
        let answer = Door::open(fake).await.post("/v1/cluster/commit", r#"{"version":2}"#).await;
        assert_eq!((answer.status, answer.slug().as_str()), (status, slug));
        assert_eq!((answer.outcome().as_deref(), answer.detail()), (Some(outcome), told));
    }
}

#[tokio::test]
async fn what_moves_is_told_with_whom_it_waits_for() {
    let fake = Fake::administered(|_| {
        let AdminDone::Status(mut found) = status(nodes()) else { panic!("a status") };
        found.change = Some(ChangeStatus {
            version: RingVersion(2),
            partitions: 8,
            partitions_left: 5,
            replicas_left: 3,
            waits_for: vec![NEW, NodeId::new(0xe5)],
        });
        Ok(AdminDone::Status(found))
    });
    let answer = Door::open(fake).await.get("/v1/cluster").await;
    let expected = json!({
        "version": 2, "partitions": 8, "partitions_left": 5, "bytes_left": 0,
        "waits_for": ["n2", "00000000000000e5"],
    });
    assert_eq!(answer.json()["transition"], expected);
}

#[tokio::test]
async fn a_commit_that_only_declares_somebody_dead_says_so() {
    let declared = AdminDone::DeclaredDead { names: vec!["n3".to_owned()] };
    let fake = Fake::administered(move |_| Ok(declared.clone()));
    let answer = Door::open(fake).await.post("/v1/cluster/commit", r#"{"version":3}"#).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json(), json!({ "declared_dead": ["n3"] }));
}
