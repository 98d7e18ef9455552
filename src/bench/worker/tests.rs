use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use super::*;
use crate::bench::pace::{Arrivals, Window};
use crate::cli::Distribution;

const SECOND: Duration = Duration::from_secs(1);

/// The runtime's own time, which stands still but for sleeps.
struct PausedClock;

impl Clock for PausedClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    async fn until(&mut self, at: Instant) {
        if at > self.now() {
            tokio::time::sleep_until(at.into()).await;
        }
    }
}

/// A server that answers at once, but for a second in which it answers nothing.
#[derive(Clone)]
struct Stalling {
    stall: Window,
    asked: Arc<Mutex<Vec<Operation>>>,
    has: Arc<Mutex<BTreeSet<u32>>>,
}

impl Door for Stalling {
    async fn carry_out(&mut self, batch: &mut [Operation]) {
        let mut clock = PausedClock;
        if self.stall.has(clock.now()) {
            clock.until(self.stall.to).await;
        }
        self.asked.lock().expect("no panic").extend(batch.iter().cloned());
        let mut has = self.has.lock().expect("no panic");
        for operation in batch {
            let outcome = match operation.task {
                Task::Look if !has.contains(&operation.key) => Err("get: not found".into()),
                Task::Put(_) if operation.key == 13 => Err("put 503".into()),
                Task::Put(_) => {
                    has.insert(operation.key);
                    Ok(())
                }
                _ => Ok(()),
            };
            operation.answer = Some((clock.now(), outcome));
        }
    }
}

fn stalling(stall: Window) -> Stalling {
    Stalling { stall, asked: Arc::default(), has: Arc::default() }
}

fn work(mix: &str, pipeline: usize) -> Arc<Work> {
    let keys = NonZeroU32::new(12).expect("not zero");
    Arc::new(Work {
        mix: mix.parse().expect("a mix"),
        keys: Keys::new(keys, Distribution::Sequential, 0.0),
        values: Values::new(ValueSize { min: 3, max: 5 }),
        pipeline,
        slot: SECOND,
    })
}

/// From the first second to the sixth, with a stall in the third.
fn times() -> (Instant, Window, Window) {
    let start = PausedClock.now();
    let window = Window { from: start + SECOND, to: start + 6 * SECOND };
    (start, window, Window { from: start + 3 * SECOND, to: start + 4 * SECOND })
}

async fn run(pace: Pace, door: &Stalling, workers: u64, pipeline: usize) -> Tally {
    let (pace, work) = (Arc::new(pace), work("50/50", pipeline));
    let worker = |number| Worker::new(work.clone(), door.clone(), PausedClock, number);
    let running = (0..workers).map(|number| worker(number).run(pace.clone()));
    let mut whole = Tally::default();
    for tally in futures_util::future::join_all(running).await {
        whole.absorb(&tally);
    }
    whole
}

fn slower_than(tally: &Tally, millis: u64) -> u64 {
    let slow = |histogram: &hdrhistogram::Histogram<u64>| {
        histogram.len() - histogram.count_between(0, millis * 1000)
    };
    tally.parts().iter().map(|(_, histogram)| slow(histogram)).sum()
}

#[tokio::test(start_paused = true)]
async fn in_the_open_loop_a_stall_shows_in_every_request_that_was_due_meanwhile() {
    for (workers, pipeline) in [(1, 1), (4, 1), (4, 16), (2000, 1)] {
        let (start, window, stall) = times();
        let rate = NonZeroU32::new(1000).expect("not zero");
        let pace = Pace::Open(window, Arrivals::new(start, rate));
        let tally = run(pace, &stalling(stall), workers, pipeline).await;
        assert_eq!(tally.operations(), 5000, "{workers} workers");
        // They were due from 1000 ms to 1 ms before the stall ended.
        assert_eq!(slower_than(&tally, 2), 998, "{workers} workers");
        assert_eq!(slower_than(&tally, 501), 499, "{workers} workers");
        let longest = tally.puts.max().max(tally.gets.max());
        assert!((999_000..=1_001_000).contains(&longest), "{workers} workers: {longest}");
        let answered: Vec<u64> = tally.slots.iter().map(|slot| slot.latencies.len()).collect();
        assert_eq!(answered, [1000, 1000, 0, 2000, 1000], "{workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_closed_loop_it_shows_once_for_each_connection() {
    let (_, window, stall) = times();
    // Who answers at once is asked at once: something must take time.
    let slow = SlowDoor { door: stalling(stall), takes: Duration::from_millis(1) };
    let pace = Arc::new(Pace::Closed(window));
    let tally = Worker::new(work("put", 1), slow, PausedClock, 7).run(pace).await;
    assert_eq!(slower_than(&tally, 2), 1);
    assert!(tally.operations() > 3900, "{}", tally.operations());
}

struct SlowDoor {
    door: Stalling,
    takes: Duration,
}

impl Door for SlowDoor {
    async fn carry_out(&mut self, batch: &mut [Operation]) {
        tokio::time::sleep(self.takes).await;
        self.door.carry_out(batch).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_key_is_put_once_by_all_workers_together() {
    let (_, window, stall) = times();
    let door = stalling(stall);
    let pace = Arc::new(Pace::Once { window, left: AtomicU64::new(12) });
    let work = work("load", 5);
    for number in 0..3 {
        let worker = Worker::new(work.clone(), door.clone(), PausedClock, number);
        worker.run(pace.clone()).await;
    }
    let asked = door.asked.lock().expect("no panic");
    let keys: Vec<u32> = asked.iter().map(|operation| operation.key).collect();
    assert_eq!(keys, (0..12).collect::<Vec<_>>());
    assert!(asked.iter().all(|operation| matches!(operation.task, Task::Put(_))));
}

#[tokio::test(start_paused = true)]
async fn only_keys_that_are_not_there_are_stored_before() {
    let (_, _, stall) = times();
    let door = stalling(stall);
    door.has.lock().expect("no panic").extend([1, 3]);
    let mut worker = Worker::new(work("get", 2), door.clone(), PausedClock, 7);
    assert_eq!(worker.fill([1, 2, 3, 4, 13].into_iter()).await, 1);
    let asked = door.asked.lock().expect("no panic");
    let is_put = |operation: &&Operation| matches!(operation.task, Task::Put(_));
    let stored: Vec<u32> = asked.iter().filter(is_put).map(|operation| operation.key).collect();
    assert_eq!(stored, [2, 4, 13]);
}

#[test]
fn values_are_as_large_as_was_said_and_differ() {
    let values = Values::new(ValueSize { min: 3, max: 5 });
    let mut random = SmallRng::seed_from_u64(7);
    let drawn: Vec<Bytes> = (0..100).map(|_| values.next(&mut random)).collect();
    let sizes: BTreeSet<usize> = drawn.iter().map(Bytes::len).collect();
    assert_eq!(sizes, [3, 4, 5].into());
    assert!(drawn.iter().collect::<BTreeSet<_>>().len() > 90);
}
