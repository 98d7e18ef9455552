//! What the membership actors of two nodes say to each other.

use crate::membership::facts::{Facts, FactsDigest};
use crate::register::RegisterMessage;
use crate::ring::RingVersion;

/// A message between membership actors.
#[derive(Clone, Debug, PartialEq)]
pub enum MembershipMessage {
    /// I am here; sent to every member, every heartbeat interval or, in a large cluster, every few.
    Heartbeat {
        /// Counts up while the sender lives.
        sequence: u64,
        /// The last sequence the sender has heard of the receiver: its proof that the other
        /// direction works too.
        heard: u64,
        /// The sender doubts the receiver, and asks for a heartbeat at once.
        wants_answer: bool,
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
    /// The register that chooses the ring after `base`.
    Register {
        /// The ring that is followed.
        base: RingVersion,
        /// Prepare, promise, accept, accepted, or a refusal.
        message: RegisterMessage,
    },
}
