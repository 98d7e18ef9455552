//! Batches: their order, and when they are visible.

use bytes::Bytes;
use stator_core::store::{Batch, Keyspace};

use crate::engines::{bytes, everything, get, keys, on_each, puts};

#[test]
fn an_empty_store_has_nothing() {
    on_each(|engine| {
        let store = engine.open();
        assert_eq!(get(&*store, "a"), None);
        assert!(keys(&*store, &everything(), 10).is_empty());
        assert_eq!(store.stats().approximate_objects, 0);
    });
}

#[test]
fn a_write_is_visible_before_its_sync() {
    on_each(|engine| {
        let store = engine.open();
        store.write(vec![puts(&[("a", "1")])]).expect("written");
        assert_eq!(get(&*store, "a").as_deref(), Some("1"));
        assert_eq!(store.stats().syncs, 0);
        store.sync().expect("synced");
        assert_eq!(get(&*store, "a").as_deref(), Some("1"));
        assert_eq!(store.stats().syncs, 1);
    });
}

#[test]
fn changes_within_a_batch_apply_in_their_order() {
    on_each(|engine| {
        let store = engine.open();
        let mut batch = puts(&[("a", "1"), ("a", "2"), ("gone", "1")]);
        batch.delete(Keyspace::Objects, bytes("gone"));
        batch.delete(Keyspace::Objects, bytes("back"));
        batch.append(puts(&[("back", "1")]));
        store.write(vec![batch]).expect("written");
        assert_eq!(get(&*store, "a").as_deref(), Some("2"));
        assert_eq!(get(&*store, "gone"), None);
        assert_eq!(get(&*store, "back").as_deref(), Some("1"));
    });
}

#[test]
fn batches_of_one_write_apply_in_their_order() {
    on_each(|engine| {
        let store = engine.open();
        let mut removal = Batch::new();
        removal.delete(Keyspace::Objects, bytes("gone"));
        let batches = vec![
            puts(&[("a", "1"), ("gone", "1")]),
            puts(&[("a", "2")]),
            removal,
            puts(&[("a", "3")]),
        ];
        store.write(batches).expect("written");
        assert_eq!(get(&*store, "a").as_deref(), Some("3"));
        assert_eq!(get(&*store, "gone"), None);
    });
}

#[test]
fn writes_apply_in_their_order() {
    on_each(|engine| {
        let store = engine.open();
        for value in ["1", "2", "3"] {
            store.write(vec![puts(&[("a", value)])]).expect("written");
        }
        assert_eq!(get(&*store, "a").as_deref(), Some("3"));
    });
}

#[test]
fn keyspaces_do_not_mix() {
    on_each(|engine| {
        let store = engine.open();
        let mut batch = Batch::new();
        for keyspace in Keyspace::ALL {
            batch.put(keyspace, bytes("key"), bytes(keyspace.name()));
        }
        batch.delete(Keyspace::Hints, bytes("key"));
        store.write(vec![batch]).expect("written");
        for (keyspace, expected) in [
            (Keyspace::Objects, Some("objects")),
            (Keyspace::Hints, None),
            (Keyspace::Meta, Some("meta")),
        ] {
            let found = store.get(keyspace, b"key").expect("readable");
            assert_eq!(found, expected.map(bytes));
            let scanned = store.scan(keyspace, &everything(), 10).expect("scanned");
            assert_eq!(scanned.len(), usize::from(expected.is_some()));
        }
    });
}

#[test]
fn deleting_what_is_not_there_changes_nothing() {
    on_each(|engine| {
        let store = engine.open();
        let mut batch = Batch::new();
        batch.delete(Keyspace::Objects, bytes("none"));
        store.write(vec![batch, Batch::new()]).expect("written");
        store.write(Vec::new()).expect("nothing to write");
        assert!(keys(&*store, &everything(), 10).is_empty());
    });
}

#[test]
fn a_stored_value_does_not_hold_on_to_the_buffer_it_came_in() {
    on_each(|engine| {
        let store = engine.open();
        let frame = Bytes::from(vec![7; 1 << 16]);
        let mut batch = Batch::new();
        batch.put(Keyspace::Objects, frame.slice(..8), frame.slice(100..200));
        store.write(vec![batch]).expect("written");
        assert!(frame.is_unique(), "the store keeps 64 KiB for an object of 108 bytes");
    });
}
