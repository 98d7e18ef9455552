//! Reading the clocks for the core, which reads none itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stator_core::time::{Instant, Now, WallTime};

/// The node's clocks: monotonic time counts from the moment this was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    base: std::time::Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self { base: std::time::Instant::now() }
    }

    /// Both clocks.
    pub(crate) fn now(&self) -> Now {
        Now { instant: self.instant(), wall: wall() }
    }

    /// The monotonic clock.
    pub(crate) fn instant(&self) -> Instant {
        Instant::default().after(self.base.elapsed())
    }

    /// The point at which the runtime must wake somebody who waits for `at`.
    pub(crate) fn wake_at(&self, at: Instant) -> tokio::time::Instant {
        // Past a year nobody waits: the cap keeps a far timer from overflowing the platform's clock.
        const FAR: Duration = Duration::from_hours(365 * 24);
        let since_base = at.since(Instant::default()).min(self.base.elapsed() + FAR);
        tokio::time::Instant::from_std(self.base + since_base)
    }

    /// What the wall clock showed, or would have shown as it is set now, at a moment that has passed.
    #[cfg(feature = "otlp")]
    pub(crate) fn wall_of(&self, at: Instant) -> SystemTime {
        SystemTime::now() - self.instant().since(at)
    }

    /// How long the node has been running.
    pub(crate) fn uptime(&self) -> Duration {
        self.base.elapsed()
    }
}

/// The wall clock; one that is set before 1970 reads as 1970.
fn wall() -> WallTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
