//! `stator bench` by each door against a real cluster of three nodes, and what it refuses.

use serde_json::Value;

use crate::harness::{Cluster, Node, Redis, Request, run, stator, stderr, stdout};

/// Runs it against a node with `--json`, and reads the document.
fn measured(node: &Node, arguments: &[&str]) -> Value {
    let mut command = node.client(&["bench", "--json", "--conns", "4"]);
    command.args(["--warm-up", "50ms", "--duration", "400ms"]).args(arguments);
    command.env("STATOR_CLIENT_KEY", crate::native::key().expose());
    let output = run(command);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn errors(document: &Value) -> u64 {
    let kinds = document["errors"].as_object().expect("errors by kind");
    kinds.values().filter_map(Value::as_u64).sum()
}

fn count(document: &Value, part: &str) -> u64 {
    document[part]["operations"].as_u64().expect("a number")
}

/// How many siblings a key has, over HTTP.
fn siblings(node: &Node, bucket: &str, key: &str) -> usize {
    let request = Request::get(format!("/v1/kv/{bucket}/{key}"));
    let answer = node.send(&request.header("Accept", "application/json"));
    match answer.status {
        200 => 1,
        300 => answer.json()["siblings"].as_array().expect("siblings").len(),
        _ => 0,
    }
}

#[test]
fn each_door_carries_each_mix_and_leaves_no_siblings() {
    let cluster = Cluster::three();
    let node = &cluster.nodes[0];
    let resp = cluster.nodes.iter().map(|node| node.resp.as_str()).collect::<Vec<_>>().join(",");
    let doors: [&[&str]; 3] = [
        &["--protocol", "http"],
        &["--protocol", "native"],
        &["--protocol", "resp", "--pipeline", "8", "--resp", &resp],
    ];
    for door in doors {
        let mix = |mix: &str, distribution: &str| {
            let load = ["--keys", "60", "--value-size", "100", "--mix", mix];
            let keys = ["--distribution", distribution];
            let document = measured(node, &[door, &load[..], &keys[..]].concat());
            assert_eq!(errors(&document), 0, "{document}");
            document
        };
        let a = mix("a", "zipfian");
        assert!(count(&a, "put") > 0 && count(&a, "get") > 0 && count(&a, "rmw") == 0, "{a}");
        let f = mix("f", "zipfian");
        assert!(count(&f, "put") == 0 && count(&f, "get") > 0 && count(&f, "rmw") > 0, "{f}");
        let c = mix("c", "sequential");
        assert!(count(&c, "put") == 0 && count(&c, "get") > 0, "{c}");
        let operations = count(&a, "put") + count(&a, "get");
        assert_eq!(a["operations"].as_u64(), Some(operations));
        let slots = a["over_time"].as_array().expect("slots").iter();
        let in_slots: u64 = slots.filter_map(|slot| slot["operations"].as_u64()).sum();
        assert_eq!(in_slots, operations);
    }
    for key in 0..60 {
        let name = format!("100-{key:08}");
        assert_eq!(siblings(node, "bench", &name), 1, "{name}");
        assert_eq!(siblings(node, "redis.0", &name), 1, "{name}");
    }
}

#[test]
fn a_load_stores_each_key_once_and_is_read_back_without_filling() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut node = Node::new(dir.path(), "n1");
    node.start(&[]);
    crate::harness::until("it serves", || {
        (node.send(&Request::get("/readyz")).status == 200).then_some(())
    });
    let resp = ["--protocol", "resp", "--resp", &node.resp, "--dbnum", "3", "--keys", "500"];
    let load = ["--mix", "load", "--pipeline", "16", "--value-size", "10-20"];
    let loaded = measured(&node, &[&resp[..], &load[..], &["--key-prefix", "p-"]].concat());
    assert_eq!(count(&loaded, "put"), 500, "{loaded}");
    let mut redis = Redis::connect(&node.resp);
    assert_eq!(redis.say("SELECT 3"), "+OK");
    for key in [0, 250, 499] {
        let length = redis.say(&format!("STRLEN p-{key:08}"));
        let length: u64 = length.trim_start_matches(':').parse().expect("a number");
        assert!((10..=20).contains(&length), "{length}");
    }
    assert_eq!(redis.say("EXISTS p-00000500"), ":0");
    let get = ["--mix", "get", "--no-fill", "--key-prefix", "p-"];
    let read = measured(&node, &[&resp[..], &get[..]].concat());
    assert!(count(&read, "get") > 0 && count(&read, "put") == 0, "{read}");
}

#[test]
fn an_open_loop_sends_what_is_due_and_tells_what_the_servers_used() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut node = Node::new(dir.path(), "n1");
    node.start(&[]);
    crate::harness::until("it serves", || {
        (node.send(&Request::get("/readyz")).status == 200).then_some(())
    });
    let (pid, plot) = (node.pid().to_string(), dir.path().join("plot.svg"));
    let mut arguments = vec!["--mix", "put", "--keys", "100", "--rate", "200", "--slot", "100ms"];
    arguments.extend(["--pid", &pid, "--plot", plot.to_str().expect("text")]);
    let document = measured(&node, &arguments);
    // Two hundred a second for 400 ms, whether or not this machine keeps up.
    assert_eq!(count(&document, "put") + errors(&document), 80, "{document}");
    assert_eq!(document["load"]["loop"], "open");
    assert_eq!(document["seconds"], 0.4);
    let servers = &document["servers"];
    for figure in ["context_switches_per_operation", "resident_bytes_after", "syncs_per_operation"]
    {
        assert!(servers[figure].as_f64().is_some_and(|value| value > 0.0), "{figure}: {servers}");
    }
    for figure in ["user_us_per_operation", "system_us_per_operation"] {
        assert!(servers[figure].is_number(), "{figure}: {servers}");
    }
    let figure = std::fs::read_to_string(&plot).expect("it was drawn");
    assert!(figure.starts_with("<svg") && figure.ends_with("</svg>\n"));
}

#[test]
fn what_can_not_be_meant_is_refused_with_a_way_out() {
    let refused: [(&[&str], &str); 8] = [
        (&["--pipeline", "4"], "--pipeline is for --protocol resp"),
        (&["--resp", "a:1"], "--resp is for --protocol resp"),
        (&["--wait", "1", "--protocol", "resp"], "Stator has no WAIT"),
        (&["--mix", "load", "--rate", "5"], "without --rate"),
        (&["--no-fill"], "pile up siblings"),
        (&["--keys", "3"], "fewer than 64 connections"),
        (&["--protocol", "native"], "stator secret --client"),
        (&["--slot", "1ms"], "says little"),
    ];
    for (arguments, told) in refused {
        let mut command = stator();
        command.arg("bench").args(arguments);
        let output = run(command);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(told), "{arguments:?}: {}", stderr(&output));
    }
    let mut help = stator();
    help.args(["bench", "--help"]);
    let help = stdout(&run(help));
    for word in ["Where to:", "Load:", "What is measured:", "--rate <R>", "Examples:"] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[test]
fn what_can_not_be_had_is_told_before_the_load() {
    let nobody = format!("http://127.0.0.1:{}", crate::harness::free_ports(1));
    for (arguments, told, next) in [
        (["--plot", "/nowhere/at/all.svg"], "/nowhere/at/all.svg can't be written", "a folder"),
        (["--pid", "4294967295"], "process 4294967295 can't be read", "running server processes"),
        (["--mix", "get"], "could not be stored", "stator cluster status"),
    ] {
        let mut command = stator();
        command.args(["bench", "--keys", "64", "--endpoint", &nobody]).args(arguments);
        let output = run(command);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(told) && text.contains(next), "{text}");
    }
}

#[test]
fn where_nobody_listens_it_says_so() {
    let port = crate::harness::free_ports(1);
    let mut command = stator();
    command.args(["bench", "--target", "redis", "--mix", "put", "--duration", "100ms"]);
    command.args(["--warm-up", "0s", "--conns", "1", "--resp", &format!("127.0.0.1:{port}")]);
    let output = run(command);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("no operation succeeded: unreachable"), "{told}");
}
