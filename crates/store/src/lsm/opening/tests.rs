use stator_core::store::{Batch, ReadStore, Store};

use super::*;

fn open_default(dir: &Path) -> Result<FjallStore, OpenError> {
    FjallStore::open(dir, &FjallSettings::default())
}

fn assert_usable(store: &FjallStore) {
    let mut batch = Batch::new();
    batch.put(Keyspace::Meta, "key".into(), "value".into());
    store.write(vec![batch]).expect("written");
    store.sync().expect("synced");
    assert_eq!(store.get(Keyspace::Meta, b"key"), Ok(Some("value".into())));
}

#[test]
fn a_first_opening_that_a_crash_cut_short_is_begun_anew() {
    for marker in [None, Some("")] {
        let root = tempfile::tempdir().expect("a directory");
        let dir = root.path();
        fs::write(dir.join(LOCK), "").expect("written");
        fs::create_dir(dir.join(TABLES)).expect("made");
        fs::write(dir.join(FIRST_JOURNAL), [0; 4096]).expect("written");
        if let Some(content) = marker {
            fs::write(dir.join(MARKER), content).expect("written");
        }
        assert_usable(&open_default(dir).expect("opens"));
        assert_usable(&open_default(dir).expect("opens again"));
    }
}

#[test]
fn data_without_its_marker_is_not_touched() {
    let dir = tempfile::tempdir().expect("a directory");
    assert_usable(&open_default(dir.path()).expect("opens"));
    fs::remove_file(dir.path().join(MARKER)).expect("removed");
    let error = open_default(dir.path()).expect_err("no marker");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    fs::write(dir.path().join(MARKER), MARKER_CONTENT).expect("written");
    assert_usable(&open_default(dir.path()).expect("opens"));
}

#[test]
fn another_format_is_named_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    assert_usable(&open_default(dir.path()).expect("opens"));
    for marker in [&b"FJL\x02"[..], b"something else"] {
        fs::write(dir.path().join(MARKER), marker).expect("written");
        let error = open_default(dir.path()).expect_err("another format");
        assert!(matches!(error, OpenError::Format { .. }), "{error:?}");
    }
}
