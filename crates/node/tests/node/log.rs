//! What the nodes of this process log, all of them together, for tests of what operators are told.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::EnvFilter;

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static STARTED: OnceLock<()> = OnceLock::new();

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on all nodes' logs are kept.
pub(crate) fn keep() {
    STARTED.get_or_init(|| {
        let filter = EnvFilter::new("stator_node=debug");
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
        // Fails if there is a subscriber already, and then the tests that look will say so.
        let _ = log.with_writer(|| Log).try_init();
    });
}

/// How many lines there are with all of these words.
pub(crate) fn lines_with(words: &[&str]) -> usize {
    let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&logged);
    text.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
}
