//! A bucket's properties: how many replicas, which quorums, how conflicts are settled.
//!
//! Spread by gossip as facts that only grow. What is fixed when a bucket is made (`n` and
//! `conflicts`) is decided by the earliest making; the rest by the latest change.

use std::time::Duration;

use crate::identity::NodeId;
use crate::object::{BucketName, ConflictRule};
use crate::quorum::{ImpossibleQuorum, QuorumOptions, ReadQuorum, ReplicaCount, WriteQuorum};
use crate::time::Stamp;

/// What is fixed when a bucket is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedProperties {
    /// Replicas of each object, from 1 to the cluster's `replicas`.
    pub n: u8,
    /// How concurrent versions are settled.
    pub conflicts: ConflictRule,
}

/// What may be changed at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutableProperties {
    /// Quorums of requests that name none.
    pub quorum: QuorumOptions,
    /// How long values live that are stored without an expiry of their own; for ever if absent.
    pub ttl: Option<Duration>,
    /// A put that would raise an object's siblings above this is refused.
    pub max_siblings: u32,
}

impl Default for MutableProperties {
    fn default() -> Self {
        Self { quorum: QuorumOptions::default(), ttl: None, max_siblings: 100 }
    }
}

/// All properties of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketProperties {
    /// Fixed when it was made.
    pub fixed: FixedProperties,
    /// Changeable.
    pub mutable: MutableProperties,
}

impl BucketProperties {
    /// The properties of a bucket that nobody has set any of, in a cluster with `replicas`.
    pub fn defaults(bucket: &BucketName, replicas: u8) -> Self {
        let conflicts = if bucket.is_redis_database() {
            ConflictRule::LastWriteWins
        } else {
            ConflictRule::Siblings
        };
        Self {
            fixed: FixedProperties { n: replicas, conflicts },
            mutable: MutableProperties::default(),
        }
    }

    /// The read quorum of a request, where `existing` of the bucket's replicas exist.
    pub fn read_quorum(
        &self,
        existing: u8,
        asked: &QuorumOptions,
    ) -> Result<ReadQuorum, ImpossibleQuorum> {
        let count = ReplicaCount { wanted: self.fixed.n, existing };
        ReadQuorum::resolve(count, asked, &self.mutable.quorum)
    }

    /// The write quorum of a request, where `existing` of the bucket's replicas exist.
    pub fn write_quorum(
        &self,
        existing: u8,
        asked: &QuorumOptions,
    ) -> Result<WriteQuorum, ImpossibleQuorum> {
        let count = ReplicaCount { wanted: self.fixed.n, existing };
        WriteQuorum::resolve(count, asked, &self.mutable.quorum)
    }
}

/// What a node knows of a bucket that was made: spread by gossip, merged by [`Self::merge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketFact {
    /// Fixed when it was made.
    pub fixed: FixedProperties,
    /// When and by whom it was made.
    pub made: (Stamp, NodeId),
    /// Changeable.
    pub mutable: MutableProperties,
    /// When and by whom they were last changed.
    pub changed: (Stamp, NodeId),
}

impl BucketFact {
    /// Its properties.
    pub const fn properties(&self) -> BucketProperties {
        BucketProperties { fixed: self.fixed, mutable: self.mutable }
    }

    /// Takes in what another node knows: the earliest making and the latest change hold.
    /// Commutative, associative, idempotent. Returns whether anything was new.
    pub fn merge(&mut self, other: &Self) -> bool {
        let before = *self;
        if other.made < self.made {
            (self.made, self.fixed) = (other.made, other.fixed);
        }
        if other.changed > self.changed {
            (self.changed, self.mutable) = (other.changed, other.mutable);
        }
        *self != before
    }
}

#[cfg(test)]
mod tests;
