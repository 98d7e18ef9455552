//! Three nodes: joining, replicating, losing one.

use stator_core::membership::admin::{AdminDone, AdminRequest, MemberState};
use stator_core::request::{Outcome, RequestError};
use stator_core::ring::RingVersion;
use stator_node::{Founding, Node, NodeConfig, NodeHandle};
use tempfile::TempDir;

use crate::rig::{
    TIMEOUT, config, directory, get, joining, keyring, on_disk, put, put_with, serving, start,
    until, until_ready, values, w,
};

struct Three {
    nodes: Vec<Node>,
    dirs: Vec<TempDir>,
}

impl Three {
    fn handle(&self, index: usize) -> NodeHandle {
        self.nodes[index].handle()
    }

    async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// Commits what is staged once it is `changes` changes; the new version.
async fn commit(on: &NodeHandle, changes: usize) -> RingVersion {
    let version =
        until("the joins are staged", async || match on.admin(AdminRequest::Plan, TIMEOUT).await {
            Ok(AdminDone::Plan(plan)) if plan.changes.len() == changes => Some(plan.version()),
            Ok(AdminDone::Plan(_)) => None,
            other => panic!("{other:?}"),
        })
        .await;
    let done = on.admin(AdminRequest::Commit { version }, TIMEOUT).await;
    assert!(
        matches!(done, Ok(AdminDone::Committed(ref ring)) if ring.version == version),
        "{done:?}"
    );
    version
}

/// Three nodes with different numbers of shards, so that messages take a hop within a node.
async fn three() -> Three {
    let dirs: Vec<TempDir> = (0..3).map(|_| directory()).collect();
    let founder = NodeConfig { found: Founding::Init, ..on_disk("n1", dirs[0].path()) };
    let n1 = serving(NodeConfig { shards: 1, ..founder }).await;
    let join = |name, index: usize| joining(name, dirs[index].path(), &n1);
    let n2 = start(NodeConfig { shards: 2, ..join("n2", 1) }).await;
    let n3 = start(NodeConfig { shards: 3, ..join("n3", 2) }).await;
    let version = commit(&n1.handle(), 2).await;
    let nodes = vec![n1, n2, n3];
    for node in &nodes {
        let handle = node.handle();
        until("the ring is known", async || {
            let view = handle.view();
            let is_settled = view.transition.as_ref().is_none_or(|moves| moves.is_over());
            (view.ring.as_ref()?.version == version && is_settled).then_some(())
        })
        .await;
        until_ready(&handle).await;
    }
    Three { nodes, dirs }
}

/// Until every node has a connection to every other, w=3 may have to wait.
async fn until_all_connected(three: &Three) {
    for index in 0..3 {
        let handle = three.handle(index);
        until("writes reach all three", async || {
            put_with(&handle, "probe", b"x", None, w(3)).await.ok()
        })
        .await;
    }
}

#[tokio::test]
async fn three_nodes_form_and_what_one_takes_all_have() {
    let three = three().await;
    until_all_connected(&three).await;
    for number in 0..30 {
        let (name, value) = (format!("cart{number}"), format!("milk{number}"));
        let reply = put_with(&three.handle(number % 3), &name, value.as_bytes(), None, w(3))
            .await
            .expect("acknowledged");
        assert_eq!((reply.answered.primaries, reply.answered.durable), (3, 3));
        for index in 0..3 {
            assert_eq!(values(&three.handle(index), &name).await, [value.clone().into_bytes()]);
        }
    }
    let context = get(&three.handle(0), "cart0").await.expect("answered").context;
    put_with(&three.handle(1), "cart0", b"bread", context.clone(), w(3))
        .await
        .expect("acknowledged");
    put_with(&three.handle(2), "cart0", b"eggs", context, w(3)).await.expect("acknowledged");
    assert_eq!(values(&three.handle(0), "cart0").await, [b"bread".to_vec(), b"eggs".to_vec()]);
    three.stop().await;
}

#[tokio::test]
async fn a_large_value_goes_to_all_and_comes_back() {
    let three = three().await;
    until_all_connected(&three).await;
    let value: Vec<u8> = (0..8 * 1024 * 1024).map(|number: u32| (number % 251) as u8).collect();
    put_with(&three.handle(0), "film", &value, None, w(3)).await.expect("acknowledged");
    for index in 0..3 {
        assert!(values(&three.handle(index), "film").await == [value.clone()]);
    }
    three.stop().await;
}

#[tokio::test]
async fn without_one_of_three_w2_is_acknowledged_and_w3_is_not() {
    let mut three = three().await;
    until_all_connected(&three).await;
    let lost = three.nodes.pop().expect("three nodes");
    let (lost_id, lost_dir) = (lost.handle().me(), three.dirs.pop().expect("three directories"));
    lost.stop().await;
    for number in 0..10 {
        let name = format!("cart{number}");
        let handle = three.handle(number % 2);
        let reply = put_with(&handle, &name, b"milk", None, w(2)).await.expect("acknowledged");
        assert_eq!((reply.answered.total(), reply.answered.durable), (2, 2));
        let error = put_with(&handle, &name, b"eggs", None, w(3)).await.expect_err("only two live");
        match error.outcome() {
            Outcome::Refused => {
                assert!(matches!(error, RequestError::NotEnoughReplicas { .. }), "{error:?}");
                assert_eq!(values(&handle, &name).await, [b"milk".to_vec()]);
            }
            Outcome::Indeterminate => {}
        }
    }
    let handle = three.handle(0);
    until("the loss is noticed", async || {
        let Ok(AdminDone::Status(status)) = handle.admin(AdminRequest::Status, TIMEOUT).await
        else {
            return None;
        };
        let down = |it: &&stator_core::membership::admin::MemberStatus| {
            it.id == lost_id && it.state == MemberState::Down
        };
        status.members.iter().find(down).map(|_| ())
    })
    .await;
    drop(lost_dir);
    three.stop().await;
}

#[tokio::test]
async fn a_node_that_comes_back_needs_no_seed_and_keeps_its_place() {
    let mut three = three().await;
    until_all_connected(&three).await;
    let n3 = three.nodes.pop().expect("three nodes");
    let (id, address) = (n3.handle().me(), n3.peer_address());
    n3.stop().await;
    let back = NodeConfig {
        found: Founding::No,
        peer_listen: address,
        ..config("n3", three.dirs[2].path())
    };
    let n3 = serving(back).await;
    assert_eq!(n3.handle().me(), id);
    three.nodes.push(n3);
    until_all_connected(&three).await;
    three.stop().await;
}

#[tokio::test]
async fn a_node_with_another_secret_does_not_get_in_and_the_cluster_goes_on() {
    let (dir1, dir2) = (directory(), directory());
    let n1 = serving(config("n1", dir1.path())).await;
    let stranger = NodeConfig { keyring: keyring(b"guess"), ..joining("n2", dir2.path(), &n1) };
    let n2 = start(stranger).await;
    let dir3 = directory();
    let n3 = start(joining("n3", dir3.path(), &n1)).await;
    // The node with the right secret is staged, so that the other had its time as well.
    let handle = n1.handle();
    let plan = until("n3's join is staged", async || {
        match handle.admin(AdminRequest::Plan, TIMEOUT).await {
            Ok(AdminDone::Plan(plan)) if !plan.changes.is_empty() => Some(plan),
            Ok(AdminDone::Plan(_)) => None,
            other => panic!("{other:?}"),
        }
    })
    .await;
    let nodes: Vec<_> = plan.changes.iter().map(|change| change.node).collect();
    assert_eq!(nodes, [n3.handle().me()]);
    assert!(put(&handle, "cart", b"milk").await.is_ok());
    for node in [n1, n2, n3] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_copy_of_a_running_node_is_found_out() {
    let mut three = three().await;
    until_all_connected(&three).await;
    let n3 = three.nodes.pop().expect("three nodes");
    let address = n3.peer_address();
    n3.stop().await;
    let copied = directory();
    let (from, to) = (three.dirs[2].path().join("identity"), copied.path().join("identity"));
    std::fs::create_dir_all(&to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
    let again = NodeConfig { peer_listen: address, ..config("n3", three.dirs[2].path()) };
    let original = start(again).await;
    let copy = start(config("n3", copied.path())).await;
    let reason = tokio::select! {
        reason = original.failed() => reason,
        reason = copy.failed() => reason,
        () = tokio::time::sleep(std::time::Duration::from_mins(1)) => {
            panic!("neither of two processes on one identity has stopped")
        }
    };
    assert!(reason.contains("identity"), "{reason}");
    until("the others go on", async || put(&three.handle(0), "cart", b"milk").await.ok()).await;
    three.nodes.extend([original, copy]);
    three.stop().await;
}
