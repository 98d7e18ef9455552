//! A disk that requests and background work share, and that answers the later the more it has to
//! do, as one queue does: it shows what the budget is for. No figures of real machines.

use std::collections::VecDeque;

use super::*;

/// What the disk does, in bytes a second.
const CAPACITY: u64 = 100 * MIB;
/// What one request moves.
const REQUEST: u64 = 256 << 10;
/// Requests a second: half of what the disk can do.
const REQUESTS: u64 = 200;
/// What background work moves at a time.
const CHUNK: u64 = MIB;

/// What came of it.
struct Outcome {
    /// The 99th percentile of the requests of the last half.
    p99: Duration,
    /// Background bytes a second in the last half.
    background: u64,
}

/// Requests come at a steady pace, with bursts of four; `background` has always more to do.
fn run(seconds: u64, mut background: impl FnMut(&mut Budget, Instant) -> bool) -> Outcome {
    let mut budget = Budget::new(rate(64 * MIB));
    let mut queue: VecDeque<(Option<Instant>, u64)> = VecDeque::new();
    let (mut took, mut moved) = (Vec::new(), 0);
    for millis in 0..seconds * 1000 {
        let now = at(millis);
        if millis % (4000 / REQUESTS) == 0 {
            queue.extend([(Some(now), REQUEST); 4]);
        }
        while background(&mut budget, now) {
            budget.spend(now, CHUNK);
            moved += if millis >= seconds * 500 { CHUNK } else { 0 };
            queue.push_back((None, CHUNK));
        }
        let mut left = CAPACITY / 1000;
        while let Some((began, bytes)) = queue.front_mut() {
            let done = left.min(*bytes);
            (left, *bytes) = (left - done, *bytes - done);
            if *bytes > 0 {
                break;
            }
            if let Some(began) = began {
                let waited = at(millis + 1).since(*began);
                budget.finished(now, Foreground::Put, waited);
                if millis >= seconds * 500 {
                    took.push(waited);
                }
            }
            queue.pop_front();
        }
        budget.settle(now);
    }
    took.sort_unstable();
    let p99 = took[took.len() * 99 / 100];
    Outcome { p99, background: moved * 2 / seconds }
}

#[test]
fn requests_stay_about_twice_as_slow_while_background_work_gets_what_is_left() {
    let alone = run(240, |_, _| false);
    let budgeted = run(240, |budget, now| {
        budget.woken();
        budget.allows(now)
    });
    // As much as the ceiling lets through, whatever requests have to say.
    let mut sent = 0;
    let unbounded = run(240, |_, now| {
        let may = sent + CHUNK <= now.as_micros() * 64 * MIB / 1_000_000;
        sent += if may { CHUNK } else { 0 };
        may
    });
    assert!(budgeted.p99 <= alone.p99 * 3, "{:?} against {:?}", budgeted.p99, alone.p99);
    assert!(unbounded.p99 > alone.p99 * 10, "{:?} against {:?}", unbounded.p99, alone.p99);
    assert!(budgeted.background >= 10 * MIB, "{}", budgeted.background);
}
