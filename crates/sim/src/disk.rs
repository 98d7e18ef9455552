//! A node's simulated disk, with one store writer as in production.
//!
//! # Fault model
//!
//! - Batches wait in memory, in the order in which shards hand them over. When the writer is idle
//!   it takes all that wait, commits them (reads see them from then on) and syncs them.
//! - A **crash** loses everything that waits. Of the batches that were committed and not synced, a
//!   prefix survives, as long as the seed says: the engine has one journal, so that what is lost
//!   is its tail. Where the cut falls inside a batch, the batch is **torn**; its checksum does not
//!   match at recovery and it is dropped whole (a batch is atomic).
//! - What was synced survives every crash.
//! - A **slow** disk takes its time over commits and syncs; nothing else changes.
//! - A **wipe** empties the disk; an **old backup** puts an earlier synced state back; a
//!   **corrupt** object reads as damaged until it is written again; a **full** disk takes no more
//!   values. What these destroy is bounded: see `crates/sim/src/world/destroy.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use bytes::Bytes;
use stator_core::effect::Ticket;
use stator_core::store::{Batch, KeyRange, Keyspace, ReadStore, ScanItem, StoreError, WriteOp};

type Entries = [BTreeMap<Bytes, Bytes>; 3];

/// What is on a node's disk, and on its way there.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    visible: Entries,
    damaged: BTreeSet<(Keyspace, Bytes)>,
    waiting: VecDeque<Waiting>,
    unsynced: Vec<Unsynced>,
    writer: Writer,
}

/// What the store writer is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writer {
    /// Nothing: it takes the next batch at once.
    #[default]
    Idle,
    /// Committing.
    Committing,
    /// Syncing.
    Syncing,
}

#[derive(Clone, Debug)]
struct Waiting {
    shard: u8,
    ticket: Ticket,
    batch: Batch,
}

/// A committed batch that is not yet durable, with what was there before.
#[derive(Clone, Debug)]
struct Unsynced {
    shard: u8,
    ticket: Ticket,
    before: Vec<(Keyspace, Bytes, Option<Bytes>)>,
}

/// A copy of what was durable at one moment.
#[derive(Clone, Debug, Default)]
pub struct Backup(Entries);

/// How many unsynced batches survive a crash, and whether the next one was half on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Committed batches that survive, oldest first.
    pub survivors: usize,
    /// Whether the cut falls inside the batch after those.
    pub torn: bool,
}

const fn place(keyspace: Keyspace) -> usize {
    match keyspace {
        Keyspace::Objects => 0,
        Keyspace::Hints => 1,
        Keyspace::Meta => 2,
    }
}

impl Disk {
    /// Takes a batch; it waits for the writer.
    pub fn enqueue(&mut self, shard: u8, ticket: Ticket, batch: Batch) {
        self.waiting.push_back(Waiting { shard, ticket, batch });
    }

    /// What the writer is doing.
    pub const fn writer(&self) -> Writer {
        self.writer
    }

    /// Whether the writer is idle although batches wait.
    pub fn has_work(&self) -> bool {
        self.writer == Writer::Idle && !self.waiting.is_empty()
    }

    /// Whether all that was handed over is durable.
    pub fn is_idle(&self) -> bool {
        self.writer == Writer::Idle && self.waiting.is_empty()
    }

    /// The writer begins to commit what waits.
    pub fn begin_commit(&mut self) {
        self.writer = Writer::Committing;
    }

    /// Everything that waits is committed: visible, not durable. The sync begins.
    pub fn commit(&mut self) {
        while let Some(Waiting { shard, ticket, batch }) = self.waiting.pop_front() {
            let before = batch.into_ops().into_iter().map(|op| self.apply(op)).collect();
            self.unsynced.push(Unsynced { shard, ticket, before });
        }
        self.writer = Writer::Syncing;
    }

    /// The sync ends: everything committed is durable. Returns the newest ticket of each shard.
    pub fn sync(&mut self) -> BTreeMap<u8, Ticket> {
        self.writer = Writer::Idle;
        let mut newest = BTreeMap::new();
        for batch in self.unsynced.drain(..) {
            newest.insert(batch.shard, batch.ticket);
        }
        newest
    }

    /// Writes a batch durably, while the node is down.
    pub fn write_now(&mut self, batch: Batch) {
        for op in batch.into_ops() {
            self.apply(op);
        }
    }

    /// Whether some object is damaged.
    pub fn is_damaged(&self) -> bool {
        !self.damaged.is_empty()
    }

    /// How many batches are committed and not durable.
    pub fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// The process dies. Returns how many batches, waiting ones among them, are lost.
    pub fn crash(&mut self, cut: Cut) -> usize {
        let lost = self.waiting.len() + self.unsynced.len().saturating_sub(cut.survivors);
        self.waiting.clear();
        while self.unsynced.len() > cut.survivors {
            let batch = self.unsynced.pop().expect("it is longer than the survivors");
            for (keyspace, key, before) in batch.before.into_iter().rev() {
                let entries = &mut self.visible[place(keyspace)];
                match before {
                    Some(value) => entries.insert(key, value),
                    None => entries.remove(&key),
                };
            }
        }
        self.unsynced.clear();
        self.writer = Writer::Idle;
        lost
    }

    /// The value of a key that would survive a crash that loses the whole tail.
    pub fn durable(&self, keyspace: Keyspace, key: &[u8]) -> Option<Bytes> {
        let changes = self.unsynced.iter().flat_map(|batch| &batch.before);
        let mut of_key = changes.filter(|(space, at, _)| *space == keyspace && at == key);
        match of_key.next() {
            Some((_, _, before)) => before.clone(),
            None => self.visible[place(keyspace)].get(key).cloned(),
        }
    }

    /// The value of a key as the newest batch that was handed over has it.
    pub fn latest(&self, keyspace: Keyspace, key: &[u8]) -> Option<&Bytes> {
        let waiting =
            self.waiting.iter().rev().flat_map(|waiting| waiting.batch.ops().iter().rev());
        let newest = waiting.map(|op| match op {
            WriteOp::Put { keyspace: space, key, value } => (*space, key, Some(value)),
            WriteOp::Delete { keyspace: space, key } => (*space, key, None),
        });
        let mut of_key = newest.filter(|(space, at, _)| *space == keyspace && at[..] == *key);
        match of_key.next() {
            Some((_, _, value)) => value,
            None => self.visible[place(keyspace)].get(key),
        }
    }

    /// Whether anything in a range is there, or on its way.
    pub fn has_any(&self, keyspace: Keyspace, range: &KeyRange) -> bool {
        let waiting = self.waiting.iter().flat_map(|waiting| waiting.batch.ops());
        let mut put = waiting.filter_map(|op| match op {
            WriteOp::Put { keyspace: space, key, .. } => Some((*space, key)),
            WriteOp::Delete { .. } => None,
        });
        let from: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Included(&range.from), Bound::Unbounded);
        let first = self.visible[place(keyspace)].range::<[u8], _>(from).next();
        first.is_some_and(|(key, _)| range.contains(key))
            || put.any(|(space, key)| space == keyspace && range.contains(key))
    }

    /// A copy of what would survive a crash that loses the whole tail.
    pub fn backup(&self) -> Backup {
        let mut durable = self.clone();
        durable.crash(Cut { survivors: 0, torn: false });
        Backup(durable.visible)
    }

    /// Puts an earlier state back; only while the node is down.
    pub fn restore(&mut self, backup: Backup) {
        *self = Self { visible: backup.0, ..Self::default() };
    }

    /// Empties the disk; only while the node is down.
    pub fn wipe(&mut self) {
        *self = Self::default();
    }

    /// Forgets all objects of a range, damaged ones among them; only while the node is down.
    pub fn drop_objects(&mut self, range: &KeyRange) {
        self.visible[place(Keyspace::Objects)].retain(|key, _| !range.contains(key));
        self.damaged.retain(|(space, key)| *space != Keyspace::Objects || !range.contains(key));
    }

    /// Damages the stored bytes of the `nth` object (counted around), if there is any.
    ///
    /// Returns the place of the object.
    pub fn corrupt(&mut self, nth: usize) -> Option<Bytes> {
        let objects = &self.visible[place(Keyspace::Objects)];
        let key = objects.keys().nth(nth.checked_rem(objects.len())?)?.clone();
        self.damaged.insert((Keyspace::Objects, key.clone())).then_some(key)
    }

    /// Damages the stored bytes of this object, if they are there and whole.
    pub fn corrupt_at(&mut self, at: &Bytes) -> bool {
        let is_there = self.visible[place(Keyspace::Objects)].contains_key(at);
        is_there && self.damaged.insert((Keyspace::Objects, at.clone()))
    }

    fn apply(&mut self, op: WriteOp) -> (Keyspace, Bytes, Option<Bytes>) {
        let (keyspace, key, value) = match op {
            WriteOp::Put { keyspace, key, value } => (keyspace, key, Some(value)),
            WriteOp::Delete { keyspace, key } => (keyspace, key, None),
        };
        if !self.damaged.is_empty() {
            self.damaged.remove(&(keyspace, key.clone()));
        }
        let entries = &mut self.visible[place(keyspace)];
        let before = match value {
            Some(value) => entries.insert(key.clone(), value),
            None => entries.remove(&key),
        };
        (keyspace, key, before)
    }

    fn check(&self, keyspace: Keyspace, key: &Bytes) -> Result<(), StoreError> {
        if self.damaged.is_empty() || !self.damaged.contains(&(keyspace, key.clone())) {
            return Ok(());
        }
        let hex: Vec<String> = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Err(StoreError::Corrupt { keyspace, key: hex.concat() })
    }
}

impl ReadStore for Disk {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let Some((key, value)) = self.visible[place(keyspace)].get_key_value(key) else {
            return Ok(None);
        };
        self.check(keyspace, key)?;
        Ok(Some(value.clone()))
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError> {
        let from: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Included(&range.from), Bound::Unbounded);
        let found = self.visible[place(keyspace)]
            .range::<[u8], _>(from)
            .take_while(|(key, _)| range.contains(key))
            .take(limit)
            .map(|(key, value)| {
                let value = self.check(keyspace, key).map(|()| value.clone());
                ScanItem { key: key.clone(), value }
            });
        Ok(found.collect())
    }
}

#[cfg(test)]
mod tests;
