use std::sync::Mutex;

use bytes::Bytes;
use stator_core::collection::Round;
use stator_core::message::{AckWish, EncodedState};
use stator_core::object::{BucketName, Key, ObjectState};
use stator_core::quorum::QuorumOptions;
use stator_core::request::{ClientRequest, Operation};
use stator_core::ring::RingVersion;
use stator_core::transfer::Footing;

use super::super::{SpanSink, Traces};
use super::*;
use crate::me::tests::me;

const ME: NodeId = NodeId::new(1);
const PEER: NodeId = NodeId::new(2);

#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

impl SpanSink for Spans {
    fn ended(&self, span: Span) {
        self.0.lock().expect("nobody panics with it").push(span);
    }
}

impl Spans {
    fn take(&self) -> Vec<Span> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}

fn tracer(ratio: f64) -> (ShardTracer, Spans) {
    let spans = Spans::default();
    let me = Me { traces: Traces::new(spans.clone(), ratio), ..me(ME, b"") };
    (ShardTracer::new(&Arc::new(me)), spans)
}

fn is_empty(tracer: &ShardTracer) -> bool {
    tracer.served.is_empty()
        && tracer.coordinated.is_empty()
        && tracer.origins.is_empty()
        && tracer.syncs.is_empty()
}

fn key() -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"carts")).expect("a name");
    ObjectKey::new(bucket, Key::new(Bytes::from_static(b"milk")).expect("a name"))
}

fn replicate(request: RequestId, purpose: Purpose) -> Input {
    let message = ShardMessage::Replicate {
        request,
        footing: Footing::settled(RingVersion(1)),
        round: Round::default(),
        purpose,
        key: key(),
        state: EncodedState::of(&ObjectState::default()),
        acks: AckWish::ReceivedAndDurable,
    };
    Input::Peer { from: PEER, message }
}

fn replicated(request: RequestId, stage: AckStage) -> ShardMessage {
    ShardMessage::Replicated {
        request,
        round: Round::default(),
        kept_for: None,
        stage: Ok(stage),
        held: None,
    }
}

fn get(client: u64) -> Input {
    let operation = Operation::Get { key: key(), quorum: QuorumOptions::default() };
    let deadline = Deadline::after(Instant::default(), Duration::from_secs(1));
    Input::Client(ClientRequest { id: ClientRequestId(client), operation, deadline })
}

#[test]
fn a_replicas_work_ends_when_the_state_is_on_disk_and_acknowledged() {
    let (mut tracer, spans) = tracer(1.0);
    let request = RequestId::new(0, 7);
    tracer.takes(&replicate(request, Purpose::Write));
    tracer.writes(Ticket(3));
    tracer.sends(PEER, &replicated(request, AckStage::Received));
    tracer.takes(&Input::Synced(Ticket(2)));
    assert_eq!(spans.take(), []);

    tracer.takes(&Input::Synced(Ticket(3)));
    tracer.sends(PEER, &replicated(request, AckStage::Durable));
    let [sync, work] = &spans.take()[..] else { panic!("two spans") };
    assert_eq!((sync.title, work.title), ("sync", "replicate"));
    assert_eq!(sync.parent, Some(work.name));
    assert_eq!(work.parent, Some(SpanName::coordinator(PEER, request)));
    assert!(is_empty(&tracer));
}

#[test]
fn nothing_is_kept_of_what_is_not_traced_nor_of_background_work() {
    let request = RequestId::new(0, 7);
    let (mut off, spans) = tracer(0.0);
    off.takes(&get(1));
    off.sets(Timer::Deadline(request));
    off.takes(&replicate(request, Purpose::Write));
    off.writes(Ticket(1));
    assert!(is_empty(&off));
    assert_eq!(off.replies(ClientRequestId(1), &Err(RequestError::Expired)), None);

    let (mut on, spans_of_all) = tracer(1.0);
    on.takes(&replicate(request, Purpose::Repair));
    on.writes(Ticket(1));
    on.sets(Timer::Deadline(RequestId::new(0, 8)));
    assert!(is_empty(&on));
    assert_eq!((spans.take(), spans_of_all.take()), (vec![], vec![]));
}

#[test]
fn what_was_never_answered_is_forgotten_once_nobody_can_wait_for_it() {
    let (mut tracer, _) = tracer(1.0);
    tracer.takes(&get(1));
    tracer.sets(Timer::Deadline(RequestId::new(0, 8)));
    tracer.takes(&replicate(RequestId::new(0, 7), Purpose::Hint { owner: ME }));
    let now = tracer.me.clock.instant();
    tracer.forget(now.after(Deadline::MAX_TIMEOUT));
    assert_eq!((tracer.served.len(), tracer.coordinated.len(), tracer.origins.len()), (1, 1, 1));
    tracer.forget(now.after(3 * Deadline::MAX_TIMEOUT));
    assert!(is_empty(&tracer));
}

#[test]
fn a_request_that_fails_says_why() {
    let (mut tracer, spans) = tracer(1.0);
    let request = RequestId::new(1, 9);
    tracer.takes(&get(4));
    tracer.sets(Timer::Deadline(request));
    let late = RequestError::ReadTimeout { needed: 2, answered: 1 };
    let root = tracer.replies(ClientRequestId(4), &Err(late.clone()));
    assert_eq!(root, Some(SpanName::root(ME, request)));
    let [span] = &spans.take()[..] else { panic!("one span") };
    assert_eq!((span.title, span.parent), ("coordinate get", root));
    assert_eq!(span.failure, Some(late.to_string()));
    assert!(is_empty(&tracer));
}
