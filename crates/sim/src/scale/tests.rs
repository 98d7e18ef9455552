//! What must hold of both studies, whatever their figures are.

use std::time::Duration;

use stator_core::token::PartitionCount;

use super::capacity::{self, Costs};
use super::gossip::{Row, Scope};
use super::traffic::Kind;
use super::work::Work;
use crate::balance::strategy::{Size, grown};
use crate::draw::Draw;

fn q(count: u32) -> PartitionCount {
    PartitionCount::new(count).expect("a power of two")
}

fn scope(nodes: usize, machines: usize) -> Scope {
    Scope { seed: 1, nodes, machines, partitions: q(64), time: Duration::from_mins(1) }
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9 * other.abs().max(1.0)
}

#[test]
fn a_node_sends_a_heartbeat_to_each_peer_and_one_probe_a_second_and_nothing_else() {
    for nodes in [4, 12] {
        let row = scope(nodes, nodes).measure();
        let beats = row.messages(Kind::Heartbeat) / (nodes - 1) as f64;
        assert!((0.98..=1.02).contains(&beats), "{beats} to each peer of {nodes}");
        let probes = row.messages(Kind::Probe);
        assert!((0.98..=1.02).contains(&probes), "{probes} among {nodes}");
        let rest = [Kind::Digest, Kind::Delta, Kind::Other].map(|kind| row.messages(kind));
        assert!(near(rest.iter().sum(), 0.0), "{row:?}");
        assert_eq!(row.text().len(), Row::head().len(), "the table's columns fit");
    }
}

#[test]
fn a_node_sends_no_more_heartbeats_in_a_large_cluster() {
    let beats = |nodes| scope(nodes, 4).measure().messages(Kind::Heartbeat);
    for (nodes, expected) in [(33, 32.0), (65, 32.0), (129, 32.0), (100, 99.0 / 4.0)] {
        let beats = beats(nodes);
        assert!((0.97..=1.03).contains(&(beats / expected)), "{beats} of {nodes} nodes");
    }
}

#[test]
fn a_cluster_of_mirrors_says_what_one_of_machines_says() {
    let (whole, mirrored) = (scope(12, 12).measure(), scope(12, 3).measure());
    assert_eq!((whole.machines, mirrored.machines), (12, 3));
    for kind in [Kind::Heartbeat, Kind::Probe] {
        let ratio = mirrored.bytes(kind) / whole.bytes(kind);
        assert!((0.97..=1.03).contains(&ratio), "{kind:?}: {ratio}");
    }
}

#[test]
fn one_seed_counts_the_same_twice() {
    assert_eq!(scope(6, 4).measure(), scope(6, 4).measure());
}

const COSTS: Costs = Costs { coordinate: 20.0, pass_on: 10.0, write: 15.0, read: 10.0 };

fn load(nodes: usize) -> capacity::Scope {
    capacity::Scope {
        seed: 1,
        nodes,
        partitions: q(256),
        keys: 100_000,
        exponent: 0.7,
        puts: 0.5,
        cores: 1.0,
        costs: COSTS,
    }
}

#[test]
fn every_request_is_done_once() {
    for nodes in [1, 3, 7] {
        let size = Size { nodes, replicas: 3 };
        let ring = grown(q(64), size, &mut Draw::of_seed(1));
        let work = Work::of(&ring, &[1.0 / 64.0; 64], 2);
        let sum = |loads: &[f64]| loads.iter().sum::<f64>();
        let copies = nodes.min(3) as f64;
        assert!(near(sum(&work.puts), 1.0) && near(sum(&work.gets), 1.0));
        assert!(near(sum(&work.writes), copies));
        assert!(near(sum(&work.reads), copies.min(2.0)), "{work:?}");
        let strangers = (nodes as f64 - copies) / nodes as f64;
        assert!(near(sum(&work.passed_on), strangers), "{work:?}");
    }
}

#[test]
fn capacity_is_what_the_busiest_node_has_time_for() {
    // Three nodes, all of them primaries of everything: 20 + 3 · 15 for a put, 20 + 2 · 10 for a get.
    let row = load(3).compute();
    assert!(near(row.cost(), f64::midpoint(65.0, 40.0)), "{}", row.cost());
    assert!(near(row.skew(), 1.0), "{}", row.skew());
    assert!(near(row.capacity(), 3.0 * 1e6 / row.cost()));
    assert_eq!(row.text().len(), capacity::Row::head().len(), "the table's columns fit");
}

#[test]
fn more_nodes_serve_more() {
    let capacity = |nodes| load(nodes).compute().capacity();
    let (three, ten, thirty) = (capacity(3), capacity(10), capacity(30));
    assert!(2.0 * three < ten && 2.0 * ten < thirty, "{three} {ten} {thirty}");
}
