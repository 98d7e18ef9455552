//! A shard's timers: data with a time, handed back when it comes, or forgotten once nobody waits for
//! it: nearly all requests end long before their deadline, and a shard that woke for each of those
//! would wake once more for every request.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use stator_core::effect::Timer;
use stator_core::time::Instant;

/// How many queues there are: deadlines and hedges come in order of their times, with a few delays that
/// most requests share.
const QUEUES: usize = 4;

/// Timers by time; those of one moment come in no particular order. Nearly all are set for later than
/// those before them, and only pass through a queue; a heap of as many would be gone through for each.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// Each in order of time.
    queues: [VecDeque<(Instant, Timer)>; QUEUES],
    /// Those that fit at no queue's end.
    heap: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Timers {
    /// Adds one.
    pub(super) fn set(&mut self, at: Instant, timer: Timer) {
        // Behind the latest that it may follow, so that others stay free for earlier ones.
        let last = |queue: &VecDeque<(Instant, Timer)>| queue.back().map(|(at, _)| *at);
        let fits = self.queues.iter_mut().filter(|queue| last(queue) <= Some(at));
        match fits.max_by_key(|queue| last(queue)) {
            Some(queue) => queue.push_back((at, timer)),
            None => self.heap.push(Reverse((at, timer))),
        }
    }

    /// When to wake: the next that is due and `awaited`. Those before it that nobody waits for any more
    /// are forgotten.
    pub(super) fn wake_at(&mut self, awaited: impl Fn(Timer) -> bool) -> Option<Instant> {
        for queue in &mut self.queues {
            while queue.front().is_some_and(|(_, timer)| !awaited(*timer)) {
                queue.pop_front();
            }
        }
        while self.heap.peek().is_some_and(|Reverse((_, timer))| !awaited(*timer)) {
            self.heap.pop();
        }
        self.next_at()
    }

    fn next_at(&self) -> Option<Instant> {
        self.queues.iter().filter_map(front).chain(self.top()).min()
    }

    /// Takes the earliest that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let next = self.next_at().filter(|next| *next <= now)?;
        let of_queue = self.queues.iter_mut().find(|queue| front(queue) == Some(next));
        match of_queue.and_then(VecDeque::pop_front) {
            Some((_, timer)) => Some(timer),
            None => self.heap.pop().map(|Reverse((_, timer))| timer),
        }
    }

    fn top(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}

fn front(queue: &VecDeque<(Instant, Timer)>) -> Option<Instant> {
    queue.front().map(|(at, _)| *at)
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

    #[test]
    fn what_nobody_waits_for_any_more_wakes_nobody() {
        let mut timers = Timers::default();
        let deadline = |number| Timer::Deadline(RequestId::new(0, number));
        // The last two fit at no queue's end.
        for (number, moment) in (0..).zip([60, 50, 40, 30, 20, 10]) {
            timers.set(Instant::from_micros(moment), deadline(number));
        }
        assert_eq!(timers.wake_at(|_| true), Some(Instant::from_micros(10)));
        let is_late = |timer| timer <= deadline(1);
        assert_eq!(timers.wake_at(is_late), Some(Instant::from_micros(50)));
        assert_eq!(
            timers.pop_due(Instant::from_micros(49)),
            None,
            "forgotten, not only passed over"
        );
        assert_eq!(timers.pop_due(Instant::from_micros(60)), Some(deadline(1)));
        assert_eq!(timers.wake_at(|timer| timer != deadline(0)), None);
    }

    #[test]
    fn however_many_delays_there_are_timers_come_in_order() {
        let mut timers = Timers::default();
        // Later ones first, so that each fits at no end, and then some that do.
        let moments = (1..21).rev().chain(21..41).chain([5, 3, 17]);
        for (number, moment) in moments.enumerate() {
            let timer = Timer::Deadline(RequestId::new(0, number as u64));
            timers.set(Instant::from_micros(moment), timer);
        }
        let mut came = Vec::new();
        while let Some(next) = timers.next_at() {
            let before = Instant::from_micros(next.as_micros() - 1);
            assert_eq!(timers.pop_due(before), None);
            assert!(timers.pop_due(next).is_some());
            came.push(next);
        }
        assert!(came.len() == 43 && came.is_sorted(), "{came:?}");
    }
}
