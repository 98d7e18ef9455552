//! Nodes that must not start, or not join: each says why and what to do.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{Cluster, Node, Request, run, stator, stderr, stdout, until};

/// Runs `serve`, which must end by itself, with this status and this text on stderr.
fn refused(command: Command, code: i32, text: &str) {
    let output = run(command);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains("error: "), "{told}");
    assert!(told.contains(text), "{text:?} is not in: {told}");
}

#[test]
fn settings_that_cant_be_meant_are_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let node = Node::new(dir.path(), "n1");
    let file = dir.path().join("stator.toml");
    std::fs::write(&file, "nmae = \"n1\"\n").expect("writable");
    let config = file.to_str().expect("plain");
    refused(node.command(&["--config", config]), 2, "unknown key \"nmae\"");
    refused(node.command(&["--weight", "0"]), 2, "weight can't be \"0\"");
    refused(node.command(&["--join", "n2:1", "--engine", "paper"]), 2, "engine can't be \"paper\"");
    refused(node.command(&["--trace-ratio", "1.5"]), 2, "trace_ratio can't be \"1.5\"");
    for endpoint in ["https://collector:4318", "collector:4318", "http://"] {
        refused(node.command(&["--otlp-endpoint", endpoint]), 2, "otlp_endpoint can't be");
    }
    #[cfg(not(feature = "otlp"))]
    refused(
        node.command(&["--otlp-endpoint", "http://127.0.0.1:4318"]),
        2,
        "cargo build --release --features otlp",
    );
    let mut command = node.command(&[]);
    command.env("STATOR_REPLICAS", "none");
    refused(command, 2, "environment STATOR_REPLICAS");
    assert!(!node.data.exists(), "nothing is made before the settings are right");
}

#[test]
fn off_loopback_without_a_secret_nothing_starts() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let data = dir.path().join("data");
    let serve = |more: &[&str]| {
        let mut command = stator();
        command.args(["serve", "--data"]).arg(&data).args(more);
        command
    };
    let open = ["--http", "0.0.0.0:0", "--init"];
    refused(serve(&open), 2, "stator secret");

    let secret = dir.path().join("secret");
    std::fs::write(&secret, stdout(&run(secret_command()))).expect("writable");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let mut command = serve(&open);
    command.env("STATOR_SECRET_FILE", &secret);
    refused(command, 2, "chmod 600");

    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let mut command = serve(&open[..2]);
    command.env("STATOR_SECRET_FILE", &secret);
    refused(command, 2, "--init");
}

fn secret_command() -> Command {
    let mut command = stator();
    command.arg("secret");
    command
}

#[test]
fn ports_and_directories_in_use_are_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut running = Node::new(dir.path(), "n1");
    running.start(&["--init"]);

    let mut second = Node::new(dir.path(), "n2");
    second.data.clone_from(&running.data);
    refused(second.command(&[]), 1, "in use by another process");

    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = taken.local_addr().expect("it is bound").to_string();
    let third = Node::new(dir.path(), "n3");
    refused(third.command(&["--http", &address]), 1, &address);
    refused(third.command(&["--peer", &address]), 1, &address);

    // No directory can be made below a file: the same error as on a disk that is read-only.
    let mut fourth = Node::new(dir.path(), "n4");
    std::fs::write(dir.path().join("file"), b"").expect("writable");
    fourth.data = dir.path().join("file/data");
    refused(fourth.command(&[]), 1, "can't be written");
    assert_eq!(running.send(&Request::get("/readyz")).status, 200);
}

#[test]
fn a_directory_of_another_node_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut one = Node::new(dir.path(), "n1");
    let mut two = Node::new(dir.path(), "n2");
    one.start(&["--init"]);
    two.start(&["--init"]);
    one.kill();
    two.kill();
    std::fs::remove_dir_all(one.data.join("store")).expect("ours");
    std::fs::rename(two.data.join("store"), one.data.join("store")).expect("ours");
    refused(one.command(&[]), 1, "store");
}

#[test]
fn a_node_with_another_secret_does_not_join_and_init_twice_is_one_cluster() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let secret = |name: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, stdout(&run(secret_command()))).expect("writable");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
        let file = dir.path().join(format!("{name}.toml"));
        std::fs::write(&file, format!("secret_file = \"{name}\"\n")).expect("writable");
        file.to_str().expect("plain").to_owned()
    };
    let (right, wrong) = (secret("right"), secret("wrong"));
    let mut founder = Node::new(dir.path(), "n1");
    founder.start(&["--init", "--config", &right]);
    let mut stranger = Node::new(dir.path(), "n2");
    stranger.start(&["--join", &founder.peer.clone(), "--config", &wrong]);
    let mut friend = Node::new(dir.path(), "n3");
    friend.start(&["--join", &founder.peer.clone(), "--config", &right]);

    // By the time that the friend is staged the stranger, who came first, has been turned away.
    until("the friend is staged", || {
        let states = Cluster::states(&founder)?;
        states.iter().any(|(name, _)| name == "n3").then_some(())
    });
    until("the stranger says what is wrong", || stranger.logged().contains("secret").then_some(()));
    let states = Cluster::states(&founder).expect("it answers");
    assert!(states.iter().all(|(name, _)| name != "n2"), "{states:?}");
    assert_eq!(stranger.send(&Request::get("/readyz")).status, 503);
    assert_eq!(stranger.send(&Request::get("/livez")).status, 200);

    // `--init` left in a unit file changes nothing on a directory that has a cluster.
    let before = founder.send(&Request::get("/v1/cluster")).json()["ring_version"].clone();
    founder.kill();
    founder.start(&["--init", "--config", &right]);
    until("it serves again", || {
        (founder.send(&Request::get("/readyz")).status == 200).then_some(())
    });
    assert_eq!(founder.send(&Request::get("/v1/cluster")).json()["ring_version"], before);
}
