use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stator_core::identity::{BootNonce, ClusterId, NodeId};
use stator_core::membership::facts::Facts;
use stator_core::ring::{Ring, RingVersion, Walks};
use stator_core::store::{ReadStore, ScanItem};

use super::*;

const ME: NodeId = NodeId::new(1);
const OTHER: NodeId = NodeId::new(2);
const PARTITIONS: u32 = 16;
/// Whose blocks are damaged, if nothing else is said.
const STRUCK: Partition = Partition::new(5);
/// Objects and hints of each partition, and records of each kind.
const EACH: u64 = 300;
const ALL_OBJECTS: u64 = EACH * PARTITIONS as u64;

/// A node's directory with a store in which most is in tables.
struct Rig {
    root: tempfile::TempDir,
    data: DataDir,
    identity: Identity,
}

/// So small that all kinds of entries go to tables.
fn settings() -> FjallSettings {
    FjallSettings { write_buffer_bytes: 64 << 10, ..FjallSettings::default() }
}

impl Rig {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let data = DataDir::hold(root.path()).expect("held");
        let mut identity =
            Identity::begin_start(&data.identity(), ME, BootNonce(1)).expect("counted");
        let facts = Facts { ring: Some(Arc::new(ring())), ..Facts::default() };
        identity.cluster = Some((ClusterId::new(7), facts));
        let rig = Self { root, data, identity };
        rig.fill();
        rig
    }

    fn open(&self) -> FjallStore {
        FjallStore::open(&self.data.store(), &settings()).expect("opens")
    }

    fn fill(&self) {
        let store = self.open();
        for partition in ring().partitions.all() {
            let mut batch = Batch::new();
            for number in 0..EACH {
                for keyspace in [Keyspace::Objects, Keyspace::Hints] {
                    let value = value(keyspace.name(), partition, number);
                    batch.put(keyspace, token_key(partition, number), value);
                }
                for kind in ["owner", "tree"] {
                    let key = format!("{kind}/{:02}/{number:08}", partition.get());
                    batch.put(Keyspace::Meta, key.into(), value(kind, partition, number));
                }
            }
            store.write(vec![batch]).expect("written");
        }
        store.sync().expect("synced");
        // The engine writes tables in a thread of its own; what came last may stay in the journal.
        let give_up = Instant::now() + Duration::from_secs(30);
        for kind in ["objects", "hints", "owner", "tree"] {
            while self.tables_with(&value(kind, STRUCK, EACH / 2)).is_empty() {
                assert!(Instant::now() < give_up, "no table with {kind} is written");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// The tables that hold a value: where they are, what is in them, and where in it the value is.
    fn tables_with(&self, value: &[u8]) -> Vec<(PathBuf, Vec<u8>, usize)> {
        let tables = files_below(&self.data.store()).into_iter().filter(|path| is_table(path));
        tables
            .filter_map(|path| {
                // A table that a compaction has just replaced is gone.
                let content = fs::read(&path).ok()?;
                let at = content.windows(value.len()).position(|window| window == value)?;
                Some((path, content, at))
            })
            .collect()
    }

    /// Changes a byte of one value, wherever it lies in a table, and lets the store find out.
    fn damage(&self, kind: &str, partition: Partition) {
        let found = self.tables_with(&value(kind, partition, EACH / 2));
        assert!(!found.is_empty(), "the value lies in no table");
        for (table, mut content, at) in found {
            content[at] ^= 0x10;
            fs::write(&table, content).expect("written");
        }
        let keyspace = match kind {
            "objects" => Keyspace::Objects,
            "hints" => Keyspace::Hints,
            _ => Keyspace::Meta,
        };
        let scanned = self.open().scan(keyspace, &everything(), usize::MAX);
        assert!(scanned.is_err(), "the damage is not met");
    }

    fn salvage(&self) -> FjallStore {
        let store = self.open();
        let why = store.suspicion().expect("readable").expect("it is suspect");
        let store =
            salvage(store, &why, &settings(), &self.data, &self.identity).expect("salvaged");
        assert_eq!(store.suspicion(), Ok(None), "the new one is not");
        store
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.root.path()).expect("readable");
        let names = entries.map(|entry| entry.expect("readable").file_name());
        names.map(|name| name.into_string().expect("text")).collect()
    }
}

/// Two nodes own everything; the first partition is the other's alone.
fn ring() -> Ring {
    let partitions = PartitionCount::new(PARTITIONS).expect("a power of two");
    let mut table = vec![vec![ME, OTHER]; PARTITIONS as usize];
    table[0] = vec![OTHER];
    Ring {
        walks: Walks::default(),
        cluster: ClusterId::new(7),
        version: RingVersion(1),
        replicas: 2,
        partitions,
        members: BTreeMap::new(),
        removed: BTreeSet::new(),
        dead: BTreeSet::new(),
        forced: BTreeSet::new(),
        table,
    }
}

/// Spread over the partition, so that halving its range parts them.
fn token_key(partition: Partition, number: u64) -> Bytes {
    let (first, last) = ring().partitions.range_of(partition);
    let step = (last.get() - first.get()) / u128::from(EACH);
    let token = first.get() + step * u128::from(number);
    [&token.to_be_bytes()[..], b"/name"].concat().into()
}

fn value(kind: &str, partition: Partition, number: u64) -> Bytes {
    format!("{kind} {:04} {number:08}{:60}", partition.get(), "").into()
}

fn is_table(path: &Path) -> bool {
    path.parent().is_some_and(|dir| dir.ends_with("tables"))
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("readable").map(|entry| entry.expect("readable").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn all(store: &FjallStore, keyspace: Keyspace) -> Vec<Bytes> {
    let items = store.scan(keyspace, &everything(), usize::MAX).expect("whole");
    let key = |item: ScanItem| {
        item.value.expect("whole");
        item.key
    };
    items.into_iter().map(key).collect()
}

fn marked(store: &FjallStore, what: &str) -> Vec<u32> {
    let keys = all(store, Keyspace::Meta).into_iter();
    let of_kind = keys.filter_map(|key| Some(key.strip_prefix(what.as_bytes())?.to_vec()));
    of_kind.map(|rest| u32::from_be_bytes(rest.try_into().expect("a partition"))).collect()
}

#[test]
fn a_partition_with_damage_is_lost_as_a_whole_and_marked_and_the_others_are_kept() {
    let rig = Rig::new();
    rig.damage("objects", STRUCK);
    let store = rig.salvage();
    let kept: BTreeSet<u32> = all(&store, Keyspace::Objects)
        .iter()
        .map(|key| u32::from(key[0]) * PARTITIONS / 256)
        .collect();
    let expected: BTreeSet<u32> = (0..PARTITIONS).filter(|&p| p != STRUCK.get()).collect();
    assert_eq!(kept, expected);
    assert_eq!(all(&store, Keyspace::Objects).len() as u64, ALL_OBJECTS - EACH);
    assert_eq!(all(&store, Keyspace::Hints).len() as u64, ALL_OBJECTS, "hints are kept");
    assert_eq!(marked(&store, "unsettled/"), [STRUCK.get()], "it does not count in reads");
    assert_eq!(marked(&store, "round/"), [STRUCK.get()], "nor is its round known");
    let aside = rig.names().into_iter().filter(|name| name.starts_with("store.")).count();
    assert_eq!(aside, 1, "the damaged store is still there: {:?}", rig.names());
    drop(store);
    assert_eq!(all(&rig.open(), Keyspace::Objects).len() as u64, ALL_OBJECTS - EACH, "for good");
}

#[test]
fn a_partition_of_others_is_not_marked_since_nobody_would_refill_it() {
    let rig = Rig::new();
    rig.damage("objects", Partition::new(0));
    let store = rig.salvage();
    assert_eq!(all(&store, Keyspace::Objects).len() as u64, ALL_OBJECTS - EACH);
    assert!(marked(&store, "unsettled/").is_empty());
}

#[test]
fn of_hints_all_but_those_around_the_damage_are_kept() {
    let rig = Rig::new();
    rig.damage("hints", STRUCK);
    let store = rig.salvage();
    let lost = ALL_OBJECTS - all(&store, Keyspace::Hints).len() as u64;
    assert!((1..EACH / 2).contains(&lost), "{lost} hints are lost");
    assert_eq!(all(&store, Keyspace::Objects).len() as u64, ALL_OBJECTS);
    assert!(marked(&store, "unsettled/").is_empty(), "all partitions are whole");
}

#[test]
fn without_the_nodes_own_records_the_store_as_a_whole_is_lost() {
    let rig = Rig::new();
    rig.damage("owner", STRUCK);
    let store = rig.salvage();
    for keyspace in Keyspace::ALL {
        assert!(all(&store, keyspace).is_empty(), "{keyspace:?}");
    }
}

#[test]
fn what_was_saved_of_trees_is_given_up_alone() {
    let rig = Rig::new();
    rig.damage("tree", STRUCK);
    let store = rig.salvage();
    let records = all(&store, Keyspace::Meta);
    assert_eq!(records.len() as u64, ALL_OBJECTS);
    assert!(records.iter().all(|key| key.starts_with(b"owner/")));
    assert_eq!(all(&store, Keyspace::Objects).len() as u64, ALL_OBJECTS);
}

#[test]
fn a_suspect_store_in_which_everything_can_be_read_is_used_as_it_is() {
    let rig = Rig::new();
    let intact: Vec<(PathBuf, Vec<u8>)> = files_below(&rig.data.store())
        .into_iter()
        .filter(|path| is_table(path))
        .map(|path| (path.clone(), fs::read(path).expect("readable")))
        .collect();
    rig.damage("objects", STRUCK);
    for (path, content) in intact {
        fs::write(path, content).expect("the disk comes to its senses");
    }
    let store = rig.salvage();
    assert_eq!(all(&store, Keyspace::Objects).len() as u64, ALL_OBJECTS);
    assert!(rig.names().iter().all(|name| !name.starts_with("store.")), "{:?}", rig.names());
}

#[test]
fn a_salvage_that_a_crash_cut_short_is_begun_anew_or_completed() {
    let rig = Rig::new();
    rig.damage("objects", STRUCK);
    let (store, root) = (rig.data.store(), rig.root.path());
    let kept = ALL_OBJECTS - EACH;

    // While the copy was made.
    fs::create_dir(root.join("store.salvage")).expect("made");
    fs::write(root.join("store.salvage/lock"), "half").expect("written");
    drop(rig.salvage());
    assert_eq!(all(&rig.open(), Keyspace::Objects).len() as u64, kept);

    // When it was complete, with the damaged store still in its place: it is not needed.
    fs::create_dir(root.join("store.salvaged")).expect("made");
    rig.data.resume_salvage().expect("resumed");
    assert_eq!(all(&rig.open(), Keyspace::Objects).len() as u64, kept);

    // When the damaged one was set aside: the copy takes its place.
    fs::rename(&store, root.join("store.salvaged")).expect("moved");
    rig.data.resume_salvage().expect("resumed");
    assert_eq!(all(&rig.open(), Keyspace::Objects).len() as u64, kept);
    assert!(!root.join("store.salvaged").exists());
}
