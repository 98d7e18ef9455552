//! What a client that knows the ring is made of (the paper, 5: client-driven coordination).
//!
//! ```text
//! link     one connection to one node: many calls under way, answers by number
//! pool     links by node, made when they are needed
//! chart    the ring as the client knows it: who has which key, and where
//! learning fetching the chart: from nodes, at the start by way of an HTTP endpoint
//! latency  how fast each node is, and when a read is slow enough to ask another
//! order    which nodes to ask for a key, best first
//! run      one request: attempts, hedges, deadline, what may be tried again
//! told     answers and errors as this crate's types
//! ```
//!
//! The rule: a write is sent again only if it is known that nothing of it was written. What is not
//! known is called indeterminate, and never tried again behind the caller's back (rule 9).

pub(crate) mod chart;
pub(crate) mod failure;
pub(crate) mod latency;
pub(crate) mod learning;
pub(crate) mod link;
pub(crate) mod order;
pub(crate) mod pool;
#[cfg(test)]
pub(crate) mod puppet;
pub(crate) mod run;
pub(crate) mod told;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is locked here is never left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
