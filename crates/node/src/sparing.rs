//! A bound on log lines that a fault could repeat for every request: so many a second, and the next
//! line after a pause says how many were left out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a window is in which lines are counted.
const WINDOW: Duration = Duration::from_secs(1);

/// Lets a bounded number of log lines through. Asked only where something went wrong or was slow.
#[derive(Debug)]
pub struct Sparing {
    most: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    began: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl Sparing {
    /// At most so many lines a second.
    pub fn new(most: u32) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// Whether a line may be written now; if so, how many were left out since the last one.
    pub fn may_write(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.began.is_none_or(|began| now.saturating_duration_since(began) >= WINDOW) {
            state.began = Some(now);
            state.written = 0;
        }
        if state.written >= self.most {
            state.left_out += 1;
            return None;
        }
        state.written += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_past_the_bound_are_left_out_and_counted() {
        let (lines, begin) = (Sparing::new(2), Instant::now());
        let written: Vec<_> = (0..5).map(|_| lines.may_write(begin)).collect();
        assert_eq!(written, [Some(0), Some(0), None, None, None]);
        assert_eq!(lines.may_write(begin + WINDOW / 2), None);
        assert_eq!(lines.may_write(begin + WINDOW), Some(4), "and the next line says so");
        assert_eq!(lines.may_write(begin + WINDOW), Some(0));
    }
}
