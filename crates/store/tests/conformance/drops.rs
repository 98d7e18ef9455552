//! Dropping a range of keys.

use bytes::Bytes;
use stator_core::store::{Batch, Keyspace, Store};

use crate::engines::{everything, keys, on_each, puts, range};

#[test]
fn a_dropped_range_is_gone_and_its_neighbours_stay() {
    on_each(|engine| {
        let store = engine.open();
        let before = puts(&[("a", "1"), ("b", "1"), ("b\u{7f}", "1"), ("bz", "1"), ("c", "1")]);
        store.write(vec![before]).expect("written");
        store.drop_range(Keyspace::Objects, &range(b"b", b"b")).expect("dropped");
        assert_eq!(keys(&*store, &everything(), 10), ["a", "c"]);
        store.drop_range(Keyspace::Objects, &range(b"z", b"a")).expect("an empty range");
        assert_eq!(keys(&*store, &everything(), 10), ["a", "c"]);
    });
}

#[test]
fn dropping_leaves_other_keyspaces_alone() {
    on_each(|engine| {
        let store = engine.open();
        let mut batch = Batch::new();
        for keyspace in Keyspace::ALL {
            batch.put(keyspace, "key".into(), "value".into());
        }
        store.write(vec![batch]).expect("written");
        store.drop_range(Keyspace::Hints, &everything()).expect("dropped");
        let left = Keyspace::ALL.map(|space| store.get(space, b"key").expect("readable").is_some());
        assert_eq!(left, [true, false, true]);
    });
}

#[test]
fn a_range_of_many_keys_is_dropped_whole_and_stays_dropped() {
    const KEYS: u32 = 5000;
    on_each(|engine| {
        let store = engine.open();
        fill(&*store, KEYS);
        let (from, to) = (10_u32.to_be_bytes(), (KEYS - 11).to_be_bytes());
        store.drop_range(Keyspace::Objects, &range(&from, &to)).expect("dropped");
        assert_eq!(count(&*store), 20);
        store.sync().expect("synced");
        drop(store);
        let store = engine.open();
        assert_eq!(count(&*store), 20);
        fill(&*store, KEYS);
        assert_eq!(count(&*store), KEYS as usize);
    });
}

fn fill(store: &dyn Store, keys: u32) {
    let mut batch = Batch::new();
    for number in 0..keys {
        let key = Bytes::copy_from_slice(&number.to_be_bytes());
        batch.put(Keyspace::Objects, key, "value".into());
    }
    store.write(vec![batch]).expect("written");
    store.sync().expect("synced");
}

fn count(store: &dyn Store) -> usize {
    store.scan(Keyspace::Objects, &everything(), usize::MAX).expect("scanned").len()
}
