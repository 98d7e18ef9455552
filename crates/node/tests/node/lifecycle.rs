//! One node: founding, serving, stopping, starting again.

use std::collections::BTreeSet;

use stator_core::bucket::MutableProperties;
use stator_core::identity::ActorId;
use stator_core::membership::admin::AdminRequest;
use stator_core::request::RequestError;
use stator_node::{NodeConfig, NodeHandle, Readiness};

use crate::rig::{
    TIMEOUT, config, directory, get, key, on_disk, put, put_with, serving, start, values, w,
};

async fn actors(node: &NodeHandle, name: &str) -> BTreeSet<ActorId> {
    let reply = get(node, name).await.expect("the get is answered");
    reply.state.vector().entries().iter().map(|(actor, _)| *actor).collect()
}

#[tokio::test]
async fn a_node_alone_founds_a_cluster_and_keeps_what_it_acknowledged() {
    let dir = directory();
    let node = serving(on_disk("n1", dir.path())).await;
    let handle = node.handle();
    let (me, cluster) = (handle.me(), handle.view().ring.as_ref().expect("a ring").cluster);
    for number in 0..50 {
        let reply = put(&handle, &format!("cart{number}"), b"milk").await.expect("acknowledged");
        assert_eq!((reply.answered.total(), reply.answered.durable), (1, 1));
    }
    let stats = handle.stats();
    assert_eq!((stats.puts, stats.minted), (50, 50));
    assert!(stats.store.syncs > 0);
    let before = actors(&handle, "cart0").await;
    node.stop().await;
    assert!(put(&handle, "late", b"bread").await.is_err(), "a stopped node takes nothing");

    let node = serving(on_disk("n1", dir.path())).await;
    let handle = node.handle();
    assert_eq!(handle.me(), me);
    assert_eq!(handle.view().ring.as_ref().expect("a ring").cluster, cluster);
    for number in 0..50 {
        assert_eq!(values(&handle, &format!("cart{number}")).await, [b"milk".to_vec()]);
    }
    let context = get(&handle, "cart0").await.expect("answered").context;
    put_with(&handle, "cart0", b"bread", context, w(1)).await.expect("its context still opens");
    assert_eq!(values(&handle, "cart0").await, [b"bread".to_vec()]);
    let after = actors(&handle, "cart0").await;
    let fresh: Vec<_> = after.difference(&before).collect();
    assert_eq!(fresh.len(), 1, "a start mints under fresh ids: {before:?} {after:?}");
    node.stop().await;
}

#[tokio::test]
async fn requests_under_way_finish_before_a_stop() {
    let dir = directory();
    let node = serving(on_disk("n1", dir.path())).await;
    let handle = node.handle();
    let puts: Vec<_> = (0..200)
        .map(|number| {
            let handle = handle.clone();
            tokio::spawn(async move {
                (number, put(&handle, &format!("cart{number}"), b"milk").await.is_ok())
            })
        })
        .collect();
    tokio::task::yield_now().await;
    node.stop().await;
    assert!(matches!(handle.readiness(), Readiness::NotReady(_)));
    let mut acknowledged = Vec::new();
    for put in puts {
        let (number, ok) = put.await.expect("no panic");
        if ok {
            acknowledged.push(number);
        }
    }
    let node = serving(on_disk("n1", dir.path())).await;
    for number in acknowledged {
        assert_eq!(values(&node.handle(), &format!("cart{number}")).await, [b"milk".to_vec()]);
    }
    node.stop().await;
}

#[tokio::test]
async fn a_full_shard_says_so_at_once() {
    let dir = directory();
    let config = NodeConfig { max_requests: 1, shards: 1, ..on_disk("n1", dir.path()) };
    let node = serving(config).await;
    let handle = node.handle();
    let puts: Vec<_> = (0..50)
        .map(|number| {
            let handle = handle.clone();
            tokio::spawn(async move { put(&handle, &format!("cart{number}"), b"milk").await })
        })
        .collect();
    let mut refused = 0;
    for put in puts {
        match put.await.expect("no panic") {
            Ok(_) => {}
            Err(RequestError::Overloaded) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused > 0, "50 at once do not fit into room for 1");
    assert!(put(&handle, "later", b"milk").await.is_ok(), "and it goes on");
    node.stop().await;
}

#[tokio::test]
async fn a_node_without_a_ring_refuses_and_says_so() {
    let dir = directory();
    let seed = vec!["127.0.0.1:1".to_owned()];
    let config = NodeConfig { join: seed, ..config("n1", dir.path()) };
    let node = start(config).await;
    let handle = node.handle();
    let refused = put(&handle, "cart", b"milk").await;
    assert_eq!(refused, Err(RequestError::NotMember));
    assert!(matches!(handle.readiness(), Readiness::NotReady(why) if why.contains("join")));
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_can_not_keep_its_promises_says_so_and_takes_nothing_more() {
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let handle = node.handle();
    // In one step: what is being written there meanwhile would keep a directory from being removed.
    std::fs::rename(dir.path().join("identity"), dir.path().join("gone")).expect("renamed");
    let bucket = key("cart").bucket().clone();
    let set = AdminRequest::SetBucket {
        bucket,
        n: None,
        conflicts: None,
        mutable: MutableProperties::default(),
    };
    let _ = handle.admin(set, std::time::Duration::from_millis(100)).await;
    let reason = tokio::time::timeout(TIMEOUT, node.failed()).await.expect("the node fails");
    assert!(reason.contains("can't be written"), "{reason}");
    assert!(put(&handle, "cart", b"milk").await.is_err());
    assert!(matches!(handle.readiness(), Readiness::NotReady(why) if why.contains("failed")));
    node.stop().await;
}
