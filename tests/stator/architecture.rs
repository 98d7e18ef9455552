//! The documents tell the truth: the files and tests that they name exist.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap_or_else(|error| {
        panic!("{document}: {error}");
    })
}

/// Texts in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Texts in backticks that are paths of this repository.
fn paths(text: &str) -> Vec<&str> {
    let is_path = |word: &&str| {
        const TOPS: [&str; 6] = ["crates/", "src/", "docs/", "tests/", "packaging/", "ops/"];
        TOPS.iter().any(|top| word.starts_with(top)) && !word.contains([' ', '{', '*'])
    };
    quoted(text).filter(is_path).collect()
}

/// Texts in backticks that can only be names of tests or golden scripts: long, of small letters.
fn test_names(text: &str) -> Vec<&str> {
    let is_name = |word: &&str| {
        word.len() > 14
            && word.contains('_')
            && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    quoted(text).filter(is_name).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_path_named_in_the_documents_exists() {
    for document in [
        "ARCHITECTURE.md",
        "README.md",
        "CONTRIBUTING.md",
        "docs/benchmarking.md",
        "docs/packages.md",
        "docs/measurements.md",
        "docs/concepts/index.md",
        "docs/concepts/partitioning.md",
        "docs/concepts/replication.md",
        "docs/concepts/versions.md",
        "docs/concepts/quorums.md",
        "docs/concepts/sloppy-quorums.md",
        "docs/concepts/anti-entropy.md",
        "docs/concepts/membership.md",
        "docs/concepts/ring-changes.md",
        "docs/traps.md",
        "docs/operating.md",
        "docs/metrics.md",
        "docs/console.md",
        "docs/decisions/0011-console.md",
        "docs/redis.md",
        "docs/decisions/0008-requests-of-the-redis-protocol.md",
        "docs/decisions/0009-native-clients.md",
    ] {
        let text = read(document);
        let missing: Vec<_> =
            paths(&text).into_iter().filter(|path| !root().join(path).exists()).collect();
        assert!(missing.is_empty(), "{document} names what is not there: {missing:?}");
    }
    let named = paths(&read("ARCHITECTURE.md")).len();
    assert!(named >= 40, "only {named} paths are named in ARCHITECTURE.md");
}

#[test]
fn every_test_named_beside_a_trap_exists() {
    let mut files = Vec::new();
    for folder in ["crates", "tests"] {
        rust_files(&root().join(folder), &mut files);
    }
    let sources: String =
        files.iter().map(|path| std::fs::read_to_string(path).expect("a source")).collect();
    let text = read("docs/traps.md");
    let named = test_names(&text);
    assert!(named.len() >= 40, "only {} tests are named", named.len());
    let scripts = root().join("crates/core/testscripts");
    let is_missing =
        |name: &&&str| !sources.contains(&format!("fn {name}(")) && !scripts.join(name).exists();
    let missing: Vec<_> = named.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "named and not there: {missing:?}");
}

#[test]
fn only_texts_in_backticks_count() {
    let text = "see `crates/core/src/lib.rs` and `src/main.rs`, `other/x`, `src/{a,b}.rs`, src/no";
    assert_eq!(paths(text), ["crates/core/src/lib.rs", "src/main.rs"]);
    let text = "`max_siblings`, `a_test_that_tells_a_story` and a_name_without_backticks";
    assert_eq!(test_names(text), ["a_test_that_tells_a_story"]);
}
