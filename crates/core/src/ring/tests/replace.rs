//! Replacing a member moves its places and nothing else.

use proptest::prelude::*;

use super::history::{Cluster, join, weight, weight_of};
use crate::identity::NodeId;
use crate::membership::facts::StagedChange;
use crate::ring::{Change, Ring, plan};

const NEW: NodeId = NodeId::new(900);

fn replace(old: NodeId) -> Change {
    Change { node: old, change: StagedChange::ReplaceBy(NEW) }
}

fn with_new_for(ring: &Ring, old: NodeId) -> Vec<Vec<NodeId>> {
    let rename = |node: &NodeId| if *node == old { NEW } else { *node };
    ring.table.iter().map(|list| list.iter().map(rename).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn exactly_the_places_of_the_old_one_go_to_the_new_one(
        weights in prop::collection::vec(weight(), 1..12),
        zones in 1_u8..=4,
        place in any::<prop::sample::Index>(),
        joins in any::<prop::sample::Selector>(),
    ) {
        let mut cluster = Cluster::found(64, 3);
        cluster.grow(weights.len(), zones, |index| weights[index]);
        let (old, member) = cluster.ring.members.iter().nth(place.index(weights.len() + 1))
            .map(|(node, member)| (*node, member.clone()))
            .expect("the founder and those who joined");
        let mut changes = vec![replace(old)];
        if joins.select([0, 1]) == 1 {
            // A joining node says its own weight, and takes over that of the old one all the same.
            let zone = member.zone.trim_start_matches("zone-").parse().expect("as it was named");
            changes.push(Change { node: NEW, change: join(NEW, zone, 7) });
        }
        let before = cluster.ring.clone();
        let planned = cluster.commit(&changes);
        prop_assert_eq!(&planned.ring.table, &with_new_for(&before, old));
        prop_assert!(planned.moves.iter().all(|moved| (moved.to, moved.from) == (NEW, Some(old))));
        prop_assert_eq!(planned.ring.members[&NEW].weight, member.weight);
        prop_assert!(planned.ring.removed.contains(&old));
    }
}

#[test]
fn a_node_that_does_not_join_by_itself_takes_over_name_and_zone() {
    let mut cluster = Cluster::found(16, 3);
    cluster.grow(3, 2, |_| 100);
    let old = NodeId::new(2);
    let member = cluster.ring.members[&old].clone();
    let planned = cluster.commit(&[replace(old)]);
    assert_eq!(planned.ring.members[&NEW], member);
}

#[test]
fn a_weight_staged_for_the_new_one_holds() {
    let mut cluster = Cluster::found(16, 3);
    cluster.grow(3, 1, |_| 100);
    let changes = [
        replace(NodeId::new(2)),
        Change { node: NEW, change: join(NEW, 0, 100) },
        Change { node: NEW, change: StagedChange::Weight(weight_of(300)) },
    ];
    let planned = plan(&cluster.ring, &changes).expect("possible");
    assert_eq!(planned.ring.members[&NEW].weight, weight_of(300));
}
