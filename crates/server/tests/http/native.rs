//! The door of native clients.

mod bounds;
mod calls;
mod client;
mod sessions;
mod strangers;

use std::sync::Arc;

use stator_core::request::Operation;

use crate::fake::Fake;
use crate::gated::Gated;

/// A node at which gets of keys that begin with `slow` wait.
fn slow_at_some() -> Arc<Gated> {
    let is_slow = |operation: &Operation| match operation {
        Operation::Get { key, .. } => key.key().as_bytes().starts_with(b"slow"),
        _ => false,
    };
    Gated::for_those(Fake::new(), is_slow)
}
