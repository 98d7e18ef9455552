//! What the socket tasks of a thread have for its next turn. Used by that thread alone, so that its
//! lock is always free: it is there for tasks that a runtime may only run if they could move.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::lock::lock;

/// Inputs that wait for the next turn. Tasks that read sockets ask for [`Self::room`] before they
/// read, so that a node which can't keep up slows its peers down instead of filling memory.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    inputs: Mutex<VecDeque<T>>,
    wake: Notify,
    room: Notify,
    /// Inputs past which nothing more is read.
    limit: usize,
    /// Whether the disk is too far behind to read more.
    disk_behind: AtomicBool,
}

impl<T> Inbox<T> {
    /// An empty inbox, full at `limit` inputs.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            inputs: Mutex::default(),
            wake: Notify::new(),
            room: Notify::new(),
            limit,
            disk_behind: AtomicBool::new(false),
        }
    }

    /// Adds an input and wakes the turn. Never refused: a task that reads asked for room first.
    pub(crate) fn push(&self, input: T) {
        lock(&self.inputs).push_back(input);
        self.wake.notify_one();
    }

    /// The oldest input.
    pub(crate) fn pop(&self) -> Option<T> {
        lock(&self.inputs).pop_front()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inputs).is_empty()
    }

    /// How many inputs wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.inputs).len()
    }

    /// Waits until something was pushed.
    pub(crate) async fn pushed(&self) {
        self.wake.notified().await;
    }

    /// Waits until more may be read.
    pub(crate) async fn room(&self) {
        while self.is_full() {
            self.room.notified().await;
        }
    }

    /// Says after a turn whether the disk is behind, and lets tasks read again if it is not.
    pub(crate) fn turned(&self, disk_behind: bool) {
        self.disk_behind.store(disk_behind, Ordering::Relaxed);
        if !self.is_full() {
            self.room.notify_waiters();
        }
    }

    fn is_full(&self) -> bool {
        self.disk_behind.load(Ordering::Relaxed) || self.len() >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Duration, timeout};

    #[tokio::test]
    async fn readers_wait_for_room() {
        let inbox = Inbox::new(1);
        inbox.room().await;
        inbox.push("input");
        let moment = Duration::from_millis(20);
        assert!(timeout(moment, inbox.room()).await.is_err(), "full");
        assert!(inbox.pop().is_some());
        let (waited, ()) = tokio::join!(timeout(Duration::from_secs(5), inbox.room()), async {
            inbox.turned(false);
        });
        assert!(waited.is_ok(), "has room");
        inbox.turned(true);
        assert!(timeout(moment, inbox.room()).await.is_err(), "the disk is behind");
    }
}
