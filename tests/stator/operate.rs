//! What operators are told: what each node holds, and whether the cluster has converged.

use serde_json::Value;

use crate::harness::{Cluster, Node, Request, stderr, stdout, until};

const KEYS: usize = 60;

/// `stator verify` with `--json`: its status and what it says.
fn verify(node: &Node, timeout: &str) -> (Option<i32>, Value) {
    let output = node.cli(&["verify", "--json", "--timeout", timeout]);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", stdout(&output), stderr(&output)));
    (output.status.code(), document)
}

fn put_all(node: &Node, value: &str) {
    for number in 0..KEYS {
        let answer = node.send(&Request::put(format!("/v1/kv/ledger/{number}"), value));
        assert_eq!(answer.status, 204, "put {number}");
    }
}

/// Each partition's roots as a node tells of them.
fn roots(node: &Node) -> Vec<Value> {
    let said = node.send(&Request::get("/v1/node")).json();
    said["partitions"].as_array().expect("a list").iter().map(|each| each["root"].clone()).collect()
}

/// Bytes that a node has sent to compare and to repair replicas.
fn sent(node: &Node) -> u64 {
    let said = node.send(&Request::get("/v1/node?partitions=no")).json();
    ["exchange_bytes_sent", "repair_bytes_sent"]
        .iter()
        .map(|count| said["since_start"][count].as_u64().expect("a count"))
        .sum()
}

/// What every node has seen of its own writes makes one table, and one document.
#[test]
fn staleness_is_estimated_by_every_node_that_writes_go_through() {
    let cluster = Cluster::three();
    let shown = stdout(&cluster.nodes[0].cli(&["cluster", "staleness"]));
    assert!(shown.contains("nothing is estimated before puts went through"), "{shown}");
    for node in &cluster.nodes {
        put_all(node, &node.name);
    }
    let asked = ["cluster", "staleness", "-n", "3", "-r", "1", "-w", "1", "--json"];
    let output = cluster.nodes[1].cli(&asked);
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", stdout(&output), stderr(&output)));
    let nodes = document["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 3);
    for node in nodes {
        assert!(node["watched_puts"].as_u64() > Some(0), "{node}");
        assert_eq!(node["replicas"].as_array().map(Vec::len), Some(2), "{node}");
        let sync = node["own_sync"]["p50_ms"].as_f64().expect("a time");
        assert!(sync > 0.0 && sync < 1000.0, "{node}");
    }
    let estimates = document["estimates"].as_array().expect("estimates");
    assert_eq!(estimates.len(), 1, "{document}");
    let at_once = estimates[0]["stale"][0]["probability"].as_f64().expect("a probability");
    let later = estimates[0]["stale"][4]["probability"].as_f64().expect("a probability");
    assert!((0.0..=1.0).contains(&at_once) && later <= at_once, "{document}");

    let refused = cluster.nodes[1].cli(&["cluster", "staleness", "-n", "3", "-w", "4"]);
    assert_ne!(refused.status.code(), Some(0));
    assert!(stderr(&refused).contains("w=4 can't be met"), "{}", stderr(&refused));
    // The usual settings were asked for just now, when there was nothing to be told.
    until("the usual settings are told anew", || {
        let shown = stdout(&cluster.nodes[0].cli(&["cluster", "staleness"]));
        (shown.contains("PUTS WATCHED") && shown.contains("99.9 % AFTER")).then_some(())
    });
}

#[test]
fn verify_names_a_dead_node_and_holds_again_once_it_is_back() {
    let mut cluster = Cluster::three();
    put_all(&cluster.nodes[0], "before");
    let (status, document) = verify(&cluster.nodes[0], "60s");
    assert_eq!((status, &document["converged"]), (Some(0), &true.into()), "{document}");
    assert_eq!(document["nodes"].as_array().map(Vec::len), Some(3));

    cluster.nodes[2].kill();
    put_all(&cluster.nodes[0], "while n3 is dead");
    let (status, document) = verify(&cluster.nodes[0], "1s");
    assert_eq!((status, &document["converged"]), (Some(1), &false.into()), "{document}");
    let reasons = document["reasons"].as_array().expect("reasons");
    assert!(
        reasons.iter().any(|reason| reason["kind"] == "not-asked" && reason["node"] == "n3"),
        "{document}"
    );
    let shown = cluster.nodes[0].cli(&["verify", "--timeout", "0s"]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(stdout(&shown).contains("n3 can't be asked: no node answers at"), "{}", stdout(&shown));

    cluster.nodes[2].start(&[]);
    let (status, document) = verify(&cluster.nodes[1], "60s");
    assert_eq!((status, &document["reasons"]), (Some(0), &Value::Array(vec![])), "{document}");
    // What it says is so: all that was missed is there, and the roots can be seen to be the same.
    for number in 0..KEYS {
        let got = cluster.nodes[2].send(&Request::get(format!("/v1/kv/ledger/{number}?r=all")));
        let value = String::from_utf8_lossy(&got.body).into_owned();
        assert!(value.contains("while n3 is dead"), "{number}: {} {value}", got.status);
    }
    let (first, third) = (roots(&cluster.nodes[0]), roots(&cluster.nodes[2]));
    assert_eq!((first.len(), &first), (256, &third));
    assert!(first.iter().all(Value::is_string), "trees are built");
}

#[test]
fn a_lost_store_is_refilled_and_verify_says_when() {
    let mut cluster = Cluster::three();
    put_all(&cluster.nodes[0], "kept by others");
    cluster.nodes[1].kill();
    std::fs::remove_dir_all(cluster.nodes[1].data.join("store")).expect("it has a store");
    cluster.nodes[1].start(&[]);
    let (status, document) = verify(&cluster.nodes[1], "60s");
    assert_eq!(status, Some(0), "{document}");
    let said = cluster.nodes[1].send(&Request::get("/v1/node")).json();
    let empty = Value::from("0".repeat(32));
    let filled = roots(&cluster.nodes[1]).iter().filter(|root| **root != empty).count();
    assert!(filled > 20, "{filled} partitions of {KEYS} objects: {said}");
    // The others say what it has cost: at least every name and value, once.
    let sent: u64 = [0, 2].iter().map(|&other| sent(&cluster.nodes[other])).sum();
    let least = KEYS * "ledger/0kept by others".len();
    assert!(sent >= least as u64, "{sent} bytes sent are too few for {least}");
}

#[test]
fn status_tells_what_each_node_holds_and_which_can_not_be_asked() {
    let mut cluster = Cluster::three();
    put_all(&cluster.nodes[0], "x");
    cluster.nodes[1].kill();
    let status = cluster.nodes[0].cli(&["cluster", "status"]);
    let text = stdout(&status);
    assert_eq!(status.status.code(), Some(0), "{}", stderr(&status));
    assert!(text.contains("EXCHANGES"), "{text}");
    assert!(text.contains("n2 can't be asked: no node answers at"), "{text}");

    let status = cluster.nodes[0].cli(&["cluster", "status", "--json"]);
    let document: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let members = document["members"].as_array().expect("members");
    let of = |name: &str| members.iter().find(|member| member["name"] == name).expect("a member");
    assert_eq!((&of("n3")["hints"], &of("n3")["node"]["replicas"]), (&0.into(), &256.into()));
    assert_eq!(of("n2")["hints"], Value::Null, "nobody can know");
    assert!(of("n2")["node"]["error"].is_string());
}
