//! Reading an object: its one value as its own bytes, all its siblings, or nothing and why.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
    LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use stator_core::object::{ObjectKey, ObjectState, Sibling, Value};
use stator_core::request::{Done, GetReply, Operation};
use stator_core::time::WallTime;

use super::super::front::Front;
use super::super::problem::{Answer, Intent, Problem, kind};
use super::super::query::Words;
use super::{headers, no_conditions, replicas, siblings};
use crate::backend::DEFAULT_TIMEOUT;
use crate::clock;

/// `GET` and `HEAD` of one object; the server leaves the body of a `HEAD` out.
pub(super) async fn get(front: &Front, key: ObjectKey, words: &Words, asked: &HeaderMap) -> Answer {
    no_conditions(asked, &[IF_MATCH, IF_UNMODIFIED_SINCE])?;
    let (quorum, timeout) = (words.quorum()?, words.timeout(DEFAULT_TIMEOUT)?);
    let operation = Operation::Get { key: key.clone(), quorum };
    let Done::Got(reply) = front.ask(operation, timeout, Intent::Read).await? else {
        return Err(Problem::mismatched(Intent::Read));
    };
    respond(&key, &reply, asked, clock::now())
}

/// What there is to show of a state.
pub(in super::super) enum Shown<'a> {
    /// Never written, deleted, or expired.
    Nothing,
    /// One value.
    One(&'a Sibling, &'a Value),
    /// Several versions, at least one of them a value. A tombstone beside a value is one of them:
    /// only the application can say whether the delete or the value should hold.
    Siblings(&'a [Sibling]),
}

impl<'a> Shown<'a> {
    pub(in super::super) fn of(state: &'a ObjectState, at: WallTime) -> Self {
        let all = state.siblings();
        match all {
            [only] => only.live(at).map_or(Self::Nothing, |value| Self::One(only, value)),
            _ if all.iter().any(|sibling| sibling.live(at).is_some()) => Self::Siblings(all),
            _ => Self::Nothing,
        }
    }
}

fn respond(key: &ObjectKey, reply: &GetReply, asked: &HeaderMap, at: WallTime) -> Answer {
    let common = common(reply);
    let shown = Shown::of(&reply.state, at);
    if matches!(shown, Shown::Nothing) {
        return Err(nothing(key, reply).extend_headers(&common));
    }
    let tag = headers::etag(&reply.digest);
    if none_match(asked, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().extend(common);
        response.headers_mut().insert(ETAG, tag);
        return Ok(response);
    }
    let mut response = match shown {
        Shown::One(sibling, value) => one(sibling, value),
        Shown::Siblings(all) => siblings::respond(all, reply, asked, at),
        Shown::Nothing => Response::new(Body::empty()),
    };
    response.headers_mut().extend(common);
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

/// The headers of whatever a get answers. A stored page must be neither kept by caches, which would
/// hand out old contexts, nor run as a page of the node's own: it could administer the node.
fn common(reply: &GetReply) -> HeaderMap {
    let mut common = HeaderMap::new();
    common.insert(headers::REPLICAS, replicas(reply.answered, Intent::Read));
    if let Some(context) = &reply.context {
        common.insert(headers::CONTEXT, headers::context_value(context));
    }
    common.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    common.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    common.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    common
}

fn one(sibling: &Sibling, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.bytes.clone()));
    *response.headers_mut() = headers::describe(value);
    response.headers_mut().insert(LAST_MODIFIED, headers::last_modified(sibling));
    response
}

/// Why there is nothing to show.
pub(in super::super) fn nothing(key: &ObjectKey, reply: &GetReply) -> Problem {
    let detail = if reply.context.is_some() {
        format!(
            "{} was deleted or has expired; to store it again, put it with the Stator-Context of \
             this answer",
            shortened(key)
        )
    } else {
        format!("{} was never written, as far as the replicas that answered know", shortened(key))
    };
    Problem::new(kind::NOT_FOUND, detail)
}

/// The object's name, cut where it is too long to read.
fn shortened(key: &ObjectKey) -> String {
    let name = key.to_string();
    match name.char_indices().nth(200) {
        Some((cut, _)) => format!("{}…", &name[..cut]),
        None => name,
    }
}

/// Whether `If-None-Match` names what is there. Compared weakly, as RFC 9110 says.
fn none_match(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let tag = tag.as_bytes();
    asked.get_all(IF_NONE_MATCH).iter().any(|value| {
        let mut listed = value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        listed.any(|given| given == b"*" || given.strip_prefix(b"W/").unwrap_or(given) == tag)
    })
}
