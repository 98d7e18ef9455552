//! The engine on disk: batches of the store writer, and look-ups.

use bytes::Bytes;
use divan::Bencher;
use stator_core::message::EncodedState;
use stator_core::replica::{StoreKey, encode_record};
use stator_core::store::{Batch, Keyspace, ReadStore, Store};
use stator_store::{FjallSettings, FjallStore};
use tempfile::TempDir;

use crate::object::state;
use crate::placement::key;

/// How many puts gather while a sync runs, where many clients write.
const GATHERED: usize = 32;
const OBJECTS: usize = 20_000;

struct Opened {
    store: FjallStore,
    record: EncodedState,
    next: usize,
    _dir: TempDir,
}

impl Opened {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = FjallStore::open(dir.path(), &FjallSettings::default()).expect("it opens");
        Self { store, record: EncodedState::of(&state()), next: 0, _dir: dir }
    }

    fn filled() -> Self {
        let mut opened = Self::new();
        for _ in 0..OBJECTS / GATHERED {
            opened.write();
        }
        opened.store.sync().expect("synced");
        opened
    }

    /// The puts of one round, each a batch of its own as shards make them.
    fn write(&mut self) {
        let batches = (0..GATHERED).map(|_| self.batch()).collect();
        self.store.write(batches).expect("written");
    }

    fn batch(&mut self) -> Batch {
        self.next = (self.next + 1) % OBJECTS;
        let key = key(self.next);
        let at = StoreKey::of(&key);
        let record = encode_record(&at, &key, &self.record);
        let mut batch = Batch::new();
        batch.put(Keyspace::Objects, at.as_bytes().clone(), record);
        batch
    }

    fn get(&mut self, key: usize) -> Option<Bytes> {
        let at = StoreKey::of(&crate::placement::key(key));
        self.store.get(Keyspace::Objects, at.as_bytes()).expect("readable")
    }
}

#[divan::bench(sample_count = 200)]
fn put_32(bencher: Bencher<'_, '_>) {
    let mut opened = Opened::new();
    bencher.counter(divan::counter::ItemsCount::new(GATHERED)).bench_local(|| opened.write());
}

#[divan::bench(sample_count = 200)]
fn put_32_and_sync(bencher: Bencher<'_, '_>) {
    let mut opened = Opened::new();
    bencher.counter(divan::counter::ItemsCount::new(GATHERED)).bench_local(|| {
        opened.write();
        opened.store.sync().expect("synced");
    });
}

#[divan::bench]
fn get(bencher: Bencher<'_, '_>) {
    let mut opened = Opened::filled();
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 7919) % (OBJECTS / GATHERED * GATHERED);
        let found = opened.get(next.max(1));
        assert!(found.is_some());
        found
    });
}

/// What is not there: the engine's filters answer.
#[divan::bench]
fn get_nothing(bencher: Bencher<'_, '_>) {
    let mut opened = Opened::filled();
    let mut next = OBJECTS;
    bencher.bench_local(|| {
        next += 1;
        let found = opened.get(next);
        assert!(found.is_none());
    });
}
