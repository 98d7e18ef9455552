//! Closing cleanly and opening again.

use std::fs;

use stator_core::store::Keyspace;
use stator_store::{FjallSettings, FjallStore, OpenError};

use crate::children::Child;
use crate::engines::{everything, get, keys, on_each, open_fjall, puts};

#[test]
fn everything_is_there_after_a_clean_close() {
    on_each(|engine| {
        for round in 0..5 {
            let store = engine.open();
            assert_eq!(keys(&*store, &everything(), 10).len(), round);
            let all = [("a", "0"), ("b", "1"), ("c", "2"), ("d", "3"), ("e", "4")];
            store.write(vec![puts(&all[round..=round])]).expect("written");
            store.sync().expect("synced");
        }
        let store = engine.open();
        assert_eq!(get(&*store, "e").as_deref(), Some("4"));
    });
}

#[test]
fn a_delete_survives_reopening() {
    on_each(|engine| {
        let store = engine.open();
        store.write(vec![puts(&[("a", "1"), ("b", "1")])]).expect("written");
        store.sync().expect("synced");
        drop(store);
        let store = engine.open();
        let mut batch = puts(&[("b", "2")]);
        batch.delete(Keyspace::Objects, "a".into());
        store.write(vec![batch]).expect("written");
        store.sync().expect("synced");
        drop(store);
        let store = engine.open();
        assert_eq!(get(&*store, "a"), None);
        assert_eq!(get(&*store, "b").as_deref(), Some("2"));
    });
}

#[test]
fn missing_directories_are_made() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("data").join("store");
    drop(open_fjall(&dir));
    assert!(dir.is_dir());
}

#[test]
fn a_file_in_the_place_of_the_directory_is_named() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("file");
    fs::write(&file, "not a store").expect("written");
    for dir in [file.clone(), file.join("store")] {
        let error = FjallStore::open(&dir, &FjallSettings::default()).expect_err("no directory");
        assert!(matches!(error, OpenError::NotADirectory { .. }), "{error:?}");
        assert!(error.to_string().contains("file"), "{error}");
    }
    assert_eq!(fs::read(&file).expect("still there"), b"not a store");
}

#[test]
fn a_store_in_use_by_another_process_is_refused_until_that_one_ends() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut holder = Child::run("reopen::child_holds_the_store", dir.path());
    assert_eq!(holder.next_word().as_deref(), Some("opened"));
    let error = FjallStore::open(dir.path(), &FjallSettings::default()).expect_err("in use");
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    let name = dir.path().display().to_string();
    assert!(error.to_string().contains(&name), "{error}");
    assert!(error.to_string().contains("another stator"), "{error}");
    holder.finish();
    drop(open_fjall(dir.path()));
}

#[test]
#[ignore = "a child process of another test"]
fn child_holds_the_store() {
    let Some(dir) = Child::dir() else { return };
    let _store = open_fjall(&dir);
    Child::say("opened");
    Child::wait_for_parent();
}

#[test]
fn a_store_open_in_this_process_is_refused_as_well() {
    let dir = tempfile::tempdir().expect("a directory");
    let _open = open_fjall(dir.path());
    let error = FjallStore::open(dir.path(), &FjallSettings::default()).expect_err("in use");
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
}
