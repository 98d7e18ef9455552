//! What a shard says of its own condition when it is asked: for operators, `stator verify` and the
//! simulator's checkers alike.

use std::collections::BTreeMap;

use crate::collection::Round;
use crate::identity::NodeId;
use crate::merkle::TreeSum;
use crate::time::WallTime;
use crate::token::Partition;

/// A question about a shard's condition, named so that the answer finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InspectId(pub u64);

/// The condition of one shard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardStatus {
    /// Each partition that this node is a replica of and that belongs to the shard.
    pub partitions: BTreeMap<Partition, PartitionStatus>,
    /// Hints held, by the node that they are for.
    pub hints: BTreeMap<NodeId, HeldHints>,
    /// Background work done since the node started.
    pub upkeep: UpkeepCounts,
    /// The background work's present allowance, in bytes per second (rule 20).
    pub budget: u64,
    /// Whether writes are refused because the disk's reserve is reached.
    pub disk_reserved: bool,
}

/// The condition of one partition's replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// The root of its tree; none while the tree is being built.
    pub root: Option<TreeSum>,
    /// Whether its answers count in reads: not until a lost store is refilled (rule 19).
    pub counts: bool,
    /// Objects that are set aside as damaged and wait for their peers' states.
    pub quarantined: u32,
    /// Its collection round.
    pub round: Round,
    /// Objects that are nothing but tombstones, as the last full look at the partition found.
    pub tombstones: u64,
    /// The longest version vector that the last full look at the partition found.
    pub longest_vector: u32,
}

/// Hints held for one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldHints {
    /// How many objects.
    pub objects: u64,
    /// Bytes of their states.
    pub bytes: u64,
    /// When the oldest of them was stored, by this node's wall clock.
    pub oldest: Option<WallTime>,
}

/// Background work, counted since the node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpkeepCounts {
    /// Hints taken.
    pub hints_stored: u64,
    /// Hints sent home, acknowledged and deleted.
    pub hints_delivered: u64,
    /// Hints refused because the limits on hints were reached.
    pub hints_refused: u64,
    /// States sent to replicas that a read found to be behind.
    pub read_repairs: u64,
    /// Exchanges that ended with both replicas alike or made so.
    pub exchanges: u64,
    /// Exchanges that were broken off (a peer unreachable, or not ready).
    pub exchanges_failed: u64,
    /// Objects that exchanges brought here or took to a peer.
    pub exchanged_objects: u64,
    /// Bytes of states that exchanges moved.
    pub exchanged_bytes: u64,
    /// Objects found damaged.
    pub damaged: u64,
    /// Damaged objects that peers' states have replaced.
    pub refilled_objects: u64,
    /// Full looks at a partition that found the tree other than its objects say.
    pub tree_drifts: u64,
    /// Tombstones dropped by collection.
    pub collected: u64,
    /// Version vectors pruned by collection.
    pub pruned: u64,
    /// Bytes read and sent in the background, as the budget counts them (rule 20).
    pub budgeted_bytes: u64,
}
