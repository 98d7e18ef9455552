//! The span of a whole request, as the front door saw it.

use stator_core::object::ObjectKey;

use super::{Span, SpanName, Traces};
use crate::me::Me;
use crate::request_tag::RequestTag;
use crate::slow::Finished;
use crate::stats::Came;

impl Traces {
    /// A front door's request has been answered. Where it is traced, its span is the root of its
    /// trace. Where the client keeps a trace of its own, it is in that too, below the client's span,
    /// and each names the other.
    pub(crate) fn finished(&self, me: &Me, request: &Finished, key: Option<&ObjectKey>) {
        if !self.are_on() {
            return;
        }
        let tag = RequestTag::current();
        let client = tag.and_then(|tag| tag.parent());
        let root = request.stages.and_then(|stages| stages.trace);
        if let Some(root) = root {
            let span = whole(root, me, request, key, tag.as_ref());
            self.ended(span.linked(client.map(|client| client.name)));
        }
        if let Some(client) = client.filter(|client| client.sampled) {
            let name = client.name.beside();
            let span = whole(name, me, request, key, tag.as_ref());
            self.ended(span.below(client.name).linked(root));
        }
    }
}

fn whole(
    name: SpanName,
    me: &Me,
    request: &Finished,
    key: Option<&ObjectKey>,
    tag: Option<&RequestTag>,
) -> Span {
    let title = request.asked.name();
    let mut span = Span::of(name, title, (request.began, request.ended), &me.clock)
        .served()
        .text("stator.node", me.node.to_string())
        .text("stator.door", request.door.name())
        .text("stator.outcome", request.came.name());
    if let Some(tag) = tag {
        span = span.text("stator.request_id", tag.as_str().to_owned());
    }
    if let Some(key) = key {
        span = span.key(key);
        if let Some(ring) = me.view.load().ring.as_deref() {
            span = span.number("stator.partition", ring.partition_of(key.token()).get());
        }
    }
    match request.came {
        Came::Refused | Came::Indeterminate => span.failed(request.came.name()),
        Came::Done | Came::NotFound | Came::Conflict | Came::Invalid => span,
    }
}
