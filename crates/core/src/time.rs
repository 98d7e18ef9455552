//! Time as data. The core never reads a clock: every step is told what time it is.
//!
//! Two clocks that are never mixed: the monotonic one ([`Instant`]) for timeouts, leases and
//! failure detection, and the wall clock ([`WallTime`]) for what people read, for expiry and for
//! last-write-wins stamps. A wall clock that jumps can therefore never fire a timeout early.

use std::time::Duration;

/// A point of the node's own monotonic clock, in microseconds since the node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The point `micros` microseconds after the node started.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the node started.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This point, `duration` later; stays at the end of time rather than wrapping.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this point is; zero if it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// The point after which nobody waits for the answer to a request any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// The longest `timeout` a request may ask for (rule 19 rests on this bound).
    pub const MAX_TIMEOUT: Duration = Duration::from_secs(10);

    /// The deadline `timeout` after `now`; a longer one than [`Self::MAX_TIMEOUT`] is cut to it.
    pub fn after(now: Instant, timeout: Duration) -> Self {
        Self(now.after(timeout.min(Self::MAX_TIMEOUT)))
    }

    /// The point itself.
    pub const fn at(self) -> Instant {
        self.0
    }

    /// Whether the deadline has passed.
    pub fn expired(self, now: Instant) -> bool {
        now >= self.0
    }

    /// What is left of it, to be sent along with a request; zero once it has passed.
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.since(now)
    }
}

/// Wall-clock time in milliseconds since the Unix epoch. May jump either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(u64);

impl WallTime {
    /// The time `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This time, `duration` later.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// What time it is for one step: both clocks, read once by the shell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock.
    pub wall: WallTime,
}

/// A hybrid logical clock reading: 48 bits of wall-clock milliseconds, then a 16-bit count that
/// keeps readings of one millisecond apart and lets a reading be placed above any other.
///
/// Source: Kulkarni et al., "Logical Physical Clocks" (2014).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(u64);

impl Stamp {
    /// A stamp from its 64 bits, as stored and sent.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The wall-clock part.
    pub const fn wall(self) -> WallTime {
        WallTime(self.0 >> 16)
    }

    /// The first stamp of the millisecond `wall`.
    pub const fn at(wall: WallTime) -> Self {
        Self(wall.0 << 16)
    }

    /// The lowest stamp that is above this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// A stamp for something that happens at `wall` after everything in `seen` (rule 7: the
    /// replica's own last stamp, the stored version's and the writer's context's).
    pub fn mint(wall: WallTime, seen: impl IntoIterator<Item = Stamp>) -> Self {
        seen.into_iter().map(Stamp::next).fold(Self::at(wall), Stamp::max)
    }
}
