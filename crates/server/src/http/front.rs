//! What all rows of the door share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stator_core::membership::admin::{AdminDone, AdminRequest};
use stator_core::request::{Done, Operation};
use stator_node::RequestTag;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::console::Desk;
use super::history::History;
use super::problem::{Intent, Problem};
use super::requests::Requests;
use super::{HttpConfig, cluster, staleness};
use crate::backend::Backend;
use crate::clock;
use crate::memory::Memory;

/// The door's state, shared by all its requests.
pub(super) type Shared = Arc<Front>;

/// The node behind the door, the door's settings and its memory for bodies.
pub(super) struct Front {
    pub(super) backend: Box<dyn Backend>,
    pub(super) config: HttpConfig,
    pub(super) memory: Memory,
    /// How long the next piece of a request's body may take.
    pub(super) patience: Duration,
    /// The interface's description, as it is served.
    pub(super) description: Bytes,
    pub(super) requests: Requests,
    /// The last ten minutes.
    pub(super) history: History,
    /// What was told last of how stale reads may be.
    pub(super) staleness: staleness::Last,
    /// What the console's pages share.
    pub(super) console: Desk,
    /// Where what computes for long is done.
    pub(super) runtime: Handle,
}

impl Front {
    /// To be called on the runtime on which the door's own work is done.
    pub(super) fn new(
        backend: impl Backend,
        config: HttpConfig,
        patience: Duration,
        description: Bytes,
    ) -> Shared {
        let memory = Memory::of(config.memory_bytes);
        Arc::new(Self {
            requests: Requests::numbered_from(first_id(&backend)),
            backend: Box::new(backend),
            config,
            memory,
            patience,
            description,
            history: History::default(),
            staleness: staleness::Last::default(),
            console: Desk::default(),
            runtime: Handle::current(),
        })
    }

    /// Asks a shard; an error is told as a request of this intent needs it.
    pub(super) async fn ask(
        &self,
        operation: Operation,
        timeout: Duration,
        intent: Intent,
    ) -> Result<Done, Problem> {
        let reply = self.backend.request(operation, timeout).await;
        reply.map_err(|error| Problem::of_request(error, intent))
    }

    /// Does what computes for long on the door's own runtime: a connection may be served by a
    /// shard's thread, which has better things to do. Ends with whoever waits for it.
    pub(super) async fn away<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let mut task = JoinSet::new();
        match RequestTag::current() {
            Some(tag) => task.spawn_on(tag.scope(work), &self.runtime),
            None => task.spawn_on(work, &self.runtime),
        };
        match task.join_next().await.expect("one task was spawned") {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and with it the process.
                Err(_cancelled) => std::future::pending().await,
            },
        }
    }

    /// Asks membership.
    pub(super) async fn administer(
        &self,
        request: AdminRequest,
        timeout: Duration,
    ) -> Result<AdminDone, Problem> {
        let reply = self.backend.admin(request, timeout).await;
        reply.map_err(|error| cluster::problem(&error, &self.backend.view()))
    }
}

/// A number that other nodes, and other starts of this one, do not count from: ids of requests are
/// names for people, so that it need not be a secret.
fn first_id(backend: &impl Backend) -> u64 {
    backend.me().get().rotate_left(32) ^ clock::now().as_millis() << 20
}
