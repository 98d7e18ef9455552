//! Joins, departures, weights and zones at random, each step checked against [`super::bounds`].

use proptest::prelude::*;

use super::bounds::{check, check_movement};
use crate::identity::{ClusterId, NodeId};
use crate::membership::facts::StagedChange;
use crate::ring::{Change, Member, Plan, Ring, Weight, plan};
use crate::token::PartitionCount;

/// What an operator does next, with places in the list of members instead of ids.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Join { zone: u8, weight: u32 },
    Leave(usize),
    Replace { old: usize, zone: u8 },
    Weigh(usize, u32),
    Rezone(usize, u8),
}

pub(super) fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(100_u32), 2 => 1_u32..400, 1 => 1_u32..=Weight::MAX]
}

pub(super) fn act(zones: u8) -> impl Strategy<Value = Act> {
    let zone = move || 0..zones;
    let place = any::<prop::sample::Index>().prop_map(|index| index.index(1 << 16));
    prop_oneof![
        6 => (zone(), weight()).prop_map(|(zone, weight)| Act::Join { zone, weight }),
        2 => place.clone().prop_map(Act::Leave),
        1 => (place.clone(), zone()).prop_map(|(old, zone)| Act::Replace { old, zone }),
        1 => (place.clone(), weight()).prop_map(|(node, weight)| Act::Weigh(node, weight)),
        1 => (place, zone()).prop_map(|(node, zone)| Act::Rezone(node, zone)),
    ]
}

/// Commits one after the other, each of a few acts; from one zone to five.
fn history() -> impl Strategy<Value = Vec<Vec<Act>>> {
    (1_u8..=5)
        .prop_flat_map(|zones| prop::collection::vec(prop::collection::vec(act(zones), 1..6), 1..7))
}

/// A cluster whose members get ids by counting.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) ring: Ring,
    next: u64,
}

impl Cluster {
    pub(super) fn found(partitions: u32, replicas: u8) -> Self {
        let partitions = PartitionCount::new(partitions).expect("a power of two");
        let member = member(1, 0, 100);
        let ring = Ring::found(ClusterId::new(1), partitions, replicas, NodeId::new(1), member);
        Self { ring, next: 2 }
    }

    /// The staged changes that these acts amount to; at most one departure and one other change
    /// for each member, as staging has it, and somebody stays.
    pub(super) fn stage(&mut self, acts: &[Act]) -> Vec<Change> {
        let members: Vec<NodeId> = self.ring.members.keys().copied().collect();
        let mut touched = Vec::new();
        let mut changes = Vec::new();
        for act in acts {
            let node = match act {
                Act::Join { .. } => self.fresh(),
                Act::Leave(place)
                | Act::Replace { old: place, .. }
                | Act::Weigh(place, _)
                | Act::Rezone(place, _) => members[place % members.len()],
            };
            let last = matches!(act, Act::Leave(_)) && touched.len() + 1 >= members.len();
            if touched.contains(&node) || last {
                continue;
            }
            if members.contains(&node) {
                touched.push(node);
            }
            let change = match act {
                Act::Join { zone, weight } => join(node, *zone, *weight),
                Act::Leave(_) => StagedChange::Leave,
                Act::Replace { zone, .. } => {
                    let new = self.fresh();
                    changes.push(Change { node: new, change: join(new, *zone, 100) });
                    StagedChange::ReplaceBy(new)
                }
                Act::Weigh(_, weight) => StagedChange::Weight(weight_of(*weight)),
                Act::Rezone(_, zone) => StagedChange::Zone(zone_name(*zone)),
            };
            changes.push(Change { node, change });
        }
        changes
    }

    fn fresh(&mut self) -> NodeId {
        self.next += 1;
        NodeId::new(self.next - 1)
    }

    /// Plans, checks and commits.
    pub(super) fn commit(&mut self, changes: &[Change]) -> Plan {
        let planned = plan(&self.ring, changes).expect("the changes are possible");
        check(&self.ring, &planned);
        check_movement(&self.ring, &planned);
        self.ring = planned.ring.clone();
        planned
    }

    /// Lets `count` nodes with these weights join, zone after zone.
    pub(super) fn grow(&mut self, count: usize, zones: u8, weight: impl Fn(usize) -> u32) -> Plan {
        let acts: Vec<Act> = (0..count)
            .map(|index| Act::Join { zone: index as u8 % zones, weight: weight(index) })
            .collect();
        let changes = self.stage(&acts);
        self.commit(&changes)
    }
}

pub(super) fn weight_of(weight: u32) -> Weight {
    Weight::new(weight).expect("within its bounds")
}

fn zone_name(zone: u8) -> String {
    format!("zone-{zone}")
}

fn member(number: u64, zone: u8, weight: u32) -> Member {
    Member { name: format!("n{number}"), zone: zone_name(zone), weight: weight_of(weight) }
}

pub(super) fn join(node: NodeId, zone: u8, weight: u32) -> StagedChange {
    let Member { name, zone, weight } = member(node.get(), zone, weight);
    StagedChange::Join { name, zone, weight }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_ring_of_a_history_keeps_the_rule(
        history in history(),
        bits in 0_u32..9,
        replicas in prop_oneof![4 => Just(3_u8), 1 => 1_u8..=6],
    ) {
        let mut cluster = Cluster::found(1 << bits, replicas);
        for acts in &history {
            let changes = cluster.stage(acts);
            cluster.commit(&changes);
            let again = plan(&cluster.ring, &[]).expect("nothing changes");
            prop_assert_eq!(&again.moves, &vec![]);
            prop_assert_eq!(&again.ring.table, &cluster.ring.table);
        }
    }

    #[test]
    fn the_order_of_the_changes_does_not_matter(acts in prop::collection::vec(act(3), 1..8)) {
        let mut cluster = Cluster::found(64, 3);
        cluster.grow(5, 3, |_| 100);
        let mut changes = cluster.stage(&acts);
        let forwards = plan(&cluster.ring, &changes).expect("the changes are possible");
        let again = plan(&cluster.ring, &changes).expect("the changes are possible");
        prop_assert_eq!(&forwards, &again);
        changes.reverse();
        let backwards = plan(&cluster.ring, &changes).expect("the changes are possible");
        prop_assert_eq!(&forwards.ring, &backwards.ring);
        prop_assert_eq!(&forwards.moves, &backwards.moves);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn thirty_nodes_of_any_weight(
        weights in prop::collection::vec(weight(), 29),
        zones in 1_u8..=5,
        leaver in 1_u64..=30,
    ) {
        let mut cluster = Cluster::found(256, 3);
        cluster.grow(29, zones, |index| weights[index]);
        let change = StagedChange::Leave;
        cluster.commit(&[Change { node: NodeId::new(leaver), change }]);
    }
}

#[test]
fn a_hundred_nodes_lose_one_and_gain_another() {
    let mut cluster = Cluster::found(1024, 3);
    cluster.grow(99, 4, |index| 50 + 10 * (index as u32 % 7));
    let gone = NodeId::new(40);
    let left = cluster.commit(&[Change { node: gone, change: StagedChange::RemoveDead }]);
    assert!(left.ring.removed.contains(&gone));
    assert!(left.moves.iter().all(|moved| moved.from == Some(gone)));
    let joined = cluster.grow(1, 4, |_| 100);
    assert!(joined.moves.iter().all(|moved| moved.to == NodeId::new(101)));
}

#[test]
fn first_places_are_balanced_in_a_cluster_that_grew_from_one_node() {
    for (commits, each) in [(1, 2), (1, 4), (2, 1), (4, 1), (1, 11), (9, 1)] {
        let mut cluster = Cluster::found(256, 3);
        for _ in 0..commits {
            cluster.grow(each, 1, |_| 100);
        }
        let members = cluster.ring.members.len();
        for node in cluster.ring.members.keys() {
            let firsts = cluster.ring.table.iter().filter(|list| list[0] == *node).count();
            let fair = 256 / members;
            // Later joins take whole places over, first ones or not, as it comes.
            let off = if commits == 1 { 2 } else { fair * 2 / 3 + 1 };
            assert!(
                firsts.abs_diff(fair) <= off,
                "{node} is first {firsts} times of 256 among {members}"
            );
        }
    }
}

#[test]
fn a_join_takes_one_replica_of_a_partition_at_a_time() {
    let mut cluster = Cluster::found(256, 3);
    cluster.grow(5, 1, |_| 100);
    let planned = cluster.grow(2, 1, |_| 100);
    let mut partitions: Vec<u32> =
        planned.moves.iter().map(|moved| moved.partition.get()).collect();
    let moves = partitions.len();
    partitions.sort_unstable();
    partitions.dedup();
    assert_eq!(partitions.len(), moves, "no partition loses two of its replicas");
}
