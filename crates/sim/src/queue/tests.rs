use super::*;

#[test]
fn events_come_by_time_and_then_in_the_order_of_their_announcement() {
    let mut queue = Queue::new();
    for (at, event) in [(5, "c"), (1, "a"), (5, "d"), (1, "b"), (9, "late")] {
        queue.push(Instant::from_micros(at), event);
    }
    let until = Instant::from_micros(5);
    let order: Vec<_> = std::iter::from_fn(|| queue.pop(until)).map(|(_, event)| event).collect();
    assert_eq!(order, ["a", "b", "c", "d"]);
    assert_eq!(queue.len(), 1);
}
