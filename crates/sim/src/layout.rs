//! What a run's cluster looks like: its ring, its buckets and the keys that clients use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use stator_core::bucket::{BucketFact, BucketProperties, FixedProperties, MutableProperties};
use stator_core::context::{ContextKey, Sealer};
use stator_core::identity::{ClusterId, NodeId};
use stator_core::object::{BucketName, ConflictRule, Key, ObjectKey};
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_core::ring::{Member, Ring, RingVersion, Walks, Weight};
use stator_core::time::Stamp;
use stator_core::token::PartitionCount;

use crate::draw::Draw;
use crate::history::KeyHistory;

/// The fixed part of a run.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The nodes' ids, by place.
    pub nodes: Vec<NodeId>,
    /// How many shards each node has.
    pub shards: Vec<u8>,
    /// The ring that all nodes know.
    pub ring: Arc<Ring>,
    /// The buckets that were made.
    pub buckets: Arc<BTreeMap<BucketName, BucketFact>>,
    /// Seals contexts, alike on all nodes.
    pub sealer: Sealer,
    /// The first so many keys are hot.
    pub hot_keys: usize,
    /// Names of the keys.
    pub keys: Vec<ObjectKey>,
}

impl Layout {
    /// A cluster of `nodes` nodes, the rest of it drawn.
    pub fn drawn(nodes: usize, draw: &mut Draw) -> Self {
        let ids: Vec<NodeId> = (0..nodes).map(|_| NodeId::new(draw.bits())).collect();
        let shards = (0..nodes).map(|_| *draw.pick(&[1, 1, 2, 4])).collect();
        let ring = Arc::new(ring(&ids, draw));
        let sealer = Sealer::new(ContextKey::derive(b"simulated", ring.cluster), Vec::new());
        let buckets = Arc::new(buckets(ids[0], ring.replicas));
        let count = draw.between(8, 120) as usize;
        let keys = (0..count).map(|place| name(place, draw)).collect();
        Self {
            nodes: ids,
            shards,
            ring,
            buckets,
            sealer,
            hot_keys: draw.between(1, 4) as usize,
            keys,
        }
    }

    /// The same cluster, and nodes beside it that are no members of its ring yet.
    #[must_use]
    pub fn with_spares(mut self, spares: usize, draw: &mut Draw) -> Self {
        for _ in 0..spares {
            self.nodes.push(NodeId::new(draw.bits()));
            self.shards.push(*draw.pick(&[1, 1, 2, 4]));
        }
        self
    }

    /// A cluster of `nodes` nodes that keeps shopping carts, in a bucket of the usual properties.
    pub fn of_a_service(nodes: usize, draw: &mut Draw) -> Self {
        let drawn = Self::drawn(nodes, draw);
        let cart = |place| {
            let key = Key::new(Bytes::from(format!("cart {place}"))).expect("the key is short");
            ObjectKey::new(bucket_name("default"), key)
        };
        Self { shards: vec![1; nodes], keys: (0..CARTS).map(cart).collect(), ..drawn }
    }

    /// A cluster of `nodes` nodes with one shard, one partition that all of them keep in the order of
    /// their places, one key, and buckets as their first write makes them: nothing is drawn.
    pub fn plain(nodes: usize) -> Self {
        let ids: Vec<NodeId> = (1..=nodes as u64).map(NodeId::new).collect();
        let whole = PartitionCount::new(1).expect("1 is a power of two");
        let ring = Arc::new(ring_of(&ids, whole, ClusterId::new(1), vec![ids.clone()]));
        let sealer = Sealer::new(ContextKey::derive(b"simulated", ring.cluster), Vec::new());
        let key = Key::new(Bytes::from_static(b"k")).expect("the key is short");
        Self {
            shards: vec![1; nodes],
            ring,
            buckets: Arc::default(),
            sealer,
            hot_keys: 1,
            keys: vec![ObjectKey::new(bucket_name("default"), key)],
            nodes: ids,
        }
    }

    /// The place of a node.
    pub fn place_of(&self, node: NodeId) -> usize {
        self.nodes.iter().position(|&id| id == node).expect("every node has its place")
    }

    /// The properties of a key's bucket.
    pub fn properties(&self, key: usize) -> BucketProperties {
        let bucket = self.keys[key].bucket();
        self.buckets.get(bucket).map_or_else(
            || BucketProperties::defaults(bucket, self.ring.replicas),
            BucketFact::properties,
        )
    }

    /// How many replicas of a key exist.
    pub fn replicas(&self, key: usize) -> u8 {
        let partition = self.ring.partition_of(self.keys[key].token());
        self.ring.primaries(partition, self.properties(key).fixed.n).len() as u8
    }

    /// Histories of the keys in which nothing has happened.
    pub fn histories(&self) -> Vec<KeyHistory> {
        let keys = self.keys.iter().enumerate().map(|(place, name)| {
            let rule = self.properties(place).fixed.conflicts;
            KeyHistory::new(name.clone(), rule, self.replicas(place))
        });
        keys.collect()
    }

    /// The shard of a node that a key belongs to.
    pub fn shard_of(&self, node: usize, key: &ObjectKey) -> u8 {
        let partition = self.ring.partition_of(key.token());
        (partition.get() % u32::from(self.shards[node])) as u8
    }
}

/// The carts of a service.
const CARTS: usize = 200;

/// N, where there are nodes enough.
const MOST_REPLICAS: usize = 3;

/// Replicas go round the nodes in an order of their own for every partition.
fn ring(ids: &[NodeId], draw: &mut Draw) -> Ring {
    let partitions = PartitionCount::new(*draw.pick(&[1, 8, 16, 64])).expect("a power of two");
    let mut table = Vec::new();
    for _ in partitions.all() {
        let mut order = ids.to_vec();
        for place in (1..order.len()).rev() {
            order.swap(place, draw.index(place + 1));
        }
        order.truncate(ids.len().min(MOST_REPLICAS));
        table.push(order);
    }
    let cluster = ClusterId::new(u128::from(draw.bits()));
    ring_of(ids, partitions, cluster, table)
}

fn ring_of(
    ids: &[NodeId],
    partitions: PartitionCount,
    cluster: ClusterId,
    table: Vec<Vec<NodeId>>,
) -> Ring {
    let member = |place: usize| Member {
        name: format!("n{}", place + 1),
        zone: format!("z{}", place % 3),
        weight: Weight::DEFAULT,
    };
    Ring {
        walks: Walks::default(),
        table,
        cluster,
        version: RingVersion(1),
        replicas: ids.len().min(MOST_REPLICAS) as u8,
        partitions,
        members: ids.iter().enumerate().map(|(place, &id)| (id, member(place))).collect(),
        removed: BTreeSet::new(),
        dead: BTreeSet::new(),
        forced: BTreeSet::new(),
    }
}

fn bucket_name(name: &'static str) -> BucketName {
    BucketName::new(Bytes::from_static(name.as_bytes())).expect("the name is short")
}

/// `default` is not among them: its first write makes it.
fn buckets(maker: NodeId, replicas: u8) -> BTreeMap<BucketName, BucketFact> {
    let strict = QuorumOptions { mode: Some(QuorumMode::Strict), ..QuorumOptions::default() };
    let quick = QuorumOptions {
        r: Some(Level::One),
        w: Some(Level::Quorum),
        dw: Some(Level::One),
        ..QuorumOptions::default()
    };
    let rows = [
        ("strict", replicas, ConflictRule::Siblings, strict, 100),
        ("quick", replicas, ConflictRule::Siblings, quick, 5),
        ("redis.0", replicas, ConflictRule::LastWriteWins, QuorumOptions::default(), 100),
        ("redis.1", replicas, ConflictRule::LastWriteWins, strict, 100),
        ("pairs", replicas.min(2), ConflictRule::Siblings, QuorumOptions::default(), 100),
        ("single", 1, ConflictRule::Siblings, QuorumOptions::default(), 100),
    ];
    let made = (Stamp::default(), maker);
    let fact = |n, conflicts, quorum, max_siblings| BucketFact {
        fixed: FixedProperties { n, conflicts },
        made,
        mutable: MutableProperties { quorum, ttl: None, max_siblings },
        changed: made,
    };
    rows.into_iter()
        .map(|(name, n, rule, quorum, max)| (bucket_name(name), fact(n, rule, quorum, max)))
        .collect()
}

fn name(place: usize, draw: &mut Draw) -> ObjectKey {
    let bucket = *draw.pick(&[
        "default", "default", "strict", "strict", "quick", "redis.0", "redis.1", "pairs", "single",
    ]);
    let key = match draw.below(20) {
        0 => format!("{place}-{}", "long".repeat(600)),
        _ => format!("k{place}"),
    };
    ObjectKey::new(bucket_name(bucket), Key::new(Bytes::from(key)).expect("the key is short"))
}
