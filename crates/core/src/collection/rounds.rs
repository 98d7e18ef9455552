//! The rounds of a shard's partitions: durable, and only ever rising.
//!
//! ```text
//! key   = "round/" partition (4 bytes)
//! value = known (1 byte) round (8 bytes) agreed to (8 bytes)
//! ```

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Round;
use crate::effect::{Effects, Ticket};
use crate::replica::Journal;
use crate::store::{Batch, KeyRange, Keyspace, ReadStore, StoreError};
use crate::token::Partition;

const PREFIX: &[u8] = b"round/";

/// At which round each partition is here; also those that this node is no owner of.
#[derive(Clone, Debug, Default)]
pub struct Rounds {
    partitions: BTreeMap<Partition, Entry>,
}

/// What is on disk of one partition; the default where nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether the round is known for certain: not after the store was lost, until an owner has
    /// told its own.
    pub known: bool,
    /// At which round the partition is here.
    pub round: Round,
    /// The last round that was agreed to.
    pub agreed: Round,
}

impl Entry {
    const UNKNOWN: Self = Self { known: false, round: Round(0), agreed: Round(0) };
}

impl Default for Entry {
    fn default() -> Self {
        Self { known: true, ..Self::UNKNOWN }
    }
}

impl Rounds {
    /// Reads what the start before this one has left of the partitions of this shard. Those of
    /// others are theirs alone: what one shard learns late must not undo what another has agreed to.
    pub fn load(
        &mut self,
        is_here: impl Fn(Partition) -> bool,
        store: &impl ReadStore,
    ) -> Result<(), StoreError> {
        let prefix = Bytes::from_static(PREFIX);
        let range = KeyRange { from: prefix.clone(), to: prefix };
        for row in store.scan(Keyspace::Meta, &range, usize::MAX)? {
            if let Some((partition, entry)) = decode_entry(&row.key, row.value?)
                && is_here(partition)
            {
                self.partitions.insert(partition, entry);
            }
        }
        Ok(())
    }

    /// Notes in a batch that the rounds of these partitions are not known.
    pub fn mark_unknown(batch: &mut Batch, partitions: impl IntoIterator<Item = Partition>) {
        for partition in partitions {
            batch.put(Keyspace::Meta, entry_key(partition), encode(Entry::UNKNOWN));
        }
    }

    /// The store was lost: at which round these partitions are is not known from now on.
    pub fn lost(
        &mut self,
        partitions: impl IntoIterator<Item = Partition>,
        journal: &mut Journal,
        out: &mut Effects,
    ) {
        let mut batch = Batch::new();
        for partition in partitions {
            self.partitions.insert(partition, Entry::UNKNOWN);
            Self::mark_unknown(&mut batch, [partition]);
        }
        if !batch.is_empty() {
            journal.write(batch, out);
        }
    }

    /// The partition's round.
    pub fn of(&self, partition: Partition) -> Round {
        self.entry(partition).round
    }

    /// Whether that is known for certain. Until then no state of others is taken.
    pub fn is_known(&self, partition: Partition) -> bool {
        self.entry(partition).known
    }

    /// Partitions whose round is not known.
    pub fn unknown(&self) -> impl Iterator<Item = Partition> {
        self.partitions.iter().filter(|(_, entry)| !entry.known).map(|(partition, _)| *partition)
    }

    /// Whether this node has agreed to this round of the partition, with the store that it has.
    pub fn has_agreed(&self, partition: Partition, round: Round) -> bool {
        self.entry(partition).agreed == round && round > Round::default()
    }

    /// Somebody is at a later round: so is this node from now on.
    pub fn rise(
        &mut self,
        partition: Partition,
        round: Round,
        journal: &mut Journal,
        out: &mut Effects,
    ) {
        let entry = self.entry(partition);
        if round > entry.round {
            self.set(partition, Entry { round, ..entry }, journal, out);
        }
    }

    /// An owner has told at which round it is: this node is at that one or a later one, and knows.
    pub fn learn(
        &mut self,
        partition: Partition,
        round: Round,
        journal: &mut Journal,
        out: &mut Effects,
    ) {
        let entry = self.entry(partition);
        let learnt = Entry { known: true, round: entry.round.max(round), ..entry };
        if learnt != entry {
            self.set(partition, learnt, journal, out);
        }
    }

    /// Agrees to a round that is above the partition's own. Returns the batch that carries it to
    /// disk: nobody is told before it is there.
    pub fn agree(
        &mut self,
        partition: Partition,
        round: Round,
        journal: &mut Journal,
        out: &mut Effects,
    ) -> Ticket {
        let entry = self.entry(partition);
        debug_assert!(round > entry.round, "a round that was risen to is not agreed to");
        self.set(partition, Entry { round, agreed: round, ..entry }, journal, out)
    }

    fn entry(&self, partition: Partition) -> Entry {
        self.partitions.get(&partition).copied().unwrap_or_default()
    }

    fn set(
        &mut self,
        partition: Partition,
        entry: Entry,
        journal: &mut Journal,
        out: &mut Effects,
    ) -> Ticket {
        self.partitions.insert(partition, entry);
        let mut batch = Batch::new();
        if entry == Entry::default() {
            batch.delete(Keyspace::Meta, entry_key(partition));
        } else {
            batch.put(Keyspace::Meta, entry_key(partition), encode(entry));
        }
        journal.write(batch, out)
    }
}

/// Where a partition's entry lies, among what a store keeps of itself.
pub fn entry_key(partition: Partition) -> Bytes {
    [PREFIX, &partition.get().to_be_bytes()].concat().into()
}

fn encode(entry: Entry) -> Bytes {
    let mut value = BytesMut::with_capacity(17);
    value.put_u8(u8::from(entry.known));
    value.put_u64(entry.round.0);
    value.put_u64(entry.agreed.0);
    value.freeze()
}

/// The entry in a row of a store, and whose it is; none if the row is another one.
pub fn decode_entry(key: &Bytes, mut value: Bytes) -> Option<(Partition, Entry)> {
    let partition = Partition::new(key.strip_prefix(PREFIX)?.try_get_u32().ok()?);
    let known = value.try_get_u8().ok()? == 1;
    let (round, agreed) = (Round(value.try_get_u64().ok()?), Round(value.try_get_u64().ok()?));
    Some((partition, Entry { known, round, agreed }))
}
