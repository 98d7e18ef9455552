//! The trees as a clean stop left them, so that the next start need not read every object.
//!
//! ```text
//! key   = "trees/2/" partition (4 bytes)
//! value = start that wrote it (8 bytes) tombstones (8) longest vector (4) bytes of states (8), then for each leaf that
//!         is not empty: leaf (2 bytes) sum (16 bytes)
//! ```
//!
//! A snapshot is written when a stop begins, and deleted by whatever changes its tree before the
//! stop ends, so it is true if the very next start reads it. Any other is of a start that ended
//! otherwise later on, and is ignored.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Replica;
use super::trees::{Found, Kept};
use crate::effect::Effects;
use crate::identity::BootNumber;
use crate::merkle::{LeafIndex, TreeSum};
use crate::store::{Batch, KeyRange, Keyspace, ReadStore};
use crate::token::Partition;

const PREFIX: &[u8] = b"trees/";
/// Which digests the sums are of: those of another kind are not found.
const KIND: &[u8] = b"2/";

/// Where all of them lie. They can be lost without harm: trees are built from the objects then.
pub fn snapshot_rows() -> KeyRange {
    KeyRange { from: Bytes::from_static(PREFIX), to: Bytes::from_static(PREFIX) }
}

/// A partition's objects are not those that were there when its tree was saved.
pub fn delete_snapshot(batch: &mut Batch, partition: Partition) {
    batch.delete(Keyspace::Meta, row_key(partition));
}

fn row_key(partition: Partition) -> Bytes {
    [PREFIX, KIND, &partition.get().to_be_bytes()].concat().into()
}

fn encode(boot: BootNumber, kept: &Kept) -> Bytes {
    let mut row = BytesMut::new();
    row.put_u64(boot.0);
    row.put_u64(kept.found.tombstones);
    row.put_u32(kept.found.longest_vector);
    row.put_u64(kept.bytes);
    for (leaf, sum) in kept.tree.leaves().unwrap_or_default().iter().enumerate() {
        if *sum != TreeSum::default() {
            row.put_u16(leaf as u16);
            row.put_u128(sum.to_bits());
        }
    }
    row.freeze()
}

/// The tree of a row that the start `boot` wrote.
fn decode(boot: BootNumber, mut row: Bytes) -> Option<Kept> {
    if row.try_get_u64().ok()? != boot.0 {
        return None;
    }
    let found = Found {
        tombstones: row.try_get_u64().ok()?,
        longest_vector: row.try_get_u32().ok()?,
        oldest_tombstone: None,
    };
    let mut kept = Kept { found, bytes: row.try_get_u64().ok()?, ..Kept::default() };
    while row.has_remaining() {
        let leaf = LeafIndex::new(row.try_get_u16().ok()?)?;
        let sum = TreeSum::from_bits(row.try_get_u128().ok()?);
        kept.tree.replace(leaf, TreeSum::default(), sum);
    }
    Some(kept)
}

impl Replica {
    /// Writes every tree that is whole.
    pub fn save_trees(&mut self, boot: BootNumber, out: &mut Effects) {
        let mut batch = Batch::new();
        for (&partition, kept) in self.trees.kept.iter().filter(|(_, kept)| kept.dirty.is_empty()) {
            batch.put(Keyspace::Meta, row_key(partition), encode(boot, kept));
            self.trees.saved.insert(partition);
        }
        if !batch.is_empty() {
            self.journal.write(batch, out);
        }
    }

    /// The tree of a partition is about to change with this batch: what was saved of it goes.
    pub(super) fn unsave_tree(&mut self, partition: Partition, batch: &mut Batch) {
        if self.trees.saved.remove(&partition) {
            delete_snapshot(batch, partition);
        }
    }

    /// Reads the trees that the start before this one left. One that can't be read is built anew.
    pub fn load_trees(&mut self, boot: BootNumber, store: &impl ReadStore) {
        let Some(before) = boot.0.checked_sub(1).map(BootNumber) else { return };
        for &partition in &self.trees.owned {
            let row = store.get(Keyspace::Meta, &row_key(partition)).ok().flatten();
            if let Some(kept) = row.and_then(|row| decode(before, row)) {
                self.trees.kept.insert(partition, kept);
            }
        }
    }
}
