//! Each request by itself: the id that client and operator call it by, what it was answered, and a
//! line in the log where the node is to blame.
//!
//! A client may choose the id (`X-Request-Id`, or the trace id of a `traceparent`), within bounds;
//! else it gets one. Either way it is in `Stator-Request-Id` of the answer, in a problem document as
//! `request_id`, and in what the node logs while it works on the request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use stator_node::{RequestTag, Sparing};

use super::problem::{Answer, Intent};

const REQUEST_ID: HeaderName = HeaderName::from_static("stator-request-id");
const CHOSEN: HeaderName = HeaderName::from_static("x-request-id");
const TRACE: HeaderName = HeaderName::from_static("traceparent");
/// Lines a second at most about requests that were not carried out.
const LINES: u32 = 10;

/// What the door keeps of its requests.
#[derive(Debug)]
pub(super) struct Requests {
    next: AtomicU64,
    answered: [AtomicU64; 5],
    lines: Sparing,
}

impl Requests {
    /// Ids count from this number, which is to differ from node to node and from start to start.
    pub(super) fn numbered_from(first: u64) -> Self {
        Self {
            next: AtomicU64::new(first),
            answered: Default::default(),
            lines: Sparing::new(LINES),
        }
    }

    /// The id of a request with these headers.
    pub(super) fn tag(&self, headers: &HeaderMap) -> RequestTag {
        let chosen = headers.get(CHOSEN).map(HeaderValue::as_bytes).and_then(RequestTag::parse);
        let traced = || headers.get(TRACE).and_then(|value| trace_id(value.as_bytes()));
        let numbered = || RequestTag::numbered(self.next.fetch_add(1, Ordering::Relaxed));
        let tag = chosen.or_else(traced).unwrap_or_else(numbered);
        #[cfg(feature = "otlp")]
        let tag = tag.below(
            headers.get(TRACE).and_then(|value| stator_node::TraceParent::parse(value.as_bytes())),
        );
        tag
    }

    /// The answer to a request, with its id; counted, and logged if the node could not.
    pub(super) fn close(&self, tag: RequestTag, method: &Method, answer: Answer) -> Response {
        let intent = Intent::of(method);
        let mut response = answer.unwrap_or_else(|problem| {
            if problem.is_the_nodes() {
                self.log(tag, method, problem.detail());
            }
            problem.response(intent, tag)
        });
        let id = HeaderValue::from_str(tag.as_str()).expect("a tag is plain ASCII");
        response.headers_mut().insert(REQUEST_ID, id);
        self.count(response.status());
        response
    }

    /// Answers so far, by the first digit of their status.
    pub(super) fn responses(&self) -> [u64; 5] {
        std::array::from_fn(|class| self.answered[class].load(Ordering::Relaxed))
    }

    fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.answered.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn log(&self, tag: RequestTag, method: &Method, detail: &str) {
        let Some(left_out) = self.lines.may_write(Instant::now()) else { return };
        tracing::warn!(request_id = tag.as_str(), %method, detail, left_out, "not carried out");
    }
}

/// The trace id of a `traceparent` (W3C Trace Context): the second of its fields, which is not all
/// zeros.
fn trace_id(value: &[u8]) -> Option<RequestTag> {
    let id = value.split(|byte| *byte == b'-').nth(1)?;
    let is_one = id.len() == 32
        && id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && id.iter().any(|byte| *byte != b'0');
    is_one.then(|| RequestTag::parse(id)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_id_of_a_traceparent_is_taken_and_nonsense_is_not() {
        let of = |text: &str| trace_id(text.as_bytes()).map(|tag| tag.as_str().to_owned());
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(of(good).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        let zeros = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        for bad in [zeros.as_str(), "", "00", "00-0af7", "00-0AF7651916CD43DD8448EB211C80319C-1-1"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
