//! The order in which a shard's batches go to disk, and who waits for which of them.

use std::collections::BTreeMap;

use crate::effect::{Effect, Effects, Ticket};
use crate::identity::NodeId;
use crate::message::RequestId;
use crate::store::Batch;
use crate::time::Instant;
use crate::token::Partition;

/// Who waits for a batch to be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiter {
    /// A request or a task of this shard.
    Coordinator(RequestId),
    /// Another node's.
    Peer {
        /// The node.
        node: NodeId,
        /// Its request.
        request: RequestId,
        /// The key's partition: the acknowledgement names its round.
        partition: Partition,
        /// The owner of the hint that it is kept as, if it is one.
        kept_for: Option<NodeId>,
        /// When the state came.
        since: Instant,
    },
}

/// A shard's batches on their way to disk, in the order of their tickets.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    last: Ticket,
    waiting: BTreeMap<Ticket, Vec<Waiter>>,
}

impl Journal {
    /// Has a batch written, after all before it.
    pub fn write(&mut self, batch: Batch, out: &mut Effects) -> Ticket {
        self.last = Ticket(self.last.0 + 1);
        out.push(Effect::Write { batch, ticket: self.last });
        self.last
    }

    /// Somebody is to be told once `ticket` is on disk.
    pub fn wait(&mut self, ticket: Ticket, waiter: Waiter) {
        self.waiting.entry(ticket).or_default().push(waiter);
    }

    /// All batches up to `ticket` are on disk: those who waited for them.
    pub fn synced(&mut self, ticket: Ticket) -> Vec<Waiter> {
        let still = self.waiting.split_off(&Ticket(ticket.0 + 1));
        std::mem::replace(&mut self.waiting, still).into_values().flatten().collect()
    }
}

#[cfg(test)]
mod tests;
