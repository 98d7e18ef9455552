//! What all pages of a node's console share: how many streams there are, what members said last,
//! and the connections to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use stator_client::{Client, InvalidEndpoint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::survey::Survey;

/// So many pages are kept up to date at the same time.
const STREAMS: usize = 64;

/// The console's own state.
pub(in super::super) struct Desk {
    closing: OnceLock<watch::Receiver<()>>,
    streams: Arc<Semaphore>,
    /// Held while members are asked: whoever comes meanwhile waits, and takes what was said.
    pub(super) survey: tokio::sync::Mutex<Option<Arc<Survey>>>,
    clients: Mutex<HashMap<String, Client>>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            closing: OnceLock::new(),
            streams: Arc::new(Semaphore::new(STREAMS)),
            survey: tokio::sync::Mutex::default(),
            clients: Mutex::default(),
        }
    }
}

impl Desk {
    /// Streams end when the sender of this is gone: the door closes.
    pub(in super::super) fn ends_with(&self, closing: watch::Receiver<()>) {
        // A door is opened once.
        let _ = self.closing.set(closing);
    }

    /// Resolves when the door closes; never without a door.
    pub(super) async fn closed(&self) {
        let Some(closing) = self.closing.get() else { return std::future::pending().await };
        // Nothing is ever sent: the change is that the sender is gone.
        let _ = closing.clone().changed().await;
    }

    /// Room for one more stream, if there is any.
    pub(super) fn stream(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// A client of the node at an HTTP address; connections are kept.
    pub(super) fn client(&self, address: &str) -> Result<Client, InvalidEndpoint> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(address) {
            return Ok(client.clone());
        }
        let client = Client::new(address.parse()?);
        clients.insert(address.to_owned(), client.clone());
        Ok(client)
    }

    /// Lets go of clients of addresses that no member has any more.
    pub(super) fn keep_clients(&self, is_member: impl Fn(&str) -> bool) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|address, _| is_member(address));
    }
}
