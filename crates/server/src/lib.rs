//! The front doors of a node: HTTP, the Redis protocol, and native clients.
//!
//! No door knows of another; what both need is in rooms of its own: `listener`, `memory`,
//! `scan`, `locate`, `context`, `clock`.
//!
//! A front door parses, bounds and refuses; it decides nothing about data. What it lets through
//! becomes an [`stator_core::request::Operation`] or an
//! [`stator_core::membership::admin::AdminRequest`] and goes to the node behind the [`Backend`]
//! seam; what comes back is put into the door's own words. The limits on keys, objects and metadata
//! are enforced here and only here: repair, handoff and transfer always merge (rule 11).

mod ages;
pub mod backend;
mod clock;
mod context;
mod endurance;
pub mod http;
mod listener;
mod locate;
mod memory;
pub mod native;
pub mod resp;
mod scan;

pub use backend::{Backend, Readiness, Reply};
pub use http::{HttpConfig, serve, serve_within};
pub use listener::ConnectionLimits;
pub use native::NativeConfig;
pub use resp::RespConfig;
