//! Connections between nodes: each is made by the side that sends on it, and is for one lane.
//!
//! A node dials each peer once for each of its shards and once for membership, and only sends
//! there; what peers send comes on connections that they have made ([`crate::listener`]). So no two
//! nodes ever have to agree on which of two connections to keep, and the way there and the way back
//! fail apart, as the failure detector sees them (the paper, 4.8).

mod backoff;
mod dialer;
mod handshake;
mod incoming;
mod outbound;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use stator_core::identity::NodeId;
use stator_wire::hello::Lane;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(crate) use dialer::{LinkEvent, OnEvent};
pub(crate) use handshake::{Accepted, Dialled, MeetError, accept, dial};
pub(crate) use incoming::{Decoder, Incoming};
pub(crate) use outbound::NotQueued;

use self::dialer::{Connected, Dialer};
use self::outbound::Outbound;
use crate::lock::lock;
use crate::me::Me;

/// The links of one lane to all peers. Lives on one thread.
pub(crate) struct Links {
    me: Arc<Me>,
    lane: Lane,
    on_event: OnEvent,
    peers: BTreeMap<NodeId, Peer>,
    /// Peers that something was queued for since the last flush.
    dirty: Vec<NodeId>,
}

struct Peer {
    address: Arc<Mutex<String>>,
    outbound: Arc<Outbound>,
    sign_of_life: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Links {
    /// No links yet.
    pub(crate) fn new(me: Arc<Me>, lane: Lane, on_event: OnEvent) -> Self {
        Self { me, lane, on_event, peers: BTreeMap::new(), dirty: Vec::new() }
    }

    /// Keeps links to exactly these peers from now on. A connection that lives is kept when its
    /// peer's address changes.
    pub(crate) fn keep(&mut self, addresses: &BTreeMap<NodeId, String>) {
        let unwanted: Vec<NodeId> =
            self.peers.keys().copied().filter(|node| !addresses.contains_key(node)).collect();
        for node in unwanted {
            self.drop_link(node);
        }
        for (node, address) in addresses {
            match self.peers.get(node) {
                Some(peer) => lock(&peer.address).clone_from(address),
                None if *node == self.me.node => {}
                None => self.add(*node, address.clone(), None),
            }
        }
    }

    /// Takes over a connection to a peer that was met by its address, unless there is one already.
    pub(crate) fn adopt(&mut self, address: &str, dialled: Dialled) {
        let node = dialled.hello.node;
        let known = self.peers.get(&node);
        if known.is_some_and(|peer| peer.outbound.is_connected()) {
            return;
        }
        let address = known.map_or_else(|| address.to_owned(), |peer| lock(&peer.address).clone());
        self.drop_link(node);
        self.add(node, address, Some(dialled));
    }

    /// A peer has dialled this node: if it is waited for, it is dialled now.
    pub(crate) fn heard_of(&self, node: NodeId) {
        if let Some(peer) = self.peers.get(&node) {
            peer.sign_of_life.notify_waiters();
        }
    }

    /// How many peers there is a connection to.
    pub(crate) fn connected(&self) -> usize {
        self.peers.values().filter(|peer| peer.outbound.is_connected()).count()
    }

    /// Queues a frame for a peer; `encode` appends its payload. It leaves with the next
    /// [`Self::flush`].
    pub(crate) fn send(
        &mut self,
        to: NodeId,
        encode: impl FnOnce(&mut BytesMut),
    ) -> Result<(), NotQueued> {
        let peer = self.peers.get(&to).ok_or(NotQueued::NotConnected)?;
        peer.outbound.push(encode)?;
        if !self.dirty.contains(&to) {
            self.dirty.push(to);
        }
        Ok(())
    }

    /// Sends what was queued since the last flush: one write for each peer.
    pub(crate) fn flush(&mut self) {
        for node in self.dirty.drain(..) {
            if let Some(peer) = self.peers.get(&node) {
                peer.outbound.flush();
            }
        }
    }

    fn add(&mut self, node: NodeId, address: String, first: Option<Dialled>) {
        let outbound = Arc::new(Outbound::default());
        let first = first.map(|dialled| Connected::new(dialled, &outbound));
        let address = Arc::new(Mutex::new(address));
        let sign_of_life = Arc::new(Notify::new());
        let dialer = Dialer {
            me: Arc::clone(&self.me),
            lane: self.lane,
            peer: node,
            address: Arc::clone(&address),
            outbound: Arc::clone(&outbound),
            on_event: Arc::clone(&self.on_event),
            sign_of_life: Arc::clone(&sign_of_life),
        };
        let task = tokio::spawn(dialer.run(first));
        self.peers.insert(node, Peer { address, outbound, sign_of_life, task });
    }

    fn drop_link(&mut self, node: NodeId) {
        let Some(peer) = self.peers.remove(&node) else { return };
        if peer.outbound.is_connected() {
            (self.on_event)(LinkEvent::Down(node));
        }
    }
}

#[cfg(test)]
mod tests;
