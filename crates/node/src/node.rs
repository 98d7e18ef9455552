//! A running node: the way in, the way out, and stopping without losing a word.

mod start;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::clients::ClientConnection;
use crate::config::NodeConfig;
use crate::error::StartError;
use crate::handle::NodeHandle;
use crate::identity::DataDir;
use crate::shard::Shards;
use crate::shutdown::Shutdown;
use crate::store_writer::WriteQueue;

/// How long a node that stops lets requests finish.
const DRAIN: Duration = Duration::from_secs(10);

/// A running node. One that is dropped without [`Self::stop`] ends in the background, without
/// letting requests finish.
pub struct Node {
    handle: NodeHandle,
    peer_address: SocketAddr,
    shutdown: Shutdown,
    /// Taken when the node is stopped.
    threads: Option<Threads>,
}

impl Node {
    /// Starts a node. It serves once it is a member of a ring ([`NodeHandle::readiness`]).
    pub async fn start(config: NodeConfig) -> Result<Self, StartError> {
        // Opening a store may read for long; the caller's runtime has others to serve.
        match tokio::task::spawn_blocking(move || start::start(config)).await {
            Ok(started) => started,
            Err(panicked) => Err(StartError::Config(format!("the start failed: {panicked}"))),
        }
    }

    /// The way in for front doors.
    pub fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }

    /// Opens the door for native clients: their connections come out of the receiver. None if it
    /// was opened before. Until then, and once the receiver is gone, they are sent away.
    pub fn clients(&self) -> Option<mpsc::Receiver<ClientConnection>> {
        self.handle.shared().me.clients.open()
    }

    /// Where it listens for peers, and for native clients.
    pub const fn peer_address(&self) -> SocketAddr {
        self.peer_address
    }

    /// Waits until the node must stop, since it can't keep its promises any more: a write or a sync
    /// failed, or its identity is in use twice. The reason, with what to do.
    pub async fn failed(&self) -> String {
        self.handle.shared().failure.wait().await
    }

    /// Takes no more requests, lets those under way finish (10 s at most), syncs and closes the
    /// store.
    pub async fn stop(mut self) {
        if timeout(DRAIN, self.handle.shared().in_flight.close()).await.is_err() {
            tracing::warn!("requests were still under way after {} s: stopping", DRAIN.as_secs());
        }
        self.shutdown.begin();
        let Some(threads) = self.threads.take() else { return };
        if tokio::task::spawn_blocking(move || threads.join()).await.is_err() {
            tracing::error!("a thread of the node panicked while it stopped");
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Node");
        debug.field("me", &self.handle.me()).field("peer_address", &self.peer_address);
        debug.finish_non_exhaustive()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shutdown.begin();
        let Some(threads) = self.threads.take() else { return };
        // Only to close the store once everybody has let go of it; nobody can wait for it here.
        let _ = std::thread::Builder::new()
            .name("stator-stop".to_owned())
            .spawn(move || threads.join());
    }
}

/// What must end, in this order, before the data directory is free.
struct Threads {
    pub(super) membership: JoinHandle<()>,
    pub(super) shards: Arc<Shards>,
    pub(super) writes: WriteQueue,
    pub(super) writer: JoinHandle<()>,
    pub(super) saver: JoinHandle<()>,
    pub(super) data: DataDir,
}

impl Threads {
    fn join(self) {
        let Self { membership, shards, writes, writer, saver, data } = self;
        let membership = membership.join();
        shards.join();
        writes.close();
        let ended = [membership, writer.join(), saver.join()];
        if ended.iter().any(Result::is_err) {
            tracing::error!("a thread of the node panicked");
        }
        drop(data);
    }
}
