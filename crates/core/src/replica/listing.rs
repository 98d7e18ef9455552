//! One page of a bucket's keys, as this replica has them, and whether a partition holds anything.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Replica, StoreKey, Unreadable};
use crate::request::{ListEntry, ListOrder, ListPage, ListPosition};
use crate::store::{KeyRange, Keyspace, ReadStore};
use crate::token::{Partition, PartitionCount};

/// How many stored objects one page looks at, at most, so that a step stays short: a page may come
/// back with few keys, or none, and a place to go on from.
const ROWS_PER_PAGE: usize = 1024;

impl Replica {
    /// The keys of a bucket in one partition that this replica has, after the order's position.
    pub fn list(
        &self,
        partitions: PartitionCount,
        order: &ListOrder,
        store: &impl ReadStore,
    ) -> Result<ListPage, Unreadable> {
        let range = range_after(partitions, order);
        let found = self.rows(&range, ROWS_PER_PAGE, store)?;
        let limit = (order.limit.max(1)) as usize;
        let mut page = ListPage::default();
        let mut last = None;
        for row in found.rows {
            let position = ListPosition(row.at.as_bytes().clone());
            // One damaged object must not end a listing: the other replicas that are asked have it.
            if let Ok((key, encoded)) = row.object
                && key.bucket() == &order.bucket
            {
                if page.entries.len() == limit {
                    page.next = last;
                    return Ok(page);
                }
                if let Ok(state) = encoded.decode() {
                    let outline = state.outline();
                    page.entries.push(ListEntry { position: position.clone(), key, outline });
                }
            }
            last = Some(position);
        }
        page.next = found.more_after.map(|at| ListPosition(at.as_bytes().clone()));
        Ok(page)
    }

    /// Whether anything of the partition is stored here, on disk or not yet.
    pub fn holds_data(
        &self,
        partitions: PartitionCount,
        partition: Partition,
        store: &impl ReadStore,
    ) -> Result<bool, Unreadable> {
        let (first, last) = partitions.range_of(partition);
        let range = StoreKey::range(first, last);
        if self.buffer.range(&range).next().is_some() {
            return Ok(true);
        }
        let found = store
            .scan(Keyspace::Objects, &range, 1)
            .map_err(|error| Unreadable(error.to_string()))?;
        Ok(!found.is_empty())
    }
}

fn range_after(partitions: PartitionCount, order: &ListOrder) -> KeyRange {
    let (first, last) = partitions.range_of(order.partition);
    let mut range = StoreKey::range(first, last);
    if let Some(ListPosition(after)) = &order.after {
        range.from = range.from.max(just_after(after));
    }
    range
}

/// The lowest key above `key`.
fn just_after(key: &Bytes) -> Bytes {
    let mut next = BytesMut::with_capacity(key.len() + 1);
    next.put_slice(key);
    next.put_u8(0);
    next.freeze()
}
