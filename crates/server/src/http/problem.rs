//! Everything that can go wrong, as RFC 9457 problem documents.
//!
//! A problem on a write says what is known of it: `refused` (no replica has it, none will) or
//! `indeterminate` (it may appear later). The second is never called the first (rule 9): every 4xx
//! and every 503 means that nothing was written, doubt is a 504.

pub(super) mod kind;
mod mapping;

pub(super) use kind::Kind;

use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use stator_core::request::Outcome;
use stator_node::RequestTag;
use utoipa::ToSchema;

use super::json;

/// What a row answers: a response, or what went wrong.
pub(super) type Answer = Result<Response, Problem>;

/// Where problem types are named; a name only, nothing is served there.
const TYPES: &str = "https://stator.invalid/problems/";

/// Whether a request would change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    Read,
    Write,
}

impl Intent {
    /// What a method means by its definition.
    pub(super) fn of(method: &Method) -> Self {
        if method.is_safe() { Self::Read } else { Self::Write }
    }
}

/// A problem document (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document {
    /// The kind of problem; a name only, nothing is served there.
    pub(super) r#type: String,
    /// What the kind is called.
    title: &'static str,
    /// The status of the response.
    status: u16,
    /// What happened this time, and what to do about it.
    pub(super) detail: String,
    /// On a write: `refused` (nothing was written; safe to retry) or `indeterminate` (it may appear
    /// later).
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// The id of the request, as in `Stator-Request-Id`; none in a document within another.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// More about some kinds: such as the `version` of the plan that holds, or the `index` of a
    /// batch's malformed operation.
    #[serde(flatten)]
    #[schema(additional_properties)]
    members: Map<String, Value>,
}

/// Something that went wrong.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    outcome: Outcome,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of this kind; `detail` says what happened this time and what to do about it.
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            outcome: Outcome::Refused,
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// The path is known and the method is not.
    pub(super) fn method_not_allowed(method: &Method, allowed: &'static str) -> Self {
        let detail = format!("{method} means nothing here: this path takes {allowed}");
        Self::new(kind::METHOD_NOT_ALLOWED, detail)
            .with_header(ALLOW, HeaderValue::from_static(allowed))
    }

    /// The node answered something else than what was asked. A fault of the program, never of the
    /// client.
    pub(super) fn mismatched(intent: Intent) -> Self {
        let detail = "the node gave an answer to another question: this is a bug, please report it";
        let problem = Self::new(kind::INTERNAL, detail);
        match intent {
            Intent::Read => problem,
            Intent::Write => problem.with_outcome(Outcome::Indeterminate),
        }
    }

    pub(super) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    pub(super) fn with_member(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Its status.
    pub(super) fn status(&self) -> u16 {
        self.kind.status
    }

    /// What its kind is called.
    pub(super) fn title(&self) -> &'static str {
        self.kind.title
    }

    /// What happened this time, and what to do about it.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// What is known of the write that met it.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether the node could not, rather than the client asked for what can't be.
    pub(super) fn is_the_nodes(&self) -> bool {
        self.kind.status >= 500 && self.kind != kind::NOT_BUILT
    }

    /// The document, as it answers a request of this intent.
    pub(super) fn document(&self, intent: Intent) -> Document {
        let outcome = match self.outcome {
            Outcome::Refused => "refused",
            Outcome::Indeterminate => "indeterminate",
        };
        Document {
            r#type: format!("{TYPES}{}", self.kind.slug),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.detail.clone(),
            outcome: (intent == Intent::Write).then_some(outcome),
            request_id: None,
            members: self.members.clone(),
        }
    }

    /// The document, as it answers a request of this intent that has this id.
    pub(super) fn document_of(&self, intent: Intent, tag: RequestTag) -> Document {
        Document { request_id: Some(tag.to_string()), ..self.document(intent) }
    }

    /// The response, as it answers a request of this intent that has this id.
    pub(super) fn response(self, intent: Intent, tag: RequestTag) -> Response {
        let mut response = Response::new(Body::from(json::text(&self.document_of(intent, tag))));
        let status = StatusCode::from_u16(self.kind.status);
        *response.status_mut() = status.expect("the table of kinds names statuses that exist");
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        match self.kind.status {
            503 => headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
            401 => headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            _ => None,
        };
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}
