//! A scan of a bucket's keys: all partitions in token order, one page at a time. It holds one page
//! of one partition in memory, however large the bucket is.

use std::time::Duration;

use stator_core::object::BucketName;
use stator_core::quorum::QuorumOptions;
use stator_core::request::{Done, ListOrder, ListPage, ListPosition, Operation, RequestError};
use stator_core::ring::Ring;
use stator_core::token::{Partition, Token};

use crate::backend::Backend;

/// Why a scan can't go on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ScanError {
    /// The partition could not be listed.
    Request(RequestError),
    /// The node gave an answer to another question.
    Mismatched,
}

/// What a scan looks at.
#[derive(Clone, Debug)]
pub(crate) struct Scanned {
    pub(crate) bucket: BucketName,
    pub(crate) quorum: QuorumOptions,
    /// How long one page may take.
    pub(crate) timeout: Duration,
}

/// A scan that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    scanned: Scanned,
    partition: u32,
    after: Option<ListPosition>,
    partitions: u32,
}

impl Scan {
    /// From the first key, or from behind a position, whose token says which partition it is in.
    pub(crate) fn new(ring: &Ring, scanned: Scanned, from: Option<(Token, ListPosition)>) -> Self {
        let partition = from.as_ref().map_or(0, |(token, _)| ring.partition_of(*token).get());
        let after = from.map(|(_, position)| position);
        Self { scanned, partition, after, partitions: ring.partitions.get() }
    }

    /// Whether there is nothing left to look at.
    pub(crate) fn is_done(&self) -> bool {
        self.partition >= self.partitions
    }

    /// The partition that the next page is of.
    pub(crate) fn partition(&self) -> Partition {
        Partition::new(self.partition)
    }

    /// Asks for the next page, of at most `limit` keys, and moves on behind it.
    pub(crate) async fn page(
        &mut self,
        backend: &dyn Backend,
        limit: u32,
    ) -> Result<ListPage, ScanError> {
        let order = ListOrder {
            bucket: self.scanned.bucket.clone(),
            partition: self.partition(),
            after: self.after.take(),
            limit,
            quorum: self.scanned.quorum,
        };
        let done = backend.request(Operation::List(order), self.scanned.timeout).await;
        let Done::Listed(page) = done.map_err(ScanError::Request)? else {
            return Err(ScanError::Mismatched);
        };
        match &page.next {
            Some(position) => self.after = Some(position.clone()),
            None => self.partition += 1,
        }
        Ok(page)
    }
}
