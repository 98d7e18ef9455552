//! What gossip spreads: facts that only grow, each merged by a rule that does not depend on order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bucket::BucketFact;
use crate::identity::{BootNonce, BootNumber, NodeId};
use crate::object::BucketName;
use crate::ring::{Ring, RingVersion, Weight};
use crate::time::Stamp;
use crate::transfer::Progress;

/// Where a node can be reached; `host:port`, as other nodes and clients should dial it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Peers.
    pub peer: String,
    /// HTTP.
    pub http: String,
    /// The Redis protocol; empty if it is not served.
    pub resp: String,
}

/// How new what a node says of itself is; the higher one holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactVersion {
    /// The start in which it was said.
    pub boot: BootNumber,
    /// Counts what was said since that start.
    pub sequence: u64,
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFact {
    /// How new this is.
    pub version: FactVersion,
    /// Tells two processes on copies of one identity apart (rule 19).
    pub nonce: BootNonce,
    /// Its label.
    pub name: String,
    /// Its zone as configured; the ring's own entry holds once it is a member.
    pub zone: String,
    /// Its addresses.
    pub addresses: Addresses,
    /// The newest ring that it knows.
    pub ring: RingVersion,
    /// How many votes it has given in registers (tripwire, rule 19).
    pub votes: u64,
    /// Its part in a change of the ring that moves partitions (rule 17).
    pub progress: Progress,
}

/// A change of the ring that an operator, or a joining node, has asked for and nobody has
/// committed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StagedChange {
    /// The node wants to become a member.
    Join {
        /// Its name.
        name: String,
        /// Its zone.
        zone: String,
        /// Its weight.
        weight: Weight,
    },
    /// The node hands its partitions over and leaves.
    Leave,
    /// The node is dead and is taken off the ring.
    RemoveDead,
    /// The node's places go to another.
    ReplaceBy(NodeId),
    /// Its weight changes.
    Weight(Weight),
    /// Its zone changes.
    Zone(String),
}

impl StagedChange {
    /// Which other changes of one node this one takes the place of: those of its own slot.
    pub const fn slot(&self) -> StageSlot {
        match self {
            Self::Join { .. } | Self::Leave | Self::RemoveDead | Self::ReplaceBy(_) => {
                StageSlot::Membership
            }
            Self::Weight(_) => StageSlot::Weight,
            Self::Zone(_) => StageSlot::Zone,
        }
    }
}

/// For one node, at most one change of each of these is staged at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageSlot {
    /// Join, leave, remove or replace.
    Membership,
    /// Weight.
    Weight,
    /// Zone.
    Zone,
}

/// What is staged for one node and slot: the latest stamp holds. No change means discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedFact {
    /// When it was staged or discarded, and where.
    pub at: (Stamp, NodeId),
    /// The change; none if it was discarded.
    pub change: Option<StagedChange>,
}

/// What is known of the change that led to the newest ring (rule 17).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeFacts {
    /// The ring that the newest one left; none if it is not known.
    pub left: Option<Arc<Ring>>,
    /// The newest ring of which everything that it moved is known to be settled.
    pub settled: RingVersion,
    /// Members that an operator declared dead: no move waits for them.
    pub dead: BTreeSet<NodeId>,
}

impl ChangeFacts {
    /// Which of these a node has, in short.
    pub fn digest(&self) -> ChangeDigest {
        let mut dead = blake3::Hasher::new();
        for node in &self.dead {
            dead.update(&node.get().to_be_bytes());
        }
        let left = self.left.as_ref().map(|ring| ring.version);
        ChangeDigest { left, settled: self.settled, dead: first_bits(&dead) }
    }

    /// Takes in what is known elsewhere, but for the ring that was left. Returns whether any of it
    /// was new.
    pub fn merge(&mut self, other: &Self) -> bool {
        let before = (self.settled, self.dead.len());
        self.settled = self.settled.max(other.settled);
        self.dead.extend(&other.dead);
        before != (self.settled, self.dead.len())
    }
}

/// Which facts of the last change a node has, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeDigest {
    /// The version of the ring that was left, if that is known.
    pub left: Option<RingVersion>,
    /// The newest ring that is known to be settled.
    pub settled: RingVersion,
    /// A hash of those who were declared dead.
    pub dead: u64,
}

/// The first bits of a hash.
pub fn first_bits(hash: &blake3::Hasher) -> u64 {
    let mut bits = [0; 8];
    hash.finalize_xof().fill(&mut bits);
    u64::from_be_bytes(bits)
}

/// Everything gossip spreads, or a part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The newest ring.
    pub ring: Option<Arc<Ring>>,
    /// The change that led to it.
    pub change: ChangeFacts,
    /// What nodes say of themselves.
    pub nodes: BTreeMap<NodeId, NodeFact>,
    /// Staged changes by node and slot.
    pub staged: BTreeMap<(NodeId, StageSlot), StagedFact>,
    /// Buckets that were made.
    pub buckets: BTreeMap<BucketName, BucketFact>,
}

impl Facts {
    /// Whether a node is a member of the ring that the newest one left and none any more, as long
    /// as that change is under way: it has a part in it.
    pub fn is_leaving(&self, node: NodeId) -> bool {
        let Some((ring, left)) = self.change_under_way() else { return false };
        left.members.contains_key(&node) && !ring.members.contains_key(&node)
    }

    /// Whether a node left with the last change and lives: it owns nothing and coordinates on, so that
    /// it must be found.
    pub fn has_just_left(&self, node: NodeId) -> bool {
        let (Some(ring), Some(left)) = (&self.ring, &self.change.left) else { return false };
        left.members.contains_key(&node)
            && !ring.members.contains_key(&node)
            && !ring.dead.contains(&node)
            && !self.change.dead.contains(&node)
    }

    /// The newest ring and the one that it left, unless the change is known to be settled.
    pub fn change_under_way(&self) -> Option<(&Arc<Ring>, &Arc<Ring>)> {
        let (ring, left) = (self.ring.as_ref()?, self.change.left.as_ref()?);
        (!self.is_settled(ring.version)).then_some((ring, left))
    }

    /// Whether everything that a ring moved is known to be settled: that was said, or somebody knows
    /// a later ring, which followed only then.
    pub fn is_settled(&self, version: RingVersion) -> bool {
        self.change.settled >= version || self.nodes.values().any(|fact| fact.ring > version)
    }

    /// Everybody whom no move waits for: taken off as dead, or declared dead since.
    pub fn dead(&self) -> BTreeSet<NodeId> {
        let of_ring = self.ring.iter().flat_map(|ring| &ring.dead);
        self.change.dead.iter().chain(of_ring).copied().collect()
    }
}

/// Which facts a node has, in short: what a gossip exchange begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactsDigest {
    /// Its newest ring; none if it knows no ring.
    pub ring: Option<RingVersion>,
    /// What it knows of the change that led to that.
    pub change: ChangeDigest,
    /// How new what it knows of each node is.
    pub nodes: BTreeMap<NodeId, FactVersion>,
    /// A hash of everything staged that it knows; the facts are exchanged whole where it differs.
    pub staged: u64,
    /// A hash of every bucket's fact that it knows; exchanged whole where it differs.
    pub buckets: u64,
}
