//! What all connections of the door share.

use std::sync::Arc;

use stator_core::ring::RingVersion;
use tokio::sync::Semaphore;

use super::NativeConfig;
use crate::backend::Backend;
use crate::listener::ConnectionLimits;
use crate::memory::Memory;

/// What a call holds beside its value at most: names, context, metadata, numbers.
const BESIDE_VALUE: usize = 256 * 1024;

/// The door's state, shared by all its connections.
pub(super) type Shared = Arc<Front>;

/// The node behind the door and the door's settings.
pub(super) struct Front {
    pub(super) backend: Box<dyn Backend>,
    pub(super) config: NativeConfig,
    pub(super) limits: ConnectionLimits,
    pub(super) memory: Memory,
    /// Room for operations at the node.
    pub(super) under_way: Semaphore,
}

impl Front {
    pub(super) fn new(
        backend: impl Backend,
        config: NativeConfig,
        limits: ConnectionLimits,
    ) -> Shared {
        Arc::new(Self {
            backend: Box::new(backend),
            config,
            limits,
            memory: Memory::of(config.max_memory_bytes),
            under_way: Semaphore::new(config.max_under_way.max(1)),
        })
    }

    /// The longest frame that is read. One that is longer ends the connection, so that there is room
    /// in it for values above the limit, whose writers are told.
    pub(super) fn longest_frame(&self) -> usize {
        self.config.max_object_bytes.saturating_mul(2).saturating_add(BESIDE_VALUE)
    }

    /// The newest ring that the node knows.
    pub(super) fn ring(&self) -> RingVersion {
        self.backend.view().ring.as_ref().map_or(RingVersion(0), |ring| ring.version)
    }
}
