//! The full look: every object of a partition is read, a little at a time, while requests go on.
//!
//! It builds the tree of a partition after a start, verifies checksums (scrubbing), and finds a
//! tree that has drifted from its objects: such a tree is put right, counted and reported. A write
//! behind the place that the look has reached changes the tree being built as well; one ahead of it
//! is met when the look comes there. Rule 12; the traps "Merkle tree drift" and "bit rot".

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::collecting::is_dead;
use super::rows::Row;
use super::trees::{Counts, Kept};
use super::{Replica, StoreKey, Unreadable};
use crate::effect::Effects;
use crate::merkle::{LeafIndex, TreeSum};
use crate::message::EncodedState;
use crate::object::ObjectKey;
use crate::store::ReadStore;
use crate::time::{Instant, Now, WallTime};
use crate::token::Partition;

/// The most objects read in one step.
const ROWS_AT_ONCE: usize = 256;
/// What an object is taken to have before any was read: few are read at first.
const GUESSED_BYTES: u64 = 64 << 10;

/// The look at one partition that is under way, and when each was last finished.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    under_way: Option<UnderWay>,
    /// Bytes of an object, on the average of the last page that had any.
    usual_bytes: Option<u64>,
    finished: BTreeMap<Partition, Instant>,
}

#[derive(Clone, Debug)]
struct UnderWay {
    partition: Partition,
    /// Everything up to here, inclusive, has been looked at.
    reached: Option<StoreKey>,
    kept: Kept,
}

/// What one step of looking came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Nothing was due.
    Nothing,
    /// There is more to look at.
    Partly,
    /// A partition's tree is as its objects say.
    Finished(Partition),
    /// A partition's tree was other than its objects say, and was put right.
    Drifted(Partition),
}

impl Look {
    pub(super) fn own(&mut self, owned: &BTreeSet<Partition>) {
        self.finished.retain(|partition, _| owned.contains(partition));
        self.under_way.take_if(|look| !owned.contains(&look.partition));
    }

    /// An object that the look under way may have passed has changed.
    pub(super) fn changed(
        &mut self,
        (partition, leaf): (Partition, LeafIndex),
        at: &StoreKey,
        before: Option<Counts>,
        after: Counts,
    ) {
        if let Some(look) = &mut self.under_way
            && look.partition == partition
            && look.reached.as_ref().is_some_and(|reached| at <= reached)
        {
            look.kept.changed(leaf, before, after);
        }
    }
}

impl Look {
    /// An object that the look under way may have passed was found damaged since.
    pub(super) fn damaged(&mut self, (partition, leaf): (Partition, LeafIndex), at: &StoreKey) {
        if let Some(look) = &mut self.under_way
            && look.partition == partition
            && look.reached.as_ref().is_some_and(|reached| at <= reached)
        {
            look.kept.dirty.insert(leaf);
        }
    }
}

impl UnderWay {
    fn add(&mut self, leaf: LeafIndex, key: &ObjectKey, state: &EncodedState, wall: WallTime) {
        self.kept.tree.replace(leaf, TreeSum::default(), TreeSum::of(key, state.digest()));
        self.kept.bytes += state.as_bytes().len() as u64;
        let Ok(state) = state.decode() else { return };
        let found = &mut self.kept.found;
        let vector = state.vector().len() as u32;
        found.longest_vector = found.longest_vector.max(vector);
        if !is_dead(&state, wall) {
            return;
        }
        found.tombstones += 1;
        let written = state.siblings().iter().map(|sibling| sibling.stamp.wall()).max();
        found.oldest_tombstone = match (found.oldest_tombstone, written) {
            (Some(oldest), Some(written)) => Some(oldest.min(written)),
            (oldest, written) => oldest.or(written),
        };
    }
}

impl Replica {
    /// Whether some partition has no tree yet.
    pub fn lacks_trees(&self) -> bool {
        self.trees.owned.iter().any(|partition| !self.trees.kept.contains_key(partition))
    }

    /// When the last full look at a partition was finished; none if that was not since the start.
    pub fn looked_at(&self, partition: Partition) -> Option<Instant> {
        self.look.finished.get(&partition).copied()
    }

    /// Goes on looking, or begins with the partition that needs it most: one without a tree, or
    /// one that was not looked at for `interval`. Reads about `room` bytes, at least one object.
    /// Returns what that came to, and the bytes that were read.
    pub fn look(
        &mut self,
        now: Now,
        interval: Duration,
        room: u64,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<(Looked, u64), Unreadable> {
        let next = match self.look.under_way.take() {
            Some(look) => Some(look),
            None => self.next_to_look_at(now.instant, interval).map(|partition| UnderWay {
                partition,
                reached: None,
                kept: Kept::default(),
            }),
        };
        let (Some(mut look), Some(partitions)) = (next, self.trees.partitions) else {
            return Ok((Looked::Nothing, 0));
        };
        let (first, last) = partitions.range_of(look.partition);
        let mut range = StoreKey::range(first, last);
        if let Some(reached) = &look.reached {
            range.from = [&reached.as_bytes()[..], &[0]].concat().into();
        }
        let usual = self.look.usual_bytes.unwrap_or(GUESSED_BYTES).max(1);
        let limit = (room / usual).clamp(1, ROWS_AT_ONCE as u64) as usize;
        let page = self.rows(&range, limit, store)?;
        let bytes = page.rows.iter().map(Row::bytes).sum::<u64>();
        if let Some(mean) = bytes.checked_div(page.rows.len() as u64) {
            self.look.usual_bytes = Some(mean);
        }
        for row in page.rows {
            self.look_at(row, &mut look, now.wall, out);
        }
        if page.more_after.is_some() {
            look.reached = page.more_after;
            self.look.under_way = Some(look);
            return Ok((Looked::Partly, bytes));
        }
        Ok((self.finish_look(now.instant, look), bytes))
    }

    fn next_to_look_at(&self, now: Instant, interval: Duration) -> Option<Partition> {
        let without = |partition: &&Partition| !self.trees.kept.contains_key(partition);
        // A snapshot of a clean stop is taken at its word for one interval.
        let since =
            |partition: &Partition| self.look.finished.get(partition).copied().unwrap_or_default();
        let due = |partition: &&Partition| now >= since(partition).after(interval);
        let owned = || self.trees.owned.iter();
        // Where a look at all of them takes longer than that, none is left out for ever.
        let longest = || owned().filter(due).min_by_key(|partition| since(partition));
        owned().find(without).or_else(longest).copied()
    }

    fn look_at(&mut self, row: Row, look: &mut UnderWay, wall: WallTime, out: &mut Effects) {
        match row.object {
            Err(damaged) => self.set_aside_unnamed(&row.at, look.partition, &damaged, out),
            Ok((key, state)) => {
                let Some((_, leaf)) = self.trees.place_of(&key) else { return };
                look.add(leaf, &key, &state, wall);
            }
        }
    }

    fn finish_look(&mut self, now: Instant, look: UnderWay) -> Looked {
        let partition = look.partition;
        self.look.finished.insert(partition, now);
        let kept = self.trees.kept.insert(partition, look.kept);
        // A leaf that was to be looked at again says nothing about the writes that changed it.
        let drifted = kept
            .filter(|kept| kept.dirty.is_empty())
            .zip(self.trees.kept.get(&partition).filter(|found| found.dirty.is_empty()))
            .is_some_and(|(kept, found)| kept.tree.root() != found.tree.root());
        if drifted { Looked::Drifted(partition) } else { Looked::Finished(partition) }
    }
}
