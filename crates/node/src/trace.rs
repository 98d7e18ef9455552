//! Spans of requests: how long each took where, on every node that had a part in it (the paper, 6,
//! asks where the time of the slowest goes).
//!
//! The rule: no message says anything of traces. Whoever takes part in a request knows its coordinator
//! and the coordinator's name for it, and from these two alone come the trace's id, the id of the span
//! that the others are below, and whether the request is traced at all
//! (`docs/decisions/0014-spans-across-nodes.md`). What a shard says of itself it says by what goes into
//! its core and comes out: the core knows nothing of spans.
//!
//! Without the feature `otlp` everything here is empty, and compiles to nothing.

#[cfg(feature = "otlp")]
mod door;
#[cfg(feature = "otlp")]
mod ids;
#[cfg(not(feature = "otlp"))]
mod off;
#[cfg(feature = "otlp")]
mod parent;
#[cfg(feature = "otlp")]
mod shard;
#[cfg(feature = "otlp")]
mod span;

#[cfg(feature = "otlp")]
pub use self::{
    ids::{SpanId, TraceId},
    parent::TraceParent,
    span::{Attribute, Span, SpanKind, SpanName, SpanSink, Traces},
};
#[cfg(feature = "otlp")]
pub(crate) use self::{shard::ShardTracer, span::SpanName as Traced};

#[cfg(not(feature = "otlp"))]
pub use self::off::Traces;
#[cfg(not(feature = "otlp"))]
pub(crate) use self::off::{ShardTracer, Traced};
