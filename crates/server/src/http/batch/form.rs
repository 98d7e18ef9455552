//! The two forms of a batch and of its answer: one JSON document, or a document on each line.

use bytes::Bytes;
use futures_util::future::Either;
use futures_util::stream::{self, Stream, StreamExt};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use super::super::accept;
use super::super::problem::{Problem, kind};
use super::MAX_OPERATIONS;
use super::line::{self, Lines};

/// How a batch is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `{"operations": […]}` or the list alone; answered as `{"results": […]}`.
    Json,
    /// An operation a line; answered by an outcome a line.
    Lines,
}

const LINES: &str = "application/x-ndjson";

impl Form {
    /// The form of a request: NDJSON if its type says so, else JSON.
    pub(super) fn asked(headers: &HeaderMap) -> Self {
        let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let given = given.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        let names = [LINES, "application/ndjson", "application/jsonl"];
        let is_lines = names.iter().any(|name| given.eq_ignore_ascii_case(name));
        if is_lines { Self::Lines } else { Self::Json }
    }

    /// The form of the answer: what `Accept` prefers, and the request's own where it does not say.
    pub(super) fn answered(headers: &HeaderMap) -> Self {
        let own = Self::asked(headers);
        if !headers.contains_key(ACCEPT) {
            return own;
        }
        let json = accept::wanted(headers, "application", "json");
        let lines = accept::wanted(headers, "application", "x-ndjson");
        match json.cmp(&lines) {
            std::cmp::Ordering::Greater => Self::Json,
            std::cmp::Ordering::Less => Self::Lines,
            std::cmp::Ordering::Equal => own,
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => LINES,
        }
    }

    /// The operations of a document, each still as text.
    pub(super) fn lines(self, text: &str) -> Result<Vec<&str>, Problem> {
        let Lines { lines, more } = match self {
            Self::Json => line::of_document(text)?,
            Self::Lines => line::of_lines(text),
        };
        if more {
            let detail =
                format!("the batch has more than {MAX_OPERATIONS} operations: send several");
            return Err(Problem::new(kind::BATCH_TOO_LARGE, detail));
        }
        Ok(lines)
    }

    /// Outcomes, each a JSON document, put together to an answer.
    pub(super) fn framed(
        self,
        outcomes: impl Stream<Item = Bytes> + Send + 'static,
    ) -> impl Stream<Item = Bytes> + Send + 'static {
        let text = |text: &'static str| Bytes::from_static(text.as_bytes());
        if self == Self::Lines {
            return Either::Left(
                outcomes.flat_map(move |outcome| stream::iter([outcome, text("\n")])),
            );
        }
        let listed = outcomes.enumerate().flat_map(move |(place, outcome)| {
            let between = if place == 0 { "\n" } else { ",\n" };
            stream::iter([text(between), outcome])
        });
        let begin = stream::iter([text("{\"results\":[")]);
        Either::Right(begin.chain(listed).chain(stream::iter([text("\n]}\n")])))
    }
}

#[cfg(test)]
mod tests;
