//! Names of traces and spans, made of what every node that takes part knows without being told.

use std::fmt;

use stator_core::identity::NodeId;
use stator_core::message::RequestId;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

/// Seeds, so that the two spans of one request that have names of their own differ.
const ROOT: u64 = 1;
const COORDINATOR: u64 = 2;

/// A trace: everything that was done for one request. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// A span within a trace. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// A span and the trace that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanName {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

impl TraceId {
    /// The trace with these bits; none for zero, which is no trace.
    pub const fn new(bits: u128) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// Its bits.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// The trace of a request.
    pub(super) fn of(coordinator: NodeId, request: RequestId) -> Self {
        Self(xxh3_128(&named(coordinator, request)).max(1))
    }

    /// What the decision to trace goes by: the 56 bits that W3C Trace Context says are random.
    pub(super) const fn chance(self) -> u64 {
        self.0 as u64 & ((1 << Self::CHANCE_BITS) - 1)
    }

    pub(super) const CHANCE_BITS: u32 = 56;
}

impl SpanId {
    /// The span with these bits; none for zero, which is no span.
    pub const fn new(bits: u64) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// Its bits.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// A span that no other node has to know.
    pub(super) fn random() -> Self {
        Self(rand::random::<u64>().max(1))
    }
}

impl SpanName {
    /// The span of the whole request, as its front door saw it.
    pub(super) fn root(coordinator: NodeId, request: RequestId) -> Self {
        Self::seeded(ROOT, coordinator, request)
    }

    /// The span of the coordinator's work, below which the replicas' spans are.
    pub(super) fn coordinator(coordinator: NodeId, request: RequestId) -> Self {
        Self::seeded(COORDINATOR, coordinator, request)
    }

    /// A new span of the same trace.
    pub(super) fn beside(self) -> Self {
        Self { span: SpanId::random(), ..self }
    }

    fn seeded(seed: u64, coordinator: NodeId, request: RequestId) -> Self {
        let span = SpanId(xxh3_64_with_seed(&named(coordinator, request), seed).max(1));
        Self { trace: TraceId::of(coordinator, request), span }
    }
}

/// A request by its coordinator and the coordinator's name for it.
fn named(coordinator: NodeId, request: RequestId) -> [u8; 16] {
    let bits = u128::from(coordinator.get()) << 64 | u128::from(request.to_bits());
    bits.to_be_bytes()
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({:032x})", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({:016x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes of different builds must agree on these.
    #[test]
    fn names_are_the_same_on_every_node_and_in_every_version() {
        let (node, request) = (NodeId::new(0x0123_4567_89ab_cdef), RequestId::new(3, 77));
        let root = SpanName::root(node, request);
        let coordinator = SpanName::coordinator(node, request);
        assert_eq!(root.trace, coordinator.trace);
        assert_ne!(root.span, coordinator.span);
        assert_eq!(format!("{:?}", root.trace), "TraceId(ad9a42bf22f89873013c0de5ae8c3d52)");
        assert_eq!(format!("{:?}", coordinator.span), "SpanId(b7e47a6a82f0b42f)");
    }

    #[test]
    fn other_requests_and_other_coordinators_have_other_traces() {
        let (one, two) = (NodeId::new(1), NodeId::new(2));
        let trace = |node, number| TraceId::of(node, RequestId::new(0, number));
        assert_ne!(trace(one, 1), trace(one, 2));
        assert_ne!(trace(one, 1), trace(two, 1));
    }
}
