//! Who owns what: members, zones, weights, Q partitions and the table that gives each partition its
//! ordered replicas.
//!
//! The paper, 4.2, 4.3 and 6.2 (strategy 3: equal partitions, placed by plan). Rule 14: no two
//! replicas of a partition on one node, spread over zones, within one partition of the ideal
//! balance; a new ring moves the fewest replicas it can. A ring is an immutable value with a
//! number; which value follows is chosen by the members' majority ([`crate::register`], rule 15).

mod assign;
mod changes;
mod flow;
mod grounds;
mod ideals;
mod mix;
mod order;
mod plan;
mod tolerance;
mod walk;
mod warnings;

use std::collections::{BTreeMap, BTreeSet};

pub use plan::{Change, Move, Plan, PlanError, plan};
pub use tolerance::{Tolerance, tolerance};
pub use walk::Walks;

use crate::identity::{ClusterId, NodeId};
use crate::token::{Partition, PartitionCount, Token};

/// The number of a ring; version 1 is the founder's alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingVersion(pub u64);

impl RingVersion {
    /// The version after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A member's capacity relative to the others'; its share of the ring is proportional to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u32);

impl Weight {
    /// The weight of a node that was given none.
    pub const DEFAULT: Self = Self(100);
    /// The largest weight.
    pub const MAX: u32 = 10_000;

    /// A weight from 1 to [`Self::MAX`]; none for other numbers. (A node that should own nothing
    /// leaves.)
    pub fn new(weight: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&weight).then_some(Self(weight))
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A member of the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What people call it; unique within the ring.
    pub name: String,
    /// What fails together: a rack, a data centre.
    pub zone: String,
    /// Its capacity.
    pub weight: Weight,
}

/// One numbered ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The cluster it belongs to.
    pub cluster: ClusterId,
    /// Its number.
    pub version: RingVersion,
    /// How many replicas each partition gets where there are nodes enough.
    pub replicas: u8,
    /// Q.
    pub partitions: PartitionCount,
    /// The members by id.
    pub members: BTreeMap<NodeId, Member>,
    /// Nodes that were members once and may not come back under their id (the marker that keeps
    /// gossip from resurrecting them).
    pub removed: BTreeSet<NodeId>,
    /// Those of them that an operator declared dead when they were taken off: no move waits for
    /// them, and they take part in nothing any more.
    pub dead: BTreeSet<NodeId>,
    /// Versions that were not chosen by a majority: an operator forced them, since that was gone.
    pub forced: BTreeSet<RingVersion>,
    /// For each partition, in token order, its replicas in order of preference.
    pub table: Vec<Vec<NodeId>>,
    /// Who stands in for whom, as far as anybody has asked.
    pub walks: Walks,
}

impl Ring {
    /// The first ring of a new cluster: its founder owns everything.
    pub fn found(
        cluster: ClusterId,
        partitions: PartitionCount,
        replicas: u8,
        founder: NodeId,
        member: Member,
    ) -> Self {
        Self {
            cluster,
            version: RingVersion(1),
            replicas,
            partitions,
            members: BTreeMap::from([(founder, member)]),
            removed: BTreeSet::new(),
            dead: BTreeSet::new(),
            forced: BTreeSet::new(),
            table: vec![vec![founder]; partitions.get() as usize],
            walks: Walks::default(),
        }
    }

    /// The partition that a token falls into.
    pub fn partition_of(&self, token: Token) -> Partition {
        self.partitions.partition_of(token)
    }

    /// The primaries of a partition for a bucket with `n` replicas: the first `n` of its list, or
    /// all there are.
    pub fn primaries(&self, partition: Partition, n: u8) -> &[NodeId] {
        let replicas = &self.table[partition.index()];
        &replicas[..replicas.len().min(usize::from(n))]
    }

    /// Whether `node` is a replica of `partition`.
    pub fn owns(&self, node: NodeId, partition: Partition) -> bool {
        self.table[partition.index()].contains(&node)
    }

    /// The nodes that stand in for primaries which can't be reached: the next `2n` of the
    /// partition's fixed walk over all members (rule 14). `n` is at most the ring's `replicas`.
    pub fn fallbacks(&self, partition: Partition, n: u8) -> &[NodeId] {
        self.walks.fallbacks(self, partition, n)
    }

    /// Everybody who may hold hints for an owner of the partition and is none itself, whatever the
    /// number of replicas of a bucket.
    pub fn hint_holders(&self, partition: Partition) -> BTreeSet<NodeId> {
        let owners = &self.table[partition.index()];
        let all = self.fallbacks(partition, owners.len() as u8).iter();
        all.filter(|node| !owners.contains(node)).copied().collect()
    }

    /// How many nodes are a majority of the members.
    pub fn majority(&self) -> usize {
        self.members.len() / 2 + 1
    }

    /// The fraction of all replicas that `node` owns, from 0 to 1.
    pub fn share(&self, node: NodeId) -> f64 {
        let total: usize = self.table.iter().map(Vec::len).sum();
        let owned = self.table.iter().filter(|replicas| replicas.contains(&node)).count();
        owned as f64 / total.max(1) as f64
    }
}

#[cfg(test)]
mod tests;
