//! A split in the middle of a change: two operators commit different plans on both sides. One wins
//! and the other is told so (rule 15); and no write is refused on either side meanwhile (rule 11).

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use tokio::runtime::Runtime;

use super::cluster::{Five, NODES};
use super::links_bite::{set, wait_state};
use super::network::{Link, Route};
use crate::harness::{Cluster, Node, Request, stderr, stdout, until};

/// The places on the smaller side.
const FEW: usize = 2;

const fn is_across(route: Route) -> bool {
    (route.from < FEW) != (route.to < FEW)
}

#[test]
fn of_two_operators_on_both_sides_of_a_split_one_wins_and_writes_go_on() {
    let runtime = Runtime::new().expect("threads");
    let cluster = Five::new(&runtime);
    set(&cluster, Link::Cut, is_across);
    for seen_by in 0..NODES {
        for of in (0..NODES).filter(|&of| is_across(Route { from: seen_by, to: of })) {
            wait_state(&cluster, seen_by, of, "down");
        }
    }
    let over = AtomicBool::new(false);
    let (few, many) = (&cluster.nodes[0], &cluster.nodes[FEW]);
    scope(|threads| {
        let over = &over;
        let writers = [few, many].map(|node| threads.spawn(move || write_until(node, over)));
        stage(few, "n1");
        stage(many, "n3");
        let (here, there) = (planned(few), planned(many));
        assert_eq!(here, there, "both plan the ring after the same one");
        let lost = threads.spawn(move || few.cli(&["cluster", "commit", "--version", &here]));
        let won = many.cli(&["cluster", "commit", "--version", &there]);
        assert!(won.status.success(), "{}", stderr(&won));
        let lost = lost.join().expect("no panic");
        assert!(!lost.status.success(), "{}", stdout(&lost));
        assert!(stderr(&lost).contains("did not answer"), "{}", stderr(&lost));

        over.store(true, Ordering::Relaxed);
        let written = writers.map(|writer| writer.join().expect("no write was refused"));

        set(&cluster, Link::Open, |_| true);
        for node in &cluster.nodes {
            let version: u64 = there.parse().expect("a version is a number");
            until(&format!("{} uses the ring that was chosen", node.name), || {
                (ring_version(node)? >= version).then_some(())
            });
            Cluster::wait_settled(node);
        }
        // What the others staged waits still, for whoever wants it now.
        let again = planned(few);
        let late = few.cli(&["cluster", "commit", "--version", &again]);
        assert!(late.status.success(), "{}", stderr(&late));
        cluster.nodes.iter().for_each(Cluster::wait_settled);
        for (node, written) in [few, many].into_iter().zip(written) {
            assert!(written > 20, "only {written} writes through {}", node.name);
            for number in 0..written {
                let name = &node.name;
                until(&format!("write {number} through {name} is read"), || {
                    let get = Request::get(format!("/v1/kv/split/{name}-{number}?r=2"));
                    (get.try_send(&many.http)?.status == 200).then_some(())
                });
            }
        }
    });
}

/// Puts one key after the other; each must be acknowledged.
fn write_until(node: &Node, over: &AtomicBool) -> usize {
    let mut written = 0;
    while !over.load(Ordering::Relaxed) {
        let path = format!("/v1/kv/split/{}-{written}?timeout=10000", node.name);
        let answer = Request::put(path, "x").try_send(&node.http).expect("the node runs");
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 204, "write {written} through {}: {said}", node.name);
        written += 1;
    }
    written
}

fn stage(at: &Node, node: &str) {
    let staged = at.cli(&["cluster", "weight", node, "150"]);
    assert!(staged.status.success(), "{}", stderr(&staged));
}

fn planned(at: &Node) -> String {
    let text = stdout(&at.cli(&["cluster", "plan"]));
    let command = text.lines().find(|line| line.starts_with("commit it with:"));
    let command = command.unwrap_or_else(|| panic!("nothing is planned: {text}"));
    command.rsplit_once("--version ").expect("it names the version").1.to_owned()
}

fn ring_version(node: &Node) -> Option<u64> {
    let answer = Request::get("/v1/cluster").try_send(&node.http)?;
    let document: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    document["ring_version"].as_u64()
}
