//! What goes into the membership actor's step and what comes out of it.

use std::sync::Arc;

use crate::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use crate::membership::admin::{AdminId, AdminReply, AdminRequest};
use crate::membership::facts::Facts;
use crate::membership::message::MembershipMessage;
use crate::object::BucketName;
use crate::register::Votes;
use crate::ring::RingVersion;
use crate::time::Instant;
use crate::transfer::Progress;
use crate::view::View;

/// Something that happened, told to membership.
#[derive(Clone, Debug)]
pub enum MembershipInput {
    /// An operator's request.
    Admin {
        /// Its name.
        id: AdminId,
        /// What is asked.
        request: AdminRequest,
        /// After this, nobody waits for the answer.
        deadline: crate::time::Deadline,
    },
    /// A peer's message.
    Peer {
        /// The peer, as its handshake proved.
        from: NodeId,
        /// What it says.
        message: MembershipMessage,
    },
    /// A connection was made, to or from this peer, and this is what its handshake said.
    Introduced(Introduction),
    /// The same, for a connection that [`MembershipEffect::Introduce`] asked for: a node that may
    /// found a cluster has to know that each address it was given was reached (rule 14).
    SeedReached {
        /// The address, as it was asked for.
        seed: String,
        /// What the handshake said.
        introduction: Introduction,
    },
    /// The connection to a peer is lost, or can't be made.
    LinkDown(NodeId),
    /// A shard waited for this peer in vain.
    Suspect(NodeId),
    /// A peer knows a newer ring.
    NewerRing {
        /// Who.
        at: NodeId,
        /// Which.
        version: RingVersion,
    },
    /// A bucket was made by its first write, with default properties.
    BucketMade(BucketName),
    /// What a shard has confirmed and handed over, durably: all of it, each time.
    ShardMoved {
        /// Which shard.
        shard: u8,
        /// Its part of what this node says.
        progress: Progress,
    },
    /// Everything saved up to this number is on disk.
    Saved(SaveId),
    /// The timer that was set last has come due.
    Tick,
}

/// What a peer's handshake said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Its id.
    pub node: NodeId,
    /// Its cluster, if it belongs to one.
    pub cluster: Option<ClusterId>,
    /// Its start.
    pub boot: BootNumber,
    /// Its start's nonce.
    pub nonce: BootNonce,
}

/// Something to be made durable, in the order of these numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaveId(pub u64);

/// What membership keeps durably, in `identity/`.
#[derive(Clone, Debug, PartialEq)]
pub enum Save {
    /// The cluster it belongs to, the newest ring, and all other facts.
    Cluster {
        /// Its cluster.
        cluster: ClusterId,
        /// Facts, the ring among them if there is one.
        facts: Box<Facts>,
    },
    /// Votes given in registers.
    Votes(Votes),
}

/// Something to be done, told by membership.
#[derive(Clone, Debug)]
pub enum MembershipEffect {
    /// Send a message; one that can't be sent is dropped, since each is repeated or timed out.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: MembershipMessage,
    },
    /// Connect to this address to learn who is there (a seed), and say so with
    /// [`MembershipInput::SeedReached`]; of one that can't be reached nothing is said, since it is
    /// asked for again.
    Introduce(String),
    /// Answer an operator.
    Reply {
        /// The request.
        id: AdminId,
        /// The answer.
        reply: AdminReply,
    },
    /// Write this atomically, sync it, and say so with [`MembershipInput::Saved`].
    Save {
        /// Its number.
        id: SaveId,
        /// What.
        save: Save,
    },
    /// Publish this view to the shards and front doors, and these addresses to the links.
    Publish {
        /// The view.
        view: Arc<View>,
        /// Peer addresses by node.
        addresses: Arc<std::collections::BTreeMap<NodeId, String>>,
    },
    /// Come back with [`MembershipInput::Tick`] at this time.
    SetTimer(Instant),
    /// This node can't go on: another process runs on a copy of its identity, or its identity is
    /// older than what peers remember.
    Stop(String),
    /// For logs and metrics.
    Observe(MembershipObservation),
}

/// What membership reports of its own doing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MembershipObservation {
    /// A ring newer than any before is in use.
    RingAdopted(RingVersion),
    /// A ring is in use that no majority has chosen: an operator forced it here.
    RingForced(RingVersion),
    /// Everything that a ring moved is settled.
    RingSettled(RingVersion),
    /// A peer is held to be down.
    PeerDown(NodeId),
    /// A peer is held to be up again.
    PeerUp(NodeId),
    /// A peer of another cluster was met and is ignored.
    ForeignCluster {
        /// Who.
        node: NodeId,
        /// Its cluster.
        cluster: ClusterId,
    },
    /// A join was staged.
    JoinStaged(NodeId),
}
