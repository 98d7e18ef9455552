//! Scans: order, limits and the inclusive prefix at their end.

use stator_core::store::{Batch, Keyspace, Store};

use crate::engines::{everything, keys, on_each, pair, puts, range};

fn fill(store: &dyn Store) {
    store
        .write(vec![puts(&[("b", "2"), ("a", "1"), ("ba", "3"), ("c", "5"), ("bz", "4")])])
        .expect("written");
}

#[test]
fn entries_come_in_key_order_with_their_values() {
    on_each(|engine| {
        let store = engine.open();
        fill(&*store);
        let items = store.scan(Keyspace::Objects, &everything(), 100).expect("scanned");
        let found: Vec<_> = items.into_iter().map(pair).collect();
        let expected = [("a", "1"), ("b", "2"), ("ba", "3"), ("bz", "4"), ("c", "5")];
        let expected: Vec<_> =
            expected.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        assert_eq!(found, expected);
    });
}

#[test]
fn a_key_that_begins_with_the_end_still_belongs() {
    on_each(|engine| {
        let store = engine.open();
        fill(&*store);
        assert_eq!(keys(&*store, &range(b"a", b"b"), 100), ["a", "b", "ba", "bz"]);
        assert_eq!(keys(&*store, &range(b"b", b"b"), 100), ["b", "ba", "bz"]);
        assert_eq!(keys(&*store, &range(b"ba", b"bb"), 100), ["ba"]);
    });
}

#[test]
fn a_limit_cuts_and_the_scan_goes_on_behind_the_last_key() {
    on_each(|engine| {
        let store = engine.open();
        fill(&*store);
        assert_eq!(keys(&*store, &everything(), 2), ["a", "b"]);
        assert_eq!(keys(&*store, &range(b"b\x00", b""), 2), ["ba", "bz"]);
        assert_eq!(keys(&*store, &range(b"bz\x00", b""), 2), ["c"]);
        assert!(keys(&*store, &everything(), 0).is_empty());
    });
}

#[test]
fn an_empty_range_is_no_error() {
    on_each(|engine| {
        let store = engine.open();
        fill(&*store);
        assert!(keys(&*store, &range(b"c", b"a"), 10).is_empty());
        assert!(keys(&*store, &range(b"bb", b"bb"), 10).is_empty());
        assert!(keys(&*store, &range(b"x", b"z"), 10).is_empty());
    });
}

#[test]
fn an_end_of_ff_bytes_is_no_end() {
    on_each(|engine| {
        let store = engine.open();
        let all: [&[u8]; 5] = [b"\xfe", b"\xff", b"\xff\x00", b"\xff\xff", b"\xff\xff\xff"];
        let mut batch = Batch::new();
        for key in all {
            batch.put(Keyspace::Objects, key.into(), key.into());
        }
        store.write(vec![batch]).expect("written");
        for (from, to, first) in
            [(&b""[..], &b"\xff"[..], 0), (b"\xff", b"\xff\xff", 1), (b"\xff\x01", b"\xff", 3)]
        {
            let found = store.scan(Keyspace::Objects, &range(from, to), 100).expect("scanned");
            let found: Vec<_> = found.into_iter().map(|item| pair(item).0).collect();
            assert_eq!(found, all[first..], "{from:?} to {to:?}");
        }
        let found = store.scan(Keyspace::Objects, &range(b"", b"\xfe\xff"), 100).expect("scanned");
        assert_eq!(found.len(), 1);
    });
}

#[test]
fn a_scan_sees_replaced_and_deleted_keys_as_they_are_now() {
    on_each(|engine| {
        let store = engine.open();
        fill(&*store);
        let mut batch = puts(&[("a", "new")]);
        batch.delete(Keyspace::Objects, "b".into());
        store.write(vec![batch]).expect("written");
        let found = store.scan(Keyspace::Objects, &everything(), 2).expect("scanned");
        let found: Vec<_> = found.into_iter().map(pair).collect();
        assert_eq!(found, [("a".into(), "new".into()), ("ba".into(), "3".into())]);
    });
}
