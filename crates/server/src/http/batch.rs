//! Many gets, puts and deletes in one request, each with its own outcome, told in the order of the
//! request.
//!
//! A batch is a way of sending operations, never a transaction: each is carried out as if it had
//! come alone. They run side by side, except that those on one object keep their order. Whatever is
//! malformed refuses the whole batch before anything is written; what is understood and can't be
//! done (too large, an impossible quorum, a context of another key) is that operation's outcome.
//!
//! Outcomes are sent as they come, in order, and an operation starts at most [`SIDE_BY_SIDE`] places
//! ahead of the one whose outcome is sent next: so a batch holds few answers in memory however much
//! it reads, and stops where its reader stops. An operation whose outcome has not come when a
//! connection breaks may have been carried out or not.

mod form;
mod line;
pub(super) mod operation;
pub(super) mod outcome;

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use tokio::sync::oneshot;

use self::form::Form;
use self::operation::Ordered;
use self::outcome::Outcome;
use super::body::{self, Held};
use super::front::Shared;
use super::path::Target;
use super::problem::{Answer, Problem, kind};
use super::query::{OBJECT_WORDS, Words};
use crate::clock;
use crate::memory::Part;

/// The most operations of one batch.
pub(super) const MAX_OPERATIONS: usize = 1000;

/// How many operations of one batch are under way at a time.
const SIDE_BY_SIDE: usize = 32;

/// `POST /v1/batch`. A refused body is read and thrown away, so that the sender sees the answer.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    if request.method() != Method::POST {
        return Err(Problem::method_not_allowed(request.method(), "POST"));
    }
    let words = Words::parse(Target::of(&request).query, OBJECT_WORDS);
    let (parts, mut content) = request.into_parts();
    let read = match words {
        Ok(words) => read(&front, &words, &parts.headers, &mut content).await,
        Err(problem) => Err(problem),
    };
    match read {
        Ok((operations, part)) => {
            Ok(respond(front, operations, part, Form::answered(&parts.headers)))
        }
        Err(problem) => {
            body::drain(&parts.headers, content).await;
            Err(problem)
        }
    }
}

/// The operations of a request, and the part of the memory that they hold.
async fn read(
    front: &Shared,
    words: &Words,
    headers: &HeaderMap,
    content: &mut Body,
) -> Result<(Vec<Ordered>, Part), Problem> {
    // What is wrong in the request's own words is told once, not for each operation.
    words.quorum()?;
    let Held { bytes, part } = body::batch(front, headers, content).await?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        Problem::new(kind::BATCH_MALFORMED, format!("the batch is not UTF-8: {error}"))
    })?;
    let lines = Form::asked(headers).lines(text)?;
    let mut operations = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        let read = Ordered::read(front, words, line);
        operations.push(read.map_err(|problem| problem.with_member("index", index.into()))?);
    }
    Ok((operations, part))
}

fn respond(front: Shared, operations: Vec<Ordered>, part: Part, form: Form) -> Response {
    let outcomes = carried_out(front, operations, part);
    let body = Body::from_stream(form.framed(outcomes).map(Ok::<_, std::convert::Infallible>));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Carries the operations out; their outcomes, each as a line, in order.
fn carried_out(
    front: Shared,
    operations: Vec<Ordered>,
    part: Part,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let asked = front.clone();
    let ordered = in_order_of_objects(operations).into_iter().enumerate();
    let outcomes = stream::iter(ordered).map(move |(index, (ordered, turn))| {
        let front = asked.clone();
        async move { (index, turn.after(ordered.carry_out(&front)).await) }
    });
    outcomes.buffered(SIDE_BY_SIDE).map(move |(index, outcome): (usize, Outcome)| {
        // The operations' bytes are held, and so their part, until the last one is told.
        let _held = &part;
        outcome.line(index, &front.memory, clock::now())
    })
}

/// An operation's place among those on its object.
struct Turn {
    before: Option<oneshot::Receiver<()>>,
    /// Dropped when the operation is done, which lets the next one begin.
    _done: oneshot::Sender<()>,
}

impl Turn {
    /// Does something once those before it are done.
    async fn after<T>(self, work: impl Future<Output = T>) -> T {
        if let Some(before) = self.before {
            // It ends with an error, always: nothing is ever sent.
            let _ = before.await;
        }
        work.await
    }
}

/// Gives each operation its turn. An operation waits only for ones before it, which
/// [`StreamExt::buffered`] has started before it, so that none waits for ever.
fn in_order_of_objects(operations: Vec<Ordered>) -> Vec<(Ordered, Turn)> {
    let mut latest = HashMap::new();
    operations
        .into_iter()
        .map(|ordered| {
            let (done, next) = oneshot::channel();
            let before = ordered.object().and_then(|key| latest.insert(key.clone(), next));
            (ordered, Turn { before, _done: done })
        })
        .collect()
}
