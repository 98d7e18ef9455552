//! The wall clock, read at the doors' edge: the core is told the time and never asks for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stator_core::time::WallTime;

/// What time it is.
pub(crate) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    WallTime::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
