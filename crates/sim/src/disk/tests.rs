use super::*;

fn put(key: &'static str, value: &'static str) -> Batch {
    let mut batch = Batch::new();
    batch.put(
        Keyspace::Objects,
        Bytes::from_static(key.as_bytes()),
        Bytes::from_static(value.as_bytes()),
    );
    batch
}

fn value(disk: &Disk, key: &str) -> Option<Bytes> {
    disk.get(Keyspace::Objects, key.as_bytes()).expect("nothing is damaged")
}

fn written(batches: &[(u64, Batch)], disk: &mut Disk) {
    for (ticket, batch) in batches {
        disk.enqueue(0, Ticket(*ticket), batch.clone());
    }
    disk.begin_commit();
    disk.commit();
}

#[test]
fn a_crash_keeps_what_was_synced_and_a_prefix_of_the_rest() {
    let mut disk = Disk::default();
    written(&[(1, put("a", "1"))], &mut disk);
    assert_eq!(disk.sync().get(&0), Some(&Ticket(1)));
    written(&[(2, put("a", "2")), (3, put("b", "1")), (4, put("a", "3"))], &mut disk);
    disk.enqueue(0, Ticket(5), put("c", "1"));
    assert_eq!(value(&disk, "a").as_deref(), Some(&b"3"[..]));
    assert_eq!(value(&disk, "c"), None, "what waits is not visible");
    assert_eq!(disk.crash(Cut { survivors: 2, torn: true }), 2);
    assert_eq!(value(&disk, "a").as_deref(), Some(&b"2"[..]));
    assert_eq!(value(&disk, "b").as_deref(), Some(&b"1"[..]));
    assert!(disk.sync().is_empty(), "nothing of the dead process is reported as synced");
}

#[test]
fn a_backup_holds_only_what_was_durable_and_can_be_put_back() {
    let mut disk = Disk::default();
    written(&[(1, put("a", "1"))], &mut disk);
    disk.sync();
    written(&[(2, put("a", "2"))], &mut disk);
    let backup = disk.backup();
    assert_eq!(disk.durable(Keyspace::Objects, b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(disk.durable(Keyspace::Objects, b"b"), None);
    disk.sync();
    assert_eq!(disk.durable(Keyspace::Objects, b"a").as_deref(), Some(&b"2"[..]));
    disk.restore(backup);
    assert_eq!(value(&disk, "a").as_deref(), Some(&b"1"[..]));
    disk.wipe();
    assert_eq!(value(&disk, "a"), None);
}

#[test]
fn a_corrupt_object_reads_as_damaged_until_it_is_written_again() {
    let mut disk = Disk::default();
    assert_eq!(disk.corrupt(0), None);
    written(&[(1, put("a", "1")), (2, put("b", "1"))], &mut disk);
    assert!(disk.corrupt(3).is_some());
    let range = KeyRange { from: Bytes::from_static(b"a"), to: Bytes::from_static(b"b") };
    let scanned = disk.scan(Keyspace::Objects, &range, 9).expect("one damaged entry ends no scan");
    assert_eq!(scanned.iter().map(|item| item.value.is_ok()).collect::<Vec<_>>(), [true, false]);
    assert!(disk.get(Keyspace::Objects, b"b").is_err());
    written(&[(3, put("b", "2"))], &mut disk);
    assert_eq!(value(&disk, "b").as_deref(), Some(&b"2"[..]));
}
