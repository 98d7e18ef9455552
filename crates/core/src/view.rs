//! What a shard knows of the cluster: an immutable picture that membership publishes whenever
//! something in it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bucket::{BucketFact, BucketProperties};
use crate::identity::NodeId;
use crate::object::BucketName;
use crate::ring::Ring;
use crate::token::Partition;

/// What the failure detector thinks of a peer that it does not trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// Somebody waited for it in vain, lately. It is asked when nobody better is left.
    Doubted,
    /// It was silent, or deaf, for much longer than is usual. It is not counted on.
    Down,
}

/// The cluster as one node sees it at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// This node.
    pub me: NodeId,
    /// The newest ring it knows; none before it has joined or founded a cluster.
    pub ring: Option<Arc<Ring>>,
    /// Peers of which the failure detector thinks ill, and how ill. Drives routing, never
    /// ownership (rule 18).
    pub suspected: Arc<BTreeMap<NodeId, Suspicion>>,
    /// Buckets that were made.
    pub buckets: Arc<BTreeMap<BucketName, BucketFact>>,
    /// Partitions whose writes are held because a ring that moves them is being chosen.
    pub held: Arc<BTreeSet<Partition>>,
}

impl View {
    /// The view of a node that knows nobody yet.
    pub fn alone(me: NodeId) -> Self {
        Self {
            me,
            ring: None,
            suspected: Arc::default(),
            buckets: Arc::default(),
            held: Arc::default(),
        }
    }

    /// The ring, if this node is a member of it.
    pub fn ring_as_member(&self) -> Option<&Arc<Ring>> {
        self.ring.as_ref().filter(|ring| ring.members.contains_key(&self.me))
    }

    /// The properties of a bucket; the defaults if it was never made.
    pub fn bucket(&self, name: &BucketName) -> BucketProperties {
        let replicas = self.ring.as_ref().map_or(1, |ring| ring.replicas);
        self.buckets
            .get(name)
            .map_or_else(|| BucketProperties::defaults(name, replicas), BucketFact::properties)
    }
}
