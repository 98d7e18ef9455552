//! Answers on their way to a client: which of them make no progress because their reader takes
//! nothing.
//!
//! An answer leaves in pieces. It waits for its reader from when it is handed over until its last
//! piece has left, but for the time in which the next piece is still being made. Every piece that
//! leaves is progress. That holds for both kinds of HTTP: a reader of HTTP/2 that grants no window
//! stalls one answer while its connection is busy with others, and is found as well.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The answers of one connection that have not left yet.
#[derive(Debug, Default)]
pub(super) struct Outflow {
    answers: Mutex<Answers>,
    stalled: Notify,
}

#[derive(Debug, Default)]
struct Answers {
    next: u64,
    under_way: Vec<Answer>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
struct Answer {
    id: u64,
    /// The last progress.
    since: Instant,
    /// Pieces that were handed over and have not left.
    pieces: u32,
    /// Whether the next piece is being made, so that nothing can be asked of the reader.
    is_made: bool,
    /// Whether there is nothing more to hand over.
    is_ended: bool,
}

impl Answer {
    fn has_stalled(&self, now: Instant, patience: Duration) -> bool {
        let waits_for_reader = self.pieces > 0 || !self.is_made;
        waits_for_reader && now.saturating_duration_since(self.since) >= patience
    }
}

impl Outflow {
    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer is handed over; its name.
    pub(super) fn begins(&self) -> u64 {
        let mut answers = self.answers();
        answers.next += 1;
        let id = answers.next;
        let since = Instant::now();
        let answer = Answer { id, since, pieces: 0, is_made: false, is_ended: false };
        answers.under_way.push(answer);
        id
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Answer)) {
        let mut answers = self.answers();
        let Some(place) = answers.under_way.iter().position(|answer| answer.id == id) else {
            return;
        };
        let answer = &mut answers.under_way[place];
        change(answer);
        if answer.is_ended && answer.pieces == 0 {
            answers.under_way.swap_remove(place);
        }
    }

    /// The next piece of an answer is asked for and not there yet.
    pub(super) fn is_making(&self, id: u64) {
        self.change(id, |answer| answer.is_made = true);
    }

    /// A piece of an answer is handed over.
    pub(super) fn hands_over(&self, id: u64) {
        self.change(id, |answer| {
            answer.pieces += 1;
            answer.is_made = false;
            answer.since = Instant::now();
        });
    }

    /// A piece has left, or was thrown away with its connection.
    pub(super) fn has_left(&self, id: u64) {
        self.change(id, |answer| {
            answer.pieces = answer.pieces.saturating_sub(1);
            answer.since = Instant::now();
        });
    }

    /// Nothing more of an answer will be handed over.
    pub(super) fn ends(&self, id: u64) {
        self.change(id, |answer| answer.is_ended = true);
    }

    /// Looks whether an answer has made no progress for so long, and if so ends the connection.
    pub(super) fn watch(&self, now: Instant, patience: Duration) {
        let stalled = self.answers().under_way.iter().any(|it| it.has_stalled(now, patience));
        if stalled {
            self.stalled.notify_one();
        }
    }

    /// Waits until an answer has stalled.
    pub(super) async fn stalled(&self) {
        self.stalled.notified().await;
    }
}

#[cfg(test)]
mod tests;
