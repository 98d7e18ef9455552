//! After a failed write or sync nothing is written any more, and reads go on.

use bytes::Bytes;
use stator_core::store::{Batch, Keyspace, ReadStore, Store, StoreError};
use stator_store::{FjallSettings, FjallStore, MemoryDisk};

use crate::engines::{everything, get, puts};

fn assert_poisoned(store: &impl Store) {
    let outcomes = [
        store.write(vec![puts(&[("late", "1")])]),
        store.sync(),
        store.drop_range(Keyspace::Objects, &everything()),
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Err(StoreError::Poisoned(_))), "{outcome:?}");
    }
    assert_eq!(get(store, "late"), None);
}

#[test]
fn fsync_errors_are_not_retried_in_memory() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    store.write(vec![puts(&[("a", "1")])]).expect("written");
    disk.fail_next_sync();
    assert!(matches!(store.sync(), Err(StoreError::Engine(_))));
    assert_poisoned(&store);
    assert_eq!(get(&store, "a").as_deref(), Some("1"));
}

/// A limit on the size of files stands in for a full disk: the journal grows into it.
#[cfg(unix)]
#[test]
fn a_journal_that_can_not_grow_poisons_the_store_on_disk() {
    use crate::children::Child;
    use crate::engines::open_fjall;

    let dir = tempfile::tempdir().expect("a directory");
    // Above the 64 MiB that a journal is made with, whether the shell counts in 512 or 1024 bytes.
    let limit = "trap '' XFSZ; ulimit -f 140000";
    let child = Child::run_in_shell(limit, "poison::child_fills_its_journal", dir.path());
    child.finish();
    let store = open_fjall(dir.path());
    assert!(store.torn_tail().is_some(), "the write that failed was cut in two");
    assert_eq!(get(&store, "first").as_deref(), Some("1"));
    assert_eq!(get(&store, "late"), None);
    store.write(vec![puts(&[("late", "2")])]).expect("whole again");
    store.sync().expect("synced");
}

#[test]
#[ignore = "a child process of another test"]
fn child_fills_its_journal() {
    let Some(dir) = crate::children::Child::dir() else { return };
    // So much memory that the journal is not rotated before it is full.
    let settings = FjallSettings { write_buffer_bytes: 1 << 30, ..FjallSettings::default() };
    let store = FjallStore::open(&dir, &settings).expect("opens");
    store.write(vec![puts(&[("first", "1")])]).expect("written");
    store.sync().expect("synced");
    let error = (0..200).find_map(|number| store.write(vec![large(number)]).err());
    assert!(matches!(error, Some(StoreError::Engine(_))), "{error:?}");
    assert_poisoned(&store);
    assert_eq!(get(&store, "first").as_deref(), Some("1"));
    assert_eq!(store.get(Keyspace::Objects, &[0]).expect("readable").map(|v| v.len()), Some(LARGE));
}

const LARGE: usize = 4 * 1024 * 1024;

fn large(number: u8) -> Batch {
    let mut batch = Batch::new();
    batch.put(Keyspace::Objects, vec![number].into(), Bytes::from(vec![number; LARGE]));
    batch
}
