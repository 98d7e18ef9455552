//! Request bodies: bounded in size, in time and in what all of them together may hold in memory.
//!
//! A body is read whole before anything is sent to the node, so one that is cut off half way writes
//! nothing.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};

use super::front::Front;
use super::problem::{Kind, Problem, kind};
use crate::memory::Part;

/// The least pace of a body, in bytes a second, once the time for its first piece is over: whoever
/// sends a byte now and then does not hold a request open for hours.
const PACE: u64 = 1024;
/// How long the rest of a refused body is read and thrown away, so that the answer is not lost
/// with the connection while its sender still writes.
const DRAIN: Duration = Duration::from_secs(2);
/// How much of it, in bytes.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;
/// The largest document taken where a document is expected, in bytes.
const DOCUMENT_BYTES: usize = 256 * 1024;

pub(super) fn no_memory() -> Problem {
    let detail = "the bodies of other requests take all the memory meant for them: try again \
                  shortly";
    Problem::new(kind::OVERLOADED, detail)
}

/// A body that was read, and its part of the budget until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    pub(super) part: Part,
}

/// How large a body may be, and what a larger one is called.
#[derive(Clone, Copy, Debug)]
struct Limit {
    bytes: usize,
    kind: Kind,
}

impl Limit {
    fn exceeded(self) -> Problem {
        let detail = format!("the body has more than {} bytes, which is the limit", self.bytes);
        Problem::new(self.kind, detail)
    }
}

/// Reads an object's bytes.
pub(super) async fn object(
    front: &Front,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Held, Problem> {
    let limit = Limit { bytes: front.config.max_object_bytes, kind: kind::OBJECT_TOO_LARGE };
    read(front, headers, body, limit).await
}

/// Reads a batch's document. Room is taken for what it holds decoded as well.
pub(super) async fn batch(
    front: &Front,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Held, Problem> {
    let limit = Limit { bytes: front.config.max_batch_bytes(), kind: kind::BATCH_TOO_LARGE };
    let mut held = read(front, headers, body, limit).await?;
    if !held.part.grow_to(2 * held.bytes.len(), &front.memory) {
        return Err(no_memory());
    }
    Ok(held)
}

/// Reads a JSON document that must be an object; none at all is an empty one.
pub(super) async fn document(
    front: &Front,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Map<String, Value>, Problem> {
    let limit = Limit { bytes: DOCUMENT_BYTES, kind: kind::BODY_TOO_LARGE };
    let held = read(front, headers, body, limit).await?;
    if held.bytes.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&held.bytes).map_err(|error| {
        Problem::new(kind::BODY_MALFORMED, format!("the body is not a JSON object: {error}"))
    })
}

/// The memory is taken as the body comes, not as it is announced: an announcement costs its sender
/// nothing.
async fn read(
    front: &Front,
    headers: &HeaderMap,
    body: &mut Body,
    limit: Limit,
) -> Result<Held, Problem> {
    let declared = declared(headers);
    if declared.is_some_and(|length| length > limit.bytes) {
        return Err(limit.exceeded());
    }
    let began = Instant::now();
    let mut part = front.memory.take(0).ok_or_else(no_memory)?;
    let mut gathered = Gathered::expecting(declared.unwrap_or(0));
    while let Some(piece) = next(body, wait(front.patience, began, gathered.len())).await? {
        let length = gathered.len() + piece.len();
        if length > limit.bytes {
            return Err(limit.exceeded());
        }
        if !part.grow_to(length, &front.memory) {
            return Err(no_memory());
        }
        gathered.add(piece);
    }
    Ok(Held { bytes: gathered.finish(), part })
}

/// Until when the next piece of a body is waited for that began then and has come so far.
fn wait(patience: Duration, began: Instant, bytes: usize) -> Instant {
    let earned = Duration::from_millis(bytes as u64 * 1000 / PACE);
    (Instant::now() + patience).min(began + patience + earned)
}

fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn next(body: &mut Body, until: Instant) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = timeout_at(until, body.frame()).await.map_err(|_| {
            let detail = "the body came too slowly: nothing more of it came in time, or too little \
                          all the while";
            Problem::new(kind::BODY_TIMEOUT, detail)
        })?;
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|error| {
            let detail = format!("the body ended before it was whole: {error}");
            Problem::new(kind::BODY_INCOMPLETE, detail)
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

/// The pieces of a body put together; a body of one piece is never copied.
#[derive(Debug)]
struct Gathered {
    expected: usize,
    first: Bytes,
    joined: BytesMut,
}

impl Gathered {
    fn expecting(expected: usize) -> Self {
        Self { expected, first: Bytes::new(), joined: BytesMut::new() }
    }

    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn add(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.joined.is_empty() {
            self.joined.reserve(self.expected.max(self.first.len() + piece.len()));
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&piece);
    }

    fn finish(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }
}

/// Reads and throws away what is left of a refused request's body, within bounds. A client that
/// waits to be told to go on is not told.
pub(super) async fn drain(headers: &HeaderMap, mut body: Body) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let rest = async {
        let mut thrown = 0;
        while let Some(Ok(frame)) = body.frame().await {
            thrown += frame.data_ref().map_or(0, Bytes::len);
            if thrown > DRAIN_BYTES {
                return;
            }
        }
    };
    // Whether the rest came in time changes nothing: the answer is the same.
    let _ = timeout(DRAIN, rest).await;
}
