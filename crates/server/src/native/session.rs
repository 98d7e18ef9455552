//! Reads that must have all that their reader has seen: read-your-writes, and no going back, within
//! a session whose contexts travel with its reads (the paper, 5).
//!
//! A context is a version vector that only nodes can open: the reader sends the last one that it
//! holds of the object, and what was read must include it. If it does not, all replicas are read;
//! if that is not enough, the answer says so and is no stale one.
//!
//! Once all primaries have answered, what they have is the answer, whatever the context names: then
//! what they do not know any more was collected (rule 13), which takes entries out of vectors, and
//! tombstones with them. So one promise is not made: a write that only fallbacks have taken may be
//! missed until they have brought it home.

use stator_core::context::SealedContext;
use stator_core::object::ObjectKey;
use stator_core::quorum::{Level, QuorumOptions};
use stator_core::request::{Done, GetReply, Operation, RequestError};
use stator_wire::client::CallError;

use super::call::Asking;

/// Reads an object.
pub(super) async fn get(
    asking: &Asking,
    key: ObjectKey,
    quorum: QuorumOptions,
    seen: Option<SealedContext>,
) -> Result<GetReply, CallError> {
    let reply = read(asking, key.clone(), quorum).await?;
    let Some(seen) = seen else { return Ok(reply) };
    if includes(asking, &key, &reply, &seen)? {
        return Ok(reply);
    }
    let all = QuorumOptions { r: Some(Level::All), ..quorum };
    let reply = match read(asking, key.clone(), all).await {
        Err(CallError::Request(
            RequestError::NotEnoughReplicas { .. } | RequestError::ReadTimeout { .. },
        )) => return Err(CallError::Behind),
        read => read?,
    };
    let all_primaries = reply.answered.primaries >= reply.answered.existing;
    if all_primaries || includes(asking, &key, &reply, &seen)? {
        return Ok(reply);
    }
    Err(CallError::Behind)
}

async fn read(
    asking: &Asking,
    key: ObjectKey,
    quorum: QuorumOptions,
) -> Result<GetReply, CallError> {
    match asking.ask(Operation::Get { key, quorum }).await? {
        Done::Got(reply) => Ok(reply),
        _ => Err(RequestError::ReadTimeout { needed: 1, answered: 0 }.into()),
    }
}

/// Whether an answer has all that the reader has seen.
fn includes(
    asking: &Asking,
    key: &ObjectKey,
    reply: &GetReply,
    seen: &SealedContext,
) -> Result<bool, CallError> {
    let found = reply.context.as_ref();
    Ok(asking.front.backend.has_seen(key, found, seen).map_err(RequestError::from)?)
}
