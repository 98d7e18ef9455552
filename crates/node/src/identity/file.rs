//! One small file of `identity/`: checked when read, replaced whole or not at all when written.
//!
//! ```text
//! file = format (1 byte, 1) kind (1 byte) payload checksum (4 bytes, big-endian CRC-32C of all before)
//! ```
//!
//! Written to a temporary name, synced, renamed, and the directory synced: after a crash either
//! the old file is there or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FORMAT: u8 = 1;
const HEADER: usize = 2;
const CHECKSUM: usize = 4;
const TEMPORARY: &str = "tmp";

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Node id and starts.
    Node,
    /// The cluster and its facts.
    Cluster,
    /// Votes given in registers.
    Votes,
}

impl FileKind {
    /// Its name in the directory.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Cluster => "cluster",
            Self::Votes => "votes",
        }
    }

    /// The byte that keeps one kind from being read as another.
    const fn tag(self) -> u8 {
        match self {
            Self::Node => 1,
            Self::Cluster => 2,
            Self::Votes => 3,
        }
    }
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The file system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes are not what was written.
    #[error("{0}")]
    Damaged(&'static str),
}

/// The payload of a file; none if there is no such file.
pub(super) fn read(directory: &Path, kind: FileKind) -> Result<Option<Vec<u8>>, ReadError> {
    let bytes = match fs::read(directory.join(kind.name())) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    payload(&bytes, kind).map(|payload| Some(payload.to_vec())).map_err(ReadError::Damaged)
}

fn payload(bytes: &[u8], kind: FileKind) -> Result<&[u8], &'static str> {
    if bytes.len() < HEADER + CHECKSUM {
        return Err("it is too short");
    }
    let (checked, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    if crc32c::crc32c(checked).to_be_bytes() != *checksum {
        return Err("its checksum does not match");
    }
    if checked[0] != FORMAT {
        return Err("it was written in a format that this version of Stator does not know");
    }
    if checked[1] != kind.tag() {
        return Err("it is another file of identity/ under this name");
    }
    Ok(&checked[HEADER..])
}

/// Replaces a file, durably.
pub(super) fn write(directory: &Path, kind: FileKind, payload: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + CHECKSUM);
    bytes.extend_from_slice(&[FORMAT, kind.tag()]);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());

    let temporary = temporary(directory, kind);
    let mut file = File::create(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(kind.name()))?;
    sync_directory(directory)
}

/// Makes names that were added to a directory durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn temporary(directory: &Path, kind: FileKind) -> PathBuf {
    directory.join(kind.name()).with_extension(TEMPORARY)
}

#[cfg(test)]
mod tests;
