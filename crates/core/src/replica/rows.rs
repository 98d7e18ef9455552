//! Stored objects in order, with what is on its way to disk laid over them.

use std::collections::BTreeMap;

use super::{Replica, StoreKey, Unreadable, decode_record};
use crate::message::EncodedState;
use crate::object::ObjectKey;
use crate::store::{KeyRange, Keyspace, ReadStore, StoreError};

/// One object, or the place of one that is damaged.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) at: StoreKey,
    pub(super) object: Result<(ObjectKey, EncodedState), Damaged>,
}

impl Row {
    /// Bytes of its state; what is damaged counts for nothing.
    pub(super) fn bytes(&self) -> u64 {
        self.object.as_ref().map_or(0, |(_, state)| state.as_bytes().len() as u64)
    }
}

/// Stored bytes that fail their checksum or can't be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damaged(pub(super) String);

/// Some objects of a range.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// The last place that was looked at, if there may be more after it.
    pub(super) more_after: Option<StoreKey>,
}

impl Replica {
    /// The objects of a range, at most `limit` stored ones, buffered states in place of stored.
    pub(super) fn rows(
        &self,
        range: &KeyRange,
        limit: usize,
        store: &impl ReadStore,
    ) -> Result<Rows, Unreadable> {
        let stored = store
            .scan(Keyspace::Objects, range, limit)
            .map_err(|error| Unreadable(error.to_string()))?;
        let more_after = (stored.len() == limit)
            .then(|| stored.last().map(|item| StoreKey::from_bytes(item.key.clone())))
            .flatten();
        let mut rows = BTreeMap::new();
        for item in stored {
            let at = StoreKey::from_bytes(item.key);
            let object = match item.value {
                Ok(value) => decode_record(&at, &value).map_err(|error| Damaged(error.to_string())),
                Err(error @ StoreError::Corrupt { .. }) => Err(Damaged(error.to_string())),
                Err(error) => return Err(Unreadable(error.to_string())),
            };
            rows.insert(at, object);
        }
        for (at, key, state) in self.buffer.range(range) {
            if more_after.as_ref().is_some_and(|last| at > last) {
                break;
            }
            match state {
                Some(state) => rows.insert(at.clone(), Ok((key.clone(), state.clone()))),
                None => rows.remove(at),
            };
        }
        let rows = rows.into_iter().map(|(at, object)| Row { at, object }).collect();
        Ok(Rows { rows, more_after })
    }
}

#[cfg(test)]
mod tests;
