use std::collections::BTreeSet;

use super::*;
use crate::identity::ClusterId;
use crate::ring::{Member, Weight};
use crate::token::PartitionCount;

/// Members 1 to `members`, zone after zone; each partition has the first three as its replicas.
fn ring(members: u64, zones: u64) -> Ring {
    let member = |number: u64| Member {
        name: format!("n{number}"),
        zone: format!("z{}", number % zones),
        weight: Weight::DEFAULT,
    };
    let partitions = PartitionCount::new(64).expect("a power of two");
    let mut ring = Ring::found(ClusterId::new(1), partitions, 3, NodeId::new(1), member(1));
    ring.members = (1..=members).map(|number| (NodeId::new(number), member(number))).collect();
    let first: Vec<NodeId> = ring.members.keys().take(3).copied().collect();
    ring.table = vec![first; 64];
    ring
}

#[test]
fn twice_n_nodes_that_are_no_replicas() {
    let ring = ring(12, 1);
    for partition in ring.partitions.all() {
        for n in 1..=3 {
            let fallbacks = ring.fallbacks(partition, n);
            assert_eq!(fallbacks.len(), 2 * usize::from(n));
            assert_eq!(fallbacks.iter().collect::<BTreeSet<_>>().len(), fallbacks.len());
            assert!(fallbacks.iter().all(|node| !ring.owns(*node, partition)));
            assert!(ring.fallbacks(partition, 3).starts_with(fallbacks));
        }
    }
}

#[test]
fn all_there_are_if_they_are_few() {
    assert_eq!(ring(3, 1).fallbacks(Partition::new(0), 3), []);
    assert_eq!(ring(4, 1).fallbacks(Partition::new(0), 3), [NodeId::new(4)]);
}

#[test]
fn every_other_node_comes_first_for_some_partition() {
    let ring = ring(8, 1);
    let first: BTreeSet<NodeId> =
        ring.partitions.all().map(|partition| ring.fallbacks(partition, 3)[0]).collect();
    assert_eq!(first.len(), 5);
}

#[test]
fn the_walk_goes_around_the_zones_those_without_replicas_first() {
    // Replicas 1, 2 and 3 are in zones 1, 2 and 3 of four, so zone 0 has none.
    let ring = ring(16, 4);
    for partition in ring.partitions.all() {
        let zones: Vec<&str> = ring
            .fallbacks(partition, 3)
            .iter()
            .map(|node| ring.members[node].zone.as_str())
            .collect();
        assert_eq!(zones[0], "z0");
        assert_eq!(zones[1..5].iter().collect::<BTreeSet<_>>().len(), 4);
    }
}

#[test]
fn members_of_a_zone_keep_their_order_when_others_join() {
    let (small, large) = (ring(9, 2), ring(30, 2));
    for partition in small.partitions.all() {
        let before = small.fallbacks(partition, 3);
        let after = walk(&large, partition);
        for zone in ["z0", "z1"] {
            let kept = |walk: &[NodeId]| -> Vec<NodeId> {
                let inside = |node: &&NodeId| large.members[node].zone == zone;
                walk.iter().filter(|node| before.contains(node)).filter(inside).copied().collect()
            };
            assert_eq!(kept(before), kept(&after));
        }
    }
}

#[test]
fn the_walk_never_changes_between_versions() {
    let ring = ring(9, 1);
    let walk = |ring: &Ring| -> Vec<u64> {
        ring.fallbacks(Partition::new(5), 3).iter().map(|node| node.get()).collect()
    };
    assert_eq!(walk(&ring), vec![5, 7, 4, 6, 8, 9]);
    let mut larger = ring.clone();
    larger.table[5] = vec![NodeId::new(5)];
    assert_eq!(walk(&larger).len(), 6, "a copy has its own walks");
    assert!(!walk(&larger).contains(&5) && walk(&ring).contains(&5));
}
