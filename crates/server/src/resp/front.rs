//! What all connections of the door share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::Semaphore;

use super::RespConfig;
use super::reads::Reads;
use super::request::RequestLimits;
use crate::backend::Backend;
use crate::listener::ConnectionLimits;
use crate::memory::Memory;

/// The most arguments of one request.
const ARGUMENTS: usize = 64 * 1024;
/// How many times the largest value all arguments of one request may have together.
const VALUES: usize = 8;
/// What an argument that is no value may have at least: a key, in a door that takes small values.
const LEAST_ARGUMENT: usize = 64 * 1024;

/// The door's state, shared by all its connections.
pub(super) type Shared = Arc<Front>;

/// The node behind the door, the door's settings, and what it counts.
pub(super) struct Front {
    pub(super) backend: Box<dyn Backend>,
    pub(super) config: RespConfig,
    pub(super) limits: ConnectionLimits,
    pub(super) memory: Memory,
    /// Room for operations at the node.
    pub(super) under_way: Arc<Semaphore>,
    /// Room for those of them that read.
    pub(super) reads: Reads,
    pub(super) opened: Instant,
    clients: AtomicU64,
    commands: AtomicU64,
}

impl Front {
    pub(super) fn new(
        backend: impl Backend,
        config: RespConfig,
        limits: ConnectionLimits,
    ) -> Shared {
        Arc::new(Self {
            backend: Box::new(backend),
            config,
            limits,
            memory: Memory::of(config.max_memory_bytes),
            under_way: Arc::new(Semaphore::new(config.max_under_way.max(1))),
            reads: Reads::new(&config),
            opened: Instant::now(),
            clients: AtomicU64::new(0),
            commands: AtomicU64::new(0),
        })
    }

    /// Bounds on one request.
    pub(super) fn request_limits(&self) -> RequestLimits {
        let argument_bytes = self.config.max_object_bytes.max(LEAST_ARGUMENT);
        let request_bytes = argument_bytes.saturating_mul(VALUES);
        RequestLimits { arguments: ARGUMENTS, argument_bytes, request_bytes }
    }

    /// The number of a new connection.
    pub(super) fn next_client(&self) -> u64 {
        self.clients.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Connections that were taken in so far.
    pub(super) fn clients(&self) -> u64 {
        self.clients.load(Ordering::Relaxed)
    }

    /// Notes a command.
    pub(super) fn count_command(&self) {
        self.commands.fetch_add(1, Ordering::Relaxed);
    }

    /// Commands that were taken so far.
    pub(super) fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }
}
