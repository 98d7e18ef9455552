//! A read that names what its reader has seen is never answered with less.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stator_core::context::{ContextError, SealedContext};
use stator_core::quorum::{Level, QuorumOptions};
use stator_core::request::{Answered, Done, GetReply, Operation, RequestError};
use stator_wire::client::{Answer, Ask, CallError};

use super::client::Door;
use crate::fake::{Fake, found, key, sealed, state, value};

fn get(seen: &SealedContext) -> Ask {
    let (quorum, seen) = (QuorumOptions::default(), Some(seen.clone()));
    Ask::Get { key: key("carts", b"alice"), quorum, seen }
}

fn newer() -> SealedContext {
    SealedContext(bytes::Bytes::from_static(b"newer"))
}

/// A node whose first reads do not have what the reader has seen; the one with `r=all` is answered
/// as told.
fn behind(at_all: Result<GetReply, RequestError>) -> (Arc<Fake>, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let fake = Fake::answering(move |operation| {
        let Operation::Get { quorum, .. } = operation else { panic!("{operation:?}") };
        counted.fetch_add(1, Ordering::Relaxed);
        match quorum.r {
            Some(Level::All) => at_all.clone().map(Done::Got),
            _ => Ok(Done::Got(found(state([value(b"old")])))),
        }
    });
    (fake, reads)
}

async fn ask(fake: Arc<Fake>, seen: &SealedContext) -> Result<Answer, CallError> {
    let door = Door::open(fake);
    let outcome = door.client().await.ask(1, get(seen)).await.outcome;
    door.close().await;
    outcome
}

fn all_primaries(context: SealedContext) -> GetReply {
    let answered = Answered { primaries: 3, wanted: 3, existing: 3, ..Answered::default() };
    GetReply { context: Some(context), answered, ..found(state([value(b"new")])) }
}

#[tokio::test]
async fn what_has_all_that_was_seen_is_answered_at_once() {
    let (fake, reads) = behind(Err(RequestError::Overloaded));
    assert!(ask(fake, &sealed()).await.is_ok());
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_lacks_something_is_read_from_all() {
    let two = Answered { primaries: 2, wanted: 3, existing: 3, ..Answered::default() };
    let (fake, reads) = behind(Ok(GetReply { answered: two, ..all_primaries(newer()) }));
    let Ok(Answer::Got(got)) = ask(fake, &newer()).await else { panic!("it was found") };
    assert_eq!(got.siblings[0].content, value(b"new"));
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn less_than_was_seen_is_no_answer() {
    let two = Answered { primaries: 2, fallbacks: 1, wanted: 3, existing: 3, durable: 0 };
    let lacking = GetReply { answered: two, ..all_primaries(sealed()) };
    let (few, late) = (
        RequestError::NotEnoughReplicas { needed: 3, reachable: 2 },
        RequestError::ReadTimeout { needed: 3, answered: 2 },
    );
    for at_all in [Ok(lacking), Err(few), Err(late)] {
        let (fake, _) = behind(at_all);
        assert_eq!(ask(fake, &newer()).await, Err(CallError::Behind));
    }
}

/// What no primary knows any more was collected.
#[tokio::test]
async fn what_all_primaries_say_is_the_answer() {
    let (fake, _) = behind(Ok(all_primaries(sealed())));
    assert!(ask(fake, &newer()).await.is_ok());
}

#[tokio::test]
async fn a_context_that_can_not_be_opened_is_refused() {
    let (fake, _) = behind(Ok(all_primaries(sealed())));
    let refused = ask(fake, &SealedContext(bytes::Bytes::new())).await;
    let malformed = RequestError::Context(ContextError::Malformed);
    assert_eq!(refused, Err(CallError::Request(malformed)));
}
