//! What a shard says of its own condition when it is asked: for operators, `stator verify` and the
//! simulator's checkers alike.

use std::collections::BTreeMap;

use crate::collection::Round;
use crate::identity::{ActorId, NodeId};
use crate::merkle::TreeSum;
use crate::message::EncodedState;
use crate::replica::{CacheCounts, Found};
use crate::staleness::WriteDelays;
use crate::time::{Instant, WallTime};
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
    /// Whether hints that were here at the start are still being counted: until that is done,
    /// `hints` says too little.
    pub counting_hints: bool,
    /// Background work done since the node started.
    pub upkeep: UpkeepCounts,
    /// The background work's present allowance, in bytes per second (rule 20).
    pub budget: u64,
    /// Whether writes are refused because the disk's reserve is reached.
    pub disk_reserved: bool,
    /// What its puts met that it watched.
    pub writes: WriteDelays,
    /// Its object cache.
    pub cache: CacheCounts,
}

impl ShardStatus {
    /// Puts the condition of another shard of the same node to this one.
    pub fn absorb(&mut self, other: Self) {
        self.partitions.extend(other.partitions);
        for (owner, held) in other.hints {
            self.hints.entry(owner).or_default().absorb(held);
        }
        self.counting_hints |= other.counting_hints;
        self.upkeep.absorb(other.upkeep);
        self.budget += other.budget;
        self.disk_reserved |= other.disk_reserved;
        self.writes.absorb(&other.writes);
        self.cache.absorb(other.cache);
    }
}

/// What a node itself has of one object, nobody else asked: for whoever lays replicas side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCopy {
    /// The object's partition.
    pub partition: Partition,
    /// Whether the node is a replica of the partition.
    pub is_replica: bool,
    /// Whether its answers count in reads (rule 19).
    pub counts: bool,
    /// The partition's collection round here.
    pub round: Round,
    /// The whole state; none if it was never seen here; or why it can't be read.
    pub state: Result<Option<EncodedState>, String>,
    /// Hints of the object, by the node that they are for; or why they can't be read.
    pub hints: Result<BTreeMap<NodeId, EncodedState>, String>,
}

/// The condition of a node: that of its shards, put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeStatus {
    /// Shards that the node has.
    pub shards: u8,
    /// Those of them that have not answered: of what they hold nothing is said.
    pub silent_shards: u8,
    /// What those that have answered say.
    pub whole: ShardStatus,
}

impl NodeStatus {
    /// The condition of a node with so many shards, of which these have answered.
    pub fn of(shards: u8, answered: impl IntoIterator<Item = ShardStatus>) -> Self {
        let mut node = Self { shards, silent_shards: shards, whole: ShardStatus::default() };
        for shard in answered {
            node.silent_shards = node.silent_shards.saturating_sub(1);
            node.whole.absorb(shard);
        }
        node
    }
}

/// The condition of one partition's replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// The root of its tree; none while the tree is being built.
    pub root: Option<TreeSum>,
    /// Whether its answers count in reads: not until a lost store is refilled (rule 19).
    pub counts: bool,
    /// The id under which it mints; none before it has minted anything since it started.
    pub actor: Option<ActorId>,
    /// Objects that are set aside as damaged and wait for their peers' states.
    pub quarantined: u32,
    /// Bytes of its states, as far as its tree knows them.
    pub bytes: u64,
    /// Its collection round.
    pub round: Round,
    /// What the last full look at the partition found.
    pub found: Found,
    /// When that look was finished; none if that was not since the node started.
    pub scrubbed: Option<Instant>,
    /// When it was last known to be as its other owners have it.
    pub compared: Compared,
}

/// When a replica was last known to be as the other owners have it, by the exchanges that fall to
/// its node: of two owners one begins ([`crate::exchange::begins`]), and only that one knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compared {
    /// All exchanges about it are begun by others, or there are no other owners.
    #[default]
    ByOthers,
    /// With some owner that has not come about since the node started.
    NotYet,
    /// The oldest of the last ones with each owner ended at this time.
    Last(Instant),
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

impl HeldHints {
    fn absorb(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.oldest = self.oldest.into_iter().chain(other.oldest).min();
    }
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
    /// Bytes of the messages of exchanges that were sent, asks and answers, as they are encoded.
    /// Only the shell encodes, so that it adds this and the next.
    pub exchange_bytes_sent: u64,
    /// The same of states sent to replicas that lack them: by exchanges, read repair, and hints on
    /// their way home.
    pub repair_bytes_sent: u64,
}

impl UpkeepCounts {
    fn absorb(&mut self, other: Self) {
        // Taken apart, so that a count which is added later is not forgotten here.
        let Self {
            hints_stored,
            hints_delivered,
            hints_refused,
            read_repairs,
            exchanges,
            exchanges_failed,
            exchanged_objects,
            exchanged_bytes,
            damaged,
            refilled_objects,
            tree_drifts,
            collected,
            pruned,
            budgeted_bytes,
            exchange_bytes_sent,
            repair_bytes_sent,
        } = other;
        self.hints_stored += hints_stored;
        self.hints_delivered += hints_delivered;
        self.hints_refused += hints_refused;
        self.read_repairs += read_repairs;
        self.exchanges += exchanges;
        self.exchanges_failed += exchanges_failed;
        self.exchanged_objects += exchanged_objects;
        self.exchanged_bytes += exchanged_bytes;
        self.damaged += damaged;
        self.refilled_objects += refilled_objects;
        self.tree_drifts += tree_drifts;
        self.collected += collected;
        self.pruned += pruned;
        self.budgeted_bytes += budgeted_bytes;
        self.exchange_bytes_sent += exchange_bytes_sent;
        self.repair_bytes_sent += repair_bytes_sent;
    }
}

#[cfg(test)]
mod tests;
