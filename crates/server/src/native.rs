//! The front door of native clients, which know the ring and come straight to a replica of their
//! key (the paper, 5: client-driven coordination).
//!
//! ```text
//! connection  frames in, frames out: calls under way, answered as they are ready
//! call        what a call asks of the node, within the door's limits
//! session     whether a read has all that its reader has seen
//! picture     the ring, as clients are told it
//! ```
//!
//! The rule: a client gets nothing but what [`stator_wire::client::Ask`] names. Anything else that
//! comes on its connection ends it, and the client is told why. Calls of one connection, of all of
//! them, and what they hold in memory are bounded: past that nothing more is read.
//!
//! The node greets clients and hands them on ([`stator_node::Node::clients`]).

mod call;
mod connection;
mod front;
mod picture;
mod session;

pub use connection::{serve, serve_within};

use crate::memory;

/// What the door of native clients is told of its limits.
#[derive(Clone, Copy, Debug)]
pub struct NativeConfig {
    /// The longest key taken, in bytes, inclusive. Above [`stator_core::object::Key::MAX_LEN`] it
    /// has no effect.
    pub max_key_bytes: usize,
    /// The largest value taken, in bytes, inclusive.
    pub max_object_bytes: usize,
    /// How many operations all connections together have under way at the node; others wait.
    pub max_under_way: usize,
    /// What calls, and values on their way to clients, may hold together, in bytes.
    pub max_memory_bytes: usize,
}

impl Default for NativeConfig {
    fn default() -> Self {
        Self {
            max_key_bytes: 64 * 1024,
            max_object_bytes: 8 * 1024 * 1024,
            max_under_way: 1024,
            max_memory_bytes: memory::BUDGET_BYTES,
        }
    }
}
