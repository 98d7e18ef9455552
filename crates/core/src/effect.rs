//! What goes into a shard's step and what comes out of it: the whole boundary between the core and
//! a shell, production's or the simulator's.

use std::sync::Arc;

use crate::identity::NodeId;
use crate::message::{RequestId, ShardMessage};
use crate::object::{BucketName, ObjectKey};
use crate::observe::Observation;
use crate::request::{ClientReply, ClientRequest, ClientRequestId};
use crate::ring::RingVersion;
use crate::status::{InspectId, OwnCopy, ShardStatus};
use crate::store::Batch;
use crate::time::Instant;
use crate::transfer::Progress;
use crate::view::View;

/// A batch's place in the order in which a shard's batches are written; a sync of one covers all
/// before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Something that happened, told to a shard.
#[derive(Clone, Debug)]
pub enum Input {
    /// The shard has been made and its store can be read: comes once, before everything else.
    Started,
    /// A front door's request.
    Client(ClientRequest),
    /// A peer's message.
    Peer {
        /// The peer, as its handshake proved.
        from: NodeId,
        /// What it says.
        message: ShardMessage,
    },
    /// A message was not sent: there was no connection, or the queue to the peer was full. Nothing
    /// of it has left this node.
    NotSent {
        /// The peer.
        to: NodeId,
        /// What was not sent.
        message: ShardMessage,
    },
    /// The connection to a peer is up.
    LinkUp(NodeId),
    /// The connection to a peer is lost; what was sent may or may not have arrived.
    LinkDown(NodeId),
    /// All batches up to this ticket are on disk.
    Synced(Ticket),
    /// A timer that was set has come due.
    Timer(Timer),
    /// The cluster as it is seen from now on.
    View(Arc<View>),
    /// How much room the disk has from now on.
    Disk(DiskRoom),
    /// Say how you are.
    Inspect(InspectId),
    /// Say what you have of an object yourself.
    InspectObject {
        /// The question.
        id: InspectId,
        /// Which object.
        key: ObjectKey,
    },
    /// The node stops in an orderly way: this is the last input but for [`Self::Synced`].
    Stopping,
}

/// How much room a disk has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiskRoom {
    /// Enough.
    #[default]
    Enough,
    /// Only the reserve is left: new values are refused; reads, deletes and repair go on.
    Reserve,
}

/// Something to be done, told by a shard.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send a message; if that is impossible, say so with [`Input::NotSent`].
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: ShardMessage,
    },
    /// Answer a front door.
    Reply {
        /// Its request.
        request: ClientRequestId,
        /// The answer.
        reply: ClientReply,
    },
    /// Write a batch, sync it, and say so with [`Input::Synced`]; in the order of tickets.
    Write {
        /// What.
        batch: Batch,
        /// Its place in the order.
        ticket: Ticket,
    },
    /// Come back with [`Input::Timer`] at this time. A timer is data: one that has become
    /// pointless is recognised when it comes and ignored.
    SetTimer {
        /// When.
        at: Instant,
        /// Which.
        timer: Timer,
    },
    /// Tell membership that a peer did not answer in time.
    Suspect(NodeId),
    /// Tell membership that a peer knows a newer ring.
    NewerRing {
        /// Who.
        at: NodeId,
        /// Which.
        version: RingVersion,
    },
    /// Tell membership that a bucket was made by its first write, with default properties.
    BucketMade(BucketName),
    /// Tell membership what is confirmed and handed over in the change of the ring under way: all
    /// of it, durably.
    Moved(Progress),
    /// The answer to [`Input::Inspect`].
    Inspected {
        /// The question.
        id: InspectId,
        /// The shard's condition.
        status: Box<ShardStatus>,
    },
    /// The answer to [`Input::InspectObject`]; none from a shard that knows no ring.
    ObjectInspected {
        /// The question.
        id: InspectId,
        /// What the shard has.
        copy: Option<Box<OwnCopy>>,
    },
    /// For logs, metrics, the console and the simulator's trace, all alike.
    Observe(Observation),
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A request's deadline.
    Deadline(RequestId),
    /// A request's replicas are slower than usual: ask another one.
    Hedge(RequestId),
    /// Look after what is not urgent: hints, exchanges, trees, scrubbing, collection.
    Patrol,
    /// Background work that waited for the budget may go on.
    Budget,
    /// Forget forwarded puts that nobody can repeat any more.
    ForgetForwarded,
}

/// The effects of one step, in order.
#[derive(Debug, Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// No effects yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one.
    pub fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    /// Takes them all out, in order, keeping the allocation.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Effect> {
        self.0.drain(..)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
