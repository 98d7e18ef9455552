use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn open(rate: u32) -> (Instant, Pace) {
    let start = Instant::now();
    let window = Window { from: start + SECOND, to: start + 3 * SECOND };
    let rate = NonZeroU32::new(rate).expect("not zero");
    (start, Pace::Open(window, Arrivals::new(start, rate)))
}

#[test]
fn moments_are_evenly_spread_and_do_not_wait_for_anybody() {
    for rate in [1, 3, 7, 1000, 999_983] {
        let (start, pace) = open(rate);
        let due: Vec<Instant> = std::iter::from_fn(|| pace.next(start)).collect();
        assert_eq!(due.len(), 3 * rate as usize, "{rate}");
        let counted = due.iter().filter(|due| pace.window().has(**due)).count();
        assert_eq!(pace.expected(), Some(counted as u64), "{rate}");
        assert_eq!(counted, 2 * rate as usize, "{rate}");
        let step = SECOND / rate;
        for pair in due.windows(2) {
            assert!((pair[1] - pair[0]).abs_diff(step) <= Duration::from_nanos(1), "{rate}");
        }
    }
}

#[test]
fn a_batch_takes_what_is_due_and_no_more() {
    let (start, pace) = open(10);
    let now = start + Duration::from_millis(350);
    let taken: Vec<Instant> = std::iter::from_fn(|| pace.next_due(now)).collect();
    let moments: Vec<u128> = taken.iter().map(|due| (*due - start).as_millis()).collect();
    assert_eq!(moments, [0, 100, 200, 300]);
    assert_eq!(pace.next(now), Some(start + Duration::from_millis(400)));
}

#[test]
fn nothing_is_sent_once_the_window_has_closed() {
    let (_, pace) = open(10);
    let to = pace.window().to;
    assert_eq!(pace.next(to), None);
    let closed = Pace::Closed(pace.window());
    assert_eq!(closed.next(to), None);
    let before = to.checked_sub(Duration::from_nanos(1)).expect("later than its start");
    assert_eq!(closed.next(before), Some(before));
}

#[test]
fn once_is_as_often_as_there_are_keys() {
    let (now, pace) = open(10);
    let once = Pace::Once { window: pace.window(), left: AtomicU64::new(3) };
    assert_eq!((once.next(now), once.next_due(now)), (Some(now), Some(now)));
    assert_eq!((once.next(now), once.next(now)), (Some(now), None));
}
