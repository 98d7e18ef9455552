//! Acknowledged means on disk; a node that is down is counted honestly.

use crate::harness::{Cluster, Request, stderr, until};

#[test]
fn a_thousand_acknowledged_puts_survive_the_death_of_all_nodes_at_once() {
    const PUTS: usize = 1000;
    const WRITERS: usize = 10;
    let mut cluster = Cluster::three();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let nodes = &cluster.nodes;
            scope.spawn(move || {
                for number in (writer..PUTS).step_by(WRITERS) {
                    let put = Request::put(path(number), format!("value {number}"));
                    let answer = nodes[number % 3].send(&put);
                    assert_eq!(answer.status, 204, "put {number}");
                }
            });
        }
    });
    for node in &mut cluster.nodes {
        node.kill();
    }
    for node in &mut cluster.nodes {
        node.start(&[]);
    }
    cluster.wait_ready();
    for number in 0..PUTS {
        let got = cluster.nodes[(number + 1) % 3].send(&Request::get(path(number)));
        assert_eq!(got.status, 200, "get {number}");
        assert_eq!(got.body, format!("value {number}").as_bytes());
    }
    // A write over what was read works after the restart too, and leaves one version.
    let seen = cluster.nodes[0].send(&Request::get(path(0)));
    assert_eq!(cluster.nodes[1].send(&Request::put(path(0), "new").context(&seen)).status, 204);
    assert_eq!(cluster.nodes[2].send(&Request::get(path(0))).body, b"new");
}

fn path(number: usize) -> String {
    format!("/v1/kv/ledger/{number}")
}

#[test]
fn with_one_of_three_down_two_acknowledge_and_three_never_do() {
    let mut cluster = Cluster::three();
    cluster.nodes[2].kill();
    let n1 = |cluster: &Cluster, request: &Request| cluster.nodes[0].send(request);

    // From the first moment on, before anybody has noticed, three can't be had.
    for number in 0..5 {
        let answer = n1(&cluster, &Request::put(format!("/v1/kv/b/early{number}?w=3"), "x"));
        assert!(matches!(answer.status, 503 | 504), "status {}", answer.status);
    }
    let two = until("two of three acknowledge", || {
        let answer = n1(&cluster, &Request::put("/v1/kv/b/two?w=2", "x"));
        (answer.status == 204).then_some(answer)
    });
    let replicas = two.header("stator-replicas").expect("who has it");
    assert!(replicas.starts_with("acked=2"), "{replicas}");

    cluster.wait_down(0, "n3");
    for number in 0..20 {
        let path = format!("/v1/kv/b/late{number}");
        let two = n1(&cluster, &Request::put(format!("{path}?w=2"), "x"));
        assert_eq!(two.status, 204, "{}", String::from_utf8_lossy(&two.body));
        let three = n1(&cluster, &Request::put(format!("{path}-all?w=3&timeout=500"), "x"));
        let (slug, outcome) = three.problem();
        match three.status {
            503 => assert_eq!(outcome, "refused", "{slug}"),
            504 => assert_eq!(outcome, "indeterminate", "{slug}"),
            other => panic!("three of two acknowledged? status {other}"),
        }
        let there = n1(&cluster, &Request::get(format!("{path}-all?r=2"))).status;
        assert!(three.status != 503 || there == 404, "refused, and yet it is there");
    }

    let put = cluster.nodes[0].cli(&["put", "b", "cli", "x", "-w", "3"]);
    assert!(matches!(put.status.code(), Some(1 | 3)), "{:?}", put.status);
    assert!(stderr(&put).contains("error: "), "{}", stderr(&put));

    cluster.nodes[2].start(&[]);
    cluster.wait_ready();
    // n3 is ready when it can serve; the others take a moment to notice that it is back.
    until("three of three acknowledge again", || {
        let answer = n1(&cluster, &Request::put("/v1/kv/b/again?w=3", "x"));
        (answer.status == 204).then_some(())
    });
}

#[test]
fn sigterm_drains_and_what_was_acknowledged_is_there_afterwards() {
    let mut cluster = Cluster::three();
    assert_eq!(cluster.nodes[0].send(&Request::put("/v1/kv/b/k?w=3", "x")).status, 204);
    for node in &mut cluster.nodes {
        let pid = rustix::process::Pid::from_raw(node.pid().cast_signed()).expect("not zero");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("ours");
    }
    for node in &mut cluster.nodes {
        assert_eq!(node.wait().code(), Some(0), "{}", node.logged());
        node.start(&[]);
    }
    cluster.wait_ready();
    assert_eq!(cluster.nodes[1].send(&Request::get("/v1/kv/b/k")).body, b"x");
}
