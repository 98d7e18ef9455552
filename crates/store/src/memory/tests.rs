use super::*;

const SPACE: Keyspace = Keyspace::Objects;

fn put(key: &'static str, value: &'static str) -> Batch {
    let mut batch = Batch::new();
    batch.put(SPACE, key.into(), value.into());
    batch
}

fn get(store: &MemoryStore, key: &str) -> Option<String> {
    let value = store.get(SPACE, key.as_bytes()).expect("readable");
    value.map(|value| String::from_utf8(value.to_vec()).expect("text"))
}

/// A disk with `a` synced and three batches behind it that are not.
fn disk_with_unsynced_tail() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let store = disk.open();
    store.write(vec![put("a", "0")]).expect("written");
    store.sync().expect("synced");
    let mut third = put("c", "3");
    third.delete(SPACE, "b".into());
    store.write(vec![put("a", "1"), put("b", "2")]).expect("written");
    store.write(vec![third]).expect("written");
    disk
}

#[test]
fn unsynced_batches_are_visible_at_once() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    store.write(vec![put("a", "0")]).expect("written");
    assert_eq!(get(&store, "a").as_deref(), Some("0"));
    assert_eq!(disk.unsynced_batches(), 1);
}

#[test]
fn a_crash_keeps_the_batches_it_is_told_to_keep_and_no_part_of_another() {
    let after = [
        (0, [Some("0"), None, None]),
        (1, [Some("1"), None, None]),
        (2, [Some("1"), Some("2"), None]),
        (3, [Some("1"), None, Some("3")]),
        (9, [Some("1"), None, Some("3")]),
    ];
    for (kept, expected) in after {
        let disk = disk_with_unsynced_tail();
        assert_eq!(disk.unsynced_batches(), 3);
        disk.crash_keeping(kept);
        let store = disk.open();
        let found = ["a", "b", "c"].map(|key| get(&store, key));
        assert_eq!(found, expected.map(|value| value.map(str::to_owned)), "kept {kept}");
        assert_eq!(disk.unsynced_batches(), 0);
    }
}

#[test]
fn a_second_crash_does_not_take_what_the_first_one_kept() {
    let disk = disk_with_unsynced_tail();
    disk.crash_keeping(2);
    disk.crash_keeping(0);
    assert_eq!(get(&disk.open(), "b").as_deref(), Some("2"));
}

#[test]
fn a_batch_that_changes_a_key_twice_is_undone_whole() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    store.write(vec![put("a", "0")]).expect("written");
    store.sync().expect("synced");
    let mut twice = put("a", "1");
    twice.append(put("a", "2"));
    store.write(vec![twice]).expect("written");
    let backup = disk.snapshot();
    disk.crash_keeping(0);
    assert_eq!(get(&disk.open(), "a").as_deref(), Some("0"));
    disk.restore(&backup);
    assert_eq!(get(&disk.open(), "a").as_deref(), Some("0"));
}

#[test]
fn a_crashed_store_answers_no_call() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    disk.crash_keeping(0);
    assert!(store.get(SPACE, b"a").is_err());
    assert!(store.write(vec![put("a", "1")]).is_err());
    assert!(store.sync().is_err());
    assert_eq!(get(&disk.open(), "a"), None);
}

#[test]
fn a_backup_holds_what_was_synced_and_comes_back_whole() {
    let disk = disk_with_unsynced_tail();
    let backup = disk.snapshot();
    disk.restore(&backup);
    let store = disk.open();
    assert_eq!(get(&store, "a").as_deref(), Some("0"));
    assert_eq!(get(&store, "c"), None);
    store.write(vec![put("a", "9"), put("z", "9")]).expect("written");
    store.sync().expect("synced");
    disk.restore(&backup);
    let store = disk.open();
    assert_eq!(get(&store, "a").as_deref(), Some("0"));
    assert_eq!(get(&store, "z"), None);
}

#[test]
fn a_wiped_disk_is_empty() {
    let disk = disk_with_unsynced_tail();
    disk.wipe();
    let store = disk.open();
    assert_eq!(get(&store, "a"), None);
    assert_eq!(store.stats(), StoreStats::default());
}

#[test]
fn a_damaged_record_is_an_error_until_it_is_written_again() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    store.write(vec![put("a", ""), put("b", "1")]).expect("written");
    assert_eq!(disk.corrupt(SPACE, b"none"), None);
    assert_eq!(disk.corrupt(SPACE, b"a"), Some(()));
    let error = store.get(SPACE, b"a").expect_err("damaged");
    assert_eq!(error, StoreError::Corrupt { keyspace: SPACE, key: "61".into() });
    let range = KeyRange { from: "".into(), to: "".into() };
    let items = store.scan(SPACE, &range, 10).expect("scanned");
    assert!(items[0].value.is_err());
    assert!(items[1].value.is_ok());
    store.write(vec![put("a", "2")]).expect("written");
    assert_eq!(get(&store, "a").as_deref(), Some("2"));
}

#[test]
fn fsync_errors_are_not_retried() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    store.write(vec![put("a", "1")]).expect("written");
    disk.fail_next_sync();
    assert!(matches!(store.sync(), Err(StoreError::Engine(_))));
    assert!(matches!(store.sync(), Err(StoreError::Poisoned(_))));
    assert!(matches!(store.write(vec![put("b", "1")]), Err(StoreError::Poisoned(_))));
    let all = KeyRange { from: "".into(), to: "".into() };
    assert!(matches!(store.drop_range(SPACE, &all), Err(StoreError::Poisoned(_))));
    assert_eq!(get(&store, "a").as_deref(), Some("1"));
    disk.crash_keeping(0);
    let store = disk.open();
    assert_eq!(get(&store, "a"), None);
    store.sync().expect("the fault was one sync long");
}

#[test]
fn a_full_disk_poisons_the_store_that_wrote_and_writes_nothing() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    disk.set_full();
    assert!(matches!(store.write(vec![put("a", "1")]), Err(StoreError::Engine(_))));
    disk.set_free();
    assert!(matches!(store.write(vec![put("a", "1")]), Err(StoreError::Poisoned(_))));
    let store = disk.open();
    assert_eq!(get(&store, "a"), None);
    store.write(vec![put("a", "1")]).expect("written");
}

#[test]
fn a_dropped_range_may_be_half_dropped_after_a_crash() {
    let disk = MemoryDisk::new();
    let store = disk.open();
    let mut batch = Batch::new();
    for number in 0..40_u8 {
        batch.put(SPACE, vec![number].into(), Bytes::new());
    }
    store.write(vec![batch]).expect("written");
    store.sync().expect("synced");
    let all = KeyRange { from: Bytes::new(), to: Bytes::new() };
    store.drop_range(SPACE, &all).expect("dropped");
    assert_eq!(disk.unsynced_batches(), 3);
    disk.crash_keeping(1);
    assert_eq!(disk.open().scan(SPACE, &all, 100).expect("scanned").len(), 24);
}

#[test]
fn the_byte_count_follows_changes_and_their_undoing() {
    let disk = disk_with_unsynced_tail();
    let store = disk.open();
    assert_eq!(store.stats().disk_bytes, 2 * (1 + 4 + 1));
    assert_eq!(store.stats().approximate_objects, 2);
    disk.crash_keeping(0);
    assert_eq!(disk.open().stats().disk_bytes, 1 + 4 + 1);
}
