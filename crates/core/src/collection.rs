//! Collection: tombstones are dropped and version vectors pruned only when every primary is known
//! to hold the same durable state and no hint is left anywhere. Rule 13; never by age alone.

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
