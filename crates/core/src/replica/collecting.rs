//! What collection does with one replica: finds what might be collected, says what it holds, and
//! drops what all have agreed to. Rule 13.

use std::collections::BTreeSet;

use super::rows::Row;
use super::trees::Before;
use super::{Replica, StoreKey, Unreadable};
use crate::collection::{Candidate, Dropped, LONG_VECTOR, MAX_CANDIDATES, Round};
use crate::effect::{Effects, Ticket};
use crate::identity::ActorId;
use crate::merkle::TreeSum;
use crate::message::EncodedState;
use crate::object::{ObjectKey, ObjectState};
use crate::store::ReadStore;
use crate::time::WallTime;
use crate::token::{Partition, PartitionCount, Token};

/// Objects read in one search for candidates.
const ROWS_AT_ONCE: usize = 2048;

/// What this replica agreed to.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// For each candidate, whether it is here in the same durable state.
    pub same: Vec<bool>,
    /// The id that is minted under here.
    pub live: Option<ActorId>,
    /// The batch that carries the agreement to disk.
    pub ticket: Ticket,
}

/// Some objects that may be collected, and after which one the search goes on.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// The objects.
    pub found: Vec<Candidate>,
    /// None if the end of the partition was reached.
    pub next: Option<StoreKey>,
    /// Bytes that were read for it.
    pub bytes: u64,
}

impl Replica {
    /// Looks for objects that are nothing but tombstones and expired values, or whose vectors may be
    /// pruned. What the last full look at the partition found says whether that is worth it.
    pub fn candidates(
        &self,
        wall: WallTime,
        partitions: PartitionCount,
        partition: Partition,
        after: Option<&StoreKey>,
        store: &impl ReadStore,
    ) -> Result<Candidates, Unreadable> {
        if !self.is_worth_a_search(partition) {
            return Ok(Candidates::default());
        }
        let (first, last) = partitions.range_of(partition);
        let mut range = StoreKey::range(first, last);
        if let Some(after) = after {
            range.from = [&after.as_bytes()[..], &[0]].concat().into();
        }
        let page = self.rows(&range, ROWS_AT_ONCE, store)?;
        let bytes = page.rows.iter().map(Row::bytes).sum();
        let mut found = Candidates { found: Vec::new(), next: page.more_after, bytes };
        let live = self.actors.of(partition);
        for row in page.rows {
            let Ok((key, encoded)) = row.object else { continue };
            let Ok(state) = encoded.decode() else { continue };
            let prunable = || state.vector().len() > LONG_VECTOR && state.has_prunable(live);
            if !is_dead(&state, wall) && !prunable() {
                continue;
            }
            let sum = TreeSum::of(&key, encoded.digest());
            found.found.push(Candidate { token: key.token(), sum });
            if found.found.len() == MAX_CANDIDATES {
                found.next = Some(row.at);
                break;
            }
        }
        Ok(found)
    }

    fn is_worth_a_search(&self, partition: Partition) -> bool {
        let kept = self.trees.kept.get(&partition);
        kept.is_some_and(|kept| {
            !kept.searched
                && (kept.found.tombstones > 0 || kept.found.longest_vector as usize > LONG_VECTOR)
        })
    }

    /// A search through a whole partition has found nothing: the next one waits for the next look.
    pub fn searched_in_vain(&mut self, partition: Partition) {
        if let Some(kept) = self.trees.kept.get_mut(&partition) {
            kept.searched = true;
        }
    }

    /// Rises to a round and says which candidates are here, in the same durable state; none if that
    /// can't be said for certain.
    pub fn agree(
        &mut self,
        partition: Partition,
        round: Round,
        candidates: &[Candidate],
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Option<Agreement> {
        let can_tell = self.rounds.is_known(partition)
            && round > self.rounds.of(partition)
            && self.quarantined_count(partition) == 0;
        if !can_tell {
            return None;
        }
        let partitions = self.trees.partitions?;
        let same = |candidate: &Candidate| {
            partitions.partition_of(candidate.token) == partition
                && self
                    .holds(candidate, store)
                    .is_some_and(|(key, _)| self.buffer.get(&StoreKey::of(&key)).is_none())
        };
        let same = candidates.iter().map(same).collect();
        let live = self.actors.of(partition);
        let ticket = self.rounds.agree(partition, round, &mut self.journal, out);
        Some(Agreement { same, live, ticket })
    }

    /// The object that a candidate stands for, if it is here in that state and alone at its token.
    fn holds(
        &self,
        candidate: &Candidate,
        store: &impl ReadStore,
    ) -> Option<(ObjectKey, EncodedState)> {
        let (key, state) = self.alone_at(candidate.token, store)?;
        (TreeSum::of(&key, state.digest()) == candidate.sum).then_some((key, state))
    }

    fn alone_at(&self, token: Token, store: &impl ReadStore) -> Option<(ObjectKey, EncodedState)> {
        let mut rows = self.rows(&StoreKey::range(token, token), 2, store).ok()?.rows.into_iter();
        let object = rows.next()?.object.ok()?;
        rows.next().is_none().then_some(object)
    }

    /// Drops what is dead and prunes the vectors of what all have agreed to, where it is still in
    /// that state. A value that has not expired yet by this replica's own clock stays: the others
    /// get it back, still expired to them, and a later round drops it everywhere.
    pub fn drop_collected(
        &mut self,
        wall: WallTime,
        partition: Partition,
        candidates: &[Candidate],
        live: &BTreeSet<ActorId>,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Dropped {
        let mut dropped = Dropped::default();
        for candidate in candidates {
            let Some((key, encoded)) = self.holds(candidate, store) else { continue };
            let (at, before) = (StoreKey::of(&key), Before::State(encoded.clone()));
            let Ok(state) = encoded.decode() else { continue };
            if is_dead(&state, wall) {
                self.record(at, &key, &before, None, out);
                dropped.tombstones += 1;
                continue;
            }
            let state = state.pruned(live);
            let pruned = EncodedState::of(&state);
            if pruned != encoded {
                self.record(at, &key, &before, Some((&pruned, &state)), out);
                dropped.pruned += 1;
            }
        }
        if let Some(kept) = self.trees.kept.get_mut(&partition) {
            kept.found.tombstones =
                kept.found.tombstones.saturating_sub(u64::from(dropped.tombstones));
            if kept.found.tombstones == 0 {
                kept.found.oldest_tombstone = None;
            }
        }
        if dropped.tombstones > 0 {
            // What was minted here under the id may be among it (rule 1).
            self.actors.retire(partition);
        }
        dropped
    }
}

/// Whether an object is nothing but tombstones and values that have expired by then.
pub(super) fn is_dead(state: &ObjectState, at: WallTime) -> bool {
    state.siblings().iter().all(|sibling| sibling.live(at).is_none())
}

#[cfg(test)]
mod tests;
