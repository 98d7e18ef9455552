//! The trees of this shard's partitions, and what is in their leaves.
//!
//! Trees are computed from all objects of a partition when something has changed since.

use std::collections::{BTreeMap, BTreeSet};

use super::{Durability, MergeError, Replica, StoreKey, Unreadable, Waiter, decode_record};
use crate::collection::Round;
use crate::effect::{Effect, Effects};
use crate::merkle::{LeafIndex, Tree, TreeSum};
use crate::message::{EncodedState, LeafItem};
use crate::object::ObjectKey;
use crate::observe::Observation;
use crate::store::{KeyRange, Keyspace, ReadStore};
use crate::token::{Partition, PartitionCount, Token};
use crate::view::View;

/// The trees, and the objects that are set aside.
#[derive(Clone, Debug, Default)]
pub(super) struct Trees {
    trees: BTreeMap<Partition, Tree>,
    /// Whether nothing was written since they were computed.
    pub(super) fresh: bool,
    quarantined: BTreeMap<Partition, BTreeSet<ObjectKey>>,
}

impl Replica {
    /// Computes the trees anew if anything has changed.
    pub(crate) fn refresh_trees(&mut self, view: &View, store: &impl ReadStore) {
        let Some(ring) = &view.ring else { return };
        if self.trees.fresh {
            return;
        }
        let mut trees = BTreeMap::new();
        for partition in ring.partitions.all().filter(|p| ring.owns(view.me, *p)) {
            let (first, last) = ring.partitions.range_of(partition);
            let mut tree = Tree::empty();
            for (key, state) in self.objects_in(&StoreKey::range(first, last), store) {
                let leaf = LeafIndex::of(ring.partitions, key.token());
                tree.replace(leaf, TreeSum::default(), TreeSum::of(&key, state.digest()));
            }
            trees.insert(partition, tree);
        }
        self.trees.trees = trees;
        self.trees.fresh = true;
    }

    /// The tree of a partition; none while it is being built.
    pub fn tree(&self, partition: Partition) -> Option<&Tree> {
        self.trees.trees.get(&partition)
    }

    /// What is in a leaf, in token order.
    pub fn items(
        &self,
        partitions: PartitionCount,
        partition: Partition,
        leaf: LeafIndex,
        store: &impl ReadStore,
    ) -> Result<Vec<LeafItem>, Unreadable> {
        let (first, last) = leaf.range(partitions, partitions.range_of(partition).0);
        let mut sums: BTreeMap<Token, TreeSum> = BTreeMap::new();
        for (key, state) in self.objects_in(&StoreKey::range(first, last), store) {
            let sum = sums.entry(key.token()).or_default();
            *sum = sum.plus(TreeSum::of(&key, state.digest()));
        }
        Ok(sums.into_iter().map(|(token, sum)| LeafItem { token, sum: sum.short() }).collect())
    }

    /// All objects of one token.
    pub fn states_at(
        &self,
        token: Token,
        store: &impl ReadStore,
    ) -> Vec<(ObjectKey, EncodedState)> {
        self.objects_in(&StoreKey::range(token, token), store)
    }

    /// The objects of a partition that are set aside as damaged.
    pub fn quarantined(&self, partition: Partition) -> impl Iterator<Item = &ObjectKey> {
        self.trees.quarantined.get(&partition).into_iter().flatten()
    }

    /// A damaged object is whole again: what the other owners have, merged with what was written
    /// here since.
    pub fn heal(
        &mut self,
        key: &ObjectKey,
        theirs: Option<&EncodedState>,
        waiter: Waiter,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Durability, MergeError> {
        let healed = match theirs {
            Some(state) => self.merge(key, state, waiter, store, out)?,
            None => Durability::OnDisk,
        };
        self.trees.quarantined.values_mut().for_each(|keys| {
            keys.remove(key);
        });
        out.push(Effect::Observe(Observation::DamageHealed { key: key.clone() }));
        Ok(healed)
    }

    /// States of an earlier round than this are not taken any more (rule 13).
    pub fn refuse_below(&self, _partition: Partition) -> Round {
        Round::default()
    }

    #[cfg(test)]
    pub(crate) fn set_aside(&mut self, partition: Partition, key: ObjectKey) {
        self.trees.quarantined.entry(partition).or_default().insert(key);
    }

    fn objects_in(
        &self,
        range: &KeyRange,
        store: &impl ReadStore,
    ) -> Vec<(ObjectKey, EncodedState)> {
        let stored = store.scan(Keyspace::Objects, range, usize::MAX).unwrap_or_default();
        let mut rows = BTreeMap::new();
        for item in stored {
            let at = StoreKey::from_bytes(item.key);
            let Ok(value) = item.value else { continue };
            if let Ok(row) = decode_record(&at, &value) {
                rows.insert(at, row);
            }
        }
        for (at, key, state) in self.buffer.range(range) {
            rows.insert(at.clone(), (key.clone(), state.clone()));
        }
        rows.into_values().collect()
    }
}
