use bytes::Bytes;
use stator_core::identity::ClusterId;
use stator_core::object::Key;
use stator_core::ring::{Member, Walks, Weight};
use stator_core::token::PartitionCount;

use super::*;

pub(crate) fn node(number: u64) -> NodeId {
    NodeId::new(number)
}

pub(crate) fn object(bucket: &str, key: &str) -> ObjectKey {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let bucket = BucketName::new(bytes(bucket)).expect("a name");
    ObjectKey::new(bucket, Key::new(bytes(key)).expect("a name"))
}

/// Five nodes; the one partition is owned by 3, 1 and 5.
pub(crate) fn chart() -> Chart {
    let member = |number: u64| Member {
        name: format!("n{number}"),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
    };
    let partitions = PartitionCount::new(1).expect("a power of two");
    let founded = Ring::found(ClusterId::new(7), partitions, 3, node(1), member(1));
    let ring = Ring {
        walks: Walks::default(),
        version: RingVersion(4),
        members: (1..=5).map(|number| (node(number), member(number))).collect(),
        table: vec![vec![node(3), node(1), node(5)]],
        ..founded
    };
    let at = |number: u64| NodeAddresses { native: format!("n{number}:1"), http: String::new() };
    Chart {
        ring: Some(ring),
        nodes: (1..=5).map(|number| (node(number), at(number))).collect(),
        suspected: BTreeSet::new(),
        replicas: BTreeMap::from([(object("two", "k").bucket().clone(), 2)]),
    }
}

#[test]
fn primaries_come_first_in_the_rings_order_and_everybody_comes_once() {
    let Preference { primaries, others } = chart().preference(&object("carts", "k"));
    assert_eq!(primaries, [node(3), node(1), node(5)]);
    let mut all = others.clone();
    all.sort_unstable();
    assert_eq!(all, [node(2), node(4)]);
}

#[test]
fn a_bucket_may_have_fewer_replicas_than_the_ring() {
    let Preference { primaries, others } = chart().preference(&object("two", "k"));
    assert_eq!(primaries, [node(3), node(1)]);
    assert_eq!(others.len(), 3);
}

#[test]
fn nodes_without_an_address_are_not_asked() {
    let mut chart = chart();
    chart.nodes.remove(&node(1));
    chart.nodes.remove(&node(2));
    let Preference { primaries, others } = chart.preference(&object("carts", "k"));
    assert_eq!((primaries, others), (vec![node(3), node(5)], vec![node(4)]));
}

#[test]
fn without_a_ring_anybody_is_asked() {
    let chart = Chart { ring: None, ..chart() };
    let Preference { primaries, others } = chart.preference(&object("carts", "k"));
    assert_eq!((primaries.len(), others.len()), (0, 5));
    assert_eq!(chart.version(), RingVersion(0));
}
