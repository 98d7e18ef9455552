//! The demo takes its whole tour, every step holds, and nothing is left running.

use std::net::TcpListener;
use std::process::Stdio;

use crate::harness::{Request, free_ports, run, stator, stderr, stdout, until};

#[test]
fn the_tour_holds_and_leaves_nothing_behind() {
    let base = free_ports(70);
    let mut command = stator();
    command.args(["demo", "--exit", "--json", "--base-port", &base.to_string()]);
    let output = run(command);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}\n{}", stderr(&output));
    let steps: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let numbers: Vec<u64> = steps.iter().filter_map(|step| step["step"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(steps.iter().all(|step| step["ok"] == true && step["title"].is_string()));
    assert_eq!(steps[0]["figures"]["nodes"], 5);
    let growth = &steps[6]["figures"];
    assert_eq!((&growth["joined"], &growth["puts"]["lost"]), (&"n6".into(), &0.into()));
    for number in 1..=6 {
        for port in [base + 10 * number, base + 10 * number + 1] {
            assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "port {port} is still taken");
        }
    }
}

#[test]
fn a_demo_that_is_killed_outright_leaves_no_node_behind() {
    let base = free_ports(70);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut command = stator();
    command.args(["demo", "--base-port", &base.to_string(), "--data"]).arg(dir.path());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut demo = command.spawn().expect("the binary was built");
    let first = format!("127.0.0.1:{}", base + 11);
    until("the first node answers", || Request::get("/livez").try_send(&first));
    demo.kill().expect("the process is ours");
    demo.wait().expect("a killed process ends");
    for number in 1..=5 {
        until("a node's port is free", || {
            TcpListener::bind(("127.0.0.1", base + 10 * number + 1)).ok()
        });
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let base = free_ports(70);
    let taken = TcpListener::bind(("127.0.0.1", base + 21)).expect("it was free");
    let mut command = stator();
    command.args(["demo", "--exit", "--base-port", &base.to_string()]);
    let output = run(command);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains(&format!("port {} is taken", base + 21)), "{told}");
    assert!(told.contains("--base-port"), "{told}");
    drop(taken);
}
