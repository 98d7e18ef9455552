//! The engines under test, and short words to speak to them.

use std::path::Path;

use bytes::Bytes;
use stator_core::store::{Batch, KeyRange, Keyspace, ReadStore, ScanItem, Store};
use stator_store::{FjallSettings, FjallStore, MemoryDisk};
use tempfile::TempDir;

/// A place where a store lives. Dropping what `open` gave closes it cleanly.
pub(crate) trait Engine {
    fn name(&self) -> &'static str;
    fn open(&self) -> Box<dyn Store>;
}

struct OnDisk {
    dir: TempDir,
}

impl Engine for OnDisk {
    fn name(&self) -> &'static str {
        "fjall"
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(open_fjall(self.dir.path()))
    }
}

struct InMemory {
    disk: MemoryDisk,
}

impl Engine for InMemory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(self.disk.open())
    }
}

/// Runs a test on each engine, every time on an empty one.
pub(crate) fn on_each(test: impl Fn(&dyn Engine)) {
    let disk = OnDisk { dir: tempfile::tempdir().expect("a directory") };
    let memory = InMemory { disk: MemoryDisk::new() };
    for engine in [&disk as &dyn Engine, &memory] {
        println!("engine: {}", engine.name());
        test(engine);
    }
}

pub(crate) fn open_fjall(dir: &Path) -> FjallStore {
    FjallStore::open(dir, &FjallSettings::default()).expect("opens")
}

pub(crate) fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// A batch that sets text keys of the objects.
pub(crate) fn puts(pairs: &[(&'static str, &'static str)]) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in pairs {
        batch.put(Keyspace::Objects, bytes(key), bytes(value));
    }
    batch
}

pub(crate) fn range(from: &[u8], to: &[u8]) -> KeyRange {
    KeyRange { from: Bytes::copy_from_slice(from), to: Bytes::copy_from_slice(to) }
}

pub(crate) fn everything() -> KeyRange {
    range(b"", b"")
}

/// An object's value as text.
pub(crate) fn get(store: &(impl ReadStore + ?Sized), key: &str) -> Option<String> {
    let value = store.get(Keyspace::Objects, key.as_bytes()).expect("readable");
    value.map(|value| String::from_utf8(value.to_vec()).expect("text"))
}

/// Key and value of an intact entry.
pub(crate) fn pair(item: ScanItem) -> (Bytes, Bytes) {
    (item.key, item.value.expect("intact"))
}

/// The keys of the objects that a scan finds, as text.
pub(crate) fn keys(
    store: &(impl ReadStore + ?Sized),
    range: &KeyRange,
    limit: usize,
) -> Vec<String> {
    let items = store.scan(Keyspace::Objects, range, limit).expect("scanned");
    items.into_iter().map(|item| String::from_utf8_lossy(&pair(item).0).into_owned()).collect()
}
