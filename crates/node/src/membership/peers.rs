//! Membership's own connections: links to all nodes it knows, seeds that it asks, and what peers
//! send it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stator_core::identity::NodeId;
use stator_core::membership::MembershipMessage;
use stator_core::membership::effect::{Introduction, MembershipInput};
use stator_wire::hello::Lane;
use stator_wire::proto;
use tokio::task::AbortHandle;

use crate::inbox::Inbox;
use crate::links::{Dialled, Incoming, LinkEvent, Links, MeetError, dial};
use crate::me::Me;

/// What membership's socket tasks have for it.
pub(super) enum Event {
    /// For the machine.
    Input(MembershipInput),
    /// A link's.
    Link(LinkEvent),
    /// A seed was reached.
    Seed {
        /// The address, as it was given.
        address: String,
        /// The connection.
        dialled: Box<Dialled>,
    },
}

/// Connections by peer.
pub(super) struct Peers {
    me: Arc<Me>,
    inbox: Arc<Inbox<Event>>,
    links: Links,
    /// Peers by the addresses that membership has published.
    published: BTreeMap<NodeId, String>,
    /// Peers that were met by the address of a seed, before anything was published of them.
    met: BTreeMap<NodeId, String>,
    /// Peers that were connected to, or dialled in vain, at least once.
    tried: BTreeSet<NodeId>,
    readers: BTreeMap<NodeId, AbortHandle>,
}

impl Peers {
    pub(super) fn new(me: Arc<Me>, inbox: Arc<Inbox<Event>>) -> Self {
        let on_event = {
            let inbox = Arc::clone(&inbox);
            Arc::new(move |event| inbox.push(Event::Link(event)))
        };
        let links = Links::new(Arc::clone(&me), Lane::Membership, on_event);
        let (published, met, tried) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { me, inbox, links, published, met, tried, readers: BTreeMap::new() }
    }

    /// Keeps links to these nodes, and to those that were met and are not known by any other
    /// address.
    pub(super) fn publish(&mut self, addresses: &BTreeMap<NodeId, String>) {
        self.published.clone_from(addresses);
        self.met.retain(|node, _| !addresses.contains_key(node));
        let mut all = self.met.clone();
        all.extend(addresses.iter().map(|(node, address)| (*node, address.clone())));
        self.links.keep(&all);
    }

    /// The addresses published last.
    pub(super) fn published(&self) -> &BTreeMap<NodeId, String> {
        &self.published
    }

    /// Peers that were tried at least once.
    pub(super) fn tried(&self) -> &BTreeSet<NodeId> {
        &self.tried
    }

    /// Queues a message; one that can't be sent is dropped, since each is repeated or timed out.
    pub(super) fn send(&mut self, to: NodeId, message: &MembershipMessage) {
        if let Err(reason) = self.links.send(to, |out| proto::encode_membership(message, out)) {
            tracing::trace!(peer = %to, ?reason, "not sent");
        }
    }

    /// Sends what was queued.
    pub(super) fn flush(&mut self) {
        self.links.flush();
    }

    /// What a link's event means to the machine.
    pub(super) fn link_event(&mut self, event: LinkEvent) -> MembershipInput {
        match event {
            LinkEvent::Up(introduction) => {
                self.tried.insert(introduction.node);
                MembershipInput::Introduced(introduction)
            }
            LinkEvent::Unreachable(node) => {
                self.tried.insert(node);
                MembershipInput::LinkDown(node)
            }
            LinkEvent::Down(node) => MembershipInput::LinkDown(node),
        }
    }

    /// Dials a seed to learn who is there.
    pub(super) fn introduce(&self, address: String) {
        let (me, inbox) = (Arc::clone(&self.me), Arc::clone(&self.inbox));
        tokio::task::spawn_local(async move {
            match dial(&address, Lane::Membership, &me).await {
                Ok(dialled) => inbox.push(Event::Seed { address, dialled: Box::new(dialled) }),
                Err(error @ (MeetError::Io(_) | MeetError::Timeout)) => {
                    tracing::info!(%address, %error, "a node named with --join can't be reached yet");
                }
                Err(error) => tracing::warn!(%address, %error, "a node named with --join refuses"),
            }
        });
    }

    /// A seed was reached: its connection is kept as the link to whoever is there.
    pub(super) fn seed_met(&mut self, address: &str, dialled: Dialled) -> Introduction {
        let introduction = dialled.hello.introduction();
        if self.me.is_me(&dialled.hello) {
            return introduction;
        }
        self.tried.insert(introduction.node);
        if !self.published.contains_key(&introduction.node) {
            self.met.insert(introduction.node, address.to_owned());
        }
        self.links.adopt(address, dialled);
        introduction
    }

    /// Reads a peer's connection from now on; a newer one takes the place of an older one.
    pub(super) fn read(&mut self, from: NodeId, incoming: Incoming, permit: impl Sized + 'static) {
        let inbox = Arc::clone(&self.inbox);
        let task = tokio::task::spawn_local(async move {
            let _permit = permit;
            read_frames(from, incoming, &inbox).await;
        });
        if let Some(older) = self.readers.insert(from, task.abort_handle()) {
            older.abort();
        }
    }
}

async fn read_frames(from: NodeId, mut incoming: Incoming, inbox: &Inbox<Event>) {
    loop {
        inbox.room().await;
        let frame = match incoming.next_frame().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(peer = %from, %error, "a peer's connection is closed");
                return;
            }
        };
        match proto::decode_membership(frame) {
            Ok(message) => inbox.push(Event::Input(MembershipInput::Peer { from, message })),
            Err(error) if error.is_from_newer_version() => {
                tracing::debug!(peer = %from, %error, "a message is ignored");
            }
            Err(error) => {
                tracing::warn!(peer = %from, %error, "a message makes no sense: closing");
                return;
            }
        }
    }
}
