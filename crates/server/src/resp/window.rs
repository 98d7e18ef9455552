//! How many operations of one connection are under way at the node at a time.
//!
//! The rule: a connection has about one large value on its way. How large an answer is, is known
//! once it is there, so a connection begins with one operation, has one more for each small answer
//! and is back at one with the first large answer. Pipelined small commands are at full width after
//! a few replies; a client that asks for large values faster than it takes them waits for itself,
//! and holds up nobody else.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// The most operations of one connection.
const WIDEST: usize = 32;
/// An answer up to this size is small.
const SMALL_BYTES: usize = 16 * 1024;

/// The room for operations of one connection.
#[derive(Debug)]
pub(super) struct Window {
    room: Semaphore,
    width: AtomicUsize,
    /// How large the last answer was; [`UNKNOWN`] before there was one.
    last: AtomicUsize,
}

/// Before the first answer.
const UNKNOWN: usize = usize::MAX;

/// How large the next answer is likely to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// There was none yet.
    Unknown,
    Small,
    /// About so many bytes.
    Large(usize),
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            room: Semaphore::new(1),
            width: AtomicUsize::new(1),
            last: AtomicUsize::new(UNKNOWN),
        }
    }

    /// Waits until there is room; it is taken until this is dropped.
    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // None would mean that the room was closed, which it never is.
        self.room.acquire().await.ok()
    }

    /// How large the next answer is likely to be: as the last one was.
    pub(super) fn expects(&self) -> Expected {
        match self.last.load(Ordering::Relaxed) {
            UNKNOWN => Expected::Unknown,
            bytes if bytes > SMALL_BYTES => Expected::Large(bytes),
            _ => Expected::Small,
        }
    }

    /// Learns from how large an answer was.
    pub(super) fn answered(&self, bytes: usize) {
        let width = self.width.load(Ordering::Relaxed);
        self.last.store(bytes, Ordering::Relaxed);
        if bytes > SMALL_BYTES {
            // What others hold is taken away by their own large answers.
            let lost = self.room.forget_permits(width.saturating_sub(1));
            self.width.fetch_sub(lost, Ordering::Relaxed);
        } else if width < WIDEST {
            self.width.fetch_add(1, Ordering::Relaxed);
            self.room.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests;
