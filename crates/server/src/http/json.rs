//! JSON answers.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// A document as text. Every document of this door is made of texts, numbers and lists.
pub(super) fn text(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("a document has texts for names and fails at nothing")
}

/// A document as a response.
pub(super) fn response(status: StatusCode, document: &impl Serialize) -> Response {
    let mut text = text(document);
    text.push(b'\n');
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
