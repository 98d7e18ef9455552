//! One small replicated register, chosen by majority: which ring follows ring v.
//!
//! Beyond the paper; CASPaxos (Rystsov, 2018), one instance for each ring version, whose acceptors
//! are the members of the ring that is followed (rule 15). Votes are durable before they are said;
//! data operations never wait for any of this.
//!
//! ```text
//! proposer      Prepare(b) ->          Accept(b, ring) ->
//! acceptors                 <- Promise                    <- Accepted     of a majority: chosen
//! ```
//!
//! Any two majorities have a member in common. It tells the later proposer what it accepted, and
//! the later one proposes that ring instead of its own: so at most one ring is ever chosen. This
//! stands on two facts that must outlive a crash: what an acceptor voted, and that a proposer never
//! uses a ballot twice. The second follows from the first, because a proposer waits for its own
//! node's promise, which is as durable as any other.

mod acceptor;
mod proposer;

use std::sync::Arc;

pub use acceptor::{Acceptor, AcceptorReply};
pub use proposer::{Proposer, ProposerStep};

use crate::ring::{Ring, RingVersion};

/// The order of proposals: by round, then by who proposes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ballot {
    /// Counts up; 0 is below every proposal.
    pub round: u64,
    /// The proposer's id, as bits.
    pub node: u64,
}

/// What the members of a ring say to each other to choose the one that follows.
#[derive(Clone, Debug, PartialEq)]
pub enum RegisterMessage {
    /// Promise to take nothing below this ballot, and say what you have taken.
    Prepare {
        /// The proposal.
        ballot: Ballot,
    },
    /// The promise.
    Promise {
        /// The proposal.
        ballot: Ballot,
        /// What was taken last, and under which ballot.
        accepted: Option<(Ballot, Arc<Ring>)>,
    },
    /// Take this ring.
    Accept {
        /// The proposal.
        ballot: Ballot,
        /// The ring.
        ring: Arc<Ring>,
    },
    /// Taken.
    Accepted {
        /// The proposal.
        ballot: Ballot,
    },
    /// A higher ballot was promised.
    Refused {
        /// The proposal that is refused.
        ballot: Ballot,
        /// What was promised.
        promised: Ballot,
    },
}

/// What a node keeps of the votes it gave: durable before any of it is told to anybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Votes {
    /// Counts every vote given, over all registers; peers remember it as a tripwire (rule 19).
    pub sequence: u64,
    /// The ring that is followed in the register below.
    pub base: RingVersion,
    /// The highest ballot promised.
    pub promised: Ballot,
    /// What was taken last.
    pub accepted: Option<(Ballot, Arc<Ring>)>,
}

#[cfg(test)]
mod tests;
