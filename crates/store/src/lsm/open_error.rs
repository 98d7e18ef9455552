//! Why a store on disk did not open, and what its operator can do.

use std::io;
use std::path::{Path, PathBuf};

/// Why a store on disk did not open. Nothing was written, unless the text says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the store in {dir} is in use: another stator runs on this data directory; \
         stop that one, or give this one a data directory of its own", dir = dir.display()
    )]
    InUse {
        /// The store's directory.
        dir: PathBuf,
    },
    /// The directory, or the file system it is on, does not allow writing.
    #[error(
        "the store in {dir} can't be written to: {source}; check the owner and the permissions of \
         the directory and that its file system is not mounted read-only", dir = dir.display()
    )]
    NotWritable {
        /// The store's directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no space for what an open store needs.
    #[error(
        "there is no space for the store in {dir}: {source}; free some space on its file system \
         (an empty store needs about 70 MiB) and start again", dir = dir.display()
    )]
    DiskFull {
        /// The store's directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path, or a part of it, is a file.
    #[error("{dir} is not a directory: give the store a path that is one, or a new one", dir = dir.display())]
    NotADirectory {
        /// The path given.
        dir: PathBuf,
    },
    /// It was written by a version of the engine that this one can't read.
    #[error(
        "the store in {dir} has a format that this version can't read: {found}; \
         run the version of stator that wrote it, or move the directory away and let the node \
         refill from its peers", dir = dir.display()
    )]
    Format {
        /// The store's directory.
        dir: PathBuf,
        /// The format found.
        found: String,
    },
    /// Its files contradict their checksums or each other.
    #[error(
        "the store in {dir} is damaged: {detail}; move the directory away (keep it until the node \
         is whole again) and start anew: the node refills from its peers", dir = dir.display()
    )]
    Damaged {
        /// The store's directory.
        dir: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The system failed in another way.
    #[error("the store in {dir} did not open: {source}", dir = dir.display())]
    Io {
        /// The store's directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    /// What a failure of the system means for the store in `dir`.
    pub(super) fn from_io(dir: &Path, source: io::Error) -> Self {
        let dir = dir.to_path_buf();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { dir, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { dir, source }
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                Self::NotADirectory { dir }
            }
            _ => Self::Io { dir, source },
        }
    }

    /// What a failure of the engine means for the store in `dir`.
    pub(super) fn from_engine(dir: &Path, error: fjall::Error) -> Self {
        match error {
            fjall::Error::Locked => Self::InUse { dir: dir.to_path_buf() },
            fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
                Self::from_engine_io(dir, source)
            }
            fjall::Error::InvalidVersion(version) => {
                let found = version.map_or("unknown".to_owned(), |version| version.to_string());
                Self::Format { dir: dir.to_path_buf(), found }
            }
            other => Self::damaged(dir, other.to_string()),
        }
    }

    pub(super) fn damaged(dir: &Path, detail: String) -> Self {
        Self::Damaged { dir: dir.to_path_buf(), detail }
    }

    /// The engine reads files that it wrote itself: one that is missing or too short is damage.
    fn from_engine_io(dir: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput => Self::damaged(dir, source.to_string()),
            _ => Self::from_io(dir, source),
        }
    }
}

#[cfg(test)]
mod tests;
