use super::*;

fn held(objects: u64, bytes: u64, oldest: u64) -> HeldHints {
    HeldHints { objects, bytes, oldest: Some(WallTime::from_millis(oldest)) }
}

fn partition() -> PartitionStatus {
    PartitionStatus {
        root: None,
        counts: true,
        actor: None,
        quarantined: 0,
        bytes: 0,
        round: Round::default(),
        found: Found::default(),
        scrubbed: None,
        compared: Compared::ByOthers,
    }
}

#[test]
fn a_nodes_condition_is_the_sum_of_its_shards_and_names_those_that_are_silent() {
    let (one, two) = (NodeId::new(1), NodeId::new(2));
    let first = ShardStatus {
        partitions: BTreeMap::from([(Partition::new(0), partition())]),
        hints: BTreeMap::from([(one, held(2, 20, 7))]),
        upkeep: UpkeepCounts { exchanges: 3, ..UpkeepCounts::default() },
        ..ShardStatus::default()
    };
    let second = ShardStatus {
        partitions: BTreeMap::from([(Partition::new(1), partition())]),
        hints: BTreeMap::from([(one, held(1, 5, 4)), (two, held(1, 1, 9))]),
        counting_hints: true,
        upkeep: UpkeepCounts { exchanges: 4, read_repairs: 1, ..UpkeepCounts::default() },
        disk_reserved: true,
        ..ShardStatus::default()
    };
    let node = NodeStatus::of(3, [first, second]);
    assert_eq!((node.shards, node.silent_shards), (3, 1));
    let whole = node.whole;
    assert_eq!(whole.partitions.len(), 2);
    assert_eq!(whole.hints, BTreeMap::from([(one, held(3, 25, 4)), (two, held(1, 1, 9))]));
    assert_eq!((whole.upkeep.exchanges, whole.upkeep.read_repairs), (7, 1));
    assert!(whole.counting_hints && whole.disk_reserved);
}

#[test]
fn every_count_of_a_node_is_the_sum_over_its_shards() {
    let each = |count| UpkeepCounts {
        hints_stored: count,
        hints_delivered: count,
        hints_refused: count,
        read_repairs: count,
        exchanges: count,
        exchanges_failed: count,
        exchanged_objects: count,
        exchanged_bytes: count,
        damaged: count,
        refilled_objects: count,
        tree_drifts: count,
        collected: count,
        pruned: count,
        budgeted_bytes: count,
        exchange_bytes_sent: count,
        repair_bytes_sent: count,
    };
    let shard = |count| ShardStatus { upkeep: each(count), ..ShardStatus::default() };
    assert_eq!(NodeStatus::of(2, [shard(3), shard(4)]).whole.upkeep, each(7));
}
