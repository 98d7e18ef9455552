//! The HTTP front door.
//!
//! ```text
//! connection  a TCP connection: limits, which HTTP it speaks, over-long targets
//! router      a row of the interface for each path; guard before, problem after
//! path, query what is asked, from the raw bytes of the request's target
//! kv          get, put, delete of one object; siblings; what headers say
//! batch       many gets, puts and deletes in one request
//! listing     a bucket's keys
//! openapi     all of it, described
//! bucket, locate, replica, cluster, node, history, top, metrics, health   the other rows
//! console     pages for people
//! requests    each one's id, what it was answered, a line in the log
//! problem     everything that can go wrong, and its one table of statuses
//! ```

mod accept;
mod batch;
mod body;
mod bucket;
mod cluster;
mod connection;
mod console;
mod front;
mod guard;
mod health;
mod history;
mod json;
mod kv;
mod listing;
mod locate;
mod metrics;
mod node;
mod openapi;
mod path;
mod problem;
mod query;
mod replica;
mod requests;
mod router;
mod staleness;
mod top;
mod when;

pub use connection::{serve, serve_within};

use crate::memory;

/// What the HTTP door is told of its limits and of who may administer.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The longest key taken, in bytes, inclusive. Above [`stator_core::object::Key::MAX_LEN`] it
    /// has no effect.
    pub max_key_bytes: usize,
    /// The largest object taken, in bytes, inclusive.
    pub max_object_bytes: usize,
    /// What all requests may hold together of bodies, long heads and answers on their way, in
    /// bytes; past it requests are refused.
    pub memory_bytes: usize,
    /// What `Authorization: Bearer` must carry to administer through a listener that is not on
    /// loopback, derived from the cluster's secret; without one nobody administers there.
    pub admin_token: Option<String>,
    /// Whether the listener is on loopback: then only requests that name a loopback host, and come
    /// from no foreign web page, are answered.
    pub is_loopback: bool,
}

impl HttpConfig {
    /// The largest document of a batch taken, in bytes, inclusive: an object of the largest size
    /// in base64 and as much again of anything else.
    const fn max_batch_bytes(&self) -> usize {
        2 * self.max_object_bytes + 16 * 1024 * 1024
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            max_key_bytes: 64 * 1024,
            max_object_bytes: 8 * 1024 * 1024,
            memory_bytes: memory::BUDGET_BYTES,
            admin_token: None,
            is_loopback: true,
        }
    }
}
