//! `300 Multiple Choices`: all versions of an object at once, as Riak had them, or as JSON.

mod form;
mod pieces;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use stator_core::object::{ObjectDigest, Sibling, Value};
use stator_core::request::GetReply;
use stator_core::time::WallTime;

use self::form::Form;
use self::pieces::Pieces;
use super::super::json;
use super::{headers, told};
use crate::context;

/// All versions, in the form that the request prefers. If it takes neither form it gets
/// `multipart/mixed`, since an answer in a form that was not asked for is of more use than none.
pub(super) fn respond(
    siblings: &[Sibling],
    reply: &GetReply,
    asked: &HeaderMap,
    at: WallTime,
) -> Response {
    let mut response = match Form::preferred(asked) {
        Form::Json => as_json(siblings, reply, at),
        Form::Multipart => as_multipart(siblings, &reply.digest, at),
    };
    *response.status_mut() = StatusCode::MULTIPLE_CHOICES;
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

fn as_json(siblings: &[Sibling], reply: &GetReply, at: WallTime) -> Response {
    let document = told::Siblings {
        context: reply.context.as_ref().map(context::text),
        siblings: siblings.iter().map(|sibling| told::Version::of(sibling, at)).collect(),
    };
    let mut response = Response::new(Body::from(json::text(&document)));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// The parts, values uncopied; their length is known, so that it can be told.
fn as_multipart(siblings: &[Sibling], digest: &ObjectDigest, at: WallTime) -> Response {
    let boundary = boundary(siblings, digest);
    let mut pieces: Vec<Bytes> = Vec::with_capacity(siblings.len() * 3 + 1);
    for sibling in siblings {
        let value = sibling.live(at);
        pieces.push(part_head(&boundary, sibling, value));
        pieces.extend(value.map(|value| value.bytes.clone()));
        pieces.push(Bytes::from_static(b"\r\n"));
    }
    pieces.push(Bytes::from(format!("--{boundary}--\r\n")));

    let mut response = Response::new(Body::new(Pieces::of(pieces)));
    let content_type = format!("multipart/mixed; boundary={boundary}");
    let content_type = HeaderValue::from_str(&content_type).expect("a boundary is letters");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// What stands before a part's bytes. A tombstone's part has no bytes and says so.
fn part_head(boundary: &str, sibling: &Sibling, value: Option<&Value>) -> Bytes {
    let mut headers = value.map(headers::describe).unwrap_or_default();
    if value.is_none() {
        headers.insert(headers::DELETED, HeaderValue::from_static("true"));
    }
    let tag = HeaderValue::from_str(&headers::sibling_etag(sibling));
    headers.insert(ETAG, tag.expect("hex in quotes is a header's value"));
    headers.insert(LAST_MODIFIED, headers::last_modified(sibling));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(value.map_or(0, |value| value.bytes.len())));

    let mut head = format!("--{boundary}\r\n").into_bytes();
    for (name, text) in &headers {
        head.extend_from_slice(written_out(name).as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(text.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

/// The name with each word's first letter raised, as people write it.
fn written_out(name: &HeaderName) -> String {
    if *name == ETAG {
        return "ETag".to_owned();
    }
    let mut out = String::with_capacity(name.as_str().len());
    for letter in name.as_str().chars() {
        let first = out.is_empty() || out.ends_with('-');
        out.push(if first { letter.to_ascii_uppercase() } else { letter });
    }
    out
}

/// A boundary that occurs in none of the values.
fn boundary(siblings: &[Sibling], digest: &ObjectDigest) -> String {
    let mut attempt = 0_u32;
    loop {
        let boundary = format!("stator-{digest}-{attempt}");
        let finder = memchr::memmem::Finder::new(boundary.as_bytes());
        let occurs = |sibling: &Sibling| match &sibling.content {
            stator_core::object::Content::Value(value) => finder.find(&value.bytes).is_some(),
            stator_core::object::Content::Tombstone => false,
        };
        if !siblings.iter().any(occurs) {
            return boundary;
        }
        attempt += 1;
    }
}

#[cfg(test)]
mod tests;
