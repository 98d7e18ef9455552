//! What a node knows of its cluster, and how two nodes level what they know.
//!
//! The paper, 4.8.1 and 4.8.2: every second each node reconciles its picture with a random peer.
//! A round begins with a probe, one number that says whether two nodes know the same; mostly they
//! do, and it ends there, for as many bytes in a large cluster as in a small one. Where they differ
//! they level: push-pull, in three messages: a digest, then what the digest's sender lacks (and
//! what the answerer would like to have), then that. (A version that knows no probes ignores them,
//! and levels by rounds of its own, which begin with a digest.)
//!
//! The rule kept here: facts only grow. The merge of any set of facts, in any order and however
//! often, ends in the same facts, so that nodes which hear each other converge. A node that was
//! taken off the ring stays off: the ring carries the marker, and whatever is said of such a node
//! is dropped (the paper's nodes come back by gossip; these do not), once nobody waits any more for
//! what it hands over (rule 17).

use std::sync::Arc;

use crate::bucket::BucketFact;
use crate::identity::{ClusterId, NodeId};
use crate::membership::facts::{
    FactVersion, Facts, FactsDigest, NodeFact, StageSlot, StagedFact, first_bits,
};
use crate::object::BucketName;
use crate::ring::{Ring, RingVersion};
use crate::time::Stamp;

/// Everything one node knows of its cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FactBase {
    facts: Facts,
}

/// What a merge was refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedFacts {
    /// They are another cluster's.
    #[error("these facts are of cluster {0}, to which this node does not belong")]
    Foreign(ClusterId),
    /// Their ring contradicts itself.
    #[error("ring {} does not give each partition replicas among its members", .0.0)]
    BrokenRing(RingVersion),
}

impl FactBase {
    /// Begins with what was restored.
    pub const fn new(facts: Facts) -> Self {
        Self { facts }
    }

    /// The facts.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The newest ring.
    pub const fn ring(&self) -> Option<&Arc<Ring>> {
        self.facts.ring.as_ref()
    }

    /// Takes in facts of `cluster`: the newer ring, and of everything else the later. Commutative,
    /// associative and idempotent. Returns whether anything was new; what is refused changes
    /// nothing.
    pub fn merge(&mut self, cluster: ClusterId, other: &Facts) -> Result<bool, RefusedFacts> {
        let mut changed = false;
        if let Some(ring) = &other.ring {
            check_ring(cluster, ring)?;
            if let Some(left) = &other.change.left {
                check_ring(cluster, left)?;
            }
            changed |= self.adopt(ring, other.change.left.as_ref());
        }
        changed |= self.facts.change.merge(&other.change);
        self.forget_the_gone();
        for (&node, fact) in &other.nodes {
            changed |= self.note(node, fact);
        }
        for (&(node, slot), fact) in &other.staged {
            changed |= self.stage(node, slot, fact);
        }
        for (bucket, fact) in &other.buckets {
            changed |= self.bucket(bucket, fact);
        }
        Ok(changed)
    }

    /// Takes in a ring, with the one that it left if that is known: it is the one before it.
    fn adopt(&mut self, ring: &Arc<Ring>, left: Option<&Arc<Ring>>) -> bool {
        let known = self.facts.ring.as_ref();
        if known.is_some_and(|known| known.version > ring.version) {
            return false;
        }
        let before = |left: &&Arc<Ring>| left.version.next() == ring.version;
        if known.is_some_and(|known| known.version == ring.version) {
            let news = left.filter(before).filter(|_| self.facts.change.left.is_none());
            self.facts.change.left = news.or(self.facts.change.left.as_ref()).cloned();
            return news.is_some();
        }
        self.facts.change.left = left.filter(before).or_else(|| known.filter(before)).cloned();
        self.facts.staged.retain(|(node, _), _| !ring.removed.contains(node));
        self.facts.ring = Some(Arc::clone(ring));
        true
    }

    fn is_removed(&self, node: NodeId) -> bool {
        self.facts.ring.as_ref().is_some_and(|ring| ring.removed.contains(&node))
    }

    /// Whether nothing that a node says counts any more: it was taken off the ring, and has no part
    /// in a change that is under way.
    fn is_gone(&self, node: NodeId) -> bool {
        self.is_removed(node) && !self.facts.is_leaving(node)
    }

    fn forget_the_gone(&mut self) {
        let gone: Vec<NodeId> =
            self.facts.nodes.keys().copied().filter(|&node| self.is_gone(node)).collect();
        for node in gone {
            self.facts.nodes.remove(&node);
        }
    }

    /// Takes in what a node says of itself.
    pub fn note(&mut self, node: NodeId, fact: &NodeFact) -> bool {
        let known = self.facts.nodes.get(&node).map(|known| known.version);
        if self.is_gone(node) || known >= Some(fact.version) {
            return false;
        }
        self.facts.nodes.insert(node, fact.clone());
        true
    }

    /// Takes in what is staged for a node.
    pub fn stage(&mut self, node: NodeId, slot: StageSlot, fact: &StagedFact) -> bool {
        let known = self.facts.staged.get(&(node, slot)).map(|known| known.at);
        if self.is_removed(node) || known >= Some(fact.at) {
            return false;
        }
        self.facts.staged.insert((node, slot), fact.clone());
        true
    }

    /// Takes in what is known of a bucket.
    pub fn bucket(&mut self, bucket: &BucketName, fact: &BucketFact) -> bool {
        if let Some(known) = self.facts.buckets.get_mut(bucket) {
            return known.merge(fact);
        }
        self.facts.buckets.insert(bucket.clone(), *fact);
        true
    }

    /// All stamps that were seen: a new one is minted above them.
    pub fn stamps(&self) -> impl Iterator<Item = Stamp> {
        let staged = self.facts.staged.values().map(|fact| fact.at.0);
        let buckets = self.facts.buckets.values().map(|fact| fact.made.0.max(fact.changed.0));
        staged.chain(buckets)
    }

    /// What is known, in short.
    pub fn digest(&self) -> FactsDigest {
        FactsDigest {
            ring: self.facts.ring.as_ref().map(|ring| ring.version),
            change: self.facts.change.digest(),
            nodes: self.facts.nodes.iter().map(|(&node, fact)| (node, fact.version)).collect(),
            staged: self.staged_hash(),
            buckets: self.buckets_hash(),
        }
    }

    /// What is known, in one number: equal for two who know the same, and different (but for one
    /// case in 2^64) for two of whom one would send the other something.
    pub fn fingerprint(&self) -> u64 {
        let FactsDigest { ring, change, nodes, staged, buckets } = self.digest();
        // A version of 0 is none: rings count from 1.
        let version = |ring: Option<RingVersion>| ring.unwrap_or_default().0;
        let numbers =
            [version(ring), version(change.left), change.settled.0, change.dead, staged, buckets];
        let mut hash = blake3::Hasher::new();
        for number in numbers {
            hash.update(&number.to_be_bytes());
        }
        for (node, FactVersion { boot, sequence }) in nodes {
            for number in [node.get(), boot.0, sequence] {
                hash.update(&number.to_be_bytes());
            }
        }
        first_bits(&hash)
    }

    /// What the sender of a digest lacks of what is known here.
    pub fn delta_for(&self, digest: &FactsDigest) -> Facts {
        let mine = self.facts.change.digest();
        let known = |ring: &Arc<Ring>| {
            // The ring goes along with the one that it left, which tells nothing by itself.
            let lacks_left = mine.left.is_some() && digest.change.left.is_none();
            Some(ring.version) > digest.ring || Some(ring.version) == digest.ring && lacks_left
        };
        let ring = self.facts.ring.clone().filter(known);
        let mut delta = Facts { ring, ..Facts::default() };
        if delta.ring.is_some() {
            delta.change.left.clone_from(&self.facts.change.left);
        }
        if (mine.settled, mine.dead) != (digest.change.settled, digest.change.dead) {
            delta.change.settled = self.facts.change.settled;
            delta.change.dead.clone_from(&self.facts.change.dead);
        }
        let newer = |(node, fact): &(&NodeId, &NodeFact)| {
            digest.nodes.get(*node).is_none_or(|known| fact.version > *known)
        };
        let nodes = self.facts.nodes.iter().filter(newer);
        delta.nodes = nodes.map(|(&node, fact)| (node, fact.clone())).collect();
        if digest.staged != self.staged_hash() {
            delta.staged = self.facts.staged.clone();
        }
        if digest.buckets != self.buckets_hash() {
            delta.buckets = self.facts.buckets.clone();
        }
        delta
    }

    /// Whether the sender of a digest may know something that is not known here.
    pub fn lacks(&self, digest: &FactsDigest) -> bool {
        let newer = |(node, version): (&NodeId, &FactVersion)| {
            let known = self.facts.nodes.get(node).map(|fact| fact.version);
            !self.is_gone(*node) && known < Some(*version)
        };
        let ring = self.facts.ring.as_ref().map(|ring| ring.version);
        let (mine, theirs) = (self.facts.change.digest(), digest.change);
        digest.ring > ring
            || digest.ring == ring && mine.left.is_none() && theirs.left.is_some()
            || theirs.settled > mine.settled
            || theirs.dead != mine.dead
            || digest.nodes.iter().any(newer)
            || digest.staged != self.staged_hash()
            || digest.buckets != self.buckets_hash()
    }

    /// A staged fact is told apart by its stamp, so its content need not be hashed.
    fn staged_hash(&self) -> u64 {
        let mut hash = blake3::Hasher::new();
        for ((node, slot), fact) in &self.facts.staged {
            hash.update(&node.get().to_be_bytes());
            hash.update(&[*slot as u8]);
            hash_stamp(&mut hash, fact.at);
        }
        first_bits(&hash)
    }

    /// A bucket's properties are told apart by the stamps of its making and its last change.
    fn buckets_hash(&self) -> u64 {
        let mut hash = blake3::Hasher::new();
        for (bucket, fact) in &self.facts.buckets {
            let name = bucket.as_bytes();
            hash.update(&(name.len() as u64).to_be_bytes());
            hash.update(name);
            hash_stamp(&mut hash, fact.made);
            hash_stamp(&mut hash, fact.changed);
        }
        first_bits(&hash)
    }
}

fn hash_stamp(hash: &mut blake3::Hasher, (stamp, node): (Stamp, NodeId)) {
    hash.update(&stamp.to_bits().to_be_bytes());
    hash.update(&node.get().to_be_bytes());
}

/// A ring from outside must be of this cluster and must not contradict itself.
pub(super) fn check_ring(cluster: ClusterId, ring: &Ring) -> Result<(), RefusedFacts> {
    if ring.cluster != cluster {
        return Err(RefusedFacts::Foreign(ring.cluster));
    }
    let owned = |replicas: &Vec<NodeId>| {
        !replicas.is_empty() && replicas.iter().all(|node| ring.members.contains_key(node))
    };
    let complete = ring.table.len() == ring.partitions.get() as usize;
    if !complete || !ring.table.iter().all(owned) {
        return Err(RefusedFacts::BrokenRing(ring.version));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
