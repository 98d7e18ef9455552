//! Damaged objects, set aside: never served, never spread, and whole again only once their peers'
//! states have replaced them.
//!
//! Rules 1 and 19; the trap "torn tail, bit rot". A damaged object takes writes and merges, as if
//! it were absent: the actor id of its partition is retired at once, since something minted under
//! it may be lost. But its reads are not answered until it is healed, for what was acknowledged
//! here may be missing; the mark is durable, so that a restart does not forget it.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};

use super::rows::Damaged;
use super::trees::Before;
use super::{Durability, MergeError, Replica, StoreKey, Unreadable, Waiter};
use crate::effect::{Effect, Effects};
use crate::merkle::LeafIndex;
use crate::message::EncodedState;
use crate::object::codec::{Reader, put_bytes};
use crate::object::{BucketName, Key, ObjectKey};
use crate::observe::Observation;
use crate::store::{Batch, KeyRange, Keyspace, ReadStore, StoreError};
use crate::token::{Partition, Token};

const PREFIX: &[u8] = b"quarantine/";

/// The objects that are set aside, by partition; the name of one whose record spells none is
/// learnt when it is next written or read.
#[derive(Clone, Debug, Default)]
pub(super) struct Quarantine {
    objects: BTreeMap<StoreKey, SetAside>,
    found: u64,
    healed: u64,
}

#[derive(Clone, Debug)]
struct SetAside {
    partition: Partition,
    name: Option<ObjectKey>,
}

impl Quarantine {
    pub(super) fn holds(&self, at: &StoreKey) -> bool {
        !self.objects.is_empty() && self.objects.contains_key(at)
    }

    /// Takes out what is set aside of a partition that was handed over.
    pub(super) fn give_up(&mut self, partition: Partition) -> Vec<StoreKey> {
        let of_partition = self.objects.extract_if(.., |_, aside| aside.partition == partition);
        of_partition.map(|(at, _)| at).collect()
    }
}

/// Where in [`Keyspace::Meta`] it is noted that an object is set aside.
pub fn quarantine_row(at: &StoreKey) -> Bytes {
    let mut row = BytesMut::with_capacity(PREFIX.len() + 32);
    row.put_slice(PREFIX);
    row.put_slice(&at.as_bytes()[..at.as_bytes().len().min(16)]);
    row.put_slice(&blake3::hash(at.as_bytes()).as_bytes()[..16]);
    row.freeze()
}

fn row_value(at: &StoreKey, name: Option<&ObjectKey>) -> Bytes {
    let mut row = BytesMut::new();
    put_bytes(&mut row, at.as_bytes());
    if let Some(name) = name {
        put_bytes(&mut row, name.bucket().as_bytes());
        put_bytes(&mut row, name.key().as_bytes());
    }
    row.freeze()
}

fn decode_row(value: &Bytes) -> Option<(StoreKey, Option<ObjectKey>)> {
    let mut reader = Reader::new(value.clone());
    let at = StoreKey::from_bytes(reader.bytes().ok()?);
    let Ok(bucket) = reader.bytes() else { return Some((at, None)) };
    let name = Key::new(reader.bytes().ok()?).ok()?;
    Some((at, Some(ObjectKey::new(BucketName::new(bucket).ok()?, name))))
}

impl Replica {
    /// Learns which objects were set aside before the node started.
    pub fn load_quarantine(&mut self, store: &impl ReadStore) -> Result<(), Unreadable> {
        let prefix = Bytes::from_static(PREFIX);
        let range = KeyRange { from: prefix.clone(), to: prefix };
        let rows = store
            .scan(Keyspace::Meta, &range, usize::MAX)
            .map_err(|error| Unreadable(error.to_string()))?;
        let Some(partitions) = self.trees.partitions else { return Ok(()) };
        for row in rows {
            let value = row.value.map_err(|error| Unreadable(error.to_string()))?;
            let Some((at, name)) = decode_row(&value) else { continue };
            let Some(token) = at.token() else { continue };
            let partition = partitions.partition_of(token);
            self.quarantine.objects.insert(at, SetAside { partition, name });
        }
        Ok(())
    }

    /// Objects of a partition that are set aside, as far as their names are known.
    pub fn quarantined(&self, partition: Partition) -> impl Iterator<Item = &ObjectKey> {
        let of_partition =
            self.quarantine.objects.values().filter(move |object| object.partition == partition);
        of_partition.filter_map(|object| object.name.as_ref())
    }

    /// How many objects of a partition are set aside.
    pub fn quarantined_count(&self, partition: Partition) -> usize {
        let objects = self.quarantine.objects.values();
        objects.filter(|object| object.partition == partition).count()
    }

    /// Whether any object of this token is set aside.
    pub fn sets_aside_at(&self, token: Token) -> bool {
        self.quarantine.objects.keys().any(|at| at.token() == Some(token))
    }

    /// Damaged objects found since the node started, and those of them that were healed.
    pub fn damage(&self) -> (u64, u64) {
        (self.quarantine.found, self.quarantine.healed)
    }

    /// What is stored of an object, for a write over it: of one that is set aside, what was
    /// written since. What is cached of it is told where there is that, and nothing is read then.
    pub(super) fn before_write(
        &mut self,
        at: &StoreKey,
        key: &ObjectKey,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Before, Unreadable> {
        if self.buffer.get(at).is_none()
            && let Some(cached) = self.cache.versions(at)
        {
            self.learn_name(at, key, out);
            return Ok(Before::Cached(cached));
        }
        self.whole_before_write(at, key, store, out)
    }

    /// As [`Self::before_write`], and always the whole state.
    pub(super) fn whole_before_write(
        &mut self,
        at: &StoreKey,
        key: &ObjectKey,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Before, Unreadable> {
        self.learn_name(at, key, out);
        if let Some(pending) = self.buffer.get(at) {
            return Ok(Before::from(pending.state()));
        }
        if let Some(state) = self.cache.state(at) {
            return Ok(Before::State(state));
        }
        match self.stored(at, store) {
            Ok(state) => Ok(Before::from(state)),
            Err(Failed::Engine(unreadable)) => Err(unreadable),
            Err(Failed::Damaged(damaged)) => {
                self.set_aside(at, key, &damaged, out);
                Ok(Before::Unknown)
            }
        }
    }

    /// An object is named by whoever reads or writes it: if it is set aside and its record spells no
    /// name, it can be healed from now on.
    pub(super) fn learn_name(&mut self, at: &StoreKey, key: &ObjectKey, out: &mut Effects) {
        if !self.quarantine.holds(at) {
            return;
        }
        let Some(aside) = self.quarantine.objects.get_mut(at) else { return };
        if aside.name.is_some() {
            return;
        }
        aside.name = Some(key.clone());
        let mut batch = Batch::new();
        batch.put(Keyspace::Meta, quarantine_row(at), row_value(at, Some(key)));
        self.journal.write(batch, out);
    }

    /// An object was found damaged: it is set aside.
    pub(super) fn set_aside(
        &mut self,
        at: &StoreKey,
        key: &ObjectKey,
        damaged: &Damaged,
        out: &mut Effects,
    ) {
        let Some((partition, leaf)) = self.trees.place_of(key) else { return };
        self.mark(at, Some(key), (partition, leaf), damaged, out);
    }

    /// A test says that an object was found damaged.
    #[cfg(test)]
    pub(crate) fn pretend_damaged(&mut self, key: &ObjectKey, out: &mut Effects) {
        let damaged = Damaged("a test says so".to_owned());
        self.set_aside(&StoreKey::of(key), key, &damaged, out);
    }

    /// The same for one whose name may not be known.
    pub(super) fn set_aside_unnamed(
        &mut self,
        at: &StoreKey,
        partition: Partition,
        damaged: &Damaged,
        out: &mut Effects,
    ) {
        let (Some(partitions), Some(token)) = (self.trees.partitions, at.token()) else { return };
        let leaf = LeafIndex::of(partitions, token);
        let name = at.spelled().ok().flatten();
        self.mark(at, name.as_ref(), (partition, leaf), damaged, out);
    }

    fn mark(
        &mut self,
        at: &StoreKey,
        name: Option<&ObjectKey>,
        (partition, leaf): (Partition, LeafIndex),
        damaged: &Damaged,
        out: &mut Effects,
    ) {
        self.cache.remove(at);
        // Something minted under the id may be what was damaged (rule 1): also if that was written
        // over an object that was set aside before.
        self.actors.retire(partition);
        // What the trees say of it is true no more, whether it was known to be set aside or not.
        if let Some(kept) = self.trees.kept.get_mut(&partition) {
            kept.dirty.insert(leaf);
        }
        self.look.damaged((partition, leaf), at);
        let mut unsaved = Batch::new();
        self.unsave_tree(partition, &mut unsaved);
        if !unsaved.is_empty() {
            self.journal.write(unsaved, out);
        }
        let known = self.quarantine.objects.get(at);
        if known.is_some_and(|known| known.name.is_some() || name.is_none()) {
            return;
        }
        let is_news = known.is_none();
        let aside = SetAside { partition, name: name.cloned() };
        self.quarantine.objects.insert(at.clone(), aside);
        let mut batch = Batch::new();
        batch.put(Keyspace::Meta, quarantine_row(at), row_value(at, name));
        self.journal.write(batch, out);
        if !is_news {
            return;
        }
        self.quarantine.found += 1;
        let what = name.map_or_else(|| format!("{at:?}"), ObjectKey::to_string);
        let what = format!("{what}: {}", damaged.0);
        out.push(Effect::Observe(Observation::Damaged { what }));
    }

    /// A damaged object is whole again: what the other owners have, merged with what was written
    /// here since. `waiter` is told when that is on disk, unless it is there already.
    pub fn heal(
        &mut self,
        key: &ObjectKey,
        theirs: Option<&EncodedState>,
        waiter: Waiter,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Durability, MergeError> {
        let at = StoreKey::of(key);
        if !self.quarantine.holds(&at) {
            return Ok(Durability::OnDisk);
        }
        match theirs {
            Some(state) => drop(self.merge_in(key, state, store, out)?),
            None => self.drop_damaged(&at, key, store, out)?,
        }
        self.quarantine.objects.remove(&at);
        self.quarantine.healed += 1;
        let mut batch = Batch::new();
        batch.delete(Keyspace::Meta, quarantine_row(&at));
        let ticket = self.journal.write(batch, out);
        self.journal.wait(ticket, waiter);
        out.push(Effect::Observe(Observation::DamageHealed { key: key.clone() }));
        Ok(Durability::Pending)
    }

    /// No other owner has ever seen the object, and nothing was written here since: it is gone.
    fn drop_damaged(
        &mut self,
        at: &StoreKey,
        key: &ObjectKey,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<(), MergeError> {
        let before =
            self.whole_before_write(at, key, store, out).map_err(MergeError::Unreadable)?;
        if matches!(before, Before::Unknown) {
            self.record(at.clone(), key, &before, None, out);
        }
        Ok(())
    }
}

/// Why stored bytes are of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// They fail their checksum, or can't be decoded.
    Damaged(Damaged),
    /// The engine could not read them.
    Engine(Unreadable),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { .. } => Self::Damaged(Damaged(error.to_string())),
            other => Self::Engine(Unreadable(other.to_string())),
        }
    }
}

impl StoreKey {
    /// The token that the key begins with.
    pub fn token(&self) -> Option<Token> {
        let (token, _) = self.as_bytes().split_first_chunk::<16>()?;
        Some(Token::new(u128::from_be_bytes(*token)))
    }
}

#[cfg(test)]
mod tests;
