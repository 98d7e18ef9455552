//! How the threads of a node learn that they are to end.

use std::sync::Arc;

use tokio::sync::watch;

/// Shared by all threads of a node.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    stopping: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    /// Nobody has asked yet.
    pub(crate) fn new() -> Self {
        Self { stopping: Arc::new(watch::Sender::new(false)) }
    }

    /// Asks all threads to end.
    pub(crate) fn begin(&self) {
        self.stopping.send_replace(true);
    }

    /// For one thread to wait with.
    pub(crate) fn watch(&self) -> ShutdownWatch {
        ShutdownWatch(self.stopping.subscribe())
    }
}

/// One thread's ear for it.
#[derive(Debug)]
pub(crate) struct ShutdownWatch(watch::Receiver<bool>);

impl ShutdownWatch {
    /// Waits until the threads are to end.
    pub(crate) async fn begun(&mut self) {
        // An error means that the node itself is gone, which is the same word.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
