//! What makes a node itself, on disk: `identity/` in its data directory (rule 19).
//!
//! ```text
//! DATA/lock               held while a process runs on the directory
//! DATA/identity/node      node id, starts counted, the start that store/ was last used in
//! DATA/identity/cluster   the cluster's id and all facts, the ring among them
//! DATA/identity/votes     votes given in registers
//! DATA/store/             the engine's; beside it, what was set aside or is being salvaged of one
//! ```
//!
//! The rule: a start is counted durably before it does anything else, and what membership saves
//! is on disk before it is said to be. Each file is replaced whole ([`file`]). `identity/` is never
//! restored from a copy: a voter that forgot a vote could let two rings be chosen.

mod file;
mod saver;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut, BytesMut};
use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::membership::effect::Save;
use stator_core::membership::facts::Facts;
use stator_core::register::Votes;
use stator_wire::proto;

pub(crate) use saver::{Saver, spawn as spawn_saver};

use self::file::{FileKind, ReadError};
use crate::error::StartError;

const LOCK: &str = "lock";
const IDENTITY: &str = "identity";
const STORE: &str = "store";
/// A copy of what can be read of a damaged store, while it is made, and once it is complete.
const SALVAGE: &str = "store.salvage";
const SALVAGED: &str = "store.salvaged";

/// A data directory that this process holds alone, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    /// Locked; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if need be and locks it.
    pub(crate) fn hold(root: &Path) -> Result<Self, StartError> {
        let identity = root.join(IDENTITY);
        fs::create_dir_all(&identity).map_err(|error| StartError::unwritable(&identity, error))?;
        let path = root.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| StartError::unwritable(&path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StartError::InUse { path: root.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(StartError::unwritable(&path, error)),
        }
        file::sync_directory(root).map_err(|error| StartError::unwritable(root, error))?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the node's own small files are.
    pub(crate) fn identity(&self) -> PathBuf {
        self.root.join(IDENTITY)
    }

    /// Where the engine keeps its files.
    pub(crate) fn store(&self) -> PathBuf {
        self.root.join(STORE)
    }

    /// Moves the store out of the way, under a name that says from which start it is. Nothing of
    /// it is deleted.
    pub(crate) fn set_store_aside(&self, boot: BootNumber) -> Result<PathBuf, StartError> {
        let aside = self.free_aside(boot);
        self.rename(&self.store(), &aside)?;
        Ok(aside)
    }

    fn free_aside(&self, boot: BootNumber) -> PathBuf {
        let free = (0..).map(|number| self.root.join(format!("{STORE}.aside-{}-{number}", boot.0)));
        free.into_iter().find(|path| !path.exists()).expect("some number is free")
    }

    /// An empty place for a copy of the store that is to replace it.
    pub(crate) fn begin_salvage(&self) -> Result<PathBuf, StartError> {
        let copy = self.root.join(SALVAGE);
        match fs::remove_dir_all(&copy) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StartError::unwritable(&copy, error))
            }
            _ => Ok(copy),
        }
    }

    /// The copy is complete and on disk: it takes the store's place, which is set aside. A crash on
    /// the way leaves the store, or the copy for [`Self::resume_salvage`].
    pub(crate) fn finish_salvage(&self, boot: BootNumber) -> Result<PathBuf, StartError> {
        self.rename(&self.root.join(SALVAGE), &self.root.join(SALVAGED))?;
        let aside = self.set_store_aside(boot)?;
        self.resume_salvage()?;
        Ok(aside)
    }

    /// A complete copy takes the place of the store that was set aside. Beside a store that is still
    /// there it is of no use: that store is looked through again.
    pub(crate) fn resume_salvage(&self) -> Result<(), StartError> {
        let salvaged = self.root.join(SALVAGED);
        if !salvaged.exists() {
            return Ok(());
        }
        if !self.store().exists() {
            return self.rename(&salvaged, &self.store());
        }
        fs::remove_dir_all(&salvaged).map_err(|error| StartError::unwritable(&salvaged, error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StartError> {
        fs::rename(from, to)
            .and_then(|()| file::sync_directory(&self.root))
            .map_err(|error| StartError::unwritable(to, error))
    }
}

/// What `identity/` holds.
#[derive(Debug)]
pub(crate) struct Identity {
    directory: PathBuf,
    /// This node.
    pub(crate) node: NodeId,
    /// This start; 0 before [`Self::begin_start`].
    pub(crate) boot: BootNumber,
    /// The start that `store/` was last known to be used in.
    pub(crate) store_boot: BootNumber,
    /// Marks this start.
    pub(crate) nonce: BootNonce,
    /// The cluster, if the node belongs to one.
    pub(crate) cluster: Option<(ClusterId, Facts)>,
    /// Votes given, if any.
    pub(crate) votes: Option<Votes>,
}

impl Identity {
    /// Reads the identity in `directory`, or draws a new one if there is none, and counts this
    /// start, durably.
    pub(crate) fn begin_start(
        directory: &Path,
        node: NodeId,
        nonce: BootNonce,
    ) -> Result<Self, StartError> {
        let mut identity = Self::read(directory, node, nonce)?;
        identity.boot = BootNumber(identity.boot.0 + 1);
        identity.write_node()?;
        Ok(identity)
    }

    /// Whether the node had a store in an earlier start. False once [`Self::store_is_marked`].
    pub(crate) fn had_store(&self) -> bool {
        self.store_boot > BootNumber(0)
    }

    /// The store is now marked as used in this start.
    pub(crate) fn store_is_marked(&mut self) -> Result<(), StartError> {
        self.store_boot = self.boot;
        self.write_node()
    }

    fn read(directory: &Path, fresh: NodeId, nonce: BootNonce) -> Result<Self, StartError> {
        let damaged = |kind: FileKind, why: String| StartError::DamagedIdentity {
            path: directory.join(kind.name()),
            why,
        };
        let read = |kind: FileKind| match file::read(directory, kind) {
            Ok(payload) => Ok(payload),
            Err(ReadError::Io(error)) => {
                Err(StartError::unwritable(&directory.join(kind.name()), error))
            }
            Err(ReadError::Damaged(why)) => Err(damaged(kind, why.to_owned())),
        };
        let node = read(FileKind::Node)?;
        let cluster = read(FileKind::Cluster)?;
        let votes = read(FileKind::Votes)?;
        if node.is_none() && (cluster.is_some() || votes.is_some()) {
            return Err(damaged(FileKind::Node, "it is missing, and others are there".to_owned()));
        }
        let (node, boot, store_boot) = match node {
            Some(payload) => parse_node(&payload)
                .ok_or_else(|| damaged(FileKind::Node, "its length is wrong".to_owned()))?,
            None => (fresh, BootNumber(0), BootNumber(0)),
        };
        let cluster = cluster
            .map(|payload| parse_cluster(&payload))
            .transpose()
            .map_err(|why| damaged(FileKind::Cluster, why))?;
        let votes = votes
            .map(|payload| proto::decode_votes(payload.into()).map_err(|error| error.to_string()))
            .transpose()
            .map_err(|why| damaged(FileKind::Votes, why))?;
        let directory = directory.to_owned();
        Ok(Self { directory, node, boot, store_boot, nonce, cluster, votes })
    }

    fn write_node(&self) -> Result<(), StartError> {
        let mut payload = Vec::with_capacity(NODE_LEN);
        payload.put_u64(self.node.get());
        payload.put_u64(self.boot.0);
        payload.put_u64(self.store_boot.0);
        file::write(&self.directory, FileKind::Node, &payload)
            .map_err(|error| StartError::unwritable(&self.directory, error))
    }
}

const NODE_LEN: usize = 24;

fn parse_node(mut payload: &[u8]) -> Option<(NodeId, BootNumber, BootNumber)> {
    if payload.len() != NODE_LEN {
        return None;
    }
    let node = NodeId::new(payload.get_u64());
    Some((node, BootNumber(payload.get_u64()), BootNumber(payload.get_u64())))
}

fn parse_cluster(payload: &[u8]) -> Result<(ClusterId, Facts), String> {
    let Some((id, facts)) = payload.split_first_chunk() else {
        return Err("it is too short".to_owned());
    };
    let facts = proto::decode_facts(facts.to_vec().into()).map_err(|error| error.to_string())?;
    Ok((ClusterId::new(u128::from_be_bytes(*id)), facts))
}

/// Writes what membership wants durable; returns once it is.
fn write_save(directory: &Path, save: &Save) -> io::Result<()> {
    match save {
        Save::Cluster { cluster, facts } => {
            let mut payload = BytesMut::new();
            payload.put_u128(cluster.get());
            proto::encode_facts(facts, &mut payload);
            file::write(directory, FileKind::Cluster, &payload)
        }
        Save::Votes(votes) => {
            let mut payload = BytesMut::new();
            proto::encode_votes(votes, &mut payload);
            file::write(directory, FileKind::Votes, &payload)
        }
    }
}

#[cfg(test)]
mod tests;
