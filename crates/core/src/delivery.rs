//! States on their way to replicas that lack them: hints going home, read repairs, exchanges.
//!
//! The paper, 4.6 and 4.7; rules 10 to 12. Each is acknowledged once it is on disk there. What is
//! under way to one peer is bounded, so that background work never fills a queue that requests
//! wait in; what does not fit is not queued: whoever has more to send comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::identity::NodeId;
use crate::message::RequestId;
use crate::object::{ObjectDigest, ObjectKey};
use crate::time::Instant;

/// The most states under way to one peer from one shard.
const MOST_STATES: usize = 64;
/// Bytes under way to one peer from one shard past which no more are added.
const MOST_BYTES: usize = 1 << 20;
/// How long an acknowledgement is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Why a state was sent, and what is done once it has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A hint for this owner, deleted if it has not changed since (rule 11).
    Hint {
        /// Whom it was held for.
        owner: NodeId,
    },
    /// A read found the replica to be behind.
    ReadRepair,
    /// A task of this shard, which is told.
    Task(RequestId),
}

/// One state under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// To whom.
    pub to: NodeId,
    /// Which object.
    pub key: ObjectKey,
    /// The digest of the state as it was sent.
    pub digest: ObjectDigest,
    /// The state's bytes.
    pub bytes: usize,
    /// Why.
    pub reason: Reason,
    /// When it is given up.
    pub until: Instant,
}

/// Everything under way.
#[derive(Clone, Debug, Default)]
pub struct Deliveries {
    under_way: BTreeMap<RequestId, Delivery>,
    load: BTreeMap<NodeId, Load>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    states: usize,
    bytes: usize,
}

impl Deliveries {
    /// Whether another state may be sent to a peer now.
    pub fn has_room(&self, to: NodeId) -> bool {
        self.load.get(&to).is_none_or(|load| load.states < MOST_STATES && load.bytes < MOST_BYTES)
    }

    /// Whether so much of what was under way to a peer has arrived that it is worth looking for
    /// more: whoever has much to send reads it in pages, and not one for each that arrives.
    pub fn has_room_for_many(&self, to: NodeId) -> bool {
        self.load
            .get(&to)
            .is_none_or(|load| load.states <= MOST_STATES / 2 && load.bytes <= MOST_BYTES / 2)
    }

    /// Whether a state of this object is on its way to the peer already.
    pub fn carries(&self, to: NodeId, key: &ObjectKey) -> bool {
        self.under_way.values().any(|delivery| delivery.to == to && delivery.key == *key)
    }

    /// A state was sent.
    pub fn begin(&mut self, id: RequestId, delivery: Delivery) {
        let load = self.load.entry(delivery.to).or_default();
        load.states += 1;
        load.bytes += delivery.bytes;
        self.under_way.insert(id, delivery);
    }

    /// A peer has answered, or did not get it; none if nobody waits for that any more.
    pub fn end(&mut self, id: RequestId, peer: NodeId) -> Option<Delivery> {
        self.under_way.get(&id).filter(|delivery| delivery.to == peer)?;
        let delivery = self.under_way.remove(&id)?;
        if let Some(load) = self.load.get_mut(&peer) {
            load.states -= 1;
            load.bytes -= delivery.bytes;
        }
        Some(delivery)
    }

    /// Those that nobody will answer: the connection to the peer is lost.
    pub fn lost(&mut self, peer: NodeId) -> Vec<Delivery> {
        self.end_all(|delivery| delivery.to == peer)
    }

    /// Those that were not answered in time.
    pub fn expired(&mut self, now: Instant) -> Vec<Delivery> {
        self.end_all(|delivery| delivery.until <= now)
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    fn end_all(&mut self, ends: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
        let ids: Vec<(RequestId, NodeId)> = self
            .under_way
            .iter()
            .filter(|(_, delivery)| ends(delivery))
            .map(|(&id, delivery)| (id, delivery.to))
            .collect();
        ids.into_iter().filter_map(|(id, to)| self.end(id, to)).collect()
    }
}

#[cfg(test)]
mod tests;
