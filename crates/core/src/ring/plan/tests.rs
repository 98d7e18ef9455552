use super::*;
use crate::identity::ClusterId;
use crate::ring::{Member, Weight};
use crate::token::PartitionCount;

const FOUNDER: NodeId = NodeId::new(1);

fn one_node(partitions: u32) -> Ring {
    let partitions = PartitionCount::new(partitions).expect("a power of two");
    let member = Member { name: "n1".to_owned(), zone: "a".to_owned(), weight: Weight::DEFAULT };
    Ring::found(ClusterId::new(1), partitions, 3, FOUNDER, member)
}

fn join(number: u64, zone: &str) -> Change {
    let (name, zone) = (format!("n{number}"), zone.to_owned());
    let change = StagedChange::Join { name, zone, weight: Weight::DEFAULT };
    Change { node: NodeId::new(number), change }
}

fn change(number: u64, change: StagedChange) -> Change {
    Change { node: NodeId::new(number), change }
}

fn grown(changes: &[Change]) -> Plan {
    plan(&one_node(16), changes).expect("the changes are possible")
}

/// Three nodes in one zone, and one that was removed: number 9.
fn three_nodes() -> Ring {
    let four = grown(&[join(2, "a"), join(3, "a"), join(9, "a")]).ring;
    plan(&four, &[change(9, StagedChange::Leave)]).expect("the changes are possible").ring
}

#[test]
fn a_plan_says_what_it_was_made_of_and_what_it_moves() {
    let changes = [join(2, "a"), join(3, "a")];
    let planned = grown(&changes);
    assert_eq!(planned.version(), RingVersion(2));
    assert_eq!(planned.changes, changes);
    assert_eq!(planned.moves.len(), 32);
    assert!(planned.moves.iter().all(|moved| moved.from.is_none() && moved.to != FOUNDER));
    assert_eq!(planned.ring.members[&NodeId::new(2)].name, "n2");
}

#[test]
fn who_leaves_is_remembered_and_its_places_are_taken_over() {
    let ring = three_nodes();
    assert!(ring.removed.contains(&NodeId::new(9)));
    let planned = plan(&ring, &[change(3, StagedChange::RemoveDead), join(4, "a")]);
    let planned = planned.expect("the changes are possible");
    assert!(planned.moves.iter().all(|moved| moved.from == Some(NodeId::new(3))));
    assert_eq!(planned.moves.len(), 16);
}

#[test]
fn a_smaller_cluster_loses_replicas_and_nothing_moves() {
    let planned = plan(&three_nodes(), &[change(2, StagedChange::Leave)]);
    let planned = planned.expect("the changes are possible");
    assert_eq!(planned.moves, vec![]);
    assert!(planned.ring.table.iter().all(|list| list.len() == 2));
}

#[test]
fn zones_and_weights_change() {
    let heavy = Weight::new(500).expect("within its bounds");
    let changes = [
        change(2, StagedChange::Weight(heavy)),
        change(3, StagedChange::Zone("b".to_owned())),
        join(4, "c"),
        change(4, StagedChange::Weight(heavy)),
    ];
    let planned = plan(&three_nodes(), &changes).expect("the changes are possible");
    assert_eq!(planned.ring.members[&NodeId::new(2)].weight, heavy);
    assert_eq!(planned.ring.members[&NodeId::new(3)].zone, "b");
    assert_eq!(planned.ring.members[&NodeId::new(4)].weight, heavy);
}

#[test]
fn changes_that_can_not_be() {
    let ring = three_nodes();
    let replace = |by: u64| StagedChange::ReplaceBy(NodeId::new(by));
    let cases: [(&str, Vec<Change>); 12] = [
        ("a member joins", vec![join(2, "a")]),
        ("one joins twice", vec![join(4, "a"), join(4, "b")]),
        ("a removed one joins", vec![join(9, "a")]),
        ("a stranger leaves", vec![change(7, StagedChange::Leave)]),
        ("a stranger is removed", vec![change(7, StagedChange::RemoveDead)]),
        ("a stranger is replaced", vec![change(7, replace(8))]),
        ("a stranger is weighed", vec![change(7, StagedChange::Weight(Weight::DEFAULT))]),
        ("a stranger is moved", vec![change(7, StagedChange::Zone("b".to_owned()))]),
        ("a member replaces", vec![change(2, replace(3))]),
        ("a removed one replaces", vec![change(2, replace(9))]),
        ("one replaces two", vec![change(2, replace(8)), change(3, replace(8))]),
        ("one leaves and is replaced", vec![change(2, StagedChange::Leave), change(2, replace(8))]),
    ];
    for (what, changes) in cases {
        let planned = plan(&ring, &changes);
        assert!(matches!(planned, Err(PlanError::InvalidChange(_))), "{what}: {planned:?}");
    }
}

#[test]
fn names_must_differ() {
    let mut twin = join(4, "a");
    if let StagedChange::Join { name, .. } = &mut twin.change {
        *name = "n2".to_owned();
    }
    let ring = three_nodes();
    let refused = plan(&ring, std::slice::from_ref(&twin));
    assert_eq!(refused, Err(PlanError::DuplicateName("n2".to_owned())));
    let replaced = change(2, StagedChange::ReplaceBy(NodeId::new(4)));
    assert!(plan(&ring, &[twin, replaced]).is_ok(), "the old one's name is free again");
}

#[test]
fn the_last_one_can_not_leave() {
    let refused = plan(&one_node(16), &[change(1, StagedChange::Leave)]);
    assert_eq!(refused, Err(PlanError::NoMembers));
}

#[test]
fn warnings_name_what_does_not_protect() {
    let two = grown(&[join(2, "a")]).warnings;
    assert_eq!(two.len(), 2, "{two:?}");
    assert!(two[0].starts_with("2 members for 3 replicas: each partition has only 2 replicas"));
    assert!(two[1].starts_with("with two members"));

    assert_eq!(grown(&[join(2, "a"), join(3, "a")]).warnings, Vec::<String>::new());
    assert_eq!(grown(&[join(2, "b"), join(3, "c")]).warnings, Vec::<String>::new());

    let shared = grown(&[join(2, "a"), join(3, "b")]).warnings;
    assert_eq!(shared.len(), 1, "{shared:?}");
    assert!(shared[0].contains("2 zones for 3 replicas"));
    assert!(shared[0].contains("up to 2 of 3"));

    let crowded = [join(2, "a"), join(3, "a"), join(4, "b"), join(5, "c")];
    let uneven = grown(&crowded).warnings;
    assert_eq!(uneven.len(), 3, "{uneven:?}");
    assert!(uneven[0].contains("zone \"a\" holds 33% of the replicas, by weight it would be 60%"));
}

#[test]
fn shares_are_of_all_replicas_and_of_who_is_gone_there_is_none() {
    let ring = grown(&[join(2, "a"), join(3, "a"), join(4, "a")]).ring;
    let share = |number| ring.share(NodeId::new(number));
    assert!((1..=4).map(share).all(|share| (share - 0.25).abs() < f64::EPSILON));
    assert!(three_nodes().share(NodeId::new(9)) < f64::EPSILON);
}
