//! When each request is due.
//!
//! ```text
//! closed loop   when the answer to the one before has come
//! open loop     the k-th at start + k / rate, whoever is idle then; if nobody is, the next who is
//! once          as the closed loop, until each key had its turn
//! ```
//!
//! The rule: in the open loop a request's latency counts from when it was due. A server that stalls
//! for a second delays all requests due in that second, and all of them say so. A client that waits
//! for answers before it sends, and counts from the sending, would show one slow request (what G. Tene
//! calls coordinated omission).

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is measured lies between these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Instant,
    pub(super) to: Instant,
}

impl Window {
    /// Whether a moment lies in it.
    pub(super) fn has(self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

/// Hands out the moments at which requests are due, to all workers.
#[derive(Debug)]
pub(super) enum Pace {
    /// At once, until the window closes.
    Closed(Window),
    /// At these moments, until the window closes.
    Open(Window, Arrivals),
    /// At once, so many times.
    Once { window: Window, left: AtomicU64 },
}

impl Pace {
    /// The moment of the next request, which may lie ahead; none at the end. `now` is asked only if
    /// it matters.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Closed(window) => (now < window.to).then_some(now),
            Self::Open(window, arrivals) => {
                // What is late when the window closes is not sent any more; it is counted as that.
                if now >= window.to {
                    return None;
                }
                Some(arrivals.take()).filter(|due| *due < window.to)
            }
            Self::Once { left, .. } => take_one(left).then_some(now),
        }
    }

    /// The moment of a further request, if one is due now.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Open(window, arrivals) => arrivals.take_due(now).filter(|due| *due < window.to),
            _ => self.next(now),
        }
    }

    /// What is measured.
    pub(super) const fn window(&self) -> Window {
        match self {
            Self::Closed(window) | Self::Open(window, _) | Self::Once { window, .. } => *window,
        }
    }

    /// Whether a request counts: if it was due in the window, or for a closed loop, answered in it.
    pub(super) fn counts(&self, due: Instant, answered: Instant) -> bool {
        match self {
            Self::Closed(window) => window.has(answered),
            Self::Open(window, _) => window.has(due),
            Self::Once { .. } => true,
        }
    }

    /// How many requests were due in the window, if that was fixed before.
    pub(super) fn expected(&self) -> Option<u64> {
        match self {
            Self::Open(window, arrivals) => {
                Some(arrivals.before(window.to) - arrivals.before(window.from))
            }
            _ => None,
        }
    }
}

fn take_one(left: &AtomicU64) -> bool {
    let less = |left: u64| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
}

/// Moments at equal distances.
#[derive(Debug)]
pub(super) struct Arrivals {
    start: Instant,
    rate: NonZeroU32,
    next: AtomicU64,
}

impl Arrivals {
    /// So many a second.
    pub(super) const fn new(start: Instant, rate: NonZeroU32) -> Self {
        Self { start, rate, next: AtomicU64::new(0) }
    }

    fn at(&self, number: u64) -> Instant {
        let nanos = u128::from(number) * 1_000_000_000 / u128::from(self.rate.get());
        self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn take(&self) -> Instant {
        self.at(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn take_due(&self, now: Instant) -> Option<Instant> {
        let due = |number: u64| (self.at(number) <= now).then_some(number + 1);
        let taken = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due);
        taken.ok().map(|number| self.at(number))
    }

    /// How many lie before a moment.
    fn before(&self, moment: Instant) -> u64 {
        let nanos = moment.saturating_duration_since(self.start).as_nanos();
        let whole = (nanos * u128::from(self.rate.get())).div_ceil(1_000_000_000) as u64;
        // The moments are cut to whole nanoseconds, which may bring one more before it.
        if self.at(whole) < moment { whole + 1 } else { whole }
    }
}

#[cfg(test)]
mod tests;
