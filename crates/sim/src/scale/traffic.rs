//! Messages counted as they would be sent.

use std::collections::BTreeMap;

use bytes::BytesMut;
use stator_core::membership::MembershipMessage;
use stator_wire::frame;
use stator_wire::proto::encode_membership;
use stator_wire::transport::RECORD_OVERHEAD;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// I am here.
    Heartbeat,
    /// What a gossip round begins with: do you know the same?
    Probe,
    /// What is known, in short, where two differ or have just met.
    Digest,
    /// Facts that the other lacks.
    Delta,
    /// Operators' pushes, votes, holds.
    Other,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Heartbeat, Self::Probe, Self::Digest, Self::Delta, Self::Other];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Probe => "probe",
            Self::Digest => "digest",
            Self::Delta => "delta",
            Self::Other => "other",
        }
    }

    const fn of(message: &MembershipMessage) -> Self {
        match message {
            MembershipMessage::Heartbeat { .. } => Self::Heartbeat,
            MembershipMessage::Probe { .. } => Self::Probe,
            MembershipMessage::Digest(_) => Self::Digest,
            MembershipMessage::Delta { .. } => Self::Delta,
            _ => Self::Other,
        }
    }
}

/// So many messages of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub messages: u64,
    /// With frame and encryption, and without what TCP and IP add.
    pub bytes: u64,
}

/// What was sent, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    counts: BTreeMap<Kind, Count>,
    buffer: BytesMut,
}

impl Traffic {
    /// Counts one message. A node has rarely two for one peer at once, so each is taken to be a
    /// record of its own.
    pub fn add(&mut self, message: &MembershipMessage) {
        self.buffer.clear();
        encode_membership(message, &mut self.buffer);
        let count = self.counts.entry(Kind::of(message)).or_default();
        count.messages += 1;
        count.bytes += (self.buffer.len() + frame::HEADER + RECORD_OVERHEAD) as u64;
    }

    /// What was sent of this kind.
    pub fn of(&self, kind: Kind) -> Count {
        self.counts.get(&kind).copied().unwrap_or_default()
    }
}
