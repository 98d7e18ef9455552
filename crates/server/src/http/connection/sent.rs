//! The body of an answer as a connection sends it: in pieces, each of which is known to be under way
//! until it has left, and holds the answer's part of the door's memory for as long.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};

use super::outflow::Outflow;
use crate::memory::Part;

/// The longest piece: a reader that takes less than this in the time that it is given is cut off.
const PIECE: usize = 64 * 1024;

/// The memory that an answer holds, as a row hands it over beside the answer.
#[derive(Clone, Debug)]
pub(in super::super) struct Charged {
    _part: Arc<Part>,
}

impl Charged {
    pub(in super::super) fn new(part: Part) -> Self {
        Self { _part: Arc::new(part) }
    }
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Sent {
    body: Body,
    /// What is left of the frame that is being sent.
    rest: Bytes,
    way: Option<Way>,
}

/// How a body is known to its connection; none for an empty one.
#[derive(Clone, Debug)]
struct Way {
    outflow: Arc<Outflow>,
    id: u64,
    _charged: Option<Charged>,
}

impl Sent {
    pub(super) fn new(body: Body, charged: Option<Charged>, outflow: &Arc<Outflow>) -> Self {
        let way = (!body.is_end_stream()).then(|| Way {
            outflow: Arc::clone(outflow),
            id: outflow.begins(),
            _charged: charged,
        });
        Self { body, rest: Bytes::new(), way }
    }

    /// The next piece of the rest.
    fn piece(&mut self) -> Bytes {
        let bytes = self.rest.split_to(self.rest.len().min(PIECE));
        let Some(way) = &self.way else { return bytes };
        way.outflow.hands_over(way.id);
        Bytes::from_owner(Piece { bytes, way: way.clone() })
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some(way) = &self.way {
            way.outflow.ends(way.id);
        }
    }
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        while self.rest.is_empty() {
            let frame = Pin::new(&mut self.body).poll_frame(context);
            if let (Poll::Pending, Some(way)) = (&frame, &self.way) {
                way.outflow.is_making(way.id);
            }
            match ready!(frame).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

/// A piece that is handed over; its bytes are dropped when they have left.
struct Piece {
    bytes: Bytes,
    way: Way,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.way.outflow.has_left(self.way.id);
    }
}
