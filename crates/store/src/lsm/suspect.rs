//! The mark of a store that met damage on its disk: a file beside the engine's own, which says why.
//!
//! Values that are small share blocks under one checksum of the engine. Of a block that is damaged
//! it can't tell which keys were in it, cannot step over it, and fails for good once it has to
//! compact it. Such a store takes no more writes, and is looked through and mended before it is
//! used again (rule 19; the trap "torn tail, bit rot"). The mark carries that over to the next
//! start, however this one ends.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

const MARK: &str = "suspect";

/// Leaves the mark, durably.
pub(super) fn set(dir: &Path, why: &str) -> io::Result<()> {
    let mut file = File::create(dir.join(MARK))?;
    file.write_all(why.as_bytes())?;
    file.sync_all()?;
    File::open(dir)?.sync_all()
}

/// Why the store is marked; none if it is not.
pub(super) fn get(dir: &Path) -> io::Result<Option<String>> {
    match fs::read(dir.join(MARK)) {
        Ok(why) => Ok(Some(String::from_utf8_lossy(&why).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes the mark away, durably.
pub(super) fn clear(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(MARK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::open(dir)?.sync_all(),
    }
}
