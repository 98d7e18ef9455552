//! Storing and deleting an object.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::header::{
    CONTENT_RANGE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use http::{HeaderMap, HeaderName};
use stator_core::context::SealedContext;
use stator_core::object::{Content, ObjectKey, Value};
use stator_core::quorum::QuorumOptions;
use stator_core::request::{Operation, Precedence, PutOrder};

use super::super::body;
use super::super::front::Front;
use super::super::path::Target;
use super::super::problem::{Answer, Intent, Problem};
use super::super::query::{OBJECT_WORDS, Words};
use super::{headers, no_conditions, written};
use crate::backend::DEFAULT_TIMEOUT;
use crate::clock;

/// `PUT`. Whatever can be refused is refused before the body is read, and then the body is read
/// and thrown away, so that the sender sees the answer.
pub(super) async fn put(
    front: &Front,
    key: Result<ObjectKey, Problem>,
    request: Request,
) -> Answer {
    let checked = key.and_then(|key| order(front, key, &request));
    let (parts, mut body) = request.into_parts();
    let stored = match checked {
        Ok(order) => store(front, order, &parts.headers, &mut body).await,
        Err(problem) => Err(problem),
    };
    if stored.is_err() {
        body::drain(&parts.headers, body).await;
    }
    stored
}

/// What a put wants, but for the value's bytes.
struct Order {
    put: PutOrder,
    timeout: Duration,
}

/// What a request can't ask of a write: conditions, and writing a part of a value.
const CONDITIONS: [HeaderName; 6] =
    [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, CONTENT_RANGE];

fn order(front: &Front, key: ObjectKey, request: &Request) -> Result<Order, Problem> {
    let words = Words::parse(Target::of(request).query, OBJECT_WORDS)?;
    let asked = request.headers();
    no_conditions(asked, &CONDITIONS)?;
    let put = stored(front, key, asked, words.quorum()?, Bytes::new())?;
    Ok(Order { put, timeout: words.timeout(DEFAULT_TIMEOUT)? })
}

/// The put of a value as its headers describe it.
pub(in super::super) fn stored(
    front: &Front,
    key: ObjectKey,
    asked: &HeaderMap,
    quorum: QuorumOptions,
    bytes: Bytes,
) -> Result<PutOrder, Problem> {
    let mut metadata = headers::metadata(asked)?;
    let ttl = headers::ttl(asked)?;
    let ttl = ttl.or_else(|| front.backend.view().bucket(key.bucket()).mutable.ttl);
    metadata.expires_at = ttl.map(|ttl| clock::now().after(ttl));
    let context = headers::context(asked)?;
    let value = Content::Value(Value { bytes, metadata });
    Ok(PutOrder { key, context, value, quorum, precedence: Precedence::Newest })
}

async fn store(front: &Front, order: Order, asked: &HeaderMap, body: &mut Body) -> Answer {
    let held = body::object(front, asked, body).await?;
    let Order { mut put, timeout } = order;
    if let Content::Value(value) = &mut put.value {
        value.bytes = held.bytes.clone();
    }
    written(front.ask(Operation::Put(put), timeout, Intent::Write).await?)
}

/// `DELETE`: with a context, just what that covers; without one, what the coordinator reads first.
pub(super) async fn delete(
    front: &Front,
    key: ObjectKey,
    words: &Words,
    asked: &HeaderMap,
) -> Answer {
    no_conditions(asked, &CONDITIONS)?;
    let (quorum, timeout) = (words.quorum()?, words.timeout(DEFAULT_TIMEOUT)?);
    let operation = deleted(key, headers::context(asked)?, quorum);
    written(front.ask(operation, timeout, Intent::Write).await?)
}

/// The operation that deletes an object.
pub(in super::super) fn deleted(
    key: ObjectKey,
    context: Option<SealedContext>,
    quorum: QuorumOptions,
) -> Operation {
    let Some(context) = context else { return Operation::Delete { key, quorum } };
    Operation::Put(PutOrder {
        key,
        context: Some(context),
        value: Content::Tombstone,
        quorum,
        precedence: Precedence::Newest,
    })
}
