//! What a member says of its part in a change of the ring: sets of partitions, as bits.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::Message;
use stator_core::ring::RingVersion;
use stator_core::token::{Partition, PartitionCount};
use stator_core::transfer::Progress;

use super::field::Field;
use crate::error::WireError;

/// Partition p is bit p mod 8 of byte p / 8; bytes at the end that would be 0 are left out.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ProgressMessage {
    #[prost(uint64, tag = "1")]
    ring: u64,
    #[prost(bytes = "bytes", tag = "2")]
    confirmed: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    reads_new: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    handed_over: Bytes,
    #[prost(bool, tag = "5")]
    hints_in_place: bool,
}

impl From<&Progress> for ProgressMessage {
    fn from(progress: &Progress) -> Self {
        Self {
            ring: progress.ring.0,
            confirmed: bits(&progress.confirmed),
            reads_new: bits(&progress.reads_new),
            handed_over: bits(&progress.handed_over),
            hints_in_place: progress.hints_in_place,
        }
    }
}

impl TryFrom<ProgressMessage> for Progress {
    type Error = WireError;

    fn try_from(message: ProgressMessage) -> Result<Self, WireError> {
        Ok(Self {
            ring: RingVersion(message.ring),
            confirmed: partitions("progress.confirmed", &message.confirmed)?,
            reads_new: partitions("progress.reads_new", &message.reads_new)?,
            handed_over: partitions("progress.handed_over", &message.handed_over)?,
            hints_in_place: message.hints_in_place,
        })
    }
}

fn bits(partitions: &BTreeSet<Partition>) -> Bytes {
    let bytes = partitions.last().map_or(0, |last| last.index() / 8 + 1);
    let mut bits = vec![0; bytes];
    for partition in partitions {
        bits[partition.index() / 8] |= 1 << (partition.index() % 8);
    }
    bits.into()
}

fn partitions(field: Field, bits: &Bytes) -> Result<BTreeSet<Partition>, WireError> {
    let (value, max) = (bits.len() as u64 * 8, u64::from(PartitionCount::MAX));
    if value > max {
        return Err(WireError::OutOfRange { field, value, min: 0, max });
    }
    let all = (0..bits.len() as u32 * 8).map(Partition::new);
    let is_set = |p: &Partition| bits[p.index() / 8] & (1 << (p.index() % 8)) != 0;
    Ok(all.filter(is_set).collect())
}
