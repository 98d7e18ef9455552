use bytes::Bytes;
use stator_core::identity::ActorId;
use stator_core::object::{BucketName, Key, ObjectKey};
use stator_core::version::Dot;

use super::*;

fn key() -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"b")).expect("a bucket");
    ObjectKey::new(bucket, Key::new(Bytes::from_static(b"k")).expect("a key"))
}

fn put(took: u64, result: Result<Answered, RequestError>) -> Observation {
    Observation::PutFinished { key: key(), took: Duration::from_micros(took), result }
}

fn get(took: u64, result: Result<u32, RequestError>) -> Observation {
    Observation::GetFinished { key: key(), took: Duration::from_micros(took), result }
}

fn observed(shards: &[&[Observation]]) -> NodeStats {
    let mut stats = NodeStats::default();
    for observations in shards {
        let counters = Counters::default();
        observations.iter().for_each(|observation| counters.observe(observation));
        counters.add_to(&mut stats);
    }
    stats
}

#[test]
fn shards_are_added_up_and_each_time_is_counted_once() {
    let done = Answered { primaries: 3, wanted: 3, existing: 3, ..Answered::default() };
    let first = [put(200, Ok(done)), get(90, Ok(1)), get(30_000, Ok(4))];
    let second = [put(400, Ok(done)), get(3_000_000, Err(RequestError::Overloaded))];
    let stats = observed(&[&first, &second]);
    assert_eq!((stats.puts, stats.gets, stats.gets_failed), (2, 2, 1));
    assert_eq!((stats.put_micros.count(), stats.put_micros.sum), (2, 600));
    assert_eq!((stats.get_micros.count(), stats.get_micros.sum), (3, 3_030_090));
    assert_eq!((stats.get_siblings.count(), stats.get_siblings.sum), (2, 5));
}

#[test]
fn a_shortfall_is_counted_by_its_reason_and_nothing_else_is_one() {
    let fallbacks = Answered { primaries: 1, fallbacks: 1, durable: 2, wanted: 3, existing: 3 };
    let small = Answered { primaries: 1, fallbacks: 0, durable: 1, wanted: 3, existing: 1 };
    let stats = observed(&[&[
        put(1, Ok(fallbacks)),
        put(1, Ok(small)),
        put(1, Err(RequestError::NotEnoughReplicas { needed: 2, reachable: 1 })),
        put(1, Err(RequestError::Indeterminate { needed: 2, acked: 1 })),
        put(1, Err(RequestError::Indeterminate { needed: 3, acked: 2 })),
        put(1, Err(RequestError::Overloaded)),
        get(1, Err(RequestError::NotEnoughReplicas { needed: 2, reachable: 1 })),
        get(1, Err(RequestError::ReadTimeout { needed: 2, answered: 1 })),
        get(1, Err(RequestError::ReadTimeout { needed: 2, answered: 0 })),
        get(1, Err(RequestError::Expired)),
    ]]);
    let expected = ShortfallStats {
        gets_unreachable: 1,
        gets_late: 2,
        puts_unreachable: 1,
        puts_late: 2,
        puts_on_fallbacks: 1,
        puts_on_fewer_nodes: 1,
    };
    assert_eq!(stats.shortfalls, expected);
    assert_eq!((stats.puts, stats.puts_refused, stats.puts_indeterminate), (2, 2, 2));
}

#[test]
fn siblings_are_counted_where_a_write_is_minted() {
    let dot = Dot { actor: ActorId::new(1), counter: 1 };
    let minted = |siblings| Observation::Minted { key: key(), dot, siblings };
    let stats = observed(&[&[minted(1), minted(1), minted(12)]]);
    assert_eq!(stats.minted, 3);
    assert_eq!((stats.put_siblings.counts[1], stats.put_siblings.sum), (2, 14));
}
