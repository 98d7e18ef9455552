//! Commands that need no cluster, and what they say when there is none.

use crate::harness::{Node, free_ports, run, stator, stderr, stdout};

fn stator_with(arguments: &[&str]) -> std::process::Output {
    let mut command = stator();
    command.args(arguments);
    run(command)
}

#[test]
fn a_secret_is_one_line_and_never_the_same() {
    let (one, two) = (stator_with(&["secret"]), stator_with(&["secret"]));
    assert!(one.status.success() && one.stderr.is_empty());
    assert_eq!(stdout(&one).lines().count(), 1);
    assert!(stdout(&one).trim().len() >= 43);
    assert_ne!(one.stdout, two.stdout);
}

#[test]
fn completions_and_manual_pages_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&stator_with(&["completions", shell])).contains("import"), "{shell}");
    }
    assert!(stdout(&stator_with(&["man"])).contains("stator\\-import"));
    assert!(stdout(&stator_with(&["man", "put"])).contains("key\\-format"));
    assert_eq!(stator_with(&["man", "nothing"]).status.code(), Some(2));
}

#[test]
fn wrong_usage_ends_with_two() {
    let wrong: [&[&str]; 7] = [
        &["put", "b"],
        &["get", "b", "abc", "--key-format", "hex"],
        &["get", "b", "k", "-r", "some"],
        &["bench", "--mix", "60/60"],
        &["status"],
        &["get", "b", "k", "--endpoint", "https://n1:1"],
        &["demo", "--nodes", "1"],
    ];
    for arguments in wrong {
        let output = stator_with(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn where_nobody_listens_a_command_fails_and_says_what_to_do() {
    let endpoint = format!("http://127.0.0.1:{}", free_ports(1));
    for command in
        [&["get", "b", "k"][..], &["put", "b", "k", "v"], &["cluster", "status"], &["verify"]]
    {
        let output = stator_with(&[command, &["--endpoint", &endpoint]].concat());
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let told = stderr(&output);
        assert!(told.contains(&format!("error: no node answers at {endpoint}")), "{told}");
        assert!(told.contains("try: start a node"), "{told}");
    }
}

#[test]
fn every_setting_is_printed_with_where_it_came_from() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let node = Node::new(dir.path(), "n9");
    let file = dir.path().join("stator.toml");
    std::fs::write(&file, "zone = \"rack-1\"\njoin = [\"a:1\", \"b:2\"]\n").expect("writable");
    let mut command = node.command(&["--print-config", "--config"]);
    command.arg(&file).env("STATOR_WEIGHT", "200").env("STATOR_SECRET", "0123456789abcdef");
    let output = run(command);
    let text = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    let line =
        |name: &str| text.lines().find(|line| line.starts_with(name)).expect(name).to_owned();
    assert!(line("name = \"n9\"").ends_with("# flag --name"));
    assert!(line("weight = \"200\"").ends_with("# environment STATOR_WEIGHT"));
    assert!(line("zone = \"rack-1\"").contains("# file "));
    assert!(line("replicas = \"3\"").ends_with("# default"));
    assert!(!text.contains("0123456789abcdef") && text.contains("secret: set"));
    assert!(!node.data.exists());
}

#[test]
fn one_node_alone_is_a_cluster_and_a_misspelt_variable_is_warned_about() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut node = Node::new(dir.path(), "n1");
    node.start(&[]);
    crate::harness::until("it serves", || {
        (node.send(&crate::harness::Request::get("/readyz")).status == 200).then_some(())
    });
    assert!(node.logged().contains("--join"), "it says how to grow: {}", node.logged());
    assert!(node.cli(&["put", "b", "k", "v"]).status.success());
    assert_eq!(node.cli(&["get", "b", "k"]).stdout, b"v");
    let bench = node.cli(&[
        "bench",
        "--duration",
        "300ms",
        "--warm-up",
        "50ms",
        "--keys",
        "100",
        "--conns",
        "4",
        "--value-size",
        "100",
        "--json",
        "--pid",
        &node.pid().to_string(),
    ]);
    let document: serde_json::Value = serde_json::from_slice(&bench.stdout).expect("JSON");
    assert!(document["put"]["operations"].as_u64().is_some_and(|count| count > 0), "{document}");
    assert!(document["get"]["p99_us"].as_u64().is_some_and(|micros| micros > 0), "{document}");
    assert_eq!(document["errors"].as_object().map(serde_json::Map::len), Some(0), "{document}");
    assert!(document["server_cpu_us_per_operation"].is_number());

    let mut misspelt = Node::new(dir.path(), "n2");
    let mut command = misspelt.command(&["--http", &node.http]);
    command.env("STATOR_NMAE", "x");
    misspelt.data = dir.path().join("other");
    assert!(stderr(&run(command)).contains("STATOR_NMAE"));
}
