//! The register that chooses rings, and the votes that a node keeps of it.

use std::sync::Arc;

use prost::Message;
use stator_core::register::{Ballot, RegisterMessage, Votes};
use stator_core::ring::{Ring, RingVersion};

use super::field::{Field, known, required};
use super::ring::RingMessage;
use crate::error::WireError;

#[derive(Clone, Copy, PartialEq, Message)]
struct BallotMessage {
    #[prost(uint64, tag = "1")]
    round: u64,
    #[prost(fixed64, tag = "2")]
    node: u64,
}

impl From<Ballot> for BallotMessage {
    fn from(ballot: Ballot) -> Self {
        Self { round: ballot.round, node: ballot.node }
    }
}

fn ballot(field: Field, message: Option<BallotMessage>) -> Result<Ballot, WireError> {
    let BallotMessage { round, node } = required(field, message)?;
    Ok(Ballot { round, node })
}

/// A ring that was taken, and the ballot under which it was.
#[derive(Clone, PartialEq, Message)]
struct TakenMessage {
    #[prost(message, optional, tag = "1")]
    ballot: Option<BallotMessage>,
    #[prost(message, optional, tag = "2")]
    ring: Option<RingMessage>,
}

impl From<&(Ballot, Arc<Ring>)> for TakenMessage {
    fn from((ballot, ring): &(Ballot, Arc<Ring>)) -> Self {
        Self { ballot: Some((*ballot).into()), ring: Some(ring.as_ref().into()) }
    }
}

impl TryFrom<TakenMessage> for (Ballot, Arc<Ring>) {
    type Error = WireError;

    fn try_from(taken: TakenMessage) -> Result<Self, WireError> {
        let ballot = ballot("taken.ballot", taken.ballot)?;
        Ok((ballot, Arc::new(required("taken.ring", taken.ring)?.try_into()?)))
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RegisterFrame {
    /// The proposal, in every kind.
    #[prost(message, optional, tag = "1")]
    ballot: Option<BallotMessage>,
    #[prost(oneof = "RegisterKind", tags = "2, 3, 4, 5, 6")]
    kind: Option<RegisterKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum RegisterKind {
    #[prost(message, tag = "2")]
    Prepare(()),
    #[prost(message, tag = "3")]
    Promise(Promise),
    #[prost(message, tag = "4")]
    Accept(RingMessage),
    #[prost(message, tag = "5")]
    Accepted(()),
    #[prost(message, tag = "6")]
    Refused(BallotMessage),
}

#[derive(Clone, PartialEq, Message)]
struct Promise {
    #[prost(message, optional, tag = "1")]
    taken: Option<TakenMessage>,
}

impl From<&RegisterMessage> for RegisterFrame {
    fn from(message: &RegisterMessage) -> Self {
        let (ballot, kind) = match message {
            RegisterMessage::Prepare { ballot } => (ballot, RegisterKind::Prepare(())),
            RegisterMessage::Promise { ballot, accepted } => {
                let taken = accepted.as_ref().map(TakenMessage::from);
                (ballot, RegisterKind::Promise(Promise { taken }))
            }
            RegisterMessage::Accept { ballot, ring } => {
                (ballot, RegisterKind::Accept(ring.as_ref().into()))
            }
            RegisterMessage::Accepted { ballot } => (ballot, RegisterKind::Accepted(())),
            RegisterMessage::Refused { ballot, promised } => {
                (ballot, RegisterKind::Refused((*promised).into()))
            }
        };
        Self { ballot: Some((*ballot).into()), kind: Some(kind) }
    }
}

impl TryFrom<RegisterFrame> for RegisterMessage {
    type Error = WireError;

    fn try_from(frame: RegisterFrame) -> Result<Self, WireError> {
        let kind = known("register.kind", frame.kind)?;
        let proposal = ballot("register.ballot", frame.ballot)?;
        Ok(match kind {
            RegisterKind::Prepare(()) => Self::Prepare { ballot: proposal },
            RegisterKind::Promise(Promise { taken }) => {
                let accepted = taken.map(TryInto::try_into).transpose()?;
                Self::Promise { ballot: proposal, accepted }
            }
            RegisterKind::Accept(ring) => {
                Self::Accept { ballot: proposal, ring: Arc::new(ring.try_into()?) }
            }
            RegisterKind::Accepted(()) => Self::Accepted { ballot: proposal },
            RegisterKind::Refused(promised) => {
                let promised = ballot("register.promised", Some(promised))?;
                Self::Refused { ballot: proposal, promised }
            }
        })
    }
}

/// Tag 5 was that of a field that there is no longer.
#[derive(Clone, PartialEq, Message)]
pub(super) struct VotesMessage {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(uint64, tag = "2")]
    base: u64,
    #[prost(message, optional, tag = "3")]
    promised: Option<BallotMessage>,
    #[prost(message, optional, tag = "4")]
    taken: Option<TakenMessage>,
}

impl From<&Votes> for VotesMessage {
    fn from(votes: &Votes) -> Self {
        Self {
            sequence: votes.sequence,
            base: votes.base.0,
            promised: Some(votes.promised.into()),
            taken: votes.accepted.as_ref().map(TakenMessage::from),
        }
    }
}

impl TryFrom<VotesMessage> for Votes {
    type Error = WireError;

    fn try_from(votes: VotesMessage) -> Result<Self, WireError> {
        Ok(Self {
            sequence: votes.sequence,
            base: RingVersion(votes.base),
            promised: ballot("votes.promised", votes.promised)?,
            accepted: votes.taken.map(TryInto::try_into).transpose()?,
        })
    }
}
