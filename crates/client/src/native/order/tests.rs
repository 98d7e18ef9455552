use std::time::Duration;

use stator_wire::secret::{ClientKey, Secret};

use super::*;
use crate::native::chart::tests::{chart, node, object};

struct Bench {
    chart: Chart,
    pool: Pool,
    latencies: Latencies,
}

impl Bench {
    fn new() -> Self {
        let pool = Pool::new(ClientKey::derive(&Secret::new(*b"")));
        Self { chart: chart(), pool, latencies: Latencies::default() }
    }

    fn order(&self, first: Option<NodeId>) -> Vec<NodeId> {
        let Self { chart, pool, latencies } = self;
        let judge = Judge { chart, pool, latencies };
        judge.order(chart.preference(&object("carts", "k")), first)
    }

    fn answers_within(&self, node: NodeId, time: Duration) {
        let call = self.latencies.begin(node);
        std::thread::sleep(time);
        call.was_answered();
    }
}

#[test]
fn the_fastest_primary_comes_first_and_others_after_all_primaries() {
    let bench = Bench::new();
    for (number, millis) in [(3, 30), (1, 15), (5, 1), (2, 0), (4, 0)] {
        bench.answers_within(node(number), Duration::from_millis(millis));
    }
    let order = bench.order(None);
    assert_eq!(order[..3], [node(5), node(1), node(3)]);
    assert_eq!(order.len(), 5);
}

#[test]
fn a_node_of_which_nothing_is_known_is_tried() {
    let bench = Bench::new();
    bench.answers_within(node(3), Duration::from_millis(1));
    bench.answers_within(node(5), Duration::from_millis(1));
    assert_eq!(bench.order(None)[0], node(1));
}

#[test]
fn a_write_goes_to_whoever_answered_the_read() {
    let bench = Bench::new();
    bench.answers_within(node(5), Duration::from_millis(20));
    assert_ne!(bench.order(None)[0], node(5));
    let order = bench.order(Some(node(5)));
    assert_eq!(order[0], node(5));
    assert_eq!(order.len(), 5);
    let order = bench.order(Some(node(2)));
    assert_ne!(order[0], node(2), "it is no replica any more");
}

#[test]
fn who_is_suspected_comes_after_the_other_primaries_whatever_it_has_answered() {
    let mut bench = Bench::new();
    for number in [1, 3] {
        bench.answers_within(node(number), Duration::from_millis(5));
    }
    bench.chart = chart().suspecting(node(5));
    assert_eq!(bench.order(Some(node(5)))[2], node(5));
}

#[test]
fn readers_are_remembered_by_key() {
    let readers = Readers::default();
    let (one, other) = (object("b", "one").token(), object("b", "other").token());
    readers.answered(one, node(1));
    readers.answered(other, node(2));
    assert_eq!((readers.of(one), readers.of(other)), (Some(node(1)), Some(node(2))));
    // A key that takes the place of another is not taken for it.
    let same_place = Token::new(one.get() ^ (1 << 100));
    assert_eq!(readers.of(same_place), None);
    readers.answered(same_place, node(3));
    assert_eq!(readers.of(one), None);
}

#[test]
fn chance_takes_everybody_once_and_each_first_at_times() {
    let Bench { chart, pool, latencies } = &Bench::new();
    let judge = Judge { chart, pool, latencies };
    let mut firsts = std::collections::BTreeSet::new();
    for _ in 0..500 {
        let order = judge.shuffled();
        assert_eq!(order.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
        firsts.insert(order[0]);
    }
    assert_eq!(firsts.len(), 5);
}
