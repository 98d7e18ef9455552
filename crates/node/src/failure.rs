//! The one way in which a node says that it can't go on: a failed sync, a tripwire (rule 19), a
//! thread that ended.
//!
//! The first reason counts. Whoever sees one stops acknowledging; the process is expected to end.

use std::sync::Arc;

use stator_core::store::StoreError;
use tokio::sync::watch;

/// Shared by all threads of a node.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    reason: Arc<watch::Sender<Option<String>>>,
}

impl Failure {
    /// Nothing has failed yet.
    pub(crate) fn none() -> Self {
        Self { reason: Arc::new(watch::Sender::new(None)) }
    }

    /// The node can't go on, for this reason.
    pub(crate) fn fail(&self, reason: String) {
        self.reason.send_if_modified(|current| {
            if current.is_some() {
                return false;
            }
            tracing::error!(%reason, "the node can't go on");
            *current = Some(reason);
            true
        });
    }

    /// The store can't be written, synced or relied on any more.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        self.fail(format!(
            "the store failed: {error}; nothing more is acknowledged: check the disk, then start the \
             node again, which recovers from its log; what it can't read is refilled by the other \
             replicas"
        ));
    }

    /// Whether it has failed.
    pub(crate) fn happened(&self) -> bool {
        self.reason.borrow().is_some()
    }

    /// Waits until it fails; the reason.
    pub(crate) async fn wait(&self) -> String {
        let mut watch = self.reason.subscribe();
        loop {
            if let Some(reason) = watch.borrow_and_update().clone() {
                return reason;
            }
            // The sender lives as long as `self`, so an error can't happen; waiting on is right.
            if watch.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
