//! Collection: tombstones are dropped and version vectors pruned only when every primary is known
//! to hold the same durable state and no hint is left anywhere. Rule 13; never by age alone.
//!
//! Collections of a partition are numbered by **rounds**, and every frame that carries a state names
//! the round that its sender was at when it read it. A node at a later round refuses the frame and
//! says its own round; the sender rises to that, reads again and sends again. So a round is a line
//! in time that no state crosses unread.
//!
//! ```text
//! first owner             other owners, and all who may hold hints
//! Agree(R, candidates) -> owners: which of these do I hold durably, in this very state?
//!                         all: no hint of the partition is here. From now on I am at round R
//!                         (durably, before I say so): what was read before R is refused.
//! Confirm(R)           -> it is still I who agreed: I have not lost my store since
//! Drop(R, what all agreed to)
//! ```
//!
//! Why nothing comes back: whoever may hold an older version of a candidate held the agreed state,
//! or nothing, at the moment at which it rose to R, and takes nothing older after it. What it sends
//! after that it reads after that. So no frame of round R or later carries an older version, and one
//! of an earlier round is refused. It does not matter who drops the object when, or never: one that
//! missed the message brings the tombstone back to the others, and a later round drops it again.
//! A node that lost its store does not know its round. It takes no state of others before it has
//! asked an owner; and since all had agreed before anybody was asked to confirm, that owner is at R
//! if a node which confirmed R lost its store after it.
//!
//! A node that rises because it was refused may not agree to that round any more, since what it has
//! sent under the new number was not compared: then the round comes to nothing.

pub mod machine;
mod rounds;

use std::collections::BTreeSet;
use std::time::Duration;

pub use rounds::{Entry, Rounds, decode_entry, entry_key};

use crate::identity::ActorId;
use crate::merkle::TreeSum;
use crate::token::Token;

/// A partition's collection round: counts up from 0, which is before the first. Every frame that
/// carries a state names the round at which it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Round(pub u64);

impl Round {
    /// The round after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// How often a partition is searched for what may be collected, unless it is set up otherwise.
pub const COLLECT_EVERY: Duration = Duration::from_secs(30);
/// The most objects that one round collects; the next goes on where it ended.
pub const MAX_CANDIDATES: usize = 1024;
/// A version vector with no more entries than this is left alone: it costs less than a round.
pub const LONG_VECTOR: usize = 4;

/// An object that may be collected, in exactly this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its token: an object that shares it with another one is no candidate.
    pub token: Token,
    /// What it adds to its tree: stands for its name and its state.
    pub sum: TreeSum,
}

/// A step of a collection round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectAsk {
    /// At which round is the partition at yours?
    Round,
    /// Rise to this round, and say which of these you hold. One who is no owner is sent none.
    Agree(Vec<Candidate>),
    /// Was it you, with the store that you have now, who agreed to this round?
    Confirm,
    /// All have agreed to collect these; ids that owners mint under are not pruned.
    Drop {
        /// What is collected.
        candidates: Vec<Candidate>,
        /// Ids that may still mint.
        live: BTreeSet<ActorId>,
    },
}

/// The answer to a step of a collection round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectAnswer {
    /// No: the round is not above mine, hints are here, or I can't tell what I hold.
    Declined,
    /// This is my round, and I am sure of it.
    Round,
    /// I am at the round now, durably.
    Agreed {
        /// For each candidate, whether it is here in the same durable state.
        same: Vec<bool>,
        /// The id that this replica mints under, if it has minted.
        live: Option<ActorId>,
    },
    /// It was I.
    Confirmed,
    /// What was collected is on its way to disk.
    Dropped,
}

/// What dropping came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Tombstones dropped.
    pub tombstones: u32,
    /// Vectors pruned.
    pub pruned: u32,
}

#[cfg(test)]
mod tests;
