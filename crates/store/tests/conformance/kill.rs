//! `kill -9` at any moment: what was acknowledged is there, and no batch is half there.

use bytes::Bytes;
use stator_core::store::{Batch, Keyspace, ReadStore, Store};
use stator_store::FjallStore;

use crate::children::Child;
use crate::engines::open_fjall;

/// Batches in one write.
const BATCHES: u64 = 3;
/// How many acknowledgements the parent waits for before it kills the child, round by round.
const ACKS_BEFORE_KILL: [usize; 4] = [1, 12, 60, 200];

#[test]
fn what_was_acknowledged_before_a_kill_is_there_and_no_batch_is_half_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut acknowledged = None;
    for acks in ACKS_BEFORE_KILL {
        let mut writer = Child::run("kill::child_writes_until_killed", dir.path());
        for _ in 0..acks {
            acknowledged = Some(number(&writer.next_word().expect("it writes on and on")));
        }
        writer.kill();
        // What the child still said before it died was promised as well.
        while let Some(word) = writer.next_word() {
            acknowledged = Some(number(&word));
        }
        let store = open_fjall(dir.path());
        let next = check_whole_prefix(&store);
        assert!(Some(next) > acknowledged, "{acknowledged:?} was acknowledged, {next} is missing");
    }
}

#[test]
#[ignore = "a child process of another test"]
fn child_writes_until_killed() {
    let Some(dir) = Child::dir() else { return };
    let store = open_fjall(&dir);
    for number in check_whole_prefix(&store).. {
        let batches = (0..BATCHES).map(|place| batch(number * BATCHES + place)).collect();
        store.write(batches).expect("written");
        store.sync().expect("synced");
        Child::say(&number.to_string());
    }
}

fn number(word: &str) -> u64 {
    word.parse().expect("the child says numbers")
}

/// A batch that touches every keyspace, with values of very different sizes.
fn batch(number: u64) -> Batch {
    let mut batch = Batch::new();
    for keyspace in Keyspace::ALL {
        batch.put(keyspace, key(number), value(number, keyspace));
    }
    batch
}

fn key(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

fn value(number: u64, keyspace: Keyspace) -> Bytes {
    let length = (number * 7919 + keyspace as u64 * 104_729) % 20_000;
    vec![number as u8; length as usize].into()
}

/// Checks that batches from the first one on are there whole, and none behind the first that is
/// missing. Gives the number of the first write that is missing.
fn check_whole_prefix(store: &FjallStore) -> u64 {
    let mut batches = 0;
    while check_whole(store, batches) == Presence::Whole {
        batches += 1;
    }
    for later in batches..batches + 2 * BATCHES {
        assert_eq!(check_whole(store, later), Presence::Missing, "behind a gap");
    }
    batches / BATCHES
}

#[derive(Debug, PartialEq, Eq)]
enum Presence {
    Whole,
    Missing,
}

fn check_whole(store: &FjallStore, number: u64) -> Presence {
    let found = Keyspace::ALL.map(|keyspace| store.get(keyspace, &key(number)).expect("intact"));
    if found.iter().all(Option::is_none) {
        return Presence::Missing;
    }
    let expected = Keyspace::ALL.map(|keyspace| Some(value(number, keyspace)));
    assert!(found == expected, "batch {number} is not whole");
    Presence::Whole
}
