//! Removing every key of a range: one tombstone a key, in bounded batches.
//!
//! The engine has no ranged delete that its journal knows of: dropping whole tables, as its tree
//! can, is undone when an older journal is replayed. A keyspace for each partition could be
//! dropped at once, but costs a memtable and files for each of them at all times, for the sake of
//! an event as rare as a change of the ring.

use bytes::Bytes;
use fjall::OwnedWriteBatch;
use stator_core::store::{KeyRange, Keyspace, StoreError};

use super::{FjallStore, engine_error};
use crate::range;

/// Removals in one engine batch. Bounds the memory taken (keys of at most 2 KiB) and the time for
/// which other writes wait; large enough for the sync between batches not to count.
const KEYS_PER_BATCH: usize = 1024;

/// Removes every key of `range`. A crash on the way leaves some of them.
pub(super) fn drop_range(
    store: &FjallStore,
    keyspace: Keyspace,
    range: &KeyRange,
) -> Result<(), StoreError> {
    let mut rest = range.clone();
    loop {
        let keys = some_keys(store, keyspace, &rest)?;
        let Some(last) = keys.last() else {
            return Ok(());
        };
        rest.from = just_after(last);
        let mut batch = OwnedWriteBatch::with_capacity(store.database.clone(), keys.len());
        for key in keys {
            batch.remove(store.keyspaces.get(keyspace), key);
        }
        store.commit(batch)?;
    }
}

/// The first keys of `range`; their values are not read, so damaged ones go as well.
fn some_keys(
    store: &FjallStore,
    keyspace: Keyspace,
    range: &KeyRange,
) -> Result<Vec<Bytes>, StoreError> {
    let Some(bounds) = range::bounds(range) else {
        return Ok(Vec::new());
    };
    let found = store.keyspaces.get(keyspace).range::<Bytes, _>(bounds);
    let keys = found.take(KEYS_PER_BATCH).map(|entry| entry.key().map(Bytes::from));
    keys.collect::<Result<_, _>>().map_err(|error| engine_error(&error))
}

/// The key that comes right behind `key`.
fn just_after(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}
