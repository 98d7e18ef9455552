//! How many reads of all connections are under way at the node at a time.
//!
//! The rule: what the node holds for reads of this door is bounded, though nobody knows how large a
//! value is before it was read. So there are never more reads than the door's memory has room for
//! values of the largest size; and of those that may be large, since the connection's last answer
//! was or since it has had none yet, only a quarter of that, so that small ones go on beside them.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::RespConfig;
use super::window::Expected;

/// The most reads, however small values are.
const MOST: usize = 64;
/// One in so many may be large.
const SMALL_FOR_A_LARGE: usize = 4;

/// The room for reads of all connections.
#[derive(Debug)]
pub(super) struct Reads {
    all: Semaphore,
    large: Semaphore,
}

/// A read's place in it, until it is dropped.
pub(super) struct Reading<'a> {
    _large: Option<SemaphorePermit<'a>>,
    _any: Option<SemaphorePermit<'a>>,
}

impl Reads {
    pub(super) fn new(config: &RespConfig) -> Self {
        let all = (config.max_memory_bytes / config.max_object_bytes.max(1)).clamp(1, MOST);
        let large = (all / SMALL_FOR_A_LARGE).max(1);
        Self { all: Semaphore::new(all), large: Semaphore::new(large) }
    }

    /// Waits until there is room. None within would mean that the room was closed, which it never
    /// is.
    pub(super) async fn enter(&self, expected: Expected) -> Reading<'_> {
        let large = match expected {
            Expected::Small => None,
            Expected::Unknown | Expected::Large(_) => self.large.acquire().await.ok(),
        };
        Reading { _large: large, _any: self.all.acquire().await.ok() }
    }
}
