//! A node: threads, sockets, timers and files around the pure core.
//!
//! The core decides, this shell moves bytes (the paper, 5; ARCHITECTURE.md, "How a node runs"):
//!
//! ```text
//! front doors ──> NodeHandle ──> shard threads ──> store writer ──> store
//!                    │           (own sockets)        (one sync for all that gathered)
//!                    └──> membership thread ──> identity/
//!                         (gossip, listener)
//! ```
//!
//! The rules it keeps: a start is counted durably before anything else (rule 19); nothing is said
//! to be on disk before its sync; a message that can't be sent is said so at once; every queue is
//! bounded; and a thread that can't do its work any more fails the node instead of pretending.

mod clients;
mod clock;
mod config;
mod disk;
mod error;
mod failure;
mod handle;
mod identity;
mod inbox;
mod links;
mod listener;
mod lock;
mod me;
mod membership;
mod node;
mod owner;
mod request_tag;
mod salvage;
mod shard;
mod shutdown;
mod slow;
mod sparing;
mod stats;
mod store_writer;
mod top;
mod trace;

pub use clients::ClientConnection;
pub use config::{DiskReserve, Engine, Founding, NodeConfig};
pub use error::StartError;
pub use handle::{NodeHandle, Readiness};
pub use node::Node;
pub use request_tag::RequestTag;
pub use sparing::Sparing;
pub use stator_core::budget::BytesPerSecond;
pub use stator_core::node::HintLimits;
pub use stats::{
    Asked, Came, Distribution, Door, DoorStats, NodeStats, QueueStats, RequestStats,
    ShortfallStats, WriterStats,
};
pub use top::{TopKey, TopKeys};
pub use trace::Traces;
#[cfg(feature = "otlp")]
pub use trace::{Attribute, Span, SpanId, SpanKind, SpanName, SpanSink, TraceId, TraceParent};
