//! The register that chooses rings, and the votes that a node keeps of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message;
use stator_core::identity::NodeId;
use stator_core::membership::ProposalId;
use stator_core::register::{Ballot, RegisterMessage, Votes};
use stator_core::ring::{Ring, RingVersion};
use stator_core::token::Partition;

use super::field::{Field, known, partition, required};
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

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct ProposalMessage {
    #[prost(fixed64, tag = "1")]
    node: u64,
    #[prost(uint64, tag = "2")]
    number: u64,
}

impl From<ProposalId> for ProposalMessage {
    fn from(proposal: ProposalId) -> Self {
        Self { node: proposal.node.get(), number: proposal.number }
    }
}

/// An attempt at a new ring.
pub(super) fn proposal(
    field: Field,
    message: Option<ProposalMessage>,
) -> Result<ProposalId, WireError> {
    let ProposalMessage { node, number } = required(field, message)?;
    Ok(ProposalId { node: NodeId::new(node), number })
}

/// A set of partitions as it is sent.
pub(super) fn from_partitions(partitions: &BTreeSet<Partition>) -> Vec<u32> {
    partitions.iter().map(|partition| partition.get()).collect()
}

/// A set of partitions: ascending, each once.
pub(super) fn partitions(field: Field, numbers: &[u32]) -> Result<BTreeSet<Partition>, WireError> {
    if !numbers.is_sorted_by(|a, b| a < b) {
        return Err(WireError::Disordered { field });
    }
    numbers.iter().map(|&number| partition(field, number)).collect()
}

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
    #[prost(message, optional, tag = "5")]
    hold: Option<HoldMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct HoldMessage {
    #[prost(message, optional, tag = "1")]
    proposal: Option<ProposalMessage>,
    #[prost(uint32, repeated, tag = "2")]
    partitions: Vec<u32>,
}

impl From<&Votes> for VotesMessage {
    fn from(votes: &Votes) -> Self {
        let hold = |(proposal, partitions): &(ProposalId, BTreeSet<Partition>)| HoldMessage {
            proposal: Some((*proposal).into()),
            partitions: from_partitions(partitions),
        };
        Self {
            sequence: votes.sequence,
            base: votes.base.0,
            promised: Some(votes.promised.into()),
            taken: votes.accepted.as_ref().map(TakenMessage::from),
            hold: votes.hold.as_ref().map(hold),
        }
    }
}

impl TryFrom<VotesMessage> for Votes {
    type Error = WireError;

    fn try_from(votes: VotesMessage) -> Result<Self, WireError> {
        let hold = |hold: HoldMessage| -> Result<_, WireError> {
            let proposal = proposal("votes.hold.proposal", hold.proposal)?;
            Ok((proposal, partitions("votes.hold.partitions", &hold.partitions)?))
        };
        Ok(Self {
            sequence: votes.sequence,
            base: RingVersion(votes.base),
            promised: ballot("votes.promised", votes.promised)?,
            accepted: votes.taken.map(TryInto::try_into).transpose()?,
            hold: votes.hold.map(hold).transpose()?,
        })
    }
}
