//! Where a key lives: its token, and the replicas and stand-ins of its partition.

use std::collections::BTreeMap;

use bytes::Bytes;
use divan::{Bencher, black_box};
use stator_core::identity::{ClusterId, NodeId};
use stator_core::object::{BucketName, Key, ObjectKey};
use stator_core::ring::{Member, Ring, Weight};
use stator_core::token::{PartitionCount, Token};

/// One of many keys.
pub(crate) fn key(number: usize) -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"carts")).expect("a name");
    ObjectKey::new(bucket, Key::new(Bytes::from(format!("user:{number:08}"))).expect("a name"))
}

/// As many partitions as a node founds a cluster with, on nine nodes in three zones.
fn ring() -> Ring {
    let ids: Vec<NodeId> = (1..=9).map(NodeId::new).collect();
    let member = |id: NodeId| Member {
        name: format!("n{}", id.get()),
        zone: format!("z{}", id.get() % 3),
        weight: Weight::DEFAULT,
    };
    let partitions = PartitionCount::new(256).expect("a power of two");
    let mut ring = Ring::found(ClusterId::new(1), partitions, 3, ids[0], member(ids[0]));
    ring.members = ids.iter().map(|&id| (id, member(id))).collect::<BTreeMap<_, _>>();
    let owners = |first: usize| ids.iter().copied().cycle().skip(first % ids.len()).take(3);
    ring.table = (0..256).map(|first| owners(first).collect()).collect();
    ring
}

/// MD5 of bucket and key.
#[divan::bench]
fn token(bencher: Bencher<'_, '_>) {
    let key = key(1);
    bencher.bench(|| Token::of(black_box(&key)));
}

/// The primaries of a key whose token is known.
#[divan::bench]
fn primaries(bencher: Bencher<'_, '_>) {
    let (ring, token) = (ring(), key(1).token());
    bencher.bench(|| {
        let ring = black_box(&ring);
        ring.primaries(ring.partition_of(black_box(token)), 3).first().copied()
    });
}

/// Who stands in for them, nine nodes.
#[divan::bench]
fn fallbacks(bencher: Bencher<'_, '_>) {
    let (ring, token) = (ring(), key(1).token());
    bencher.bench(|| {
        let ring = black_box(&ring);
        ring.fallbacks(ring.partition_of(black_box(token)), 3)
    });
}
