//! The time by which requests are due, to less than a tenth of a millisecond.
//!
//! A sleep of the runtime ends with the next whole millisecond, which would be counted as a latency
//! of the servers. A timer of the kernel's own (`timerfd`) is awaited in its place: one for all workers
//! of a thread, so that the busier the thread is, the more of them are woken at once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
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
use tokio::sync::Notify;

/// What a worker knows of the time.
pub(super) trait Clock {
    /// Now.
    fn now(&self) -> Instant;
    /// Waits until then.
    async fn until(&mut self, at: Instant);
}

/// The machine's time, for the workers of one thread. Clones share the timer, which somebody must run.
#[derive(Clone, Debug, Default)]
pub(super) struct MachineClock(Rc<Alarms>);

/// Who waits until when.
#[derive(Debug, Default)]
struct Alarms {
    waiting: RefCell<BTreeMap<(Instant, u64), Waker>>,
    given: Cell<u64>,
    /// Somebody waits for an earlier moment than all others.
    earlier: Notify,
}

impl MachineClock {
    /// Wakes whoever waits, for as long as it is awaited. Needs a tokio runtime.
    pub(super) async fn run(&self) -> Infallible {
        let timer = Timer::new();
        loop {
            let Some(next) = self.wake_due(Instant::now()) else {
                self.0.earlier.notified().await;
                continue;
            };
            tokio::select! {
                biased;
                () = self.0.earlier.notified() => {}
                () = timer.until(next) => {}
            }
        }
    }

    /// Wakes those whose moment has come; the moment of the next one.
    fn wake_due(&self, now: Instant) -> Option<Instant> {
        let mut waiting = self.0.waiting.borrow_mut();
        while let Some(first) = waiting.first_entry() {
            if first.key().0 > now {
                return Some(first.key().0);
            }
            first.remove().wake();
        }
        None
    }

    fn wake_at(&self, place: (Instant, u64), waker: Waker) {
        let mut waiting = self.0.waiting.borrow_mut();
        if waiting.first_key_value().is_none_or(|(first, _)| place < *first) {
            self.0.earlier.notify_one();
        }
        waiting.insert(place, waker);
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    async fn until(&mut self, at: Instant) {
        let place = (at, self.0.given.replace(self.0.given.get() + 1));
        poll_fn(|context| {
            if Instant::now() >= at {
                self.0.waiting.borrow_mut().remove(&place);
                return Poll::Ready(());
            }
            self.wake_at(place, context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// A timer of the kernel's, or the runtime's where there is none.
#[derive(Debug)]
struct Timer {
    #[cfg(target_os = "linux")]
    precise: Option<AsyncFd<OwnedFd>>,
}

impl Timer {
    #[cfg(target_os = "linux")]
    fn new() -> Self {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).ok();
        #[expect(deprecated, reason = "an owned descriptor stays the same one: this is sound")]
        let precise = timer.and_then(|timer| AsyncFd::new(timer).ok());
        Self { precise }
    }

    #[cfg(not(target_os = "linux"))]
    fn new() -> Self {
        Self {}
    }

    async fn until(&self, at: Instant) {
        let left = at.saturating_duration_since(Instant::now());
        if !left.is_zero() && self.precisely(left).await.is_none() {
            tokio::time::sleep_until(at.into()).await;
        }
    }

    #[cfg(target_os = "linux")]
    async fn precisely(&self, left: Duration) -> Option<()> {
        let timer = self.precise.as_ref()?;
        let it_value = Timespec::try_from(left).ok()?;
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(timer, TimerfdTimerFlags::empty(), &once).ok()?;
        loop {
            let mut readable = timer.readable().await.ok()?;
            let mut expirations = [0; 8];
            let read = readable.try_io(|timer| Ok(rustix::io::read(timer, &mut expirations)?));
            if let Ok(read) = read {
                return read.ok().map(|_| ());
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    async fn precisely(&self, _: Duration) -> Option<()> {
        None
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn everybody_is_woken_and_nobody_before_the_time() {
        let clock = MachineClock::default();
        let start = clock.now();
        let wait = |micros: u64| {
            let mut clock = clock.clone();
            async move {
                // The second time all but the first are waiting already.
                for at in [micros, 2 * micros].map(|micros| start + Duration::from_micros(micros)) {
                    clock.until(at).await;
                    assert!(clock.now() >= at, "{micros} µs");
                }
            }
        };
        let all = join_all([9_000, 0, 1, 150, 3_000, 700, 700, 40].map(wait));
        tokio::select! {
            biased;
            _ = all => {}
            never = clock.run() => match never {},
        }
        assert!(clock.0.waiting.borrow().is_empty());
    }
}
