//! The Redis protocol's front door: RESP2 and RESP3, for clients as they come.
//!
//! ```text
//! connection  a TCP connection: what is read, what is under way, what is written back
//! request     requests from bytes, bounded; inline commands
//! batch       pipelined commands that may go on at a time
//! window, reads   how much of the node one connection, and all reads, may use at a time
//! table       every command: what it takes, which keys, who answers it
//! client      what a connection has asked for: protocol, database, name
//! call, failure   what a command needs of the node, and the one table of error prefixes
//! reply       RESP2 and RESP3
//! commands    the answers themselves
//! ```
//!
//! Database `i` is the bucket `redis.i`, which is last-write-wins from birth (rule 7). An
//! acknowledged write is on disk on W nodes, as through every door; what needs more than that
//! (`NX`, `XX`, `INCR`) is refused with an error that says so, never answered wrongly.

mod batch;
mod call;
mod client;
mod commands;
mod connection;
mod failure;
mod front;
mod reads;
mod reply;
mod request;
mod table;
mod window;

pub use connection::{serve, serve_within};

use crate::memory;

/// What the Redis protocol's door is told of its limits.
#[derive(Clone, Copy, Debug)]
pub struct RespConfig {
    /// The longest key taken, in bytes, inclusive. Above [`stator_core::object::Key::MAX_LEN`] it
    /// has no effect.
    pub max_key_bytes: usize,
    /// The largest value taken, in bytes, inclusive.
    pub max_object_bytes: usize,
    /// How many operations all connections together have under way at the node; others wait.
    pub max_under_way: usize,
    /// What all requests, and values on their way to clients, may hold together, in bytes.
    pub max_memory_bytes: usize,
}

impl Default for RespConfig {
    fn default() -> Self {
        Self {
            max_key_bytes: 64 * 1024,
            max_object_bytes: 8 * 1024 * 1024,
            max_under_way: 1024,
            max_memory_bytes: memory::BUDGET_BYTES,
        }
    }
}
