//! One operation of a batch, read from its JSON. What a header says of a single request a member
//! says here, and is judged by the same code.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use stator_core::object::ObjectKey;
use stator_core::request::Operation;
use utoipa::ToSchema;

use super::super::front::Front;
use super::super::kv::{headers, put};
use super::super::path;
use super::super::problem::{Intent, Problem, kind};
use super::super::query::Words;
use super::outcome::Outcome;
use crate::backend::DEFAULT_TIMEOUT;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Get,
    Put,
    Delete,
}

/// An operation as it is written in a batch.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BatchOperation)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Written<'a> {
    op: Verb,
    /// Percent-encoded as in a URL; `default` if it is left out.
    #[serde(borrow, default = "default_bucket")]
    bucket: Cow<'a, str>,
    /// Percent-encoded as in a URL, and as a listing tells it.
    #[serde(borrow)]
    key: Cow<'a, str>,
    /// What a put stores, in base64, standard and padded.
    #[schema(value_type = Option<String>, content_encoding = "base64")]
    value: Option<Decoded>,
    /// A put's `Content-Type`.
    content_type: Option<String>,
    /// A put's `Stator-Meta-*`, by what stands behind that beginning.
    meta: Option<BTreeMap<String, String>>,
    /// How long a put's value lives, in seconds.
    #[schema(value_type = Option<u64>, minimum = 1)]
    ttl: Option<serde_json::Number>,
    /// A put's or delete's context, as an earlier answer gave it.
    context: Option<String>,
    r: Option<Level>,
    pr: Option<Level>,
    w: Option<Level>,
    pw: Option<Level>,
    dw: Option<Level>,
    node_confirms: Option<Level>,
    /// `sloppy` or `strict`.
    quorum: Option<String>,
    /// How long to wait, in milliseconds.
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 10000)]
    timeout: Option<serde_json::Number>,
}

fn default_bucket() -> Cow<'static, str> {
    "default".into()
}

/// A quorum's level as JSON has it: a number, or a word for one.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LevelAsked)]
#[serde(untagged)]
enum Level {
    #[schema(value_type = u8)]
    Number(serde_json::Number),
    Word(String),
}

impl Level {
    fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Word(word) => word,
        }
    }
}

/// Bytes from base64, decoded as they are read, so that the text is never held beside them.
#[derive(Debug)]
struct Decoded(Bytes);

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;
        impl Visitor<'_> for Base64 {
            type Value = Decoded;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes in base64, standard and padded")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Decoded, E> {
                let decoded = STANDARD.decode(text);
                decoded.map(|bytes| Decoded(bytes.into())).map_err(|error| {
                    E::custom(format_args!("value is not base64, standard and padded: {error}"))
                })
            }
        }
        deserializer.deserialize_str(Base64)
    }
}

/// An operation that is to be carried out, or what is to be told instead.
#[derive(Debug)]
pub(super) struct Ordered {
    intent: Intent,
    ask: Result<Ask, Problem>,
}

/// What the node is asked.
#[derive(Debug)]
struct Ask {
    key: ObjectKey,
    operation: Operation,
    timeout: Duration,
}

impl Ordered {
    /// Reads an operation; what it leaves open the request's own `words` say. Whatever is malformed
    /// is an error; what is too large or can't be met is the operation's outcome.
    pub(super) fn read(front: &Front, words: &Words, line: &str) -> Result<Self, Problem> {
        let written: Written<'_> = serde_json::from_str(line).map_err(|error| {
            Problem::new(kind::BATCH_MALFORMED, format!("the operation is not understood: {error}"))
        })?;
        let intent = if written.op == Verb::Get { Intent::Read } else { Intent::Write };
        let ask = match written.ask(front, words) {
            Err(problem) if problem.status() == 400 => return Err(problem),
            ask => ask,
        };
        Ok(Self { intent, ask })
    }

    /// The object that it is about, if it is to be carried out at all.
    pub(super) fn object(&self) -> Option<&ObjectKey> {
        self.ask.as_ref().ok().map(|ask| &ask.key)
    }

    pub(super) async fn carry_out(self, front: &Front) -> Outcome {
        let Self { intent, ask } = self;
        let Ask { key, operation, timeout } = match ask {
            Ok(ask) => ask,
            Err(problem) => return Outcome::problem(problem, intent),
        };
        match front.ask(operation, timeout, intent).await {
            Ok(done) => Outcome::of(key, done, intent, &front.memory),
            Err(problem) => Outcome::problem(problem, intent),
        }
    }
}

impl Written<'_> {
    fn ask(mut self, front: &Front, words: &Words) -> Result<Ask, Problem> {
        let described = self.headers()?;
        let value = self.value.take();
        self.only_what_it_takes(&described, value.as_ref())?;
        let max_key = front.config.max_key_bytes;
        let key = path::object(self.bucket.as_bytes(), self.key.as_bytes(), max_key)?;
        let verb = self.op;
        let words = Words::said(self.words(), words);
        let (quorum, timeout) = (words.quorum()?, words.timeout(DEFAULT_TIMEOUT)?);
        let operation = match (verb, value) {
            (Verb::Get, _) => Operation::Get { key: key.clone(), quorum },
            (Verb::Delete, _) => put::deleted(key.clone(), headers::context(&described)?, quorum),
            (Verb::Put, None) => return Err(malformed("a put has a value, in base64")),
            (Verb::Put, Some(Decoded(bytes))) => {
                let put = put::stored(front, key.clone(), &described, quorum, bytes)?;
                Operation::Put(put)
            }
        };
        check_size(&operation, front.config.max_object_bytes)?;
        Ok(Ask { key, operation, timeout })
    }

    /// What describes the value and what is known of it, as a single request's headers say it.
    fn headers(&mut self) -> Result<HeaderMap, Problem> {
        let mut said = HeaderMap::new();
        if let Some(text) = self.content_type.take() {
            said.insert(CONTENT_TYPE, header_value("content_type", &text)?);
        }
        for (name, text) in self.meta.take().unwrap_or_default() {
            let header = HeaderName::from_bytes(format!("{}{name}", headers::META).as_bytes());
            let header = header.map_err(|_| {
                let detail = format!("meta {name:?} is no name: write letters, digits and dashes");
                Problem::new(kind::METADATA_INVALID, detail)
            })?;
            said.append(header, header_value(&name, &text)?);
        }
        if let Some(seconds) = self.ttl.take() {
            said.insert(headers::TTL, header_value("ttl", &seconds.to_string())?);
        }
        if let Some(text) = self.context.take() {
            said.insert(headers::CONTEXT, header_value("context", &text)?);
        }
        Ok(said)
    }

    /// Refuses what means nothing for the operation, so that nobody believes it was heeded.
    fn only_what_it_takes(
        &self,
        described: &HeaderMap,
        value: Option<&Decoded>,
    ) -> Result<(), Problem> {
        let describes = described.keys().any(|name| *name != headers::CONTEXT);
        match self.op {
            Verb::Put => Ok(()),
            _ if value.is_some() || describes => {
                Err(malformed("value, content_type, meta and ttl are for a put alone"))
            }
            Verb::Get if !described.is_empty() => {
                Err(malformed("a get takes no context: it gives one"))
            }
            _ => Ok(()),
        }
    }

    fn words(self) -> Vec<(&'static str, String)> {
        let levels = [
            ("r", self.r),
            ("pr", self.pr),
            ("w", self.w),
            ("pw", self.pw),
            ("dw", self.dw),
            ("node_confirms", self.node_confirms),
        ];
        let mut said: Vec<_> = levels
            .into_iter()
            .filter_map(|(name, level)| level.map(|level| (name, level.text())))
            .collect();
        said.extend(self.quorum.map(|mode| ("quorum", mode)));
        said.extend(self.timeout.map(|millis| ("timeout", millis.to_string())));
        said
    }
}

fn check_size(operation: &Operation, max: usize) -> Result<(), Problem> {
    let Operation::Put(order) = operation else { return Ok(()) };
    let stator_core::object::Content::Value(value) = &order.value else { return Ok(()) };
    if value.bytes.len() <= max {
        return Ok(());
    }
    let detail = format!("the value has {} bytes: at most {max} are allowed", value.bytes.len());
    Err(Problem::new(kind::OBJECT_TOO_LARGE, detail))
}

fn header_value(name: &str, text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|_| {
        let detail =
            format!("{name} has characters that a header can't have, such as a line's end");
        Problem::new(kind::METADATA_INVALID, detail)
    })
}

fn malformed(detail: &str) -> Problem {
    Problem::new(kind::BATCH_MALFORMED, detail)
}
