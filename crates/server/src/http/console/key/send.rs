//! A form of the page of an object, sent: the operation that it asks for, by the same way as any
//! other write; afterwards the page again, with what came of it.

use axum::extract::Request;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use stator_core::object::{Content, ObjectKey};
use stator_core::quorum::QuorumOptions;
use stator_core::request::{Answered, Done, Operation, Precedence, PutOrder};

use super::super::super::front::Front;
use super::super::super::kv::{headers, put};
use super::super::super::problem::{Answer, Intent, Problem, kind};
use super::super::super::query;
use super::super::form::{self, Form};
use super::super::page::Page;
use super::super::{layout, sent};
use super::{Asked, edit};
use crate::backend::DEFAULT_TIMEOUT;
use crate::clock;

/// `POST /console/key`.
pub(in super::super) async fn posted(front: &Front, request: Request) -> Answer {
    let (form, _held) = sent(front, request).await?;
    match carried_out(front, &form).await {
        Ok((key, answered)) => Ok(layout::see_other(&after(&key, answered))),
        Err(problem) => Ok(layout::trouble(front, &Page::Key(Asked::read(&form)), &problem)),
    }
}

async fn carried_out(front: &Front, form: &Form) -> Result<(ObjectKey, Answered), Problem> {
    let key = form::object(form, front.config.max_key_bytes)?
        .ok_or_else(|| Problem::new(kind::KEY_EMPTY, "no key is named: begin at /console/key"))?;
    let quorum = quorum(form)?;
    let operation = match form.get("action") {
        Some("put") => Operation::Put(written(front, &key, form, quorum)?),
        Some("keep") => Operation::Put(kept(front, &key, form, quorum).await?),
        Some("delete") => put::deleted(key.clone(), context(form)?, quorum),
        _ => {
            let detail = "the form says neither put nor keep nor delete";
            return Err(Problem::new(kind::BODY_MALFORMED, detail));
        }
    };
    match front.ask(operation, DEFAULT_TIMEOUT, Intent::Write).await? {
        Done::Written(reply) => Ok((key, reply.answered)),
        _ => Err(Problem::mismatched(Intent::Write)),
    }
}

fn quorum(form: &Form) -> Result<QuorumOptions, Problem> {
    let level =
        form.get("w").map(|text| query::level(kind::QUERY_INVALID, "w", text)).transpose()?;
    Ok(QuorumOptions { w: level, ..QuorumOptions::default() })
}

/// What the form says, as the headers of a put would.
fn said(form: &Form) -> Result<HeaderMap, Problem> {
    let mut said = HeaderMap::new();
    let words: [(HeaderName, _); 2] =
        [(CONTENT_TYPE, form.get("content_type")), (headers::CONTEXT, form.get("context"))];
    for (name, value) in words {
        let Some(value) = value else { continue };
        let header = HeaderValue::from_str(value).map_err(|_| {
            let detail = format!("{name} can't be what the form says it is");
            Problem::new(kind::METADATA_INVALID, detail)
        })?;
        said.insert(name, header);
    }
    Ok(said)
}

fn context(form: &Form) -> Result<Option<stator_core::context::SealedContext>, Problem> {
    headers::context(&said(form)?)
}

/// The value that was typed. Browsers send line ends as CR LF, whatever was typed.
fn written(
    front: &Front,
    key: &ObjectKey,
    form: &Form,
    quorum: QuorumOptions,
) -> Result<PutOrder, Problem> {
    let text = form.raw("value").unwrap_or_default().replace("\r\n", "\n");
    put::stored(front, key.clone(), &said(form)?, quorum, Bytes::from(text))
}

/// One sibling in place of all that the form's context covers.
async fn kept(
    front: &Front,
    key: &ObjectKey,
    form: &Form,
    quorum: QuorumOptions,
) -> Result<PutOrder, Problem> {
    let found = edit::read(front, key).await?;
    let tag = form.get("etag");
    let chosen = found
        .state
        .siblings()
        .iter()
        .find(|sibling| Some(headers::sibling_etag(sibling).as_str()) == tag);
    let value = chosen.and_then(|sibling| sibling.live(clock::now())).ok_or_else(|| {
        let detail = "the sibling that was to be kept is not there any more, so nothing was \
                      written: read the object again";
        Problem::new(kind::NOT_FOUND, detail)
    })?;
    Ok(PutOrder {
        key: key.clone(),
        context: context(form)?,
        value: Content::Value(value.clone()),
        quorum,
        precedence: Precedence::Newest,
    })
}

/// The page of the object, and who acknowledged.
fn after(key: &ObjectKey, answered: Answered) -> String {
    let address = form::key_address(key.bucket().as_bytes(), key.key().as_bytes());
    let Answered { primaries, fallbacks, durable, .. } = answered;
    let acked = answered.total();
    format!("{address}&acked={acked}&primaries={primaries}&fallbacks={fallbacks}&durable={durable}")
}
