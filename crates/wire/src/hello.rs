//! What two nodes tell each other of themselves when they connect, or why one sends the other away.
//!
//! Both travel inside the handshake, encrypted; what nodes do about it (rules 14 and 19) is decided
//! by whoever holds the connection.

use std::fmt;

use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::membership::effect::Introduction;
use stator_core::ring::RingVersion;

use crate::cipher::Cipher;

/// The versions of the protocol between nodes that one node speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolRange {
    /// The oldest.
    pub min: u32,
    /// The newest.
    pub max: u32,
}

/// The version of the protocol between nodes that this build was made with.
///
/// | version | since it |
/// | --- | --- |
/// | 1 | is the first |
/// | 2 | large messages come in pieces ([`crate::frame`]) |
pub const PROTOCOL: u32 = PROTOCOL_WITH_PIECES;

/// The first version that puts pieces of large messages together.
const PROTOCOL_WITH_PIECES: u32 = 2;

/// Whether large messages come in pieces where this version is spoken.
pub const fn has_pieces(protocol: u32) -> bool {
    protocol >= PROTOCOL_WITH_PIECES
}

impl ProtocolRange {
    /// What this build speaks.
    pub const SPOKEN: Self = Self { min: 1, max: PROTOCOL };

    /// The newest version that both speak.
    pub fn agree(self, theirs: Self) -> Result<u32, ProtocolMismatch> {
        let agreed = self.max.min(theirs.max);
        if agreed < self.min || agreed < theirs.min {
            return Err(ProtocolMismatch { ours: self, theirs });
        }
        Ok(agreed)
    }
}

impl fmt::Display for ProtocolRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            return write!(f, "{}", self.min);
        }
        write!(f, "{} to {}", self.min, self.max)
    }
}

/// Two nodes that share no version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this node speaks peer protocol {ours} and the peer speaks {theirs}: upgrade the older of the two, one release after the other"
)]
pub struct ProtocolMismatch {
    /// What this node speaks.
    pub ours: ProtocolRange,
    /// What the peer speaks.
    pub theirs: ProtocolRange,
}

/// What a connection is for, as its dialler wishes. It says which kind of message its frames hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Requests and answers for this shard of the node that is dialled, counted from 0.
    Shard(u8),
    /// Gossip and the choice of rings.
    Membership,
    /// Transfers and repair, kept apart so that they never delay a request. No version dials it
    /// yet.
    Bulk,
}

/// What a node says of itself to one that it meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The versions of the protocol that it speaks.
    pub protocols: ProtocolRange,
    /// Its id.
    pub node: NodeId,
    /// Its cluster, if it belongs to one.
    pub cluster: Option<ClusterId>,
    /// How often it has started.
    pub boot: BootNumber,
    /// The mark of this start.
    pub nonce: BootNonce,
    /// Its label.
    pub name: String,
    /// What the connection is for: the dialler's wish; in an answer, the same again.
    pub lane: Lane,
    /// How many shards it has: partition p belongs to shard `p mod shards`. At least 1.
    pub shards: u8,
    /// The newest ring that it knows; 0 if it knows none.
    pub ring: RingVersion,
    /// The cipher for records that is fastest with it.
    pub cipher: Cipher,
}

impl Hello {
    /// What membership is told of it.
    pub const fn introduction(&self) -> Introduction {
        Introduction { node: self.node, cluster: self.cluster, boot: self.boot, nonce: self.nonce }
    }
}

/// Why a node sends another one away; the peer's operator sees the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// For people: the cause, and what to do. At most [`Self::MAX_TEXT`] bytes are sent.
    pub text: String,
}

impl Refusal {
    /// The most bytes of text that are sent; a longer one is cut.
    pub const MAX_TEXT: usize = 1024;

    /// The text, cut to what is sent.
    pub(crate) fn sent_text(&self) -> &str {
        &self.text[..self.text.floor_char_boundary(Self::MAX_TEXT)]
    }
}

/// Why a node sends another one away, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalCode {
    /// The peer belongs to another cluster.
    ForeignCluster,
    /// The peer was removed from the ring, and may not come back under its id.
    Removed,
    /// They share no version of the protocol.
    Protocol,
    /// The peer's identity is older than what is remembered of it, or is in use twice (rule 19).
    Identity,
    /// The node has as many connections as it takes.
    Busy,
    /// Something that is no client has dialled with a client key.
    NotAClient,
    /// The node has no door for native clients.
    NoClients,
    /// A reason that this version does not know; the text says more.
    Other(u32),
}
