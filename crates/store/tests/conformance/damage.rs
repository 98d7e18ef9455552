//! Bit rot: damaged bytes are an error that names the key, or stop the store from opening. They
//! are never served, and what is intact beside them still is.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use stator_core::store::{Batch, KeyRange, Keyspace, ReadStore, Store, StoreError};
use stator_store::{FjallSettings, FjallStore, MemoryDisk};

use crate::engines::{everything, open_fjall, puts};

/// Checks that of `a`, `b` and `c` only `b` is reported as damaged.
fn assert_b_is_damaged(store: &impl Store) {
    let damaged = StoreError::Corrupt { keyspace: Keyspace::Objects, key: "62".into() };
    assert!(damaged.to_string().contains("62"));
    assert_eq!(store.get(Keyspace::Objects, b"b"), Err(damaged.clone()));
    let items = store.scan(Keyspace::Objects, &everything(), 10).expect("the scan goes on");
    let found: Vec<_> = items.into_iter().map(|item| (item.key, item.value)).collect();
    let expected =
        [("a".into(), Ok("1".into())), ("b".into(), Err(damaged)), ("c".into(), Ok("3".into()))];
    assert_eq!(found, expected);
}

#[test]
fn a_damaged_record_in_memory_is_an_error_that_names_its_key() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    store.write(vec![puts(&[("a", "1"), ("b", "2"), ("c", "3")])]).expect("written");
    disk.corrupt(Keyspace::Objects, b"b").expect("it is there");
    assert_b_is_damaged(&store);
}

#[test]
fn a_damaged_record_on_disk_is_an_error_that_names_its_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_fjall(dir.path());
    store.write(vec![puts(&[("a", "1"), ("b", "2"), ("c", "3")])]).expect("written");
    store.sync().expect("synced");
    drop(store);
    // The record of `a` turns up under `b`: whole, but not its own.
    with_engine(dir.path(), |objects| {
        let misplaced = objects.get("a").expect("readable").expect("there");
        objects.insert("b", misplaced).expect("written");
    });
    let store = open_fjall(dir.path());
    assert_b_is_damaged(&store);
    store.write(vec![puts(&[("b", "2")])]).expect("a write heals it");
    assert_eq!(store.get(Keyspace::Objects, b"b"), Ok(Some("2".into())));
    drop(store);
    with_engine(dir.path(), |objects| objects.insert("c", [1, 2]).expect("written"));
    let store = open_fjall(dir.path());
    assert!(matches!(store.get(Keyspace::Objects, b"c"), Err(StoreError::Corrupt { .. })));
    store.drop_range(Keyspace::Objects, &everything()).expect("damaged ones can be dropped");
    assert_eq!(store.get(Keyspace::Objects, b"c"), Ok(None));
}

/// Opens the objects behind the store's back.
fn with_engine(dir: &Path, act: impl FnOnce(&fjall::Keyspace)) {
    let database = Database::builder(dir).open().expect("opens");
    let objects = database.keyspace("objects", KeyspaceCreateOptions::default).expect("opens");
    act(&objects);
    database.persist(PersistMode::SyncAll).expect("synced");
}

const OBJECTS: u8 = 40;

/// Some inline, some in the value log.
fn value(number: u8) -> Bytes {
    vec![number; if number.is_multiple_of(2) { 300 } else { 3000 }].into()
}

/// A store whose objects are all in tables and in the value log, closed.
fn store_in_tables() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_fjall(dir.path());
    let mut batch = Batch::new();
    for number in 0..OBJECTS {
        batch.put(Keyspace::Objects, vec![number].into(), value(number));
    }
    store.write(vec![batch]).expect("written");
    store.sync().expect("synced");
    drop(store);
    flush(dir.path());
    dir
}

/// Writes all objects out to tables, and takes away the journal, whose replay would hide damage to
/// what it also holds.
fn flush(dir: &Path) {
    with_engine(dir, |objects| {
        objects.rotate_memtable_and_wait().expect("flushed");
    });
    for file in files_below(dir).filter(|path| path.extension().is_some_and(|e| e == "jnl")) {
        fs::remove_file(file).expect("removed");
    }
}

fn files_below(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let mut open = vec![dir.to_path_buf()];
    let mut files = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files.into_iter()
}

#[test]
fn flipped_bytes_in_tables_and_value_logs_are_never_served() {
    let dir = store_in_tables();
    let mut caught = 0;
    let data = files_below(dir.path()).filter(|path| {
        let folder = path.parent().and_then(Path::file_name);
        folder.is_some_and(|name| name == "tables" || name == "blobs")
    });
    for file in data {
        let intact = fs::read(&file).expect("readable");
        for place in (0..intact.len()).step_by((intact.len() / 40).max(1)) {
            let mut damaged = intact.clone();
            damaged[place] ^= 0x10;
            fs::write(&file, &damaged).expect("written");
            caught += count_damage(dir.path());
            fs::write(&file, &intact).expect("written");
        }
    }
    assert!(caught > 40, "only {caught} flips were noticed");
    assert_eq!(count_damage(dir.path()), 0, "healed");
}

/// How many reads the damage makes fail (one, if the store does not open at all). Whatever does
/// not fail must be what was written.
fn count_damage(dir: &Path) -> usize {
    let Ok(store) = FjallStore::open(dir, &FjallSettings::default()) else {
        return 1;
    };
    let mut failed = 0;
    for number in 0..OBJECTS {
        match store.get(Keyspace::Objects, &[number]) {
            Ok(found) => assert_eq!(found, Some(value(number)), "served though damaged"),
            Err(StoreError::Corrupt { key, .. }) => {
                assert_eq!(key, format!("{number:02x}"));
                failed += 1;
            }
            Err(StoreError::Engine(_)) => failed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    let Ok(items) = store.scan(Keyspace::Objects, &everything(), usize::MAX) else {
        return failed + 1;
    };
    assert_eq!(items.len(), usize::from(OBJECTS), "a damaged entry is an item");
    for item in items {
        match item.value {
            Ok(found) => assert_eq!(found, value(item.key[0]), "served though damaged"),
            Err(_) => failed += 1,
        }
    }
    failed
}

/// Objects so small that many share a block; keys are their numbers, of 2 bytes.
const SMALL: u16 = 2000;

/// A store of small objects, all in tables, one block of which is damaged.
fn store_with_a_damaged_block() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_fjall(dir.path());
    store.write(vec![small(0..SMALL)]).expect("written");
    store.sync().expect("synced");
    drop(store);
    flush(dir.path());
    let table = files_below(dir.path())
        .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("tables")))
        .max_by_key(|path| fs::metadata(path).expect("there").len())
        .expect("a table");
    let mut content = fs::read(&table).expect("readable");
    let place = content.len() / 3;
    content[place] ^= 0x10;
    fs::write(&table, content).expect("written");
    dir
}

fn small(numbers: std::ops::Range<u16>) -> Batch {
    let mut batch = Batch::new();
    for number in numbers {
        let value = [&number.to_be_bytes()[..], &[7; 100]].concat();
        batch.put(Keyspace::Objects, number.to_be_bytes().to_vec().into(), value.into());
    }
    batch
}

/// All keys that begin with one byte: at most 256 of the small objects.
fn beginning_with(first: u8) -> KeyRange {
    KeyRange { from: vec![first].into(), to: vec![first].into() }
}

#[test]
fn a_scan_that_meets_a_damaged_block_stops_the_store_and_the_next_opening_is_told() {
    let dir = store_with_a_damaged_block();
    let store = open_fjall(dir.path());
    assert_eq!(store.suspicion(), Ok(None));
    assert_eq!(store.health(), Ok(()));
    let error = store.scan(Keyspace::Objects, &everything(), usize::MAX).expect_err("damaged");
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert!(matches!(store.health(), Err(StoreError::Poisoned(_))));
    let refused = store.write(vec![puts(&[("a", "1")])]).expect_err("nothing is written any more");
    assert!(matches!(refused, StoreError::Poisoned(_)), "{refused}");
    drop(store);

    let store = open_fjall(dir.path());
    let why = store.suspicion().expect("readable").expect("marked");
    assert!(why.contains("a scan failed"), "{why}");
    store.acquit().expect("cleared");
    drop(store);
    assert_eq!(open_fjall(dir.path()).suspicion(), Ok(None));
}

#[test]
fn what_can_be_read_beside_a_damaged_block_is_copied_and_the_rest_is_told() {
    let (dir, fresh) = (store_with_a_damaged_block(), tempfile::tempdir().expect("a directory"));
    let (store, copy) = (open_fjall(dir.path()), open_fjall(fresh.path()));
    let mut lost = Vec::new();
    for first in 0..=u8::MAX {
        let range = beginning_with(first);
        let is_readable = store.is_readable(Keyspace::Objects, &range).expect("asked");
        let copied = store.copy_to(&copy, Keyspace::Objects, &range);
        assert_eq!(copied.is_ok(), is_readable, "{first}");
        if !is_readable {
            lost.push(first);
            copy.drop_range(Keyspace::Objects, &range).expect("dropped");
        }
    }
    assert!(!lost.is_empty() && lost.len() <= 2, "a block has less than a kilobyte: {lost:?}");
    copy.sync().expect("synced");
    drop(copy);

    let expected = (0..SMALL)
        .filter(|number| !lost.contains(&number.to_be_bytes()[0]))
        .map(|number| number.to_be_bytes().to_vec().into());
    let found = open_fjall(fresh.path());
    let items = found.scan(Keyspace::Objects, &everything(), usize::MAX).expect("whole");
    let keys: Vec<Bytes> = items.iter().map(|item| item.key.clone()).collect();
    assert_eq!(keys, expected.collect::<Vec<Bytes>>());
    for item in items {
        assert_eq!(item.value.expect("whole")[..2], item.key[..], "under its own key");
    }
}
