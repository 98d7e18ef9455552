//! The Merkle trees of this shard's partitions, kept up in the same step as every write.
//!
//! The paper, 4.7; rule 12. A tree is there once all objects of its partition were looked at (see
//! [`super::look`]) or a snapshot of a clean stop was read. From then on each write changes one
//! leaf. Where the state before a write could not be read, its leaf is looked at again first.

use std::collections::{BTreeMap, BTreeSet};

use super::cache::Cached;
use super::{Replica, StoreKey, Unreadable};
use crate::merkle::{LeafIndex, Tree, TreeSum};
use crate::message::{EncodedState, LeafItem};
use crate::object::{ObjectDigest, ObjectKey};
use crate::store::ReadStore;
use crate::time::WallTime;
use crate::token::{Partition, PartitionCount, Token};

/// What a replica held of an object before a write.
#[derive(Clone, Debug)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// This state.
    State(EncodedState),
    /// A state with these versions, which was not read.
    Cached(Cached),
    /// Its bytes could not be read.
    Unknown,
}

impl From<Option<EncodedState>> for Before {
    fn from(state: Option<EncodedState>) -> Self {
        state.map_or(Self::Nothing, Self::State)
    }
}

/// How an object's state counts in the trees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    sum: TreeSum,
    bytes: u64,
}

impl Counts {
    /// How a state of this digest and length counts.
    pub(super) fn of(key: &ObjectKey, digest: ObjectDigest, bytes: u64) -> Self {
        Self { sum: TreeSum::of(key, digest), bytes }
    }

    /// How it counted before a write; none if that is not known.
    pub(super) fn before(key: &ObjectKey, before: &Before) -> Option<Self> {
        match before {
            Before::Nothing => Some(Self::default()),
            Before::State(state) => {
                Some(Self::of(key, state.digest(), state.as_bytes().len() as u64))
            }
            Before::Cached(cached) => Some(Self::of(key, cached.digest, cached.len)),
            Before::Unknown => None,
        }
    }
}

/// What the last full look at a partition found that collection is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Objects that were nothing but tombstones and expired values when they were looked at.
    pub tombstones: u64,
    /// When the oldest of them was written, by the wall clock of its coordinator; none if there are
    /// none, or if they were counted by an earlier start.
    pub oldest_tombstone: Option<WallTime>,
    /// The longest version vector.
    pub longest_vector: u32,
}

/// The tree of one partition, and what else the last full look at it found.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) tree: Tree,
    /// Leaves whose sum is not known.
    pub(super) dirty: BTreeSet<LeafIndex>,
    pub(super) found: Found,
    /// Bytes of the partition's states.
    pub(super) bytes: u64,
    /// Whether a search for what may be collected has found nothing since.
    pub(super) searched: bool,
}

impl Kept {
    /// An object of this partition has changed.
    pub(super) fn changed(&mut self, leaf: LeafIndex, before: Option<Counts>, after: Counts) {
        self.bytes += after.bytes;
        match before {
            Some(before) => {
                self.bytes = self.bytes.saturating_sub(before.bytes);
                self.tree.replace(leaf, before.sum, after.sum);
            }
            None => drop(self.dirty.insert(leaf)),
        }
    }
}

/// What is in a leaf.
#[derive(Debug, Default)]
struct Sums {
    /// By token, of what can be read.
    sums: BTreeMap<Token, TreeSum>,
    /// What can't.
    damaged: Vec<StoreKey>,
}

/// The partitions of one shard, and their trees.
#[derive(Clone, Debug, Default)]
pub(super) struct Trees {
    pub(super) partitions: Option<PartitionCount>,
    pub(super) owned: BTreeSet<Partition>,
    pub(super) kept: BTreeMap<Partition, Kept>,
    /// Those that were saved for the next start and have not changed since.
    pub(super) saved: BTreeSet<Partition>,
}

impl Trees {
    /// The partition and leaf of an object, if this node is a replica of it.
    pub(super) fn place_of(&self, key: &ObjectKey) -> Option<(Partition, LeafIndex)> {
        let partitions = self.partitions?;
        let partition = partitions.partition_of(key.token());
        self.owned.contains(&partition).then(|| (partition, LeafIndex::of(partitions, key.token())))
    }
}

impl Replica {
    /// Of these partitions this node is a replica from now on, and of no others.
    pub fn own(&mut self, partitions: PartitionCount, owned: BTreeSet<Partition>) {
        self.trees.kept.retain(|partition, _| owned.contains(partition));
        self.look.own(&owned);
        self.trees.partitions = Some(partitions);
        self.trees.owned = owned;
    }

    /// The tree of a partition; none while it is being built or put right.
    pub fn tree(&self, partition: Partition) -> Option<&Tree> {
        let kept = self.trees.kept.get(&partition)?;
        kept.dirty.is_empty().then_some(&kept.tree)
    }

    /// What the last full look at a partition found.
    pub fn found(&self, partition: Partition) -> Found {
        self.trees.kept.get(&partition).map_or_else(Found::default, |kept| kept.found)
    }

    /// Bytes of the states of a partition, as far as its tree knows them.
    pub fn bytes(&self, partition: Partition) -> u64 {
        self.trees.kept.get(&partition).map_or(0, |kept| kept.bytes)
    }

    /// What is in a leaf, in token order. Damaged objects are left out.
    pub fn items(
        &self,
        partitions: PartitionCount,
        partition: Partition,
        leaf: LeafIndex,
        store: &impl ReadStore,
    ) -> Result<Vec<LeafItem>, Unreadable> {
        let Sums { sums, .. } = self.sums(partitions, partition, leaf, store)?;
        Ok(sums.into_iter().map(|(token, sum)| LeafItem { token, sum: sum.short() }).collect())
    }

    fn sums(
        &self,
        partitions: PartitionCount,
        partition: Partition,
        leaf: LeafIndex,
        store: &impl ReadStore,
    ) -> Result<Sums, Unreadable> {
        let (first, last) = leaf.range(partitions, partitions.range_of(partition).0);
        let mut found = Sums::default();
        for row in self.rows(&StoreKey::range(first, last), usize::MAX, store)?.rows {
            let Ok((key, state)) = row.object else {
                found.damaged.push(row.at);
                continue;
            };
            let sum = found.sums.entry(key.token()).or_default();
            *sum = sum.plus(TreeSum::of(&key, state.digest()));
        }
        Ok(found)
    }

    /// All objects of one token. Damaged ones are left out.
    pub fn states_at(
        &self,
        token: Token,
        store: &impl ReadStore,
    ) -> Vec<(ObjectKey, EncodedState)> {
        // What can't be read now is asked for again by whoever misses it.
        let found = self.rows(&StoreKey::range(token, token), usize::MAX, store);
        found.map_or_else(
            |_| Vec::new(),
            |page| page.rows.into_iter().filter_map(|row| row.object.ok()).collect(),
        )
    }

    /// Looks at leaves again whose sum is not known. Returns whether there were any.
    pub fn clean_leaves(&mut self, store: &impl ReadStore) -> bool {
        let Some(partitions) = self.trees.partitions else { return false };
        let dirty: Vec<(Partition, LeafIndex)> = self
            .trees
            .kept
            .iter()
            .flat_map(|(partition, kept)| kept.dirty.iter().map(|leaf| (*partition, *leaf)))
            .collect();
        for &(partition, leaf) in &dirty {
            // One that can't be read now is tried again.
            let Ok(found) = self.sums(partitions, partition, leaf, store) else { continue };
            // The tree does not count them from now on, so that a write over one must not take it
            // for what it was.
            for at in &found.damaged {
                self.cache.remove(at);
            }
            let sum = found.sums.into_values().fold(TreeSum::default(), TreeSum::plus);
            let Some(kept) = self.trees.kept.get_mut(&partition) else { continue };
            kept.tree.replace(leaf, kept.tree.leaf(leaf), sum);
            kept.dirty.remove(&leaf);
        }
        !dirty.is_empty()
    }
}

#[cfg(test)]
mod tests;
