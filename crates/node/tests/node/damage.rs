//! A node whose disk has a damaged block, from the moment it meets it to serving again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stator_node::{Engine, NodeConfig};
use stator_store::FjallSettings;
use tokio::time::timeout;

use crate::rig::{directory, on_disk, put, serving, until, values};

/// So many that most are in tables, where 30 of them share a block.
const OBJECTS: usize = 4000;
/// One of the first to be written out.
const STRUCK: usize = 40;
/// Puts at a time.
const AT_ONCE: usize = 200;
const PATIENCE: Duration = Duration::from_mins(1);

/// A node that writes tables soon, and looks at every object soon after its start.
fn config(data: &Path) -> NodeConfig {
    let settings = FjallSettings { write_buffer_bytes: 64 << 10, ..FjallSettings::default() };
    NodeConfig {
        engine: Engine::Fjall(settings),
        scrub_interval: Duration::from_secs(1),
        ..on_disk("n1", data)
    }
}

fn name(number: usize) -> String {
    format!("object{number}")
}

fn value(number: usize) -> Vec<u8> {
    format!("value of {number:06}{:80}", "").into_bytes()
}

/// The tables below a directory that hold a value, and where in them it is.
fn tables_with(dir: &Path, value: &[u8]) -> Vec<(PathBuf, usize)> {
    let entries = fs::read_dir(dir).expect("readable").map(|entry| entry.expect("readable").path());
    let found = entries.flat_map(|path| {
        if path.is_dir() {
            return tables_with(&path, value);
        }
        let is_table = path.parent().is_some_and(|dir| dir.ends_with("tables"));
        // A table that a compaction has just replaced is gone.
        let content = is_table.then(|| fs::read(&path).ok()).flatten().unwrap_or_default();
        let at = content.windows(value.len()).position(|window| window == value);
        at.map(|at| (path, at)).into_iter().collect()
    });
    found.collect()
}

#[tokio::test]
async fn a_node_with_a_damaged_block_stops_and_its_next_start_keeps_the_rest() {
    let dir = directory();
    let node = serving(config(dir.path())).await;
    for first in (0..OBJECTS).step_by(AT_ONCE) {
        let puts = (first..first + AT_ONCE).map(|number| {
            let handle = node.handle();
            tokio::spawn(async move { put(&handle, &name(number), &value(number)).await })
        });
        for put in puts.collect::<Vec<_>>() {
            put.await.expect("no panic").expect("acknowledged");
        }
    }
    until("the value is in a table", async || {
        (!tables_with(&dir.path().join("store"), &value(STRUCK)).is_empty()).then_some(())
    })
    .await;
    node.stop().await;
    for (table, at) in tables_with(&dir.path().join("store"), &value(STRUCK)) {
        let mut content = fs::read(&table).expect("readable");
        content[at] ^= 0x10;
        fs::write(&table, content).expect("written");
    }

    let node = serving(config(dir.path())).await;
    let why = timeout(PATIENCE, node.failed()).await.expect("nobody writes, and it stops");
    assert!(why.contains("part of the store can't be read"), "{why}");
    assert!(why.contains("start the node again"), "{why}");
    node.stop().await;

    let node = serving(config(dir.path())).await;
    let mut lost = 0;
    for number in 0..OBJECTS {
        match &values(&node.handle(), &name(number)).await[..] {
            [] => lost += 1,
            [one] => assert!(*one == value(number), "{number}"),
            more => panic!("{} versions of {number}", more.len()),
        }
    }
    // One of 16 partitions, or two if the block lies across, of which there is no other replica here.
    assert!((1..OBJECTS / 4).contains(&lost), "{lost} of {OBJECTS} are lost");
    node.stop().await;
}
