//! The time by which requests are due, to less than a tenth of a millisecond.
//!
//! A sleep of the runtime ends with the next whole millisecond, which would be counted as a latency
//! of the servers. A timer of the kernel's own (`timerfd`) is awaited in its place.

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;

#[cfg(target_os = "linux")]
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
#[cfg(target_os = "linux")]
use tokio::io::unix::AsyncFd;

/// What a worker knows of the time.
pub(super) trait Clock {
    /// Now.
    fn now(&self) -> Instant;
    /// Waits until then.
    async fn until(&mut self, at: Instant);
}

/// The machine's time. Needs a tokio runtime.
#[derive(Debug)]
pub(super) struct MachineClock {
    /// None where there is no such timer.
    #[cfg(target_os = "linux")]
    timer: Option<AsyncFd<OwnedFd>>,
}

impl MachineClock {
    /// A clock of one worker.
    #[cfg(target_os = "linux")]
    pub(super) fn new() -> Self {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).ok();
        #[expect(deprecated, reason = "an owned descriptor stays the same one: this is sound")]
        let timer = timer.and_then(|timer| AsyncFd::new(timer).ok());
        Self { timer }
    }

    /// A clock of one worker.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn new() -> Self {
        Self {}
    }

    #[cfg(target_os = "linux")]
    async fn precisely(&self, left: Duration) -> Option<()> {
        let timer = self.timer.as_ref()?;
        let it_value = Timespec::try_from(left).ok()?;
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(timer, TimerfdTimerFlags::empty(), &once).ok()?;
        loop {
            let mut readable = timer.readable().await.ok()?;
            let mut expirations = [0; 8];
            let read = readable.try_io(|timer| Ok(rustix::io::read(timer, &mut expirations)?));
            match read {
                Ok(read) => return read.ok().map(|_| ()),
                Err(_not_yet) => {}
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    async fn precisely(&self, _: Duration) -> Option<()> {
        None
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    async fn until(&mut self, at: Instant) {
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        if self.precisely(left).await.is_none() {
            tokio::time::sleep_until(at.into()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_never_wakes_anybody_before_the_time() {
        let mut clock = MachineClock::new();
        for micros in [0, 1, 150, 3_000, 700] {
            let at = clock.now() + Duration::from_micros(micros);
            clock.until(at).await;
            assert!(clock.now() >= at, "{micros} µs");
        }
    }
}
