//! Why a node does not start: each names the cause and what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use stator_core::identity::{BootNumber, ClusterId, NodeId};
use stator_core::store::StoreError;
use stator_store::OpenError;

/// Why a node does not start. Nothing was changed but, at most, its count of starts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration can't be.
    #[error("{0}")]
    Config(String),
    /// Another process runs on the directory.
    #[error("the data directory {} is in use by another process: stop it, or give this node a directory of its own with --data", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory can't be written: read-only, full, or not ours.
    #[error("{} can't be written ({source}): {}", path.display(), advice(source))]
    Unwritable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of `identity/` can't be read as what was written.
    #[error("{} is damaged: {why}; a node can't run on a guess of what it promised: move the whole data directory away and join again as a new node", path.display())]
    DamagedIdentity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The store was written by another node.
    #[error("{} is the store of node {theirs}, and {} makes this node {ours}: give each node its own --data, or move store/ away to start with an empty one", store.display(), identity.display())]
    OtherNodesStore {
        /// The store.
        store: PathBuf,
        /// The identity.
        identity: PathBuf,
        /// Whose it is.
        theirs: NodeId,
        /// Who starts.
        ours: NodeId,
    },
    /// The store was written for another cluster.
    #[error("{} holds data of cluster {theirs}, and this node belongs to cluster {ours}: give it its own --data, or move store/ away to start with an empty one", store.display())]
    OtherClustersStore {
        /// The store.
        store: PathBuf,
        /// Whose it is.
        theirs: ClusterId,
        /// Where this node belongs.
        ours: ClusterId,
    },
    /// The store is a copy from before the last start.
    #[error("{} is older than this node: it was last used in start {}, the node's last was {} (a restored backup?); what was written since is missing from it: put the right store/ back, or move this one away to start with an empty one", store.display(), found.0, expected.0)]
    OlderStore {
        /// The store.
        store: PathBuf,
        /// The start it was last used in.
        found: BootNumber,
        /// The start it must have been used in.
        expected: BootNumber,
    },
    /// The identity is a copy from before the store's last start.
    #[error("{} is older than its store: it counts {} starts, the store has seen {} (a restored copy?); votes given since may be forgotten, which could split the cluster: move the whole data directory away and join again as a new node", identity.display(), found.0, expected.0)]
    OlderIdentity {
        /// The identity.
        identity: PathBuf,
        /// What it counts.
        found: BootNumber,
        /// What the store has seen.
        expected: BootNumber,
    },
    /// The address for peers can't be listened on.
    #[error(
        "{address} can't be listened on ({source}): another process may use the port; stop it, or choose another address with --peer"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The engine can't open the store.
    #[error(transparent)]
    OpenStore(#[from] OpenError),
    /// The store was opened and can't be used.
    #[error("the store {} can't be used: {source}", path.display())]
    Store {
        /// The store.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The store is damaged, and what can be read could not be copied.
    #[error("the store {} is damaged, and what can still be read of it could not be copied to a new one beside it ({source}): make as much room on the disk as the store takes, or move it away to start with an empty one, which the other replicas refill", store.display())]
    Salvage {
        /// The store.
        store: PathBuf,
        /// Why not.
        source: StoreError,
    },
    /// An empty directory, and nothing that says which cluster to be in.
    #[error("{} is empty and nothing says which cluster this node belongs to: start a new one with --init, or name members of one with --join", path.display())]
    NoCluster {
        /// The directory.
        path: PathBuf,
    },
    /// The system gives no thread or no randomness.
    #[error("the system refused a {what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl StartError {
    /// A path that can't be written.
    pub(crate) fn unwritable(path: &Path, source: io::Error) -> Self {
        Self::Unwritable { path: path.to_owned(), source }
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the disk, or choose another directory with --data"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is mounted read-only: remount it, or choose another directory with --data"
        }
        io::ErrorKind::PermissionDenied => {
            "give this user the right to write there, or choose another directory with --data"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "it is a file: choose a directory with --data"
        }
        _ => "check the path given with --data",
    }
}
