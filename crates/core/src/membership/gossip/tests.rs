use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::bucket::{FixedProperties, MutableProperties};
use crate::identity::{BootNonce, BootNumber};
use crate::membership::facts::{Addresses, ChangeFacts, StagedChange};
use crate::object::ConflictRule;
use crate::random::Random;
use crate::ring::{Member, Weight};
use crate::time::WallTime;
use crate::token::{Partition, PartitionCount};
use crate::transfer::Progress;

const CLUSTER: ClusterId = ClusterId::new(7);
const NODES: u64 = 5;

fn node(number: u64) -> NodeId {
    NodeId::new(number)
}

/// Version v of a chain of rings: node 1 owns everything, and each version but the first removes
/// one more node for good.
fn ring(version: u64) -> Arc<Ring> {
    let member = Member { name: "n1".into(), zone: String::new(), weight: Weight::DEFAULT };
    let partitions = PartitionCount::new(4).expect("a power of two");
    let mut ring = Ring::found(CLUSTER, partitions, 3, node(1), member);
    ring.version = RingVersion(version);
    ring.removed = (1..version).map(|number| node(number + 3)).collect();
    Arc::new(ring)
}

/// What a node says later may be less than it said before: it has lost its store.
fn progress(boot: u64, sequence: u64) -> Progress {
    let confirmed = (0..4).map(Partition::new).filter(|p| (boot + sequence) >> p.get() & 1 == 1);
    Progress { ring: RingVersion(boot), confirmed: confirmed.collect(), ..Progress::default() }
}

fn node_fact(boot: u64, sequence: u64) -> NodeFact {
    NodeFact {
        version: FactVersion { boot: BootNumber(boot), sequence },
        nonce: BootNonce(boot),
        name: format!("{boot}.{sequence}"),
        zone: String::new(),
        addresses: Addresses::default(),
        ring: RingVersion(0),
        votes: 0,
        progress: progress(boot, sequence),
    }
}

fn stamp(millis: u64, number: u64) -> (Stamp, NodeId) {
    (Stamp::at(WallTime::from_millis(millis)), node(number))
}

/// What is staged at a stamp follows from the stamp, as it does where nodes mint them.
fn staged_fact(at: (Stamp, NodeId)) -> StagedFact {
    let weight = Weight::new(at.0.wall().as_millis() as u32 + 1);
    StagedFact { at, change: weight.map(StagedChange::Weight) }
}

fn bucket_fact(made: (Stamp, NodeId), changed: (Stamp, NodeId)) -> BucketFact {
    let n = made.0.wall().as_millis() as u8;
    let fixed = FixedProperties { n, conflicts: ConflictRule::Siblings };
    let max_siblings = changed.0.wall().as_millis() as u32;
    let mutable = MutableProperties { max_siblings, ..MutableProperties::default() };
    BucketFact { fixed, made, mutable, changed }
}

fn bucket(number: u8) -> BucketName {
    BucketName::new(Bytes::from(vec![number])).expect("one byte is a name")
}

prop_compose! {
    fn any_stamp()(millis in 0_u64..6, number in 1..=NODES) -> (Stamp, NodeId) {
        stamp(millis, number)
    }
}

prop_compose! {
    fn any_facts()(
        version in prop::option::of(1_u64..4),
        nodes in prop::collection::btree_map(1..=NODES, (1_u64..3, 0_u64..3), 0..4),
        staged in prop::collection::btree_map((1..=NODES, 0_u8..2), any_stamp(), 0..4),
        buckets in prop::collection::btree_map(0_u8..3, (any_stamp(), any_stamp()), 0..3),
        settled in 0_u64..3,
        dead in prop::collection::btree_set(1..=NODES, 0..3),
    ) -> Facts {
        let slot = |slot| if slot == 0 { StageSlot::Weight } else { StageSlot::Zone };
        Facts {
            ring: version.map(ring),
            change: ChangeFacts {
                left: version.filter(|version| *version > 1).map(|version| ring(version - 1)),
                settled: RingVersion(settled),
                dead: dead.into_iter().map(node).collect(),
            },
            nodes: nodes.into_iter().map(|(id, (b, s))| (node(id), node_fact(b, s))).collect(),
            staged: staged
                .into_iter()
                .map(|((id, s), at)| ((node(id), slot(s)), staged_fact(at)))
                .collect(),
            buckets: buckets
                .into_iter()
                .map(|(name, (made, changed))| (bucket(name), bucket_fact(made, changed)))
                .collect(),
        }
    }
}

fn merged<'a>(all: impl IntoIterator<Item = &'a Facts>) -> FactBase {
    let mut base = FactBase::default();
    for facts in all {
        base.merge(CLUSTER, facts).expect("the facts are of this cluster");
    }
    base
}

/// One gossip exchange: digest, delta, delta.
fn exchange(nodes: &mut [FactBase], from: usize, to: usize) {
    let digest = nodes[from].digest();
    let delta = nodes[to].delta_for(&digest);
    let wants = nodes[to].lacks(&digest).then(|| nodes[to].digest());
    nodes[from].merge(CLUSTER, &delta).expect("the facts are of this cluster");
    if let Some(wants) = wants {
        let delta = nodes[from].delta_for(&wants);
        nodes[to].merge(CLUSTER, &delta).expect("the facts are of this cluster");
    }
}

proptest! {
    #[test]
    fn the_order_of_merges_does_not_matter(a in any_facts(), b in any_facts(), c in any_facts()) {
        let forth = merged([&a, &b, &c]);
        prop_assert_eq!(&forth, &merged([&c, &b, &a]));
        prop_assert_eq!(&forth, &merged([&b, &a, &c]));
        let bc = merged([&b, &c]);
        prop_assert_eq!(&forth, &merged([&a, bc.facts()]));
    }

    #[test]
    fn what_is_known_is_no_news(a in any_facts(), b in any_facts()) {
        let mut base = merged([&a, &b]);
        let known = base.clone();
        prop_assert_eq!(base.merge(CLUSTER, &a), Ok(false));
        prop_assert_eq!(base.merge(CLUSTER, known.facts()), Ok(false));
        prop_assert_eq!(base, known);
    }

    #[test]
    fn one_exchange_levels_two_nodes(a in any_facts(), b in any_facts()) {
        let mut nodes = [merged([&a]), merged([&b])];
        exchange(&mut nodes, 0, 1);
        prop_assert_eq!(&nodes[0], &nodes[1]);
        prop_assert_eq!(&nodes[0], &merged([&a, &b]));
        prop_assert!(!nodes[0].lacks(&nodes[1].digest()));
        prop_assert_eq!(nodes[0].delta_for(&nodes[1].digest()), Facts::default());
    }

    #[test]
    fn fingerprints_are_equal_exactly_where_there_is_nothing_to_say(
        a in any_facts(),
        b in any_facts(),
    ) {
        let mut nodes = [merged([&a]), merged([&b])];
        let silent = |[one, other]: &[FactBase; 2]| {
            let (mine, theirs) = (one.digest(), other.digest());
            one.delta_for(&theirs) == Facts::default()
                && other.delta_for(&mine) == Facts::default()
                && !one.lacks(&theirs)
                && !other.lacks(&mine)
        };
        let equal = |[one, other]: &[FactBase; 2]| one.fingerprint() == other.fingerprint();
        prop_assert_eq!(equal(&nodes), silent(&nodes));
        exchange(&mut nodes, 0, 1);
        prop_assert!(equal(&nodes) && silent(&nodes));
    }

    #[test]
    fn random_gossip_makes_all_nodes_equal(
        facts in prop::collection::vec(any_facts(), 2..8),
        seed in any::<[u8; 32]>(),
    ) {
        let mut random = Random::from_seed(seed);
        let mut nodes: Vec<FactBase> = facts.iter().map(|facts| merged([facts])).collect();
        let count = nodes.len() as u32;
        // Each node gossips with a random other; ten rounds are plenty for seven nodes.
        for round in 0..10 * count {
            let from = (round % count) as usize;
            let to = (from + 1 + random.below(count - 1) as usize) % nodes.len();
            exchange(&mut nodes, from, to);
        }
        let all = merged(&facts);
        prop_assert!(nodes.iter().all(|node| *node == all));
    }
}

#[test]
fn what_is_said_of_a_removed_node_is_dropped() {
    let mut base = FactBase::default();
    assert!(base.note(node(4), &node_fact(1, 1)));
    base.merge(CLUSTER, &Facts { ring: Some(ring(2)), ..Facts::default() }).expect("our cluster");
    assert_eq!(base.facts().nodes, BTreeMap::new());
    assert!(!base.note(node(4), &node_fact(9, 9)));
    assert!(!base.stage(node(4), StageSlot::Zone, &staged_fact(stamp(9, 1))));
    // Somebody who has not heard of the removal does not keep the exchange going for ever.
    let digest =
        FactsDigest { nodes: BTreeMap::from([(node(4), FactVersion::default())]), ..base.digest() };
    assert!(!base.lacks(&digest));
}

#[test]
fn only_what_is_newer_is_lacking() {
    let mut base = FactBase::default();
    assert!(base.note(node(2), &node_fact(2, 2)));
    base.merge(CLUSTER, &Facts { ring: Some(ring(2)), ..Facts::default() }).expect("our cluster");
    let mine = base.digest();
    assert!(!base.lacks(&mine));
    let of_node = |boot, sequence| FactsDigest {
        nodes: BTreeMap::from([(node(2), FactVersion { boot: BootNumber(boot), sequence })]),
        ..mine.clone()
    };
    assert!(base.lacks(&of_node(2, 3)) && base.lacks(&of_node(3, 0)));
    assert!(!base.lacks(&of_node(2, 1)) && !base.lacks(&of_node(1, 9)));
    let of_ring = |version| FactsDigest { ring: Some(RingVersion(version)), ..mine.clone() };
    assert!(base.lacks(&of_ring(3)));
    assert!(!base.lacks(&of_ring(1)) && !base.lacks(&FactsDigest { ring: None, ..mine.clone() }));
}

#[test]
fn a_node_that_follows_a_ring_knows_which_one_it_left() {
    let left = |base: &FactBase| base.facts().change.left.as_ref().map(|ring| ring.version.0);
    let alone = |version| Facts { ring: Some(ring(version)), ..Facts::default() };
    let mut base = merged([&alone(1), &alone(2)]);
    assert_eq!(left(&base), Some(1));
    base.merge(CLUSTER, &alone(4)).expect("our cluster");
    assert_eq!(left(&base), None, "it has missed one");
    let change = ChangeFacts { left: Some(ring(3)), ..ChangeFacts::default() };
    let told = Facts { change, ..alone(4) };
    assert_eq!(base.merge(CLUSTER, &told), Ok(true));
    assert_eq!((left(&base), base.merge(CLUSTER, &told)), (Some(3), Ok(false)));
}

#[test]
fn facts_of_another_cluster_change_nothing() {
    let mut foreign = (*ring(9)).clone();
    foreign.cluster = ClusterId::new(8);
    let facts = Facts {
        ring: Some(Arc::new(foreign)),
        nodes: BTreeMap::from([(node(2), node_fact(1, 1))]),
        ..Facts::default()
    };
    let mut base = FactBase::default();
    assert_eq!(base.merge(CLUSTER, &facts), Err(RefusedFacts::Foreign(ClusterId::new(8))));
    assert_eq!(base, FactBase::default());
}

#[test]
fn a_ring_that_contradicts_itself_is_refused() {
    let mut short = (*ring(2)).clone();
    short.table.pop();
    let mut stranger = (*ring(2)).clone();
    stranger.table[0] = vec![node(99)];
    let mut empty = (*ring(2)).clone();
    empty.table[0].clear();
    for broken in [short, stranger, empty] {
        let facts = Facts { ring: Some(Arc::new(broken)), ..Facts::default() };
        let refused = FactBase::default().merge(CLUSTER, &facts);
        assert_eq!(refused, Err(RefusedFacts::BrokenRing(RingVersion(2))));
    }
}

#[test]
fn a_restarted_node_speaks_louder_than_its_earlier_self() {
    let mut base = FactBase::default();
    assert!(base.note(node(1), &node_fact(2, 0)));
    assert!(!base.note(node(1), &node_fact(1, 100)));
    assert!(base.note(node(1), &node_fact(2, 1)));
}

#[test]
fn stamps_are_of_everything_that_can_be_changed_again() {
    let mut base = FactBase::default();
    base.stage(node(1), StageSlot::Zone, &staged_fact(stamp(3, 1)));
    base.bucket(&bucket(1), &bucket_fact(stamp(1, 1), stamp(5, 1)));
    let stamps: BTreeSet<Stamp> = base.stamps().collect();
    assert_eq!(stamps, BTreeSet::from([stamp(3, 1).0, stamp(5, 1).0]));
}
