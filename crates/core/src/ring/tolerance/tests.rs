use super::*;
use crate::identity::ClusterId;
use crate::ring::{Member, Weight};
use crate::token::PartitionCount;

/// A ring of two partitions with these owners; node k is in the zone that comes k-th, from 1.
fn ring(zones: &[&str], table: [&[u64]; 2]) -> Ring {
    let member = |zone: &str, name: u64| Member {
        name: format!("n{name}"),
        zone: zone.to_owned(),
        weight: Weight::DEFAULT,
    };
    let partitions = PartitionCount::new(2).expect("a power of two");
    let mut ring =
        Ring::found(ClusterId::new(1), partitions, 3, NodeId::new(1), member(zones[0], 1));
    for (number, zone) in (1..).zip(zones) {
        ring.members.insert(NodeId::new(number), member(zone, number));
    }
    ring.table = table.map(|owners| owners.iter().map(|&node| NodeId::new(node)).collect()).into();
    ring
}

fn found(nodes: u32, zones: u32) -> Tolerance {
    Tolerance { nodes, zones, short: 0 }
}

#[test]
fn three_replicas_in_three_zones_do_without_two_for_data_and_one_for_a_quorum() {
    let ring = ring(&["a", "b", "c", "a"], [&[1, 2, 3], &[2, 3, 4]]);
    assert_eq!(tolerance(&ring, 1, |_| true), found(2, 2));
    assert_eq!(tolerance(&ring, 2, |_| true), found(1, 1));
    assert_eq!(tolerance(&ring, 3, |_| true), found(0, 0));
}

#[test]
fn replicas_that_share_a_zone_are_lost_with_it() {
    // The second partition has two of its three in zone a: losing that leaves one.
    let ring = ring(&["a", "b", "c", "a"], [&[1, 2, 3], &[1, 4, 2]]);
    assert_eq!(tolerance(&ring, 1, |_| true), found(2, 1));
    assert_eq!(tolerance(&ring, 2, |_| true), found(1, 0));
    let all_in_one = self::ring(&["a", "a", "a"], [&[1, 2, 3], &[1, 2, 3]]);
    assert_eq!(tolerance(&all_in_one, 1, |_| true), found(2, 0));
}

#[test]
fn who_is_down_is_lost_already_and_the_partition_that_is_worst_off_counts() {
    let ring = ring(&["a", "b", "c", "d"], [&[1, 2, 3], &[2, 3, 4]]);
    let without = |dead: &'static [u64]| move |node| !dead.iter().any(|&d| NodeId::new(d) == node);
    assert_eq!(tolerance(&ring, 1, without(&[1])), found(1, 1));
    assert_eq!(tolerance(&ring, 2, without(&[1])), found(0, 0));
    let short = Tolerance { nodes: 0, zones: 0, short: 1 };
    assert_eq!(tolerance(&ring, 2, without(&[1, 2])), short, "the other partition has two");
    assert_eq!(tolerance(&ring, 1, without(&[1, 2, 3])), short);
}

#[test]
fn where_there_are_fewer_owners_than_are_needed_all_of_them_are() {
    let ring = ring(&["a", "b"], [&[1, 2], &[1, 2]]);
    assert_eq!(tolerance(&ring, 3, |_| true), found(0, 0));
    assert_eq!(tolerance(&ring, 1, |_| true), found(1, 1));
    let one_is_down = tolerance(&ring, 3, |node| node == NodeId::new(1));
    assert_eq!(one_is_down, Tolerance { nodes: 0, zones: 0, short: 2 });
}
