//! A shard's timers: data with a time, handed back when it comes (a stale one is the core's to
//! recognise).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use stator_core::effect::Timer;
use stator_core::time::Instant;

/// Timers by time; those of one moment come in no particular order.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Timers {
    /// Adds one.
    pub(super) fn set(&mut self, at: Instant, timer: Timer) {
        self.heap.push(Reverse((at, timer)));
    }

    /// When the next is due.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, timer))| timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stator_core::message::RequestId;

    #[test]
    fn timers_come_in_order_and_not_early() {
        let mut timers = Timers::default();
        let deadline = |number| Timer::Deadline(RequestId::new(0, number));
        timers.set(Instant::from_micros(20), deadline(2));
        timers.set(Instant::from_micros(10), deadline(1));
        assert_eq!(timers.next_at(), Some(Instant::from_micros(10)));
        assert_eq!(timers.pop_due(Instant::from_micros(9)), None);
        assert_eq!(timers.pop_due(Instant::from_micros(20)), Some(deadline(1)));
        assert_eq!(timers.pop_due(Instant::from_micros(20)), Some(deadline(2)));
        assert_eq!(timers.pop_due(Instant::from_micros(20)), None);
    }
}
