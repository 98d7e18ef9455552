//! Every write that was acknowledged, or may have been made, and whether it can be accounted for.
//!
//! An acknowledged write is missing unless it is read back, as the value or as a sibling, or some
//! write whose context covered it is not missing in the same sense.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use stator_client::{ClientError, Fetched, ObjectName, RequestOptions};

use crate::doors::Doors;
use crate::filling::BUCKET;
use crate::values::Values;

/// Gets under way at a time.
const AT_ONCE: usize = 32;
/// How often a get is tried.
const TRIES: u32 = 5;

/// A write that was not refused.
#[derive(Clone, Debug)]
pub(super) struct Write {
    /// The number of its value.
    pub(super) id: u64,
    /// Whether it was acknowledged.
    pub(super) acknowledged: bool,
    /// Numbers of the values that it took the place of.
    pub(super) covers: Vec<u64>,
}

/// Writes by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    writes: BTreeMap<String, Vec<Write>>,
}

/// What reading back came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) objects: u64,
    /// Acknowledged writes that can't be accounted for.
    pub(super) missing: u64,
    pub(super) with_siblings: u64,
    /// Values that nobody has written.
    pub(super) strange: u64,
}

impl Ledger {
    /// Another write.
    pub(super) fn add(&mut self, key: String, write: Write) {
        self.writes.entry(key).or_default().push(write);
    }

    /// Writes of another client.
    pub(super) fn absorb(&mut self, other: Self) {
        for (key, writes) in other.writes {
            self.writes.entry(key).or_default().extend(writes);
        }
    }

    /// How many were acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        let all = self.writes.values().flatten();
        all.filter(|write| write.acknowledged).count() as u64
    }

    /// Reads every object and looks for what is missing.
    pub(super) async fn read_back(
        &self,
        doors: &Doors,
        values: Values,
    ) -> Result<Found, ClientError> {
        stream::iter(&self.writes)
            .map(async |(key, writes)| {
                let read = read(doors, key).await?;
                let known = read.iter().filter_map(|value| values.number(value));
                let there: BTreeSet<u64> = known.collect();
                Ok(Found {
                    objects: 1,
                    missing: missing(writes, &there),
                    with_siblings: u64::from(read.len() > 1),
                    strange: (read.len() - there.len()) as u64,
                })
            })
            .buffer_unordered(AT_ONCE)
            .try_fold(Found::default(), async |sum, one| {
                Ok(Found {
                    objects: sum.objects + one.objects,
                    missing: sum.missing + one.missing,
                    with_siblings: sum.with_siblings + one.with_siblings,
                    strange: sum.strange + one.strange,
                })
            })
            .await
    }
}

async fn read(doors: &Doors, key: &str) -> Result<Vec<bytes::Bytes>, ClientError> {
    let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
    for tries in 1.. {
        match doors.get(name, &RequestOptions::default()).await {
            Ok(Fetched::NotFound { .. }) => return Ok(Vec::new()),
            Ok(Fetched::Object(object)) => return Ok(vec![object.value]),
            Ok(Fetched::Siblings(all)) => {
                return Ok(all.siblings.into_iter().map(|sibling| sibling.value).collect());
            }
            Err(error) if tries >= TRIES => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    Ok(Vec::new())
}

/// Acknowledged writes of a key that are not accounted for by what is there.
fn missing(writes: &[Write], there: &BTreeSet<u64>) -> u64 {
    let covers: BTreeMap<u64, &[u64]> =
        writes.iter().map(|write| (write.id, &write.covers[..])).collect();
    let mut accounted: BTreeSet<u64> = there.clone();
    let mut open: Vec<u64> = there.iter().copied().collect();
    while let Some(id) = open.pop() {
        for &covered in covers.get(&id).copied().unwrap_or_default() {
            if accounted.insert(covered) {
                open.push(covered);
            }
        }
    }
    let lost = |write: &&Write| write.acknowledged && !accounted.contains(&write.id);
    writes.iter().filter(lost).count() as u64
}
