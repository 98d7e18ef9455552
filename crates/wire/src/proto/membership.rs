//! Messages between membership actors: heartbeats, gossip and changes of the ring.

use prost::Message;
use stator_core::membership::MembershipMessage;
use stator_core::membership::facts::FactsDigest;
use stator_core::ring::RingVersion;

use super::facts::{FactsDigestMessage, FactsMessage};
use super::field::{known, required};
use super::register::RegisterFrame;
use crate::error::WireError;

#[derive(Clone, PartialEq, Message)]
pub(super) struct MembershipFrame {
    #[prost(oneof = "MembershipKind", tags = "1, 2, 3, 4, 5, 9, 10")]
    kind: Option<MembershipKind>,
}

/// Tags 6 to 8 were those of messages that there are no longer.
#[derive(Clone, PartialEq, prost::Oneof)]
enum MembershipKind {
    #[prost(message, tag = "1")]
    Heartbeat(Heartbeat),
    #[prost(message, tag = "2")]
    Digest(FactsDigestMessage),
    #[prost(message, tag = "3")]
    Delta(Delta),
    #[prost(message, tag = "4")]
    Push(Push),
    #[prost(uint64, tag = "5")]
    Pushed(u64),
    #[prost(message, tag = "9")]
    Register(Register),
    #[prost(fixed64, tag = "10")]
    Probe(u64),
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Heartbeat {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(uint64, tag = "2")]
    heard: u64,
    #[prost(bool, tag = "3")]
    wants_answer: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Delta {
    #[prost(message, optional, tag = "1")]
    facts: Option<FactsMessage>,
    #[prost(message, optional, tag = "2")]
    wants: Option<FactsDigestMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct Push {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(message, optional, tag = "2")]
    facts: Option<FactsMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct Register {
    #[prost(uint64, tag = "1")]
    base: u64,
    #[prost(message, optional, tag = "2")]
    message: Option<RegisterFrame>,
}

impl From<&MembershipMessage> for MembershipFrame {
    fn from(message: &MembershipMessage) -> Self {
        let kind = match message {
            &MembershipMessage::Heartbeat { sequence, heard, wants_answer } => {
                MembershipKind::Heartbeat(Heartbeat { sequence, heard, wants_answer })
            }
            &MembershipMessage::Probe { fingerprint } => MembershipKind::Probe(fingerprint),
            MembershipMessage::Digest(digest) => MembershipKind::Digest(digest.into()),
            MembershipMessage::Delta { facts, wants } => MembershipKind::Delta(Delta {
                facts: Some(facts.as_ref().into()),
                wants: wants.as_ref().map(FactsDigestMessage::from),
            }),
            MembershipMessage::Push { number, facts } => {
                MembershipKind::Push(Push { number: *number, facts: Some(facts.as_ref().into()) })
            }
            MembershipMessage::Pushed { number } => MembershipKind::Pushed(*number),
            MembershipMessage::Register { base, message } => {
                MembershipKind::Register(Register { base: base.0, message: Some(message.into()) })
            }
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<MembershipFrame> for MembershipMessage {
    type Error = WireError;

    fn try_from(frame: MembershipFrame) -> Result<Self, WireError> {
        Ok(match known("membership_message.kind", frame.kind)? {
            MembershipKind::Heartbeat(Heartbeat { sequence, heard, wants_answer }) => {
                Self::Heartbeat { sequence, heard, wants_answer }
            }
            MembershipKind::Probe(fingerprint) => Self::Probe { fingerprint },
            MembershipKind::Digest(digest) => Self::Digest(digest.try_into()?),
            MembershipKind::Delta(Delta { facts, wants }) => Self::Delta {
                facts: Box::new(required("delta.facts", facts)?.try_into()?),
                wants: wants.map(FactsDigest::try_from).transpose()?,
            },
            MembershipKind::Push(Push { number, facts }) => {
                Self::Push { number, facts: Box::new(required("push.facts", facts)?.try_into()?) }
            }
            MembershipKind::Pushed(number) => Self::Pushed { number },
            MembershipKind::Register(Register { base, message }) => Self::Register {
                base: RingVersion(base),
                message: required("register.message", message)?.try_into()?,
            },
        })
    }
}
