//! When a shard wakes by itself: one timer of the runtime, kept from turn to turn.
//!
//! The rule: it rings at what it was last asked for or earlier, never later. A timer that was made
//! for each wait and dropped after it would leave the runtime with none in between. Each request
//! that sets one of its own would then be earlier than anything the runtime waits for, which has the
//! thread wake itself by a system call.

use std::future::pending;
use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// A shard's timer.
#[derive(Debug)]
pub(super) struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    /// One that rings at once. Must be called inside a runtime.
    pub(super) fn new() -> Self {
        Self(Box::pin(sleep_until(Instant::now())))
    }

    /// Waits until `due`, or less long if it was asked for an earlier moment before: whoever waits
    /// looks again what is due. None waits for ever.
    pub(super) async fn rings(&mut self, due: Option<Instant>) {
        let Some(due) = due else { return pending().await };
        if self.0.is_elapsed() || due < self.0.deadline() {
            self.0.as_mut().reset(due);
        }
        self.0.as_mut().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Waits for the alarm, and says how long that took.
    async fn took(alarm: &mut Alarm, after: Duration) -> Duration {
        let began = Instant::now();
        alarm.rings(Some(began + after)).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_what_it_was_asked_for_or_earlier() {
        const SHORT: Duration = Duration::from_millis(10);
        const LONG: Duration = Duration::from_mins(1);
        let mut alarm = Alarm::new();
        // The first may ring at once, for what it was made with.
        assert!(took(&mut alarm, SHORT).await <= SHORT);
        assert_eq!(took(&mut alarm, LONG).await, LONG);
        assert!(tokio::time::timeout(SHORT, took(&mut alarm, LONG)).await.is_err());
        assert_eq!(took(&mut alarm, SHORT).await, SHORT, "what is due earlier counts");
        assert!(tokio::time::timeout(SHORT / 2, took(&mut alarm, SHORT)).await.is_err());
        assert_eq!(took(&mut alarm, LONG).await, SHORT / 2, "it rings for who waited before");
        assert_eq!(took(&mut alarm, LONG).await, LONG, "and then is in time again");
        assert!(tokio::time::timeout(LONG, alarm.rings(None)).await.is_err());
    }
}
