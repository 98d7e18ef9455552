//! The guides tell the truth: links lead somewhere, commands are ones that the binary takes, and the
//! examples do what stands behind them.
//!
//! Shell blocks (`sh`) are carried out line by line against a real cluster; `console` and indented
//! ones start processes or need a person, so only their `stator` commands are looked at.

mod markdown;
mod session;
mod shell;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::harness::{Cluster, run, stator, stderr};
use markdown::Page;
use session::Session;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All documents, by their path from the root.
fn pages() -> BTreeMap<PathBuf, Page> {
    let mut files = vec![];
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        files.push(PathBuf::from(name));
    }
    markdown_below(Path::new("docs"), &mut files);
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root().join(&path));
        let page = Page::parse(&text.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        (path, page)
    };
    files.into_iter().map(read).collect()
}

fn markdown_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root().join(folder)).expect("a folder of documents") {
        let entry = entry.expect("an entry");
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            markdown_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// What a link that stands in `from` leads to, without `..`.
fn target(from: &Path, link: &str) -> PathBuf {
    let mut path = from.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(link) {
        if part == ".." {
            path.pop();
        } else if part != "." {
            path.push(part);
        }
    }
    path
}

/// Why a link leads nowhere.
fn broken(pages: &BTreeMap<PathBuf, Page>, from: &Path, link: &str) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let to = if file.is_empty() { from.to_owned() } else { target(from, file) };
    if !root().join(&to).exists() {
        return Some(format!("{} is not there", to.display()));
    }
    let known = pages.get(&to).is_none_or(|page| page.anchors.contains(anchor));
    (!anchor.is_empty() && !known).then(|| format!("{} has no heading #{anchor}", to.display()))
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let pages = pages();
    let mut wrong = vec![];
    let mut followed = 0;
    for (path, page) in &pages {
        for link in &page.links {
            followed += 1;
            let why = broken(&pages, path, link);
            wrong.extend(why.map(|why| format!("{}: {link}: {why}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(followed >= 80, "only {followed} links were found");
}

/// mdBook leaves out, without a word, what its summary does not name.
#[test]
fn the_book_has_every_page() {
    let pages = pages();
    let summary = Path::new("docs/SUMMARY.md");
    let named: Vec<PathBuf> =
        pages[summary].links.iter().map(|link| target(summary, link)).collect();
    let is_left_out =
        |path: &&PathBuf| path.starts_with("docs") && *path != summary && !named.contains(path);
    let left_out: Vec<_> = pages.keys().filter(is_left_out).collect();
    assert!(left_out.is_empty(), "docs/SUMMARY.md does not name {left_out:?}");
}

/// Unknown commands, flags and values are found; arguments that are missing are not, since `--help`
/// comes before those are counted.
#[test]
fn every_stator_command_in_the_documents_is_one_that_the_binary_takes() {
    let mut wrong = vec![];
    let mut asked = 0;
    let mut pages = pages();
    // Its map of the rooms begins with the name of the binary.
    pages.remove(Path::new("ARCHITECTURE.md"));
    for (path, page) in pages {
        for words in page.commands() {
            asked += 1;
            let mut command = stator();
            command.args(&words).arg("--help");
            let output = run(command);
            if !output.status.success() {
                let line = words.join(" ");
                wrong.push(format!("{}: stator {line}\n{}", path.display(), stderr(&output)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked >= 80, "only {asked} commands were found");
}

#[test]
fn the_examples_do_what_stands_behind_them() {
    let cluster = Cluster::three();
    let mut session = Session::new(&cluster);
    let pages = pages();
    // In the order in which they are read: pages begin with what those before them left.
    let first = ["docs/get-started.md", "docs/using.md"].map(PathBuf::from);
    let others = pages.keys().filter(|path| !first.contains(path));
    for path in first.iter().chain(others) {
        for line in pages[path].shell_lines() {
            session
                .carry_out(&line)
                .unwrap_or_else(|why| panic!("{}: {line}\n{why}", path.display()));
        }
    }
    assert!(session.requests() >= 40, "only {} requests were found", session.requests());
}
