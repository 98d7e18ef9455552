//! The memory that all requests of a door share: what is read of them, and values on their way to
//! slow readers. Past the bound the answer is an early refusal, never a node that runs out.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all requests of one door may hold together, in bytes.
pub(crate) const BUDGET_BYTES: usize = 512 * 1024 * 1024;

/// The memory that the requests of a door share.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Semaphore>);

impl Default for Memory {
    fn default() -> Self {
        Self::of(BUDGET_BYTES)
    }
}

impl Memory {
    /// So many bytes, in whole KiB.
    pub(crate) fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / 1024).min(Semaphore::MAX_PERMITS))))
    }

    /// A part of it for so many bytes, once there is so much left.
    pub(crate) async fn wait_for(&self, bytes: usize) -> Option<Part> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        Arc::clone(&self.0).acquire_many_owned(kib).await.ok().map(Part)
    }

    /// A part of it for so many bytes; none if there is not so much left.
    pub(crate) fn take(&self, bytes: usize) -> Option<Part> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        Arc::clone(&self.0).try_acquire_many_owned(kib).ok().map(Part)
    }
}

/// A part of the memory, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Part(OwnedSemaphorePermit);

impl Part {
    fn bytes(&self) -> usize {
        self.0.num_permits() * 1024
    }

    /// Makes the part as large as it must be for so many bytes; says whether there is room. It
    /// never shrinks.
    #[must_use]
    pub(crate) fn grow_to(&mut self, bytes: usize, memory: &Memory) -> bool {
        let Some(missing) = bytes.checked_sub(self.bytes()).filter(|&missing| missing > 0) else {
            return true;
        };
        let more = memory.take(missing);
        more.map(|more| self.0.merge(more.0)).is_some()
    }
}

/// Bytes that are on their way to a reader, and their part of the memory: it comes back when the
/// last of them has left.
struct Leaving {
    bytes: Bytes,
    _part: Part,
}

impl AsRef<[u8]> for Leaving {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Part {
    /// Binds the part to these bytes: it comes back when the last handle to them is dropped.
    pub(crate) fn until_gone(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Leaving { bytes, _part: self })
    }
}

#[cfg(test)]
mod tests;
