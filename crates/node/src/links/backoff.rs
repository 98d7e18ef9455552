//! How long to wait before a peer is dialled again: longer each time, never in step with others.

use std::time::Duration;

use rand::Rng;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);
/// A connection that lasted as long as the longest wait was a good one.
const GOOD: Duration = LONGEST;

/// Waits that double from 50 ms to 2 s, each shortened by up to a half at random. One wait may be
/// cut short by a sign of life of the peer; the next only after a good connection, or two nodes
/// that greet and leave each other would do so without pause.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    may_be_cut: bool,
}

impl Backoff {
    /// Starts with the shortest wait.
    pub(super) fn new() -> Self {
        Self { next: FIRST, may_be_cut: true }
    }

    /// A connection was made and lasted `lived`. One that is closed as soon as it is made does not
    /// count as a success, or two nodes that disagree would greet each other without pause.
    pub(super) fn connection_lived(&mut self, lived: Duration) {
        if lived >= GOOD {
            *self = Self::new();
        }
    }

    /// The peer has shown that it is there. Returns whether the wait is over for it.
    pub(super) fn cut(&mut self) -> bool {
        std::mem::replace(&mut self.may_be_cut, false)
    }

    /// How long to wait now.
    pub(super) fn wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        whole.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_start_again_after_a_good_connection() {
        let mut backoff = Backoff::new();
        let mut waits = Vec::new();
        for _ in 0..20 {
            let wait = backoff.wait();
            assert!(wait >= FIRST / 2 && wait <= LONGEST, "{wait:?}");
            waits.push(wait);
        }
        assert!(waits[19] >= LONGEST / 2);
        backoff.connection_lived(Duration::from_millis(1));
        assert!(backoff.wait() >= LONGEST / 2, "a short connection changes nothing");
        backoff.connection_lived(GOOD);
        assert!(backoff.wait() <= FIRST);
    }

    #[test]
    fn one_wait_is_cut_short_for_each_good_connection() {
        let mut backoff = Backoff::new();
        assert!(backoff.cut());
        assert!(!backoff.cut(), "a second sign of life changes nothing");
        backoff.connection_lived(Duration::from_millis(1));
        assert!(!backoff.cut());
        backoff.connection_lived(GOOD);
        assert!(backoff.cut());
    }
}
