//! Fail-stop: after a failed write or sync nothing is written any more.
//!
//! A failed `fsync` may have dropped the dirty pages and marked them clean, so that the next one
//! "succeeds" without having saved anything. The only safe way on is to stop and to recover from
//! the log.

use std::fmt::Display;
use std::sync::OnceLock;

use stator_core::store::StoreError;

/// Remembers the first failure for as long as the store is open.
#[derive(Debug, Default)]
pub(crate) struct Poison {
    cause: OnceLock<String>,
}

impl Poison {
    /// Refuses if something failed before.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self.cause.get() {
            None => Ok(()),
            Some(cause) => Err(StoreError::Poisoned(cause.clone())),
        }
    }

    /// Records why nothing is written any more.
    pub(crate) fn because(&self, cause: String) {
        self.cause.get_or_init(|| cause);
    }

    /// Records that `what` failed and gives the error of this first failure.
    pub(crate) fn set(&self, what: &str, cause: impl Display) -> StoreError {
        let text = format!("{what} failed: {cause}");
        // Only the first cause is kept: what follows it is its consequence.
        self.because(text.clone());
        StoreError::Engine(text)
    }
}
