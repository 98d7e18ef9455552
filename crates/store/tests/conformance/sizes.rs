//! Small, large and too large.

use bytes::Bytes;
use stator_core::store::{Batch, Keyspace, MAX_STORE_KEY, Store, StoreError};

use crate::engines::{everything, on_each, pair, range};

const MIB: usize = 1024 * 1024;

fn patterned(length: usize) -> Bytes {
    (0..length).map(|place| (place % 251) as u8).collect()
}

fn write(store: &dyn Store, key: Bytes, value: Bytes) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    batch.put(Keyspace::Objects, key, value);
    store.write(vec![batch])
}

#[test]
fn values_of_every_size_come_back_as_they_were() {
    const SIZES: [usize; 8] = [0, 1, 1019, 1020, 1021, 65_536, MIB, 9 * MIB];
    on_each(|engine| {
        let store = engine.open();
        for (number, size) in SIZES.into_iter().enumerate() {
            write(&*store, vec![number as u8].into(), patterned(size)).expect("written");
        }
        store.sync().expect("synced");
        drop(store);
        let store = engine.open();
        for (number, size) in SIZES.into_iter().enumerate() {
            let found = store.get(Keyspace::Objects, &[number as u8]).expect("readable");
            assert_eq!(found.as_ref(), Some(&patterned(size)), "{size} bytes");
        }
        let items = store.scan(Keyspace::Objects, &everything(), 100).expect("scanned");
        let sizes: Vec<_> = items.into_iter().map(|item| pair(item).1.len()).collect();
        assert_eq!(sizes, SIZES);
    });
}

#[test]
fn a_key_of_the_greatest_length_is_taken() {
    on_each(|engine| {
        let store = engine.open();
        let key = Bytes::from(vec![0xff; MAX_STORE_KEY]);
        write(&*store, key.clone(), "value".into()).expect("written");
        assert_eq!(store.get(Keyspace::Objects, &key).expect("readable"), Some("value".into()));
        let from_there = range(&key, &key);
        assert_eq!(store.scan(Keyspace::Objects, &from_there, 2).expect("scanned").len(), 1);
        let just_after = range(&[&key[..], &[0]].concat(), &key);
        assert!(store.scan(Keyspace::Objects, &just_after, 2).expect("scanned").is_empty());
    });
}

#[test]
fn keys_that_no_engine_can_hold_are_refused_and_their_batches_not_written() {
    on_each(|engine| {
        let store = engine.open();
        for length in [0, MAX_STORE_KEY + 1, 65_536, MIB] {
            let key = Bytes::from(vec![1; length]);
            let mut batch = Batch::new();
            batch.put(Keyspace::Objects, "beside".into(), "value".into());
            batch.delete(Keyspace::Objects, key.clone());
            refused(store.write(vec![batch]), length);
            refused(write(&*store, key.clone(), Bytes::new()), length);
            refused(store.get(Keyspace::Objects, &key), length);
        }
        for length in [MAX_STORE_KEY + 2, MIB] {
            let bound = vec![1; length];
            refused(store.scan(Keyspace::Objects, &range(&bound, b""), 1).map(drop), length);
            refused(store.scan(Keyspace::Objects, &range(b"", &bound), 1).map(drop), length);
            refused(store.drop_range(Keyspace::Objects, &range(&bound, b"")), length);
        }
        assert_eq!(store.get(Keyspace::Objects, b"beside"), Ok(None));
        write(&*store, "after".into(), "value".into()).expect("a refusal does not poison");
    });
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>, length: usize) {
    match outcome {
        Err(StoreError::Engine(text)) => {
            assert!(text.contains(&format!("{length} bytes")), "{text}");
        }
        other => panic!("a key of {length} bytes: {other:?}"),
    }
}
