use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::*;

fn plan(conns: usize, keys: u32) -> Arc<LoadPlan> {
    Arc::new(LoadPlan {
        endpoints: vec!["127.0.0.1:1".parse().expect("an endpoint")],
        conns: NonZeroUsize::new(conns).expect("not zero"),
        value_size: 1,
        keys: NonZeroU32::new(keys).expect("not zero"),
        mix: "put".parse().expect("a mix"),
        bucket: "b".to_owned(),
        warm_up: Duration::ZERO,
        duration: Duration::ZERO,
    })
}

#[test]
fn each_key_has_one_writer() {
    for (conns, keys) in [(4, 10), (3, 3), (8, 5), (1, 7)] {
        let plan = plan(conns, keys);
        let mut owned: Vec<u32> = (0..conns)
            .flat_map(|number| {
                let worker = Worker::new(plan.clone(), "k".into(), number);
                (0..worker.contexts.len()).map(|place| worker.own(place)).collect::<Vec<_>>()
            })
            .collect();
        owned.sort_unstable();
        assert_eq!(owned, (0..keys).collect::<Vec<_>>(), "{conns} connections, {keys} keys");
    }
}

#[test]
fn numbers_drawn_stay_below_their_bound_and_reach_all() {
    let mut random = SplitMix(1);
    let mut seen = [false; 7];
    for _ in 0..1000 {
        seen[random.below(7) as usize] = true;
    }
    assert_eq!(seen, [true; 7]);
}
