//! A folder imported and exported again is the same folder.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::harness::{Cluster, Node, Request, stderr};

/// Every file below a folder, by its relative path.
fn read(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("readable"));
    let files = files.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let relative = entry.path().strip_prefix(folder).expect("below it").to_owned();
            (relative, std::fs::read(entry.path()).expect("readable"))
        })
        .collect()
}

fn write(folder: &Path, name: &[u8], content: &[u8]) {
    let path = folder.join(OsStr::from_bytes(name));
    std::fs::create_dir_all(path.parent().expect("below the folder")).expect("writable");
    std::fs::write(path, content).expect("writable");
}

/// A few hundred files, some with names that break what quotes and escapes.
fn grow(folder: &Path) {
    for number in 0_u32..300 {
        let size = (number * number) as usize % 20_000;
        let content: Vec<u8> = (0..size).map(|at| (at as u32 ^ number) as u8).collect();
        write(folder, format!("src/{}/{number}.rs", number % 17).as_bytes(), &content);
    }
    let odd: [&[u8]; 12] = [
        b"a b",
        b"100%",
        b"%41",
        b"quote\"'",
        b"new\nline",
        b"tab\t",
        b"\xff\xfe",
        b"...",
        b"..x",
        b"-r",
        b"q?u=e#ry",
        "größe/日本".as_bytes(),
    ];
    for name in odd {
        write(folder, &[b"odd/", name].concat(), name);
    }
    write(folder, b"empty", b"");
    write(folder, b"large", &vec![7; 3 << 20]);
}

fn totals(node: &Node, arguments: &[&str], code: i32) -> serde_json::Value {
    let output = node.cli(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("one document")
}

#[test]
fn a_tree_with_odd_names_comes_back_as_it_was() {
    let cluster = Cluster::three();
    let [n1, n2, n3] = &cluster.nodes[..] else { panic!("three nodes") };
    let (from, to) = (cluster.dir.path().join("from"), cluster.dir.path().join("to"));
    grow(&from);
    std::os::unix::fs::symlink("empty", from.join("link")).expect("writable");
    let (source, target) = (from.to_str().expect("plain"), to.to_str().expect("plain"));
    let files = read(&from);

    let first = totals(n1, &["import", "tree", source], 0);
    assert_eq!(first["objects"].as_u64(), Some(files.len() as u64));
    assert_eq!(first["symlinks"].as_u64(), Some(1));
    let export = totals(n2, &["export", "tree", target], 0);
    assert_eq!(export["objects"].as_u64(), Some(files.len() as u64));
    assert!(read(&to) == files, "the exported tree differs");

    // Both can be run again, and touch only what changed.
    let again = totals(n3, &["import", "tree", source], 0);
    assert_eq!(
        (again["objects"].as_u64(), again["skipped"].as_u64()),
        (Some(0), Some(files.len() as u64))
    );
    write(&from, b"empty", b"no more");
    let changed = totals(n1, &["import", "tree", source], 0);
    assert_eq!(changed["objects"].as_u64(), Some(1));
    let export = totals(n3, &["export", "tree", target], 0);
    assert_eq!(export["objects"].as_u64(), Some(1));
    assert!(read(&to) == read(&from), "the changed file came back as one version");
}

#[test]
fn keys_that_are_no_files_are_named_and_the_others_written() {
    let cluster = Cluster::three();
    let n1 = &cluster.nodes[0];
    let to = cluster.dir.path().join("deep/to");
    for key in
        ["good", "..%2Fescape", "%2Fetc%2Fabsolute", "a%2F..%2F..%2Fb", "nul%00", "good%2Fchild"]
    {
        assert_eq!(n1.send(&Request::put(format!("/v1/kv/b/{key}"), key)).status, 204);
    }
    let export = n1.cli(&["export", "b", to.to_str().expect("plain")]);
    assert_eq!(export.status.code(), Some(1));
    let told = stderr(&export);
    for key in ["../escape", "/etc/absolute", "a/../../b", "nul%00"] {
        assert!(told.contains(&format!("failed: {key}: ")), "{key} in {told}");
    }
    // One of the two is a file where the other needs a folder.
    assert!(told.contains("needs a folder"), "{told}");
    assert_eq!(read(&to).len(), 1);
    assert!(!cluster.dir.path().join("deep/escape").exists());

    assert_eq!(n1.send(&Request::put("/v1/kv/c/two", "1")).status, 204);
    assert_eq!(n1.send(&Request::put("/v1/kv/c/two", "2")).status, 204);
    let to = cluster.dir.path().join("conflicts");
    let export = n1.cli(&["export", "c", to.to_str().expect("plain")]);
    assert_eq!(export.status.code(), Some(5), "{}", stderr(&export));
    assert!(stderr(&export).contains("failed: two: it has 2 values"));
}
