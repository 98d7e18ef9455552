//! The Redis protocol of three real nodes.

use std::net::TcpListener;

use crate::harness::{Cluster, Node, Redis, Request, run, stderr, until};

fn clients(cluster: &Cluster) -> Vec<Redis> {
    cluster.nodes.iter().map(|node| Redis::connect(&node.resp)).collect()
}

#[test]
fn every_node_and_every_door_shows_the_same_objects() {
    let cluster = Cluster::three();
    let mut redis = clients(&cluster);
    for number in 0..30 {
        let (key, value) = (format!("key{number}"), format!("value{number}"));
        assert_eq!(redis[number % 3].ask(&["SET", &key, &value]), "+OK");
        for client in &mut redis {
            assert_eq!(client.ask(&["GET", &key]), value);
        }
        let over_http = cluster.nodes[0].send(&Request::get(format!("/v1/kv/redis.0/{key}")));
        assert_eq!((over_http.status, over_http.body), (200, value.into_bytes()));
    }
    assert_eq!(redis[0].say("DBSIZE"), ":30");
    let scanned = redis[1].say("SCAN 0 COUNT 1000");
    assert!(scanned.starts_with('[') && scanned.matches("key").count() <= 30, "{scanned}");
    assert_eq!(redis[2].say("DEL key0 key1 nothing"), ":2");
    assert_eq!(redis[0].say("EXISTS key0 key1 key2"), ":1");

    // Two writers who knew nothing of each other, then a third who was shown both over HTTP.
    assert!(!redis[0].ask(&["STATOR.PUT", "carts", "bob", "", "apple"]).starts_with('-'));
    assert!(!redis[1].ask(&["STATOR.PUT", "carts", "bob", "", "pear"]).starts_with('-'));
    let both = cluster.nodes[2].send(&Request::get("/v1/kv/carts/bob"));
    assert_eq!(both.status, 300);
    let context = both.header("stator-context").expect("what was seen");
    let merged =
        redis[2].ask(&["STATOR.PUT", "carts", "bob", &context, "apple and pear", "W", "3"]);
    let told = redis[0].ask(&["STATOR.GET", "carts", "bob", "R", "3"]);
    assert_eq!(told, format!("[{merged}, apple and pear]"));
    let forged = redis[0].ask(&["STATOR.PUT", "carts", "alice", &context, "x"]);
    assert!(forged.starts_with("-CONTEXT "), "{forged}");
    assert_eq!(redis[0].ask(&["STATOR.GET", "carts", "alice"]), "[nil]");
}

#[test]
fn an_expiry_is_the_same_on_every_node_and_through_every_door() {
    let cluster = Cluster::three();
    let mut redis = clients(&cluster);
    assert_eq!(redis[0].say("SET long v EX 1000"), "+OK");
    let left: Vec<i64> =
        redis.iter_mut().map(|client| client.say("PTTL long")[1..].parse().expect("ms")).collect();
    assert!(left.iter().all(|left| (900_000..=1_000_000).contains(left)), "{left:?}");
    assert_eq!(redis[1].say("PERSIST long"), ":1");
    assert_eq!(redis[2].say("TTL long"), ":-1");

    assert_eq!(redis[0].say("SET short v PX 300"), "+OK");
    for (client, node) in redis.iter_mut().zip(&cluster.nodes) {
        until("it expires", || (client.say("GET short") == "nil").then_some(()));
        assert_eq!(client.say("TTL short"), ":-2");
        assert_eq!(node.send(&Request::get("/v1/kv/redis.0/short")).status, 404);
    }
    let over_http = Request::put("/v1/kv/redis.0/http", "v").header("Stator-TTL", "1000");
    assert_eq!(cluster.nodes[0].send(&over_http).status, 204);
    let left: i64 = redis[1].say("TTL http")[1..].parse().expect("seconds");
    assert!((900..=1000).contains(&left), "{left}");
}

#[test]
fn acknowledged_sets_survive_the_death_of_all_nodes_at_once() {
    const SETS: usize = 500;
    let mut cluster = Cluster::three();
    let mut redis = clients(&cluster);
    for number in 0..SETS {
        redis[number % 3].ask(&["SET", &format!("key{number}"), "before"]);
        redis[number % 3].send(&["SET", &format!("key{number}"), &number.to_string()]);
    }
    for number in 0..SETS {
        assert_eq!(redis[number % 3].reply(), "+OK", "set {number}");
    }
    for node in &mut cluster.nodes {
        node.kill();
    }
    for node in &mut cluster.nodes {
        node.start(&[]);
    }
    cluster.wait_ready();
    let keys: Vec<String> = (0..SETS).map(|number| format!("key{number}")).collect();
    let mut words = vec!["MGET"];
    words.extend(keys.iter().map(String::as_str));
    let numbers: Vec<String> = (0..SETS).map(|number| number.to_string()).collect();
    assert_eq!(clients(&cluster)[1].ask(&words), format!("[{}]", numbers.join(", ")));
}

#[test]
fn a_write_that_too_few_can_take_is_never_acknowledged() {
    let mut cluster = Cluster::three();
    let mut redis = Redis::connect(&cluster.nodes[0].resp);
    assert_eq!(redis.say("SET k v"), "+OK");
    cluster.nodes[1].kill();
    cluster.nodes[2].kill();
    let told = until("the loss is noticed", || {
        let told = redis.say("SET k w");
        let fails = told.starts_with("-REFUSED ") || told.starts_with("-INDETERMINATE ");
        assert!(fails, "{told}");
        told.starts_with("-REFUSED ").then_some(told)
    });
    assert!(told.contains("replicas are needed"), "{told}");
    assert!(redis.say("GET k").starts_with("-REFUSED "), "one answer is not enough for a read");
    assert_eq!(redis.say("PING"), "+PONG");
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let node = Node::new(dir.path(), "n1");
    let _taken = TcpListener::bind(&node.resp).expect("it is free");
    let output = run(node.command(&["--init"]));
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("{} can't be listened on", node.resp)), "{told}");
    assert!(told.contains("--resp"), "{told}");
}
