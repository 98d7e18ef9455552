//! Requests and answers of the native protocol in this crate's types, which are those of HTTP.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::HeaderName;
use stator_core::context::SealedContext;
use stator_core::object::{BucketName, Content, Key, Metadata, NameError, ObjectKey, Value};
use stator_core::request::PutReply;
use stator_core::time::{Deadline, WallTime};
use stator_wire::client::{Got, GotSibling};

use super::failure::refused;
use crate::error::ClientError;
use crate::object::{
    Context, Fetched, Head, NewObject, Object, ObjectName, ReplicaCounts, RequestOptions, Sibling,
    Siblings, Written,
};
use crate::transport::SERVER_TIMEOUT;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// What bytes are whose writer did not say.
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// The last second that HTTP dates and RFC 3339 can write.
const LAST_SECOND: u64 = 253_402_300_799;

/// An object's name, within the bounds that hold everywhere.
pub(crate) fn key(name: ObjectName<'_>) -> Result<ObjectKey, ClientError> {
    let bucket = BucketName::new(Bytes::copy_from_slice(name.bucket)).map_err(no_name)?;
    let key = Key::new(Bytes::copy_from_slice(name.key)).map_err(no_name)?;
    Ok(ObjectKey::new(bucket, key))
}

fn no_name(error: NameError) -> ClientError {
    let kind = match error {
        NameError::Empty { what: "bucket" } => (400, "bucket-empty", "The bucket is empty"),
        NameError::Empty { .. } => (400, "key-empty", "The key is empty"),
        NameError::TooLong { what: "bucket", .. } => {
            (413, "bucket-too-large", "The bucket is too long")
        }
        NameError::TooLong { .. } => (413, "key-too-large", "The key is too long"),
    };
    refused(kind, error.to_string())
}

/// How long a request may take.
pub(crate) fn timeout(options: &RequestOptions) -> Result<Duration, ClientError> {
    let timeout = options.timeout.unwrap_or(SERVER_TIMEOUT);
    let most = Deadline::MAX_TIMEOUT;
    if timeout.as_millis() >= 1 && timeout <= most {
        return Ok(timeout);
    }
    let (found, most) = (timeout.as_millis(), most.as_millis());
    let detail = format!("timeout={found}: write a whole number from 1 to {most}");
    Err(refused((400, "query-invalid", "A query word has a value that it can't have"), detail))
}

/// A context as nodes have it.
pub(crate) fn sealed(context: &Context) -> Result<SealedContext, ClientError> {
    let bytes = LENIENT.decode(context.0.as_bytes()).ok().filter(|bytes| !bytes.is_empty());
    bytes.map(|bytes| SealedContext(bytes.into())).ok_or_else(|| {
        let detail = "Stator-Context is not base64url: send back the whole context of a get or a put, \
                      unchanged";
        refused((400, "context-invalid", "The context is invalid"), detail.to_owned())
    })
}

fn text(context: &SealedContext) -> Context {
    Context(URL_SAFE_NO_PAD.encode(&context.0))
}

/// What to store, as nodes have it.
pub(crate) fn content(object: &NewObject) -> Result<Content, ClientError> {
    let mut user: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, value) in &object.meta {
        // What HTTP could not carry is not stored by another way: its readers could not see it.
        let name = name.to_ascii_lowercase();
        if HeaderName::try_from(&name).is_err() {
            return Err(ClientError::Invalid(format!("{name:?} is no metadata name")));
        }
        header_value("a metadata value", value)?;
        let texts = user.entry(name).or_default();
        if !texts.is_empty() {
            texts.extend_from_slice(b", ");
        }
        texts.extend_from_slice(value.as_bytes());
    }
    if let Some(kind) = &object.content_type {
        header_value("the content type", kind)?;
    }
    let metadata = Metadata {
        content_type: object.content_type.clone().unwrap_or_default().into(),
        user: user.into_iter().map(|(name, text)| (name.into(), text.into())).collect(),
        expires_at: None,
    };
    Ok(Content::Value(Value { bytes: object.value.clone(), metadata }))
}

fn header_value(what: &str, text: &str) -> Result<(), ClientError> {
    http::HeaderValue::try_from(text)
        .map(drop)
        .map_err(|_| ClientError::Invalid(format!("{what} {text:?} can't stand in a header")))
}

/// For how long it lives.
pub(crate) fn ttl(object: &NewObject) -> Result<Option<Duration>, ClientError> {
    match object.ttl.map(|ttl| ttl.as_secs()) {
        Some(0) => {
            let detail = "the time to live is none: write whole seconds, at least 1".to_owned();
            Err(refused((400, "ttl-invalid", "The time to live is invalid"), detail))
        }
        seconds => Ok(seconds.map(Duration::from_secs)),
    }
}

/// What a get found.
pub(crate) fn fetched(got: Got) -> Fetched {
    let context = got.context.as_ref().map(text);
    let has_value = got.siblings.iter().any(|sibling| sibling.content != Content::Tombstone);
    match &got.siblings[..] {
        _ if !has_value => Fetched::NotFound { context },
        [GotSibling { written_at, content: Content::Value(value), .. }] => {
            Fetched::Object(Object {
                head: Head {
                    context,
                    content_type: Some(content_type(value)),
                    etag: Some(format!("\"{}\"", got.digest)),
                    written_at: Some(httpdate::fmt_http_date(system_time(*written_at))),
                    meta: meta(value).collect(),
                },
                value: value.bytes.clone(),
            })
        }
        siblings => Fetched::Siblings(Siblings {
            context,
            siblings: siblings.iter().map(sibling).collect(),
        }),
    }
}

fn sibling(got: &GotSibling) -> Sibling {
    let value = match &got.content {
        Content::Value(value) => Some(value),
        Content::Tombstone => None,
    };
    let written_at = humantime::format_rfc3339_millis(system_time(got.written_at));
    Sibling {
        value: value.map(|value| value.bytes.clone()).unwrap_or_default(),
        content_type: value.map(content_type),
        etag: Some(format!("\"{}-{:x}\"", got.dot.actor, got.dot.counter)),
        written_at: Some(written_at.to_string()),
        deleted: value.is_none(),
        meta: value.map(|value| meta(value).collect()).unwrap_or_default(),
    }
}

fn content_type(value: &Value) -> String {
    match &value.metadata.content_type {
        given if given.is_empty() => UNKNOWN_TYPE.to_owned(),
        given => String::from_utf8_lossy(given).into_owned(),
    }
}

fn meta(value: &Value) -> impl Iterator<Item = (String, String)> {
    let owned = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    value.metadata.user.iter().map(move |(name, text)| (owned(name), owned(text)))
}

fn system_time(at: WallTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.as_millis().min(LAST_SECOND * 1000))
}

/// What a put or a delete did.
pub(crate) fn written(reply: &PutReply) -> Written {
    let answered = reply.answered;
    Written {
        context: Some(text(&reply.context)),
        replicas: ReplicaCounts {
            acked: answered.total().into(),
            primaries: answered.primaries.into(),
            fallbacks: answered.fallbacks.into(),
            durable: answered.durable.into(),
        },
    }
}

#[cfg(test)]
mod tests;
