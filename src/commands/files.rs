//! Keys as files and files as keys, and what import and export have in common.
//!
//! A key is a file's path relative to the folder, as its own bytes. Not every key can be a path:
//! one that is absolute, climbs with `..`, or has a NUL would lie elsewhere or nowhere.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// The name under which a file's digest is kept beside its object.
pub(super) const DIGEST_META: &str = "blake3";

/// Failures named one by one at the end; beyond that they are only counted.
const NAMED: usize = 20;

/// The path below the folder that a key stands for, or why there is none.
pub(super) fn path_of(key: &[u8]) -> Result<PathBuf, &'static str> {
    if key.contains(&0) {
        return Err("it has a NUL, which no file name can have");
    }
    if key.starts_with(b"/") {
        return Err("it is an absolute path, which lies outside of the folder");
    }
    for component in key.split(|&byte| byte == b'/') {
        match component {
            b"" => return Err("it has an empty component, so it is no path of its own"),
            b"." => return Err("it has a component \".\", so it is no path of its own"),
            b".." => return Err("it has a component \"..\", which may lead out of the folder"),
            _ if component.len() > 255 => return Err("a component is longer than 255 bytes"),
            _ => {}
        }
    }
    Ok(PathBuf::from(OsStr::from_bytes(key)))
}

/// The key of a file below the folder.
pub(super) fn key_of(folder: &Path, file: &Path) -> Option<Vec<u8>> {
    let relative = file.strip_prefix(folder).ok()?;
    Some(relative.as_os_str().as_bytes().to_vec())
}

/// A content's digest, as it is kept beside the object.
pub(super) fn digest(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

/// A bar on stderr if a person looks at it.
pub(super) fn progress_bar(total: Option<u64>) -> ProgressBar {
    if !output::shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = match total {
        Some(_) => "{bar:30} {pos}/{len} {per_sec} {eta} left {msg}",
        None => "{spinner} {pos} {per_sec} {elapsed} {msg}",
    };
    bar.set_style(
        ProgressStyle::with_template(template).expect("the templates above are well formed"),
    );
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Names what failed, on stderr, one a line.
pub(super) fn report_failures(failures: &[(String, String)]) {
    for (key, why) in failures.iter().take(NAMED) {
        anstream::eprintln!("failed: {key}: {why}");
    }
    if failures.len() > NAMED {
        anstream::eprintln!("failed: {} more", failures.len() - NAMED);
    }
}

#[cfg(test)]
mod tests;
