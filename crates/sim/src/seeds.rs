//! Many seeds at once: each is worked on by one thread, as many at a time as the machine has cores,
//! and results are handed over in the order of the seeds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// Works on every seed, and lets `take` have each result as soon as those of all seeds before it are
/// there.
pub fn in_order<T: Send>(
    seeds: Range<u64>,
    work: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(T),
) {
    let (next, work) = (AtomicU64::new(seeds.start), &work);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    sender.send((seed, work(seed))).expect("the receiver outlives the workers");
                }
            });
        }
        drop(sender);
        let (mut early, mut due) = (BTreeMap::new(), seeds.start);
        for (seed, result) in results {
            early.insert(seed, result);
            while let Some(result) = early.remove(&due) {
                take(result);
                due += 1;
            }
        }
    });
}

/// The range of seeds that this text names, as `A..B`; B is excluded.
pub fn range(text: &str) -> Result<Range<u64>, String> {
    let bounds =
        text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    bounds.filter(|range| !range.is_empty()).ok_or_else(|| {
        format!("{text:?} is no range of seeds: write two numbers, the first below the second, as 0..100")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_two_numbers_the_first_below_the_second() {
        assert_eq!(range("3..7"), Ok(3..7));
        for text in ["7..3", "3..3", "3", "..", "a..b", "0..-1"] {
            assert!(range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn results_come_in_the_order_of_seeds_whoever_is_done_first() {
        let mut taken = Vec::new();
        let slow_if_even = |seed: u64| {
            (0..(seed + 1) % 2 * 10_000).for_each(|_| std::thread::yield_now());
            seed
        };
        in_order(3..20, slow_if_even, |seed| taken.push(seed));
        assert_eq!(taken, (3..20).collect::<Vec<_>>());
    }
}
