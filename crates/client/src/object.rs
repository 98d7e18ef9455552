//! Get, put and delete of one object (the paper, 4.1), with typed answers.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use stator_core::quorum::{QuorumMode, QuorumOptions};

use crate::error::ClientError;
use crate::path::{Query, object_path};
use crate::transport::{Call, Client, Effect, SERVER_TIMEOUT, problem};

const CONTEXT: HeaderName = HeaderName::from_static("stator-context");
const REPLICAS: HeaderName = HeaderName::from_static("stator-replicas");
const TTL: HeaderName = HeaderName::from_static("stator-ttl");
const META_PREFIX: &str = "stator-meta-";

/// Which object: any bytes, within the server's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectName<'a> {
    /// The bucket.
    pub bucket: &'a [u8],
    /// The key.
    pub key: &'a [u8],
}

/// What a client holds of what it has seen: opaque text, sent back with the next put.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Context(pub String);

/// What one request says beyond its object.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// Quorums other than the bucket's.
    pub quorum: QuorumOptions,
    /// How long the server may take, up to 10 s; its default (2 s) if absent.
    pub timeout: Option<Duration>,
}

/// What a get found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// One value.
    Object(Object),
    /// Several, which nobody but the application can merge.
    Siblings(Siblings),
    /// None; with a context if there ever was one.
    NotFound {
        /// What a put should send back so that it covers the deletion.
        context: Option<Context>,
    },
}

/// One value with what is stored beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The bytes.
    pub value: Bytes,
    /// What the writer said of them, and what the server knows.
    pub head: Head,
}

/// What is known of an object besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// What to send back with a put.
    pub context: Option<Context>,
    /// The type that the writer gave.
    pub content_type: Option<String>,
    /// The digest of the object's state.
    pub etag: Option<String>,
    /// When it was written, as the server says it.
    pub written_at: Option<String>,
    /// `Stator-Meta-*`, with lower-case names less the prefix.
    pub meta: Vec<(String, String)>,
}

/// Concurrent versions of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Siblings {
    /// Covers them all: a put with it leaves one version.
    pub context: Option<Context>,
    /// The versions.
    pub siblings: Vec<Sibling>,
}

/// One of several concurrent versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sibling {
    /// The bytes; empty for a deletion.
    pub value: Bytes,
    /// The type that the writer gave.
    pub content_type: Option<String>,
    /// The version's own digest.
    pub etag: Option<String>,
    /// When it was written, as the server says it.
    pub written_at: Option<String>,
    /// Whether it is a deletion beside which something was written.
    pub deleted: bool,
    /// `Stator-Meta-*`, names less the prefix.
    pub meta: BTreeMap<String, String>,
}

/// What to store.
#[derive(Clone, Debug, Default)]
pub struct NewObject {
    /// The bytes.
    pub value: Bytes,
    /// Their type; the server's default (`application/octet-stream`) if absent.
    pub content_type: Option<String>,
    /// Stored as `Stator-Meta-*`; names without the prefix.
    pub meta: Vec<(String, String)>,
    /// For how many whole seconds it lives.
    pub ttl: Option<Duration>,
}

/// What a put or a delete did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Covers the new version; absent where nothing was there to delete.
    pub context: Option<Context>,
    /// Who has it.
    pub replicas: ReplicaCounts,
}

/// How many replicas acknowledged a write, as `Stator-Replicas` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplicaCounts {
    /// In all.
    pub acked: u32,
    /// Of those, primaries.
    pub primaries: u32,
    /// Of those, fallbacks.
    pub fallbacks: u32,
    /// Of those, with the write on disk.
    pub durable: u32,
}

#[derive(Deserialize)]
struct SiblingsDocument {
    context: Option<Context>,
    siblings: Vec<SiblingDocument>,
}

#[derive(Deserialize)]
struct SiblingDocument {
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default)]
    written_at: Option<serde_json::Value>,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    meta: BTreeMap<String, String>,
}

impl Client {
    /// Reads an object: one value, several, or none.
    pub async fn get(
        &self,
        name: ObjectName<'_>,
        options: &RequestOptions,
    ) -> Result<Fetched, ClientError> {
        let mut call = Call::get(path(name, options)).within(server_timeout(options));
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.9"));
        let answer = self.whole(call).await?;
        match answer.status() {
            StatusCode::OK => Ok(Fetched::Object(Object {
                head: head(answer.headers()),
                value: answer.into_body(),
            })),
            StatusCode::MULTIPLE_CHOICES => self.siblings(&answer).map(Fetched::Siblings),
            StatusCode::NOT_FOUND => Ok(Fetched::NotFound { context: context(answer.headers()) }),
            _ => Err(problem(&answer, Effect::Read)),
        }
    }

    /// Reads what is known of an object besides its bytes; the values come back empty.
    pub async fn head(
        &self,
        name: ObjectName<'_>,
        options: &RequestOptions,
    ) -> Result<Fetched, ClientError> {
        let call = Call { method: Method::HEAD, ..Call::get(path(name, options)) };
        let answer = self.whole(call.within(server_timeout(options))).await?;
        let context = context(answer.headers());
        match answer.status() {
            StatusCode::OK => {
                Ok(Fetched::Object(Object { head: head(answer.headers()), value: Bytes::new() }))
            }
            StatusCode::MULTIPLE_CHOICES => {
                Ok(Fetched::Siblings(Siblings { context, siblings: Vec::new() }))
            }
            StatusCode::NOT_FOUND => Ok(Fetched::NotFound { context }),
            _ => Err(problem(&answer, Effect::Read)),
        }
    }

    /// Stores an object. The context says which versions it takes the place of; without one it
    /// takes the place of none and may become a sibling.
    pub async fn put(
        &self,
        name: ObjectName<'_>,
        object: NewObject,
        context: Option<&Context>,
        options: &RequestOptions,
    ) -> Result<Written, ClientError> {
        let mut call = Call::write(Method::PUT, path(name, options), object.value)
            .within(server_timeout(options));
        if let Some(kind) = &object.content_type {
            call.headers.insert(CONTENT_TYPE, header_value("the content type", kind)?);
        }
        if let Some(ttl) = object.ttl {
            call.headers.insert(TTL, HeaderValue::from(ttl.as_secs()));
        }
        for (name, value) in &object.meta {
            let header = HeaderName::try_from(format!("{META_PREFIX}{name}"))
                .map_err(|_| ClientError::Invalid(format!("{name:?} is no metadata name")))?;
            call.headers.append(header, header_value("a metadata value", value)?);
        }
        self.written(call, context).await
    }

    /// Deletes what the context covers; without one, what the coordinator reads first.
    pub async fn delete(
        &self,
        name: ObjectName<'_>,
        context: Option<&Context>,
        options: &RequestOptions,
    ) -> Result<Written, ClientError> {
        let call = Call::write(Method::DELETE, path(name, options), Bytes::new());
        self.written(call.within(server_timeout(options)), context).await
    }

    async fn written(
        &self,
        mut call: Call,
        sent: Option<&Context>,
    ) -> Result<Written, ClientError> {
        if let Some(sent) = sent {
            call.headers.insert(CONTEXT, header_value("the context", &sent.0)?);
        }
        let answer = self.accepted(call).await?;
        let replicas = answer.headers().get(REPLICAS).and_then(|value| value.to_str().ok());
        Ok(Written {
            context: context(answer.headers()),
            replicas: replicas.map(ReplicaCounts::read).unwrap_or_default(),
        })
    }

    fn siblings(&self, answer: &Response<Bytes>) -> Result<Siblings, ClientError> {
        let broken = |detail: String| self.not_understood(&detail, Effect::Read);
        let document: SiblingsDocument = serde_json::from_slice(answer.body())
            .map_err(|error| broken(format!("siblings: {error}")))?;
        let siblings = document.siblings.into_iter().map(|sibling| {
            let value = STANDARD
                .decode(sibling.value.unwrap_or_default())
                .map_err(|error| broken(format!("a sibling's value: {error}")))?;
            Ok(Sibling {
                value: value.into(),
                content_type: sibling.content_type,
                etag: sibling.etag,
                written_at: sibling.written_at.map(|at| match at {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                }),
                deleted: sibling.deleted,
                meta: sibling.meta,
            })
        });
        let siblings = siblings.collect::<Result<_, ClientError>>()?;
        let context = document.context.or_else(|| context(answer.headers()));
        Ok(Siblings { context, siblings })
    }
}

impl ReplicaCounts {
    /// Reads `acked=3; primaries=3; fallbacks=0; durable=3`; unknown words are passed over.
    fn read(text: &str) -> Self {
        let mut counts = Self::default();
        for word in text.split(';') {
            let Some((name, number)) = word.split_once('=') else { continue };
            let Ok(number) = number.trim().parse() else { continue };
            match name.trim() {
                "acked" => counts.acked = number,
                "primaries" => counts.primaries = number,
                "fallbacks" => counts.fallbacks = number,
                "durable" => counts.durable = number,
                _ => {}
            }
        }
        counts
    }
}

fn path(name: ObjectName<'_>, options: &RequestOptions) -> String {
    let quorum = &options.quorum;
    let level = |level: Option<stator_core::quorum::Level>| level.map(|level| level.to_string());
    let mode = quorum.mode.map(|mode| match mode {
        QuorumMode::Sloppy => "sloppy".to_owned(),
        QuorumMode::Strict => "strict".to_owned(),
    });
    Query::default()
        .with("r", level(quorum.r))
        .with("pr", level(quorum.pr))
        .with("w", level(quorum.w))
        .with("pw", level(quorum.pw))
        .with("dw", level(quorum.dw))
        .with("node_confirms", level(quorum.node_confirms))
        .with("quorum", mode)
        .with("timeout", options.timeout.map(|timeout| timeout.as_millis().to_string()))
        .after(&object_path(name.bucket, name.key))
}

fn server_timeout(options: &RequestOptions) -> Duration {
    options.timeout.unwrap_or(SERVER_TIMEOUT)
}

fn header_value(what: &str, text: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::try_from(text)
        .map_err(|_| ClientError::Invalid(format!("{what} {text:?} can't stand in a header")))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn context(headers: &HeaderMap) -> Option<Context> {
    text(headers, &CONTEXT).map(Context)
}

fn head(headers: &HeaderMap) -> Head {
    let meta = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(META_PREFIX)?;
        Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
    });
    Head {
        context: context(headers),
        content_type: text(headers, &CONTENT_TYPE),
        etag: text(headers, &ETAG),
        written_at: text(headers, &LAST_MODIFIED),
        meta: meta.collect(),
    }
}

#[cfg(test)]
mod tests;
