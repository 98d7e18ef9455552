//! Spans of one shard's work, made of what goes into its core and what comes out: as a coordinator,
//! as a replica that serves another node, and while a batch is on its way to the disk.
//!
//! The rule: nothing is kept of a request that is not traced. What is kept of one that is goes when it
//! is answered, or once nobody can wait for it any more.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use stator_core::effect::{Input, Ticket, Timer};
use stator_core::identity::NodeId;
use stator_core::message::{AckStage, Purpose, ReadAnswer, RequestId, ShardMessage};
use stator_core::object::ObjectKey;
use stator_core::request::{ClientReply, ClientRequestId, Done, RequestError};
use stator_core::time::{Deadline, Instant};

use super::{Span, SpanName};
use crate::me::Me;
use crate::stats::Asked;

/// After so long nobody waits for anything that has begun.
const LONGEST: Duration = Deadline::MAX_TIMEOUT.saturating_mul(2);

/// What a shard does for spans.
pub(crate) struct ShardTracer {
    me: Arc<Me>,
    step: Step,
    /// The batch that this step has emitted: a put is minted before its request's deadline is set.
    unnamed: Option<Ticket>,
    /// A request has several names one after the other if it is a delete that reads first, or is asked
    /// again.
    coordinated: HashMap<Origin, Vec<Coordinated>>,
    origins: HashMap<RequestId, Origin>,
    served: HashMap<(NodeId, RequestId), Served>,
    /// By ticket, ascending.
    syncs: VecDeque<(Ticket, Sync)>,
}

/// What the core is about to be told.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Nothing of which a span would tell.
    Other,
    /// A request that is to be coordinated here.
    Begins(Origin, &'static str),
    /// Something about a traced request that is coordinated here.
    Concerns(Origin),
    /// A traced request of another node.
    Serves(SpanName),
}

/// For whom a request is coordinated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Client(ClientRequestId),
    /// A put that another node forwarded.
    Node(NodeId, RequestId),
}

struct Coordinated {
    request: RequestId,
    title: &'static str,
    began: Instant,
    /// It goes on under another name since.
    ended: Option<Instant>,
}

struct Served {
    title: &'static str,
    name: SpanName,
    began: Instant,
    key: Option<ObjectKey>,
    owner: Option<NodeId>,
}

struct Sync {
    parent: SpanName,
    began: Instant,
}

impl ShardTracer {
    pub(crate) fn new(me: &Arc<Me>) -> Self {
        Self {
            me: Arc::clone(me),
            step: Step::Other,
            unnamed: None,
            coordinated: HashMap::new(),
            origins: HashMap::new(),
            served: HashMap::new(),
            syncs: VecDeque::new(),
        }
    }

    /// The core is told something.
    pub(crate) fn takes(&mut self, input: &Input) {
        if !self.me.traces.are_on() {
            return;
        }
        self.unnamed = None;
        self.step = match input {
            Input::Client(request) => {
                let title = coordinating(Asked::of(&request.operation));
                Step::Begins(Origin::Client(request.id), title)
            }
            Input::Peer { from, message } => self.takes_message(*from, message),
            Input::Synced(ticket) => {
                self.synced(*ticket);
                Step::Other
            }
            Input::Timer(Timer::Deadline(request)) => self.concerned(*request),
            Input::Timer(Timer::Patrol) => {
                self.forget(self.me.clock.instant());
                Step::Other
            }
            _ => Step::Other,
        };
    }

    fn takes_message(&mut self, from: NodeId, message: &ShardMessage) -> Step {
        let (request, title, key, owner) = match message {
            ShardMessage::Replicate { request, key, purpose: Purpose::Write, .. } => {
                (*request, "replicate", Some(key), None)
            }
            ShardMessage::Replicate { request, key, purpose: Purpose::Hint { owner }, .. } => {
                (*request, "replicate as a hint", Some(key), Some(*owner))
            }
            ShardMessage::Read { request, key, .. } => (*request, "read", Some(key), None),
            ShardMessage::List { request, .. } => (*request, "list keys", None, None),
            ShardMessage::ForwardPut { request, order, .. } => {
                self.serves(from, *request, "forwarded put", (Some(&order.key), None));
                // What is coordinated here has a name and a trace of its own.
                return Step::Begins(Origin::Node(from, *request), coordinating(Asked::Put));
            }
            ShardMessage::Replicated { request, .. }
            | ShardMessage::ReadAnswered { request, .. }
            | ShardMessage::PutAnswered { request, .. }
            | ShardMessage::Listed { request, .. } => return self.concerned(*request),
            // Background work, which nobody waits for.
            _ => return Step::Other,
        };
        self.serves(from, request, title, (key, owner)).map_or(Step::Other, Step::Serves)
    }

    /// Another node's request is served; returns its span, if it is traced.
    fn serves(
        &mut self,
        from: NodeId,
        request: RequestId,
        title: &'static str,
        (key, owner): (Option<&ObjectKey>, Option<NodeId>),
    ) -> Option<SpanName> {
        if !self.me.traces.traces(from, request) {
            return None;
        }
        let name = SpanName::coordinator(from, request).beside();
        let began = self.me.clock.instant();
        let served = Served { title, name, began, key: key.cloned(), owner };
        // One that is sent again, or for a second owner, is answered as the first is.
        Some(self.served.entry((from, request)).or_insert(served).name)
    }

    fn concerned(&self, request: RequestId) -> Step {
        self.origins.get(&request).map_or(Step::Other, |&origin| Step::Concerns(origin))
    }

    /// The core sets a timer. Each request that is coordinated has one for its deadline, set in the
    /// step in which it gets its name, and again where a put that was to be forwarded is minted here.
    pub(crate) fn sets(&mut self, timer: Timer) {
        let Timer::Deadline(request) = timer else { return };
        let (origin, title) = match self.step {
            Step::Begins(origin, title) => (origin, Some(title)),
            Step::Concerns(origin) => (origin, None),
            Step::Other | Step::Serves(_) => return,
        };
        if !self.me.traces.traces(self.me.node, request) {
            return;
        }
        if !self.origins.contains_key(&request) {
            self.begins(origin, title, request);
        }
        if let Some(ticket) = self.unnamed.take() {
            self.awaits_sync(ticket, SpanName::coordinator(self.me.node, request));
        }
    }

    /// A traced request has got its name, or another one.
    fn begins(&mut self, origin: Origin, title: Option<&'static str>, request: RequestId) {
        let began = self.me.clock.instant();
        let names = self.coordinated.entry(origin).or_default();
        let title = title.or_else(|| Some(names.last()?.title)).unwrap_or("coordinate");
        if let Some(before) = names.last_mut() {
            before.ended.get_or_insert(began);
        }
        names.push(Coordinated { request, title, began, ended: None });
        self.origins.insert(request, origin);
    }

    /// The core has a batch written.
    pub(crate) fn writes(&mut self, ticket: Ticket) {
        match self.step {
            Step::Begins(..) | Step::Concerns(_) => self.unnamed = Some(ticket),
            Step::Serves(name) => self.awaits_sync(ticket, name),
            Step::Other => {}
        }
    }

    fn awaits_sync(&mut self, ticket: Ticket, parent: SpanName) {
        let began = self.me.clock.instant();
        self.syncs.push_back((ticket, Sync { parent, began }));
    }

    /// Everything up to a ticket is on disk.
    fn synced(&mut self, ticket: Ticket) {
        while let Some((_, sync)) = self.syncs.pop_front_if(|(oldest, _)| *oldest <= ticket) {
            let name = sync.parent.beside();
            let span = self.span(name, "sync", sync.began).below(sync.parent);
            self.me.traces.ended(span);
        }
    }

    /// The core sends a message: an answer ends what was served.
    pub(crate) fn sends(&mut self, to: NodeId, message: &ShardMessage) {
        if self.served.is_empty() && self.coordinated.is_empty() {
            return;
        }
        match message {
            ShardMessage::Replicated { stage: Ok(AckStage::Received), .. } => {}
            ShardMessage::Replicated { request, stage, .. } => {
                let refusal = stage.err().map(|refusal| format!("{refusal:?}"));
                self.has_served(to, *request, refusal);
            }
            ShardMessage::ReadAnswered { request, answer, .. } => {
                let can_tell = matches!(answer, ReadAnswer::State(_) | ReadAnswer::Digest(_));
                let refusal = (!can_tell).then(|| "it can't tell what it has".to_owned());
                self.has_served(to, *request, refusal);
            }
            ShardMessage::Listed { request, page } => {
                let refusal = page.is_none().then(|| "it can't tell what it has".to_owned());
                self.has_served(to, *request, refusal);
            }
            ShardMessage::PutAnswered { request, result } => {
                let acked = result.as_ref().map(|reply| Some(reply.answered.total()));
                self.has_coordinated(Origin::Node(to, *request), acked);
                let refusal = result.as_ref().err().map(ToString::to_string);
                self.has_served(to, *request, refusal);
            }
            _ => {}
        }
    }

    fn has_served(&mut self, from: NodeId, request: RequestId, refusal: Option<String>) {
        let Some(served) = self.served.remove(&(from, request)) else { return };
        let mut span = self
            .span(served.name, served.title, served.began)
            .below(SpanName::coordinator(from, request))
            .served()
            .text("stator.coordinator", from.to_string());
        if let Some(key) = &served.key {
            span = span.key(key);
        }
        if let Some(owner) = served.owner {
            span = span.text("stator.hint_for", owner.to_string());
        }
        if let Some(refusal) = refusal {
            span = span.failed(refusal);
        }
        self.me.traces.ended(span);
    }

    /// The core answers a front door. Returns the root of the request's trace, if it is traced.
    pub(crate) fn replies(
        &mut self,
        client: ClientRequestId,
        reply: &ClientReply,
    ) -> Option<SpanName> {
        if self.coordinated.is_empty() {
            return None;
        }
        let acked = reply.as_ref().map(|done| match done {
            Done::Got(got) => Some(got.answered.total()),
            Done::Written(put) => Some(put.answered.total()),
            Done::Listed(_) => None,
        });
        let first = self.has_coordinated(Origin::Client(client), acked)?;
        Some(SpanName::root(self.me.node, first))
    }

    /// A request that was coordinated here is answered: by so many replicas, if it went well. Returns
    /// its first name.
    fn has_coordinated(
        &mut self,
        origin: Origin,
        answered: Result<Option<u8>, &RequestError>,
    ) -> Option<RequestId> {
        let names = self.coordinated.remove(&origin)?;
        let first = names.first()?.request;
        let me = self.me.node;
        for one in &names {
            self.origins.remove(&one.request);
            let name = SpanName::coordinator(me, one.request);
            let mut span = self.span(name, one.title, one.began);
            if let Some(ended) = one.ended {
                span.ended = self.me.clock.wall_of(ended);
            }
            span = match origin {
                // The trace of a second name has its link to the first, and no root of its own.
                Origin::Client(_) if one.request == first => span.below(SpanName::root(me, first)),
                Origin::Client(_) => span.linked(Some(SpanName::coordinator(me, first))),
                Origin::Node(from, theirs) => {
                    let there = SpanName::coordinator(from, theirs);
                    span.linked(Some(there)).text("stator.coordinator", from.to_string())
                }
            };
            span = match answered {
                Ok(Some(replicas)) => span.number("stator.replicas", replicas),
                Ok(None) => span,
                Err(error) => span.failed(error),
            };
            self.me.traces.ended(span);
        }
        Some(first)
    }

    /// What nobody waits for any more is not kept.
    fn forget(&mut self, now: Instant) {
        let old = |began: Instant| now.since(began) > LONGEST;
        self.served.retain(|_, served| !old(served.began));
        let origins = &mut self.origins;
        self.coordinated.retain(|_, names| {
            let keep = names.last().is_some_and(|last| !old(last.began));
            if !keep {
                for one in names {
                    origins.remove(&one.request);
                }
            }
            keep
        });
    }

    /// A span that ends now.
    fn span(&self, name: SpanName, title: &'static str, began: Instant) -> Span {
        let clock = &self.me.clock;
        let span = Span::of(name, title, (began, clock.instant()), clock);
        span.text("stator.node", self.me.node.to_string())
    }
}

const fn coordinating(asked: Asked) -> &'static str {
    match asked {
        Asked::Get => "coordinate get",
        Asked::Put => "coordinate put",
        Asked::Delete => "coordinate delete",
        Asked::List => "coordinate list",
    }
}

#[cfg(test)]
mod tests;
