//! What the membership actors of two nodes say to each other.

use std::collections::BTreeSet;

use crate::identity::NodeId;
use crate::membership::facts::{Facts, FactsDigest};
use crate::register::RegisterMessage;
use crate::ring::RingVersion;
use crate::token::Partition;

/// One attempt at changing the ring, named by the node that makes it: its id and a number that
/// does not repeat while the node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProposalId {
    /// Who proposes.
    pub node: NodeId,
    /// Its number.
    pub number: u64,
}

/// A message between membership actors.
#[derive(Clone, Debug, PartialEq)]
pub enum MembershipMessage {
    /// I am here; sent every heartbeat interval to every member.
    Heartbeat {
        /// Counts up while the sender lives.
        sequence: u64,
        /// The last sequence the sender has heard of the receiver: its proof that the other
        /// direction works too.
        heard: u64,
    },
    /// What I know, in one number: whoever knows something else answers with [`Self::Digest`].
    Probe {
        /// Of everything known, as [`FactBase::fingerprint`](crate::membership::gossip::FactBase)
        /// has it.
        fingerprint: u64,
    },
    /// What I know, in short (answered by [`Self::Delta`]).
    Digest(FactsDigest),
    /// What you lack of what I know and, if this answers a digest, what I know in short where I
    /// lack something of yours.
    Delta {
        /// Facts that are new to the receiver, as far as the sender can tell.
        facts: Box<Facts>,
        /// Present if the sender lacks something: the receiver answers with a delta.
        wants: Option<FactsDigest>,
    },
    /// These facts must be known here now (answered by [`Self::Pushed`]).
    Push {
        /// Named by the sender.
        number: u64,
        /// The facts.
        facts: Box<Facts>,
    },
    /// The facts of a push are taken in and durable.
    Pushed {
        /// The push.
        number: u64,
    },
    /// Hold writes of these partitions: a ring that moves them is about to be chosen (answered by
    /// [`Self::Held`]).
    Hold {
        /// The attempt.
        proposal: ProposalId,
        /// The ring that would be followed.
        base: RingVersion,
        /// The partitions that would move.
        partitions: BTreeSet<Partition>,
    },
    /// Writes are held, durably; this is what is stored here.
    Held {
        /// The attempt.
        proposal: ProposalId,
        /// Those of the partitions that hold data here.
        with_data: BTreeSet<Partition>,
    },
    /// The attempt is over: take writes again.
    Release {
        /// The attempt.
        proposal: ProposalId,
    },
    /// The register that chooses the ring after `base`.
    Register {
        /// The ring that is followed.
        base: RingVersion,
        /// Prepare, promise, accept, accepted, or a refusal.
        message: RegisterMessage,
    },
}
