//! What the headers of an object's request and response say.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use stator_core::context::SealedContext;
use stator_core::object::{Metadata, ObjectDigest, Sibling, Value};

use super::super::problem::{Problem, kind};
use super::super::when;
use crate::context;

pub(in super::super) const CONTEXT: HeaderName = HeaderName::from_static("stator-context");
pub(super) const REPLICAS: HeaderName = HeaderName::from_static("stator-replicas");
pub(super) const DELETED: HeaderName = HeaderName::from_static("stator-deleted");
pub(in super::super) const TTL: HeaderName = HeaderName::from_static("stator-ttl");
pub(in super::super) const META: &str = "stator-meta-";

/// What all metadata of a value may take together, in bytes: content type, names and texts.
const METADATA_BYTES: usize = 16 * 1024;

/// The context that a writer sends back.
pub(in super::super) fn context(headers: &HeaderMap) -> Result<Option<SealedContext>, Problem> {
    let mut values = headers.get_all(CONTEXT).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid_context("Stator-Context is there twice: send one"));
    }
    if value.is_empty() {
        let detail = "Stator-Context is empty: leave it out to write without a context, or send \
                      the one that a get or a put gave";
        return Err(invalid_context(detail));
    }
    let read = context::read(value.as_bytes()).ok_or_else(|| {
        invalid_context(
            "Stator-Context is not base64url: send back the whole context of a get or a put, \
             unchanged",
        )
    })?;
    Ok(Some(read))
}

fn invalid_context(detail: &str) -> Problem {
    Problem::new(kind::CONTEXT_INVALID, detail)
}

/// A context as a header's value.
pub(super) fn context_value(context: &SealedContext) -> HeaderValue {
    HeaderValue::from_str(&context::text(context)).expect("base64url is a header's value")
}

/// What a put's headers say of its value. The bytes are stored as they are: a content coding would
/// have to be told to every reader, so it is refused.
pub(in super::super) fn metadata(headers: &HeaderMap) -> Result<Metadata, Problem> {
    let coded = headers.get_all(CONTENT_ENCODING).iter().find(|value| *value != "identity");
    if let Some(coding) = coded {
        let detail = format!(
            "Content-Encoding {:?} is not stored beside a value: leave the header out, and say in \
             the Content-Type or in a Stator-Meta-* header how the bytes are to be read",
            String::from_utf8_lossy(coding.as_bytes())
        );
        return Err(Problem::new(kind::CODING_UNSUPPORTED, detail));
    }
    let metadata =
        Metadata { content_type: content_type(headers)?, user: user(headers)?, expires_at: None };
    let texts = metadata.user.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>();
    let size = metadata.content_type.len() + texts;
    if size > METADATA_BYTES {
        let detail = format!(
            "Content-Type and Stator-Meta-* have {size} bytes together: at most {METADATA_BYTES} \
             are allowed"
        );
        return Err(Problem::new(kind::METADATA_TOO_LARGE, detail));
    }
    Ok(metadata)
}

fn content_type(headers: &HeaderMap) -> Result<Bytes, Problem> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return Ok(Bytes::new()) };
    if values.next().is_some() {
        return Err(Problem::new(kind::METADATA_INVALID, "Content-Type is there twice: send one"));
    }
    Ok(Bytes::copy_from_slice(value.as_bytes()))
}

/// User metadata, sorted by name; a header that is there more than once is one list, as HTTP has
/// it.
fn user(headers: &HeaderMap) -> Result<Vec<(Bytes, Bytes)>, Problem> {
    let mut found: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(META) else { continue };
        if name.is_empty() {
            let detail = "Stator-Meta- names no metadata: write a name behind the last dash";
            return Err(Problem::new(kind::METADATA_INVALID, detail));
        }
        let text = found.entry(name).or_default();
        if !text.is_empty() {
            text.extend_from_slice(b", ");
        }
        text.extend_from_slice(value.as_bytes());
    }
    let own =
        |(name, text): (&str, Vec<u8>)| (Bytes::copy_from_slice(name.as_bytes()), text.into());
    Ok(found.into_iter().map(own).collect())
}

/// How long the value is to live.
pub(in super::super) fn ttl(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let mut values = headers.get_all(TTL).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let seconds = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = seconds.and_then(|text| text.parse().ok()).filter(|&seconds: &u64| seconds > 0);
    if let (Some(seconds), None) = (seconds, values.next()) {
        return Ok(Some(Duration::from_secs(seconds)));
    }
    let detail = "Stator-TTL is no time to live: write whole seconds, at least 1, once";
    Err(Problem::new(kind::TTL_INVALID, detail))
}

/// The headers that describe a stored value, be it a whole response's or a part's.
pub(super) fn describe(value: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let content_type = Some(&value.metadata.content_type).filter(|given| !given.is_empty());
    let content_type =
        content_type.and_then(|given| HeaderValue::from_maybe_shared(given.clone()).ok());
    let unknown = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(unknown));
    for (name, text) in &value.metadata.user {
        // Another door may have stored a name or a text that HTTP can't write.
        let name = HeaderName::from_bytes(&[META.as_bytes(), name].concat());
        let text = HeaderValue::from_maybe_shared(text.clone());
        if let (Ok(name), Ok(text)) = (name, text) {
            headers.insert(name, text);
        }
    }
    headers
}

/// The digest of a whole state, as an entity tag.
pub(in super::super) fn etag(digest: &ObjectDigest) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{digest}\"")).expect("hex in quotes is a header's value")
}

/// One version as an entity tag: its dot, which names it for ever.
pub(in super::super) fn sibling_etag(sibling: &Sibling) -> String {
    format!("\"{}-{:x}\"", sibling.dot.actor, sibling.dot.counter)
}

/// When a version was written, as a header's value.
pub(super) fn last_modified(sibling: &Sibling) -> HeaderValue {
    let date = when::http_date(sibling.stamp.wall());
    HeaderValue::from_str(&date).expect("a date is a header's value")
}
