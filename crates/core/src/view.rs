//! What a shard knows of the cluster: an immutable picture that membership publishes whenever
//! something in it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bucket::{BucketFact, BucketProperties};
use crate::identity::NodeId;
use crate::object::BucketName;
use crate::ring::{Ring, RingVersion};
use crate::token::Partition;
use crate::transfer::{Footing, MoveLevel, Placement, Transition};

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
    /// The change that led to the ring, if partitions move, or have moved, with it (rule 17).
    pub transition: Option<Arc<Transition>>,
    /// Nodes that the operator declared dead: no move waits for them, and nothing of theirs is taken.
    pub dead: Arc<BTreeSet<NodeId>>,
    /// Whether every member keeps only hints that it may keep by this ring: rounds of collection
    /// ask just those who may (rule 13).
    pub hints_in_place: bool,
}

impl View {
    /// The view of a node that knows nobody yet.
    pub fn alone(me: NodeId) -> Self {
        Self {
            me,
            ring: None,
            suspected: Arc::default(),
            buckets: Arc::default(),
            transition: None,
            dead: Arc::default(),
            hints_in_place: true,
        }
    }

    /// The ring, if this node is a member of it.
    pub fn ring_as_member(&self) -> Option<&Arc<Ring>> {
        self.ring.as_ref().filter(|ring| ring.members.contains_key(&self.me))
    }

    /// The ring, if this node may coordinate requests: as a member, or as one that left it in good
    /// order and owns nothing. One that was declared dead may not.
    pub fn ring_as_coordinator(&self) -> Option<&Arc<Ring>> {
        let may = |ring: &&Arc<Ring>| {
            let knows = ring.members.contains_key(&self.me) || ring.removed.contains(&self.me);
            knows && !self.dead.contains(&self.me)
        };
        self.ring.as_ref().filter(may)
    }

    /// Where a request about a partition goes that this node carries out in `ring`, the newest that
    /// it knows, if it was told to go on at `told`.
    pub fn placement<'a>(
        &'a self,
        ring: &'a Ring,
        partition: Partition,
        told: Option<Footing>,
    ) -> Placement<'a> {
        let Some(transition) = self.transition_to(ring) else { return Placement::settled(ring) };
        let told = told.filter(|told| told.ring == ring.version);
        transition.placement(partition, told.map_or(MoveLevel::Old, |told| told.level))
    }

    /// The ring that is being left, if that is what this version names.
    pub fn old_ring(&self, version: RingVersion) -> Option<Arc<Ring>> {
        let from = self.transition.as_ref()?.from();
        (from.version == version).then(|| Arc::clone(from))
    }

    fn transition_to(&self, ring: &Ring) -> Option<&Transition> {
        self.transition.as_deref().filter(|transition| transition.to().version == ring.version)
    }

    /// How far this node is with a partition.
    pub fn footing(&self, partition: Partition) -> Footing {
        let version = self.ring.as_ref().map_or(RingVersion(0), |ring| ring.version);
        self.transition
            .as_ref()
            .map_or(Footing::settled(version), |transition| transition.footing(partition))
    }

    /// Whether this node has a state of its own of the partition: it is an owner in a ring that
    /// writes go to.
    pub fn is_replica(&self, partition: Partition) -> bool {
        self.ring.as_ref().is_some_and(|ring| {
            ring.owns(self.me, partition)
                || self.placement(ring, partition, None).owns(self.me, partition)
        })
    }

    /// Whether this node may keep hints of the partition: it stands in for its owners in a ring that
    /// writes go to, for buckets of some number of replicas.
    pub fn stands_in(&self, partition: Partition) -> bool {
        self.ring.as_ref().is_some_and(|ring| {
            let place = self.placement(ring, partition, None);
            place.rings().any(|ring| ring.hint_holders(partition).contains(&self.me))
        })
    }

    /// Whether this node has states of the partition, be it only to hand them over: it is an owner,
    /// or was one before the last change of the ring.
    pub fn keeps(&self, ring: &Ring, partition: Partition) -> bool {
        let left = |transition: &Arc<Transition>| {
            transition.is_moving(partition) && transition.old_owners(partition).contains(&self.me)
        };
        ring.owns(self.me, partition) || self.transition.as_ref().is_some_and(left)
    }

    /// Whether a partition moves and is not known to be settled.
    pub fn is_moving(&self, partition: Partition) -> bool {
        self.transition.as_ref().is_some_and(|transition| transition.is_moving(partition))
    }

    /// What a write of somebody on this footing is refused with; none if it is taken.
    pub fn refuses_write(&self, partition: Partition, of: Footing) -> Option<Footing> {
        let transition = self.transition.as_ref()?;
        transition.refuses_write(self.me, partition, of).then(|| transition.footing(partition))
    }

    /// What a read of somebody on this footing is refused with; none if it is answered.
    pub fn refuses_read(&self, partition: Partition, of: Footing) -> Option<Footing> {
        let transition = self.transition.as_ref()?;
        transition.refuses_read(self.me, partition, of).then(|| transition.footing(partition))
    }

    /// The properties of a bucket; the defaults if it was never made.
    pub fn bucket(&self, name: &BucketName) -> BucketProperties {
        let replicas = self.ring.as_ref().map_or(1, |ring| ring.replicas);
        self.buckets
            .get(name)
            .map_or_else(|| BucketProperties::defaults(name, replicas), BucketFact::properties)
    }
}
