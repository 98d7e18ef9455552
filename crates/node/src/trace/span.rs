//! Spans that have ended, where they go, and which requests are traced.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use stator_core::identity::NodeId;
use stator_core::message::RequestId;
use stator_core::object::ObjectKey;
use stator_core::time::Instant;

pub use super::ids::SpanName;
use super::ids::TraceId;
use crate::clock::Clock;
use crate::slow::shown;

/// A piece of work that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its name, and its trace's.
    pub name: SpanName,
    /// The span that it is a part of.
    pub parent: Option<SpanName>,
    /// Spans of other traces that it has to do with.
    pub links: Vec<SpanName>,
    /// What was done, in a word or two.
    pub title: &'static str,
    /// For whom.
    pub kind: SpanKind,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// What else is known of it.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// For whom a piece of work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// For somebody else: a client, or another node.
    Server,
    /// For the node itself.
    Internal,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

/// Takes in spans that have ended. It is called on the threads that serve requests: it must not wait.
pub trait SpanSink: Send + Sync {
    /// One more.
    fn ended(&self, span: Span);
}

/// How a node's requests are traced: not at all by default.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Sampling>>);

struct Sampling {
    sink: Box<dyn SpanSink>,
    /// A request is traced if its trace's chance is below this.
    below: u64,
}

impl Traces {
    /// Traces this part of all requests, from 0 to 1: which ones, all nodes agree on.
    pub fn new(sink: impl SpanSink + 'static, ratio: f64) -> Self {
        let all = (1_u64 << TraceId::CHANCE_BITS) as f64;
        let below = (ratio.clamp(0.0, 1.0) * all) as u64;
        Self(Some(Arc::new(Sampling { sink: Box::new(sink), below })))
    }

    /// Whether any request may be traced.
    pub(super) const fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Whether this request is traced.
    pub(super) fn traces(&self, coordinator: NodeId, request: RequestId) -> bool {
        let Some(sampling) = &self.0 else { return false };
        TraceId::of(coordinator, request).chance() < sampling.below
    }

    pub(super) fn ended(&self, span: Span) {
        if let Some(sampling) = &self.0 {
            sampling.sink.ended(span);
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traces").field(&self.0.as_ref().map(|sampling| sampling.below)).finish()
    }
}

impl Span {
    /// A span from one moment to another, without anything else.
    pub(super) fn of(
        name: SpanName,
        title: &'static str,
        (began, ended): (Instant, Instant),
        clock: &Clock,
    ) -> Self {
        Self {
            name,
            parent: None,
            links: Vec::new(),
            title,
            kind: SpanKind::Internal,
            began: clock.wall_of(began),
            ended: clock.wall_of(ended),
            attributes: Vec::new(),
            failure: None,
        }
    }

    pub(super) fn below(mut self, parent: SpanName) -> Self {
        self.parent = Some(parent);
        self
    }

    pub(super) fn served(mut self) -> Self {
        self.kind = SpanKind::Server;
        self
    }

    pub(super) fn linked(mut self, to: Option<SpanName>) -> Self {
        self.links.extend(to);
        self
    }

    pub(super) fn text(self, name: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        self.with(name, Attribute::Text(text.into()))
    }

    pub(super) fn number(self, name: &'static str, number: impl Into<i64>) -> Self {
        self.with(name, Attribute::Number(number.into()))
    }

    pub(super) fn key(self, key: &ObjectKey) -> Self {
        self.text("stator.bucket", key.bucket().to_string()).text("stator.key", shown(key))
    }

    pub(super) fn failed(mut self, why: impl fmt::Display) -> Self {
        self.failure = Some(why.to_string());
        self
    }

    fn with(mut self, name: &'static str, value: Attribute) -> Self {
        self.attributes.push((name, value));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl SpanSink for Nowhere {
        fn ended(&self, _: Span) {}
    }

    fn traced(ratio: f64) -> usize {
        let traces = Traces::new(Nowhere, ratio);
        let node = NodeId::new(0xfeed);
        (0..10_000).filter(|&number| traces.traces(node, RequestId::new(0, number))).count()
    }

    #[test]
    fn the_part_asked_for_is_traced_and_a_larger_part_has_the_smaller_one_in_it() {
        assert_eq!((traced(0.0), traced(1.0), traced(7.0)), (0, 10_000, 10_000));
        let tenth = traced(0.1);
        assert!((800..1_200).contains(&tenth), "{tenth}");
        let (few, many) = (Traces::new(Nowhere, 0.1), Traces::new(Nowhere, 0.5));
        for number in 0..1_000 {
            let (node, request) = (NodeId::new(7), RequestId::new(1, number));
            assert!(!few.traces(node, request) || many.traces(node, request));
        }
        assert!(!Traces::default().traces(NodeId::new(7), RequestId::new(1, 1)));
    }
}
