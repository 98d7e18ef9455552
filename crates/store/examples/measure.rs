//! Measures the engine on disk: synced puts in batches of several sizes, gets, opening, dropping a
//! range, memory. Run it in a release build on the disk in question:
//!
//! ```text
//! cargo run --release -p stator-store --example measure -- DIR [SEPARATE_FROM] [BUFFER_MIB]
//! ```
//!
//! DIR must not exist: it is made and left behind for a look at the files.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use bytes::Bytes;
use stator_core::store::{Batch, KeyRange, Keyspace, ReadStore, Store, StoreError};
use stator_store::{FjallSettings, FjallStore};

const VALUE_BYTES: usize = 1024;
/// Batches in one write, and how many writes.
const ROUNDS: [(u64, u64); 3] = [(1, 3_000), (8, 3_000), (64, 3_000)];
const GETS: u64 = 200_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let dir = PathBuf::from(arguments.next().ok_or("name a directory that does not exist")?);
    let mut settings = FjallSettings::default();
    if let Some(bytes) = arguments.next() {
        settings.separate_values_from = bytes.parse()?;
    }
    if let Some(mebibytes) = arguments.next() {
        settings.write_buffer_bytes = mebibytes.parse::<u64>()? << 20;
    }
    println!("{settings:?}");
    measure(&dir, &settings)
}

fn measure(dir: &Path, settings: &FjallSettings) -> Result<(), Box<dyn std::error::Error>> {
    let before = Usage::now();
    let store = FjallStore::open(dir, settings)?;
    before.report("open, empty", 1);
    let mut next = 0;
    for (batches, writes) in ROUNDS {
        let before = Usage::now();
        for _ in 0..writes {
            put(&store, next..next + batches)?;
            next += batches;
        }
        before.report(&format!("put, {batches} a sync"), batches * writes);
    }
    get(&store, next)?;
    println!("{:?}", store.stats());
    let before = Usage::now();
    drop(store);
    before.report("close", 1);

    let before = Usage::now();
    let store = FjallStore::open(dir, settings)?;
    before.report("open, filled", 1);
    get(&store, next)?;
    let before = Usage::now();
    let all = KeyRange { from: Bytes::new(), to: Bytes::new() };
    store.drop_range(Keyspace::Objects, &all)?;
    store.sync()?;
    before.report("drop", next);
    Ok(())
}

fn put(store: &FjallStore, numbers: std::ops::Range<u64>) -> Result<(), StoreError> {
    let batch = |number| {
        let mut batch = Batch::new();
        batch.put(Keyspace::Objects, key(number), vec![number as u8; VALUE_BYTES].into());
        batch
    };
    store.write(numbers.map(batch).collect())?;
    store.sync()
}

fn get(store: &FjallStore, stored: u64) -> Result<(), StoreError> {
    let before = Usage::now();
    for number in 0..GETS {
        let found = store.get(Keyspace::Objects, &key(number.wrapping_mul(7919) % stored))?;
        assert_eq!(found.map(|value| value.len()), Some(VALUE_BYTES));
    }
    before.report("get", GETS);
    Ok(())
}

/// Keys begin with a hash, as the core's do.
fn key(number: u64) -> Bytes {
    let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
    Bytes::from(format!("{hash:016x}/bucket/{number:08}"))
}

/// What the process has used so far.
struct Usage {
    at: Instant,
    cpu_us: u64,
    written: u64,
}

impl Usage {
    fn now() -> Self {
        Self {
            at: Instant::now(),
            cpu_us: cpu_us(),
            written: field("/proc/self/io", "write_bytes:"),
        }
    }

    fn report(&self, what: &str, operations: u64) {
        let now = Self::now();
        println!(
            "{what:16} {:9.1} us/op  {:7.1} us cpu/op  {:7} bytes written/op  {:6} KiB resident",
            self.at.elapsed().as_secs_f64() * 1e6 / operations as f64,
            (now.cpu_us - self.cpu_us) as f64 / operations as f64,
            (now.written - self.written) / operations,
            field("/proc/self/status", "VmRSS:"),
        );
    }
}

/// User and system time of all threads. Nothing where there is no `/proc`.
fn cpu_us() -> u64 {
    const TICK_US: u64 = 10_000;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields = after_name.split(' ').skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * TICK_US
}

fn field(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
