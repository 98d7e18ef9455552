//! What a request costs, counted.

use std::collections::BTreeMap;

use stator_core::effect::Timer;
use stator_core::message::{Purpose, ReadAnswer, ReadWish, ShardMessage};
use stator_core::store::{Batch, WriteOp};

use crate::cluster::Watch;

/// What all nodes together have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Messages between nodes, by kind.
    pub(crate) messages: BTreeMap<&'static str, u64>,
    /// Their bytes, encoded, before they are framed and encrypted.
    pub(crate) message_bytes: u64,
    /// Batches that are written and synced.
    pub(crate) batches: u64,
    /// Changes in them.
    pub(crate) changes: u64,
    /// Their keys and values, in bytes.
    pub(crate) written_bytes: u64,
    /// Look-ups in the store.
    pub(crate) look_ups: u64,
    /// Timers that are set.
    pub(crate) timers: u64,
    /// Allocations of shards in their steps.
    pub(crate) step_allocations: u64,
    /// Allocations of encoding messages into memory that is there, and of decoding them.
    pub(crate) codec_allocations: u64,
}

impl Counts {
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl Watch for Counts {
    fn step(&mut self, work: impl FnOnce()) {
        self.step_allocations += allocation_counter::measure(work).count_total;
    }

    fn codec(&mut self, work: impl FnOnce()) {
        self.codec_allocations += allocation_counter::measure(work).count_total;
    }

    fn sent(&mut self, message: &ShardMessage, bytes: usize) {
        *self.messages.entry(kind(message)).or_default() += 1;
        self.message_bytes += bytes as u64;
    }

    fn written(&mut self, batch: &Batch) {
        self.batches += 1;
        self.changes += batch.len() as u64;
        self.written_bytes += batch.ops().iter().map(bytes_of).sum::<u64>();
    }

    fn looked_up(&mut self, times: u64) {
        self.look_ups += times;
    }

    fn timer(&mut self, _: Timer) {
        self.timers += 1;
    }
}

fn bytes_of(op: &WriteOp) -> u64 {
    match op {
        WriteOp::Put { key, value, .. } => (key.len() + value.len()) as u64,
        WriteOp::Delete { key, .. } => key.len() as u64,
    }
}

const fn kind(message: &ShardMessage) -> &'static str {
    match message {
        ShardMessage::Replicate { purpose: Purpose::Write, .. } => "write",
        ShardMessage::Replicate { purpose: Purpose::Hint { .. }, .. } => "hint",
        ShardMessage::Replicate { purpose: Purpose::Repair, .. } => "repair",
        ShardMessage::Replicated { .. } => "acknowledged",
        ShardMessage::Read { wish: ReadWish::State, .. } => "read state",
        ShardMessage::Read { wish: ReadWish::Digest, .. } => "read digest",
        ShardMessage::ReadAnswered { answer: ReadAnswer::State(_), .. } => "state",
        ShardMessage::ReadAnswered { answer: ReadAnswer::Digest(_), .. } => "digest",
        ShardMessage::ReadAnswered { .. } => "can't tell",
        ShardMessage::ForwardPut { .. } => "forward",
        ShardMessage::PutAnswered { .. } => "forward answered",
        ShardMessage::List { .. } | ShardMessage::Listed { .. } => "listing",
        ShardMessage::Exchange { .. } | ShardMessage::ExchangeAnswered { .. } => "exchange",
        ShardMessage::Collect { .. } | ShardMessage::Collected { .. } => "collection",
    }
}

/// What a request may cost. What is a number of its own is held exactly, since less of it would be
/// another protocol; bytes and allocations may be fewer.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) messages: &'static [(&'static str, u64)],
    pub(crate) message_bytes_at_most: u64,
    pub(crate) batches: u64,
    pub(crate) changes: u64,
    pub(crate) written_bytes_at_most: u64,
    pub(crate) look_ups: u64,
    pub(crate) timers: u64,
    /// Of the usual request: the one in the middle.
    pub(crate) step_allocations_at_most: u64,
    pub(crate) codec_allocations_at_most: u64,
}

impl Bounds {
    /// Holds requests of one kind to their bounds. `what` names them and where that is explained.
    #[track_caller]
    pub(crate) fn hold(&self, what: &str, requests: &[Counts]) {
        for counts in requests {
            self.hold_one(what, counts);
        }
        // Maps and lists grow now and then, so that one request in many allocates more.
        let mut allocations: Vec<u64> = requests.iter().map(|one| one.step_allocations).collect();
        allocations.sort_unstable();
        let (usual, most) = (allocations[allocations.len() / 2], self.step_allocations_at_most);
        assert!(usual <= most, "{what}: {usual} allocations in steps are usual, {most} at most");
    }

    #[track_caller]
    fn hold_one(&self, what: &str, counts: &Counts) {
        let messages: Vec<(&str, u64)> =
            counts.messages.iter().map(|(kind, count)| (*kind, *count)).collect();
        assert_eq!(messages, self.messages, "{what}: messages between nodes");
        let exact = [
            ("batches", counts.batches, self.batches),
            ("changes in them", counts.changes, self.changes),
            ("look-ups in the store", counts.look_ups, self.look_ups),
            ("timers", counts.timers, self.timers),
        ];
        for (name, counted, bound) in exact {
            assert_eq!(counted, bound, "{what}: {name}, in all: {counts:?}");
        }
        let at_most = [
            ("bytes of messages", counts.message_bytes, self.message_bytes_at_most),
            ("bytes written", counts.written_bytes, self.written_bytes_at_most),
            ("allocations of the codec", counts.codec_allocations, self.codec_allocations_at_most),
        ];
        for (name, counted, most) in at_most {
            assert!(
                counted <= most,
                "{what}: {counted} {name}, {most} at most, in all: {counts:?}"
            );
        }
    }
}
