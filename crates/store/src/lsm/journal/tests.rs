use bytes::Bytes;
use stator_core::store::{Batch, Keyspace, ReadStore, Store};
use tempfile::TempDir;

use super::*;
use crate::{FjallSettings, FjallStore, OpenError};

const BATCHES: u8 = 3;

fn open(dir: &Path) -> Result<FjallStore, OpenError> {
    FjallStore::open(dir, &FjallSettings::default())
}

/// A closed store with three synced batches in its journal.
fn closed_store() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path()).expect("opens");
    for number in 0..BATCHES {
        let mut batch = Batch::new();
        batch.put(Keyspace::Objects, vec![number].into(), value(number));
        batch.put(Keyspace::Meta, vec![number].into(), value(number));
        batch.delete(Keyspace::Hints, vec![number].into());
        store.write(vec![batch]).expect("written");
        store.sync().expect("synced");
    }
    dir
}

fn value(number: u8) -> Bytes {
    vec![number; 100].into()
}

/// How many of the batches are there, from the first one on.
fn batches(store: &FjallStore) -> u8 {
    let there = |number: &u8| {
        let found = store.get(Keyspace::Objects, &[*number]).expect("readable");
        found.is_some_and(|found| found == value(*number))
    };
    (0..BATCHES).take_while(there).count() as u8
}

fn journal(dir: &Path) -> PathBuf {
    list(dir).expect("readable").pop().expect("one").1
}

/// Where each batch begins, and where the last one ends.
fn borders(path: &Path) -> Vec<usize> {
    let content = std::fs::read(path).expect("readable");
    let mut borders = vec![0];
    let mut rest = &content[..];
    while let Some(length) = read_batch(&mut rest).expect("readable") {
        borders.push(borders[borders.len() - 1] + length as usize);
    }
    borders
}

/// The outcome of opening a copy of the store whose journal was changed.
fn open_changed(
    dir: &Path,
    change: impl FnOnce(&mut Vec<u8>),
) -> Result<(u8, Option<u64>), String> {
    let path = journal(dir);
    let intact = std::fs::read(&path).expect("readable");
    let mut changed = intact.clone();
    change(&mut changed);
    std::fs::write(&path, &changed).expect("written");
    let outcome = match open(dir) {
        Ok(store) => Ok((batches(&store), store.torn_tail().map(|tail| tail.bytes))),
        Err(error @ OpenError::Damaged { .. }) => {
            assert_eq!(std::fs::read(&path).expect("readable"), changed, "nothing was changed");
            Err(error.to_string())
        }
        Err(error) => panic!("{error}"),
    };
    std::fs::write(&path, &intact).expect("written");
    outcome
}

/// The store with a journal of few bytes, so that changing it is quick, and its batches' borders.
fn short_journal() -> (TempDir, Vec<usize>) {
    let dir = closed_store();
    let path = journal(dir.path());
    let borders = borders(&path);
    assert_eq!(borders.len(), usize::from(BATCHES) + 1, "the reader knows the format");
    let file = OpenOptions::new().write(true).open(&path).expect("opens");
    // The batches and some of the preallocated zeros.
    file.set_len(borders[3] as u64 + 100).expect("cut");
    (dir, borders)
}

#[test]
fn an_intact_journal_is_left_as_it_is() {
    let (dir, _) = short_journal();
    assert_eq!(open_changed(dir.path(), |_| {}), Ok((3, None)));
    assert!(repair(dir.path()).expect("readable").is_none());
}

#[test]
fn a_tail_that_was_cut_off_by_a_crash_is_dropped_and_all_before_it_kept() {
    let (dir, borders) = short_journal();
    for end in borders[2] + 1..borders[3] {
        let zeroed = open_changed(dir.path(), |journal| journal[end..].fill(0));
        let (whole, Some(torn)) = zeroed.expect("a torn tail is no damage") else {
            panic!("the tail cut at {end} was not noticed");
        };
        assert_eq!(whole, 2, "cut at {end}");
        assert!(torn <= (end - borders[2]) as u64);
    }
}

/// Pages reach the disk in any order, so a hole may be anywhere in the last batch.
#[test]
fn a_tail_torn_in_its_middle_by_a_crash_is_dropped_and_all_before_it_kept() {
    let (dir, borders) = short_journal();
    for place in borders[2]..borders[3] {
        let outcome = open_changed(dir.path(), |journal| {
            let hole = &mut journal[place..(place + 40).min(borders[3])];
            hole.fill(0xee);
        });
        let (whole, torn) = outcome.expect("a torn tail is no damage");
        assert_eq!((whole, torn), (2, Some((borders[3] - borders[2]) as u64)), "torn at {place}");
    }
}

#[test]
fn damage_before_the_last_batch_is_an_error_and_cuts_nothing_off() {
    let (dir, borders) = short_journal();
    for place in 0..borders[2] {
        // The engine gives the sequence number no checksum.
        let start = borders[..2].iter().rfind(|start| **start <= place).expect("one");
        if (5..13).contains(&(place - start)) {
            continue;
        }
        let outcome = open_changed(dir.path(), |journal| journal[place] ^= 0x01);
        let text = outcome.expect_err(&format!("byte {place} was damaged"));
        assert!(text.contains(&format!("byte {start}")), "{place}: {text}");
        assert!(text.contains("refills from its peers"), "{text}");
    }
}

#[test]
fn an_older_journal_has_no_torn_tail() {
    let (dir, borders) = short_journal();
    let older = journal(dir.path());
    let newer = dir.path().join("1.jnl");
    std::fs::write(&newer, [0; 10]).expect("written");
    assert!(repair(dir.path()).expect("whole").is_none());
    let file = OpenOptions::new().write(true).open(&older).expect("opens");
    file.set_len(borders[3] as u64 - 1).expect("cut");
    assert!(matches!(repair(dir.path()), Err(JournalError::Damaged(_))));
}

#[test]
fn at_most_one_batch_is_unsynced() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path()).expect("opens");
    for number in 0..4_u8 {
        let mut batch = Batch::new();
        batch.put(Keyspace::Meta, vec![number].into(), value(number));
        store.write(vec![batch]).expect("written");
        assert_eq!(store.stats().syncs, u64::from(number));
    }
}

#[test]
fn preallocated_space_does_not_count_as_used() {
    let dir = closed_store();
    let used = disk_bytes(dir.path());
    assert!((1..16 * 1024 * 1024).contains(&used), "{used}");
}
