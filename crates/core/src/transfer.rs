//! Moving partitions from the owners of one ring to those of the next while reads and writes go on.
//!
//! The paper, 4.9; rule 17. From the moment at which a ring is chosen until all of its moves are
//! settled, each moving partition goes through four levels. Each node reaches them by itself, from
//! what members say of themselves, and only upwards:
//!
//! | level | writes go to (W in each) | reads go to | reached by a node when |
//! | --- | --- | --- | --- |
//! | [`MoveLevel::Old`] | old | old | it knows only the old ring |
//! | [`MoveLevel::Both`] | old and new | old | it has learned that the new ring was chosen |
//! | [`MoveLevel::ReadNew`] | old and new | new | it knows that every new owner has confirmed |
//! | [`MoveLevel::New`] | new | new | it knows that every owner in either ring is at `ReadNew` |
//!
//! The rule kept here: a read finds every write that was acknowledged before it began. A new owner
//! confirms after it has pulled from so many old ones that any write they acknowledged before they
//! insisted on the new ring is among what it pulled; and no owner serves reads of the old ones
//! any more when writes begin to pass those by. `docs/decisions/0006-moving-partitions.md` has the
//! whole walk, `transfer/tests/` plays it at random and breaks it by name.

mod confirming;
mod handing;
mod marks;
mod transition;

use std::collections::BTreeSet;

pub use confirming::{Confirming, sources_needed};
pub use handing::{Handing, receivers_needed};
pub use marks::Marks;
pub use transition::{Placement, Said, Transition};

use crate::ring::RingVersion;
use crate::token::Partition;

/// How far a node is with the move of one partition. A partition that does not move is at
/// [`Self::New`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MoveLevel {
    /// It knows only the old ring.
    Old,
    /// It writes to old and new owners, and reads from the old ones.
    Both,
    /// It writes to old and new owners, and reads from the new ones.
    ReadNew,
    /// It writes to the new owners, and reads from them.
    New,
}

/// The ring and the level at which a request is carried out. The later of two is further on; nobody
/// who is further on minds what is true at an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Footing {
    /// The newest ring that is known.
    pub ring: RingVersion,
    /// The level of the partition in it.
    pub level: MoveLevel,
}

impl Footing {
    /// Where nothing moves.
    pub const fn settled(ring: RingVersion) -> Self {
        Self { ring, level: MoveLevel::New }
    }
}

/// What a member says of its part in a change of the ring. It is said anew as a whole, so that what
/// a lost store had confirmed is not said any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The ring that is being reached.
    pub ring: RingVersion,
    /// Partitions that it owns in that ring and has pulled from enough of their old owners, with
    /// the store that it has now.
    pub confirmed: BTreeSet<Partition>,
    /// Partitions of which it is at [`MoveLevel::ReadNew`] or above, durably.
    pub reads_new: BTreeSet<Partition>,
    /// Partitions that it owned in the ring before and has handed over and dropped.
    pub handed_over: BTreeSet<Partition>,
    /// Whether every hint that it keeps is of a partition for which it may stand in by that ring:
    /// nobody else keeps any that a collection round would not ask about (rule 13).
    pub hints_in_place: bool,
}

#[cfg(test)]
mod tests;
