//! What was appended to each object, and whether it is there in the end.
//!
//! The value of an object is a set of numbers. Only one client writes it, always with the union of
//! what it has read and one number more, so that nothing that was acknowledged may ever be missing.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use stator_client::{ClientError, Context, Fetched, ObjectName, RequestOptions};

use crate::doors::Doors;
use crate::filling::BUCKET;

/// Gets under way at a time.
const AT_ONCE: usize = 32;

/// Numbers appended to one object.
#[derive(Clone, Debug, Default)]
struct Appended {
    acknowledged: BTreeSet<u64>,
    /// Those that may be there or not.
    in_doubt: BTreeSet<u64>,
}

/// Numbers appended, by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(BTreeMap<String, Appended>);

/// What reading back came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) objects: u64,
    /// Acknowledged numbers that are not there.
    pub(super) missing: u64,
    /// Numbers that are there though their append was refused or never made.
    pub(super) strange: u64,
    pub(super) with_siblings: u64,
}

/// An object as it was read: all siblings merged.
pub(super) struct Merged {
    pub(super) numbers: BTreeSet<u64>,
    pub(super) siblings: usize,
    pub(super) context: Option<Context>,
}

impl Merged {
    /// The union of what was read.
    pub(super) fn of(fetched: Fetched) -> Self {
        let (values, context) = match fetched {
            Fetched::NotFound { context } => (Vec::new(), context),
            Fetched::Object(object) => (vec![object.value], object.head.context),
            Fetched::Siblings(all) => {
                (all.siblings.into_iter().map(|sibling| sibling.value).collect(), all.context)
            }
        };
        let numbers = values.iter().flat_map(|value| decoded(value)).collect();
        Self { numbers, siblings: values.len(), context }
    }

    /// The value that takes the place of what was read.
    pub(super) fn encoded(&self) -> Bytes {
        self.numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }
}

fn decoded(value: &[u8]) -> impl Iterator<Item = u64> {
    // A remainder would be no value of ours: it shows as a number that nobody has appended.
    value.chunks(8).map(|bytes| bytes.try_into().map_or(u64::MAX, u64::from_be_bytes))
}

impl Ledger {
    /// An append that was acknowledged.
    pub(super) fn acknowledged(&mut self, key: &str, number: u64) {
        self.of(key).acknowledged.insert(number);
    }

    /// One that may have been made.
    pub(super) fn in_doubt(&mut self, key: &str, number: u64) {
        self.of(key).in_doubt.insert(number);
    }

    /// Whether everything acknowledged is among these numbers.
    pub(super) fn is_all_in(&self, key: &str, numbers: &BTreeSet<u64>) -> bool {
        self.0.get(key).is_none_or(|appended| appended.acknowledged.is_subset(numbers))
    }

    /// Appends of another client, to other objects.
    pub(super) fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many were acknowledged.
    pub(super) fn count(&self) -> u64 {
        self.0.values().map(|appended| appended.acknowledged.len() as u64).sum()
    }

    /// Reads every object and compares.
    pub(super) async fn read_back(&self, doors: &Doors) -> Result<Found, ClientError> {
        stream::iter(&self.0)
            .map(async |(key, appended)| {
                let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
                let read = Merged::of(doors.get(name, &RequestOptions::default()).await?);
                let Appended { acknowledged, in_doubt } = appended;
                let unknown =
                    |number: &&u64| !acknowledged.contains(number) && !in_doubt.contains(number);
                Ok(Found {
                    objects: 1,
                    missing: acknowledged.difference(&read.numbers).count() as u64,
                    strange: read.numbers.iter().filter(unknown).count() as u64,
                    with_siblings: u64::from(read.siblings > 1),
                })
            })
            .buffer_unordered(AT_ONCE)
            .try_fold(Found::default(), async |sum, one| {
                Ok(Found {
                    objects: sum.objects + one.objects,
                    missing: sum.missing + one.missing,
                    strange: sum.strange + one.strange,
                    with_siblings: sum.with_siblings + one.with_siblings,
                })
            })
            .await
    }

    fn of(&mut self, key: &str) -> &mut Appended {
        self.0.entry(key.to_owned()).or_default()
    }
}
