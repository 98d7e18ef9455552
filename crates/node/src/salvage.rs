//! Getting out of a damaged store what can be read, before a node starts on it (rule 19; the trap
//! "torn tail, bit rot").
//!
//! The rule: *a partition of which anything can't be read is lost as a whole*, and refilled by its
//! other owners as after the loss of the store: what is read of it may be older than what is not,
//! and minted over or collected since. All others are kept. Hints are kept as far as they can be
//! read, since each speaks for itself; and without the node's own records nothing can be relied on,
//! so that the store as a whole is lost.
//!
//! ```text
//! DATA/store            the damaged one, until the copy is complete and on disk
//! DATA/store.salvage    the copy, incomplete: thrown away by the next start
//! DATA/store.salvaged   the copy, complete: takes the place of a store/ that is not there
//! DATA/store.aside-N-M  the damaged one afterwards; nothing of it is deleted
//! ```

use std::time::{Duration, Instant};

use bytes::Bytes;
use stator_core::replica::{StoreKey, snapshot_rows};
use stator_core::standing;
use stator_core::store::{Batch, KeyRange, Keyspace, Store, StoreError};
use stator_core::token::{Partition, PartitionCount, Token};
use stator_store::{FjallSettings, FjallStore};

use crate::error::StartError;
use crate::identity::{DataDir, Identity};

/// How often the log says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// How often a range of hints that can't be read is halved, to keep what can be.
const HALVINGS: u32 = 12;

/// What was found in a store.
#[derive(Debug, Default)]
struct Findings {
    /// The objects of partitions of which everything can be read.
    whole: Vec<KeyRange>,
    /// The other partitions.
    lost: Vec<Partition>,
    /// Hints that can be read.
    hints: Vec<KeyRange>,
    /// Ranges of hints that can't.
    hints_lost: u32,
    /// The node's own records.
    records: Records,
}

/// What can be read of a node's own records.
#[derive(Debug, Default, PartialEq, Eq)]
enum Records {
    /// Too little.
    #[default]
    Lost,
    /// These; the others can be made anew.
    Some(Vec<KeyRange>),
    /// All.
    All,
}

impl Findings {
    fn is_whole(&self) -> bool {
        self.lost.is_empty() && self.hints_lost == 0 && self.records == Records::All
    }
}

/// Looks through a suspect store, and gives one that the node can start on: the same if nothing of
/// it is damaged, a copy of what can be read, or an empty one.
pub(crate) fn salvage(
    store: FjallStore,
    why: &str,
    settings: &FjallSettings,
    data: &DataDir,
    identity: &Identity,
) -> Result<FjallStore, StartError> {
    tracing::warn!(%why, "the store is suspect: all of it is read before the node starts");
    let failed = |source| StartError::Salvage { store: data.store(), source };
    let found = look_through(&store, partitions(identity)).map_err(failed)?;
    if found.is_whole() {
        store.acquit().map_err(failed)?;
        tracing::info!("everything in the store can be read: it is used as it is");
        return Ok(store);
    }
    if found.records == Records::Lost {
        drop(store);
        let aside = data.set_store_aside(identity.store_boot)?;
        tracing::error!(
            aside = %aside.display(),
            "the node's own records can't be read: the store was set aside, not deleted; an empty \
             one takes its place and is refilled by the other replicas"
        );
        return Ok(FjallStore::open(&data.store(), settings)?);
    }
    let copy = FjallStore::open(&data.begin_salvage()?, settings)?;
    copy_over(&store, &copy, &found).map_err(failed)?;
    mark_lost(&copy, owned(&found.lost, identity)).map_err(failed)?;
    drop((store, copy));
    let aside = data.finish_salvage(identity.store_boot)?;
    tracing::error!(
        aside = %aside.display(), lost = found.lost.len(), kept = found.whole.len(),
        hints_lost = found.hints_lost > 0,
        "the store is damaged: what could be read was copied to a new one, and the partitions that \
         could not are refilled by the other replicas. The damaged store was set aside: delete it \
         once the node counts in reads again, and check the disk"
    );
    Ok(FjallStore::open(&data.store(), settings)?)
}

/// Those of the partitions that this node is a replica of: no other one can be refilled.
fn owned<'a>(
    partitions: &'a [Partition],
    identity: &'a Identity,
) -> impl Iterator<Item = Partition> + 'a {
    let facts = identity.cluster.as_ref().map(|(_, facts)| facts);
    let ring = facts.and_then(|facts| facts.ring.as_ref());
    let left = facts.and_then(|facts| facts.change_under_way()).map(|(_, left)| left);
    let owns = move |partition: &Partition| {
        let mut rings = ring.into_iter().chain(left);
        rings.any(|ring| ring.owns(identity.node, *partition))
    };
    partitions.iter().copied().filter(owns)
}

/// How the ring is cut; a node that knows of no ring has stored no object.
fn partitions(identity: &Identity) -> Option<PartitionCount> {
    let (_, facts) = identity.cluster.as_ref()?;
    Some(facts.ring.as_ref()?.partitions)
}

fn look_through(
    store: &FjallStore,
    partitions: Option<PartitionCount>,
) -> Result<Findings, StoreError> {
    let mut found = Findings { records: readable_records(store)?, ..Findings::default() };
    let Some(partitions) = partitions else { return Ok(found) };
    let mut told = Instant::now();
    for partition in partitions.all() {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            tracing::info!(?partition, of = partitions.get(), "looking through the store");
        }
        let (first, last) = partitions.range_of(partition);
        let objects = StoreKey::range(first, last);
        if store.is_readable(Keyspace::Objects, &objects)? {
            found.whole.push(objects);
        } else {
            found.lost.push(partition);
        }
        look_through_hints(store, (first, last), HALVINGS, &mut found)?;
    }
    Ok(found)
}

fn look_through_hints(
    store: &FjallStore,
    (first, last): (Token, Token),
    halvings: u32,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let range = StoreKey::range(first, last);
    if store.is_readable(Keyspace::Hints, &range)? {
        found.hints.push(range);
        return Ok(());
    }
    if halvings == 0 {
        found.hints_lost += 1;
        return Ok(());
    }
    let middle = Token::new(first.get() + (last.get() - first.get()) / 2);
    let above = Token::new(middle.get() + 1);
    look_through_hints(store, (first, middle), halvings - 1, found)?;
    look_through_hints(store, (above, last), halvings - 1, found)
}

/// The node's own records, by their first byte. What was saved of trees is built again if it can't
/// be read; without any other record nothing is given.
fn readable_records(store: &FjallStore) -> Result<Records, StoreError> {
    if store.is_readable(Keyspace::Meta, &everything())? {
        return Ok(Records::All);
    }
    let mut readable = Vec::new();
    for first in 0..=u8::MAX {
        let range = KeyRange { from: vec![first].into(), to: vec![first].into() };
        if store.is_readable(Keyspace::Meta, &range)? {
            readable.push(range);
        } else if !snapshot_rows().from.starts_with(&range.from) {
            return Ok(Records::Lost);
        }
    }
    Ok(Records::Some(readable))
}

/// All keys: each begins with nothing.
fn everything() -> KeyRange {
    KeyRange { from: Bytes::new(), to: Bytes::new() }
}

fn copy_over(store: &FjallStore, copy: &FjallStore, found: &Findings) -> Result<(), StoreError> {
    let records = match &found.records {
        Records::Some(ranges) => ranges,
        Records::All | Records::Lost => &vec![everything()],
    };
    for range in records {
        store.copy_to(copy, Keyspace::Meta, range)?;
    }
    for range in &found.hints {
        store.copy_to(copy, Keyspace::Hints, range)?;
    }
    let mut told = Instant::now();
    for (done, range) in found.whole.iter().enumerate() {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            tracing::info!(partitions = done, of = found.whole.len(), "copying the store");
        }
        store.copy_to(copy, Keyspace::Objects, range)?;
    }
    Ok(())
}

/// Notes in the copy what it lacks, and makes all of it durable.
fn mark_lost(copy: &FjallStore, lost: impl Iterator<Item = Partition>) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    standing::mark_partitions_lost(&mut batch, lost);
    copy.write(vec![batch])?;
    copy.sync()
}

#[cfg(test)]
mod tests;
