//! A machine that dies for good in the middle of its own join.
//!
//! Rule 17: a partition that moves waits for its new owners. An operator who says that one of them
//! will not come back ends that wait, and nothing that was acknowledged is lost.

use serde_json::Value;

use crate::harness::{Cluster, Node, Request, stderr, stdout, until};

const KEYS: usize = 200;

fn put_all(node: &Node, what: &str) {
    for number in 0..KEYS {
        let answer = node.send(&Request::put(format!("/v1/kv/ledger/{what}/{number}"), what));
        assert_eq!(answer.status, 204, "put {number}: {}", String::from_utf8_lossy(&answer.body));
    }
}

fn assert_all_there(node: &Node, what: &str) {
    for number in 0..KEYS {
        let path = format!("/v1/kv/ledger/{what}/{number}?r=all&quorum=strict");
        let answer = node.send(&Request::get(path));
        assert_eq!((answer.status, &answer.body[..]), (200, what.as_bytes()), "{what}/{number}");
    }
}

/// What the cluster's document says of the change that is under way.
fn transition(node: &Node) -> Value {
    node.send(&Request::get("/v1/cluster")).json()["transition"].clone()
}

/// Commits what the plan shows, and says what the command has said.
fn commit(node: &Node) -> String {
    let plan = stdout(&node.cli(&["cluster", "plan"]));
    let shown = plan.lines().find_map(|line| line.strip_prefix("commit it with:"));
    let version = shown.and_then(|command| command.rsplit_once("--version "));
    let (_, version) = version.unwrap_or_else(|| panic!("no version to commit:\n{plan}"));
    let committed = node.cli(&["cluster", "commit", "--version", version]);
    assert!(committed.status.success(), "{}", stderr(&committed));
    stdout(&committed)
}

fn stage_removal(node: &Node) {
    let removed = node.cli(&["cluster", "remove", "--dead", "n4"]);
    assert!(removed.status.success(), "{}", stderr(&removed));
}

fn wait_settled(node: &Node) {
    until("the change is settled", || transition(node).is_null().then_some(()));
}

#[test]
fn a_joining_node_that_never_comes_back_is_declared_dead_and_nothing_is_lost() {
    let cluster = Cluster::three();
    let first = &cluster.nodes[0];
    put_all(first, "before");

    let mut fourth = Node::new(cluster.dir.path(), "n4");
    fourth.start(&["--join", &first.peer]);
    until("the join is staged", || {
        let plan = first.send(&Request::get("/v1/cluster/plan")).json();
        let changes = plan["changes"].as_array()?.clone();
        changes.iter().any(|change| change["node"] == "n4").then_some(())
    });
    // It stands still before its first partition can come, so that it dies in the middle of its join.
    fourth.stand_still();
    commit(first);
    until("the change waits for n4 alone", || {
        (transition(first)["waits_for"] == serde_json::json!(["n4"])).then_some(())
    });
    fourth.kill();
    put_all(&cluster.nodes[1], "meanwhile");
    assert_all_there(first, "before");

    let other = cluster.nodes[2].cli(&["cluster", "weight", "n1", "300"]);
    assert!(other.status.success(), "{}", stderr(&other));
    let plan = cluster.nodes[2].send(&Request::get("/v1/cluster/plan")).json();
    let version = plan["version"].as_u64().expect("a version").to_string();
    let refused = cluster.nodes[2].cli(&["cluster", "commit", "--version", &version]);
    assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("n4"), "it says who holds it up: {}", stderr(&refused));
    assert!(cluster.nodes[2].cli(&["cluster", "discard"]).status.success());

    stage_removal(first);
    let said = commit(first);
    assert!(said.contains("n4 will not be waited for any more"), "{said}");
    cluster.nodes.iter().for_each(wait_settled);
    stage_removal(first);
    commit(first);
    cluster.nodes.iter().for_each(wait_settled);
    until("n4 is gone from the ring", || {
        let members = Cluster::states(first)?;
        (members.len() == 3 && members.iter().all(|(_, state)| state == "up")).then_some(())
    });
    for node in &cluster.nodes {
        assert_all_there(node, "before");
        assert_all_there(node, "meanwhile");
    }
    let verified = first.cli(&["verify", "--timeout", "60s"]);
    assert!(verified.status.success(), "{}", stdout(&verified));
}
