//! Levels follow from what was said, and only rise; who refuses whom.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn change() -> Transition {
    Transition::begin(ring(1, &[0, 1, 2]), ring(2, &[2, 3, 4])).expect("it moves")
}

fn at(level: MoveLevel) -> Footing {
    Footing { ring: RingVersion(2), level }
}

const BEFORE: Footing = Footing::settled(RingVersion(1));
const LATER: Footing = Footing::settled(RingVersion(3));

fn said(bits: u8, ring: u64) -> Progress {
    let set = |bit: u8| if bits >> bit & 1 == 1 { BTreeSet::from([P]) } else { BTreeSet::new() };
    Progress {
        ring: RingVersion(ring),
        confirmed: set(0),
        reads_new: set(1),
        handed_over: set(2),
        ..Progress::default()
    }
}

fn statements() -> impl Strategy<Value = BTreeMap<NodeId, Progress>> {
    let one = ((0..6u64).prop_map(node), (0..8u8, 1..4u64).prop_map(|(b, ring)| said(b, ring)));
    proptest::collection::btree_map(one.0, one.1, 0..7)
}

fn raised(from: &Transition, statements: &BTreeMap<NodeId, Progress>) -> Transition {
    let mut transition = from.clone();
    let progress = statements.iter().map(|(node, progress)| (*node, progress)).collect();
    transition.raise(&Said { progress, dead: &nobody() });
    transition
}

proptest! {
    #[test]
    fn levels_only_rise_and_hearing_the_same_again_changes_nothing(
        steps in proptest::collection::vec(statements(), 1..6)
    ) {
        let mut transition = change();
        for said in steps {
            let next = raised(&transition, &said);
            prop_assert!(next.level(P) >= transition.level(P));
            prop_assert_eq!(&raised(&next, &said), &next);
            transition = next;
        }
    }

    #[test]
    fn more_that_is_said_never_makes_for_less(one in statements(), other in statements()) {
        let mut both = one.clone();
        for (node, progress) in &other {
            let so_far = both.entry(*node).or_insert_with(|| progress.clone());
            if so_far.ring == progress.ring {
                so_far.confirmed.extend(&progress.confirmed);
                so_far.reads_new.extend(&progress.reads_new);
            }
        }
        prop_assert!(raised(&change(), &both).level(P) >= raised(&change(), &one).level(P));
    }

    #[test]
    fn what_is_refused_once_is_refused_at_every_later_level(
        me in 0..6u64,
        of in prop_oneof![
            Just(BEFORE), Just(LATER), Just(at(MoveLevel::Both)), Just(at(MoveLevel::ReadNew)),
            Just(at(MoveLevel::New)),
        ]
    ) {
        let mut refused = (false, false);
        for level in [MoveLevel::Both, MoveLevel::ReadNew, MoveLevel::New] {
            let mut transition = change();
            transition.lift(P, level);
            let now = (
                transition.refuses_write(node(me), P, of),
                transition.refuses_read(node(me), P, of),
            );
            prop_assert!(now.0 >= refused.0 && now.1 >= refused.1);
            prop_assert!(of < transition.footing(P) || now == (false, false), "who is as far is served");
            refused = now;
        }
        prop_assert_eq!(refused.0, of < at(MoveLevel::Both) || of < LATER && of < at(MoveLevel::New) && me < 2);
    }
}

/// Every choice of who is dead, who was pulled from and who has acknowledged, of up to five owners.
#[test]
fn any_write_quorum_has_a_source_or_is_dead() {
    for n in 1..=5_u64 {
        let old: Vec<NodeId> = (0..n).map(node).collect();
        let of = |bits: u8| -> BTreeSet<NodeId> {
            old.iter().copied().filter(|owner| bits >> owner.get() & 1 == 1).collect()
        };
        let sets: Vec<BTreeSet<NodeId>> = (0..1_u8 << n).map(of).collect();
        for (dead, w) in sets.iter().flat_map(|dead| (1..=n as u8).map(move |w| (dead, w))) {
            let sources = sources_needed(&old, w, dead);
            let is_enough =
                |pulled: &&BTreeSet<NodeId>| pulled.is_disjoint(dead) && pulled.len() >= sources;
            for pulled in sets.iter().filter(is_enough) {
                for acked in sets.iter().filter(|acked| acked.len() >= usize::from(w)) {
                    let is_met = !acked.is_disjoint(pulled);
                    assert!(is_met || !acked.is_disjoint(dead), "{acked:?} {pulled:?} {dead:?}");
                }
            }
        }
    }
}

#[test]
fn a_level_is_reached_by_what_its_owners_say_of_this_very_change() {
    let mut all: BTreeMap<NodeId, Progress> = BTreeMap::new();
    let level = |all: &BTreeMap<NodeId, Progress>| raised(&change(), all).level(P);
    for new in [2, 3] {
        all.insert(node(new), said(1, 2));
        assert_eq!(level(&all), Some(MoveLevel::Both));
    }
    all.insert(node(4), said(1, 3));
    assert_eq!(level(&all), Some(MoveLevel::Both), "it speaks of another ring");
    all.insert(node(4), said(1, 2));
    assert_eq!(level(&all), Some(MoveLevel::ReadNew));
    for owner in 0..4 {
        all.insert(node(owner), said(2, 2));
        assert_ne!(level(&all), Some(MoveLevel::New));
    }
    all.insert(node(4), said(2, 2));
    assert_eq!(level(&all), Some(MoveLevel::New));
}

#[test]
fn a_change_is_settled_when_those_who_go_have_handed_over() {
    let change = change();
    let mut all: BTreeMap<NodeId, Progress> = (0..5).map(|n| (node(n), said(2, 2))).collect();
    let settled = |all: &BTreeMap<NodeId, Progress>, dead: BTreeSet<NodeId>| {
        let progress = all.iter().map(|(node, progress)| (*node, progress)).collect();
        change.is_settled(&Said { progress, dead: &dead })
    };
    assert!(!settled(&all, nobody()));
    all.insert(node(0), said(6, 2));
    assert!(!settled(&all, nobody()));
    assert!(settled(&all, BTreeSet::from([node(1)])), "nobody waits for the dead");
    all.insert(node(1), said(6, 2));
    assert!(settled(&all, nobody()));
}

#[test]
fn with_all_new_owners_dead_nothing_is_confirmed() {
    let mut transition = change();
    let dead = BTreeSet::from([2, 3, 4].map(node));
    assert!(!transition.raise(&Said { progress: BTreeMap::new(), dead: &dead }));
}

#[test]
fn a_changed_order_is_a_move_and_nothing_else_is() {
    assert_eq!(Transition::begin(ring(1, &[0, 1]), ring(2, &[0, 1])), None);
    assert!(Transition::begin(ring(1, &[0, 1]), ring(2, &[1, 0])).is_some());
}

#[test]
fn writes_reach_both_until_nobody_reads_the_old() {
    let mut transition = change();
    let place = |transition: &Transition, least| {
        let place = transition.placement(P, least);
        (place.reads.version.0, place.also.map(|ring| ring.version.0), place.footing.level)
    };
    assert_eq!(place(&transition, MoveLevel::Old), (1, Some(2), MoveLevel::Both));
    assert_eq!(place(&transition, MoveLevel::ReadNew), (2, Some(1), MoveLevel::ReadNew));
    assert_eq!(place(&transition, MoveLevel::New), (2, None, MoveLevel::New));
    transition.settle();
    assert_eq!(place(&transition, MoveLevel::Old), (2, None, MoveLevel::New));
}

#[test]
fn levels_that_were_reached_are_taken_up_again() {
    let mut transition = change();
    transition.resume(&said(2, 3));
    assert_eq!(transition.level(P), Some(MoveLevel::Both), "that was another change");
    transition.resume(&said(2, 2));
    assert_eq!(transition.level(P), Some(MoveLevel::ReadNew));
    assert_eq!(transition.reads_new(), BTreeSet::from([P]));
}
