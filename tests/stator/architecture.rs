//! ARCHITECTURE.md names files that exist.

use std::path::Path;

/// Texts in backticks that are paths of this repository.
fn paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path = |word: &&str| {
        (word.starts_with("crates/") || word.starts_with("src/")) && !word.contains([' ', '{', '*'])
    };
    quoted.filter(is_path).collect()
}

#[test]
fn every_path_named_in_the_architecture_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let named = paths(&text);
    assert!(named.len() >= 10, "only {} paths are named", named.len());
    let missing: Vec<_> = named.iter().filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "named and not there: {missing:?}");
}

#[test]
fn only_texts_in_backticks_that_are_paths_count() {
    let text = "see `crates/core/src/lib.rs` and `src/main.rs`, `other/x`, `src/{a,b}.rs`, src/no";
    assert_eq!(paths(text), ["crates/core/src/lib.rs", "src/main.rs"]);
}
