//! Any cluster of the range that is promised: 1 to 200 nodes of any weights, in 1 to 5 zones of any
//! sizes, with any number of partitions up to 1,024; and one commit of an operator's on top.

use proptest::prelude::*;

use super::history::{Act, Cluster, act, weight};

/// Few nodes, where bounds of nodes and zones bind, as often as many.
fn nodes() -> impl Strategy<Value = usize> {
    prop_oneof![1_usize..=12, 13_usize..=60, 61_usize..=200]
}

fn joins() -> impl Strategy<Value = (Vec<Act>, u8)> {
    (nodes(), 1_u8..=5).prop_flat_map(|(nodes, zones)| {
        let join = (0..zones, weight()).prop_map(|(zone, weight)| Act::Join { zone, weight });
        (prop::collection::vec(join, nodes - 1), Just(zones))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_cluster_is_balanced_and_moves_the_fewest(
        ((joins, zones), acts) in joins().prop_flat_map(|(joins, zones)| {
            (Just((joins, zones)), prop::collection::vec(act(zones), 1..4))
        }),
        bits in 0_u32..=10,
        replicas in prop_oneof![6 => Just(3_u8), 1 => 1_u8..=5],
    ) {
        let mut cluster = Cluster::found(1 << bits, replicas);
        let all = cluster.stage(&joins);
        cluster.commit(&all);
        prop_assert_eq!(cluster.ring.members.len(), joins.len() + 1, "of at most {} zones", zones);
        let changes = cluster.stage(&acts);
        cluster.commit(&changes);
    }
}

/// The largest: 200 nodes of mixed weights in 5 zones, and 4,096 partitions.
#[test]
fn two_hundred_nodes_share_four_thousand_partitions() {
    let mut cluster = Cluster::found(4096, 3);
    let all = cluster.grow(199, 5, |index| [100, 200, 500, 37][index % 4]);
    assert_eq!(all.ring.members.len(), 200);
    let joined = cluster.grow(1, 5, |_| 100);
    assert!(!joined.moves.is_empty());
}
