//! What the budget promises, and how it does on a disk that slows down with its load.

mod plant;

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MIB: u64 = 1 << 20;

fn at(millis: u64) -> Instant {
    Instant::default().after(Duration::from_millis(millis))
}

fn rate(bytes: u64) -> BytesPerSecond {
    BytesPerSecond::new(bytes).expect("not 0")
}

/// A second in which so many requests of either kind each took so long.
fn second(budget: &mut Budget, from: u64, requests: u64, took: Duration) -> Option<Change> {
    let mut change = None;
    for number in 0..requests {
        let now = at(from + number * 1000 / requests);
        budget.finished(now, Foreground::Get, took);
        budget.finished(now, Foreground::Put, took * 2);
        change = change.or(budget.settle(now));
    }
    change.or(budget.settle(at(from + 1000)))
}

/// Something that happens to a budget.
#[derive(Clone, Debug)]
enum Act {
    Pass(u64),
    Finish(Foreground, u64),
    Spend(u64),
    Read(u64),
    Woken,
}

fn act() -> impl Strategy<Value = Act> {
    let kind = prop_oneof![Just(Foreground::Get), Just(Foreground::Put)];
    prop_oneof![
        3 => (0_u64..3_000).prop_map(Act::Pass),
        4 => (kind, 0_u64..10_000_000).prop_map(|(kind, took)| Act::Finish(kind, took)),
        4 => (0..MIB).prop_map(Act::Spend),
        1 => (0..MIB).prop_map(Act::Read),
        2 => Just(Act::Woken),
    ]
}

proptest! {
    /// Whatever happens: the allowance stays within its bounds, and no more is spent than it
    /// gives, but for one burst and the debt of one who was allowed to spend.
    #[test]
    fn the_allowance_stays_within_bounds_and_no_more_is_spent(
        ceiling in 1..200 * MIB,
        acts in prop::collection::vec(act(), 0..400),
    ) {
        let mut budget = Budget::new(rate(ceiling));
        let floor = ceiling.min(BytesPerSecond::FLOOR.get());
        let (mut now, mut earned, mut spent) = (0, i128::from(ceiling.div_ceil(4)), 0_i128);
        let mut largest = 0;
        for act in acts {
            match act {
                Act::Pass(millis) => {
                    earned += i128::from(budget.allowance().get()) * i128::from(millis) / 1000 + 1;
                    now += millis;
                }
                Act::Finish(kind, micros) => {
                    budget.finished(at(now), kind, Duration::from_micros(micros));
                }
                // No larger than the debt that is not forgiven.
                Act::Spend(bytes) if budget.allows(at(now)) => {
                    let bytes = bytes.min(floor);
                    largest = largest.max(bytes);
                    budget.spend(at(now), bytes);
                    spent += i128::from(bytes);
                }
                Act::Read(bytes) => {
                    let bytes = bytes.min(budget.room(at(now)));
                    budget.spend(at(now), bytes);
                    spent += i128::from(bytes);
                }
                Act::Woken => budget.woken(),
                Act::Spend(_) => {}
            }
            prop_assert!(spent <= earned + i128::from(largest), "{spent} of {earned}");
            budget.settle(at(now));
            prop_assert!((floor..=ceiling).contains(&budget.allowance().get()));
        }
        prop_assert_eq!(i128::from(budget.spent()), spent);
    }

    /// However slow requests have been: once they are as fast as before, the ceiling is reached
    /// again within a minute.
    #[test]
    fn it_comes_back_once_requests_are_fast_again(
        ceiling in 1..200 * MIB,
        slow in prop::collection::vec(1_u64..5_000, 0..60),
        requests in 20_u64..40,
    ) {
        let mut budget = Budget::new(rate(ceiling));
        let usual = Duration::from_millis(2);
        second(&mut budget, 0, requests, usual);
        let mut now = 1000;
        for millis in slow {
            second(&mut budget, now, requests, Duration::from_millis(millis));
            now += 1000;
        }
        for _ in 0..60 {
            second(&mut budget, now, requests, usual);
            now += 1000;
        }
        prop_assert_eq!(budget.allowance(), rate(ceiling));
    }

    /// Who is refused is always woken, soon enough, and then finds something.
    #[test]
    fn who_waits_is_woken_and_served(ceiling in 1..200 * MIB, debt in 0..64 * MIB) {
        let mut budget = Budget::new(rate(ceiling));
        budget.spend(at(0), budget.allowance().get() / 4 + 1 + debt);
        prop_assert!(!budget.allows(at(1)));
        let wakes = budget.wake_at(at(1)).expect("somebody waits");
        prop_assert!(budget.wake_at(at(2)).is_none(), "one timer is enough");
        prop_assert!(wakes.since(at(1)) <= LONGEST_DEBT + SLICE * 2);
        budget.woken();
        prop_assert!(budget.allows(wakes));
    }
}

#[test]
fn slow_requests_halve_it_and_it_is_told_once() {
    let mut budget = Budget::new(rate(64 * MIB));
    let usual = Duration::from_millis(2);
    for number in 0..40 {
        second(&mut budget, number * 1000, 50, usual);
    }
    assert_eq!(budget.allowance(), rate(64 * MIB));
    budget.spend(at(40_500), 64 * MIB);
    let told = second(&mut budget, 40_000, 50, Duration::from_millis(20));
    assert_eq!(told, Some(Change::Cut(rate(32 * MIB))));
    budget.spend(at(41_500), 32 * MIB);
    assert_eq!(second(&mut budget, 41_000, 50, Duration::from_millis(20)), None);
    assert_eq!(budget.allowance(), rate(16 * MIB));
    let told: Vec<Change> =
        (42..90).filter_map(|s| second(&mut budget, s * 1000, 50, usual)).collect();
    assert_eq!(told, [Change::Restored]);
}

#[test]
fn it_comes_back_little_by_little_and_is_told_at_the_end() {
    let mut budget = Budget::new(rate(64 * MIB));
    let usual = Duration::from_millis(2);
    assert!((0..40).all(|number| second(&mut budget, number * 1000, 50, usual).is_none()));
    budget.spend(at(40_500), 64 * MIB);
    second(&mut budget, 40_000, 50, Duration::from_millis(20));
    for number in 41..90 {
        let before = budget.allowance().get();
        let change = second(&mut budget, number * 1000, 50, usual);
        let allowance = budget.allowance();
        assert!(allowance.get() <= before + before / 4, "{before} and then {allowance:?}");
        assert_eq!(change.is_some(), before < allowance.get() && allowance == rate(64 * MIB));
    }
    assert_eq!(budget.allowance(), rate(64 * MIB));
}

/// Requests became slower, and not because of background work: it is not held down for that.
#[test]
fn what_is_slow_without_background_work_becomes_usual() {
    let mut budget = Budget::new(rate(64 * MIB));
    second(&mut budget, 0, 50, Duration::from_millis(2));
    let slower = Duration::from_millis(30);
    for number in 1..20 {
        second(&mut budget, number * 1000, 50, slower);
    }
    assert!(budget.allowance() < rate(8 * MIB), "{:?}", budget.allowance());
    for number in 20..120 {
        second(&mut budget, number * 1000, 50, slower);
    }
    assert_eq!(budget.allowance(), rate(64 * MIB));
}

/// One kind of request alone is enough to see it.
#[test]
fn slow_puts_are_not_hidden_by_fast_gets() {
    let mut budget = Budget::new(rate(64 * MIB));
    let mut turn = |number: u64, put: u64| {
        for sample in 0..500 {
            let now = at(number * 1000 + sample);
            budget.finished(now, Foreground::Get, Duration::from_millis(1));
            if sample % 20 == 0 {
                budget.finished(now, Foreground::Put, Duration::from_millis(put));
            }
        }
        if number >= 20 {
            budget.spend(at(number * 1000 + 600), 8 * MIB);
        }
        budget.settle(at((number + 1) * 1000))
    };
    let _ = turn(0, 5);
    assert!((1..30).all(|number| turn(number, 5).is_none()));
    assert!(matches!(turn(30, 50), Some(Change::Cut(_))));
}

/// Nobody asks for anything: background work has the node to itself within seconds.
#[test]
fn without_requests_it_doubles() {
    let mut budget = Budget::new(rate(64 * MIB));
    assert_eq!(budget.allowance(), BytesPerSecond::FLOOR);
    assert!((1..=8).all(|second| budget.settle(at(second * 1001)).is_none()));
    assert_eq!(budget.allowance(), rate(64 * MIB));
}
