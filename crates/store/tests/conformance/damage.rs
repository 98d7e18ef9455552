//! Bit rot: damaged bytes are an error that names the key, or stop the store from opening. They
//! are never served, and what is intact beside them still is.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use stator_core::store::{Batch, Keyspace, ReadStore, Store, StoreError};
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
    with_engine(dir.path(), |objects| {
        objects.rotate_memtable_and_wait().expect("flushed");
    });
    // Without the journal, whose replay would hide damage to what it also holds.
    for file in files_below(dir.path()).filter(|path| path.extension().is_some_and(|e| e == "jnl"))
    {
        fs::remove_file(file).expect("removed");
    }
    dir
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
