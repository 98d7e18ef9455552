//! The busiest keys that this node was asked for.

use axum::extract::Request;
use http::{Method, StatusCode};
use percent_encoding::percent_encode;
use serde::Serialize;
use stator_node::TopKey;
use utoipa::ToSchema;

use super::front::Shared;
use super::json;
use super::path::{PLAIN, Target};
use super::problem::{Answer, Problem};
use super::query::Words;

/// The words of a request for the busiest keys.
pub(super) const WORDS: &[&str] = &["limit"];

/// How many keys a list has if the request does not say.
const LISTED: usize = 20;

/// The busiest keys of a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Top)]
pub(super) struct Document {
    /// The node that tells.
    node: String,
    /// Always `node`: what came to this node's own doors. Each request is counted by one node, so
    /// that the counts of all nodes added up are the cluster's.
    scope: &'static str,
    /// For how many seconds the counts were gathered; they begin anew every ten minutes, and the
    /// ten minutes before are told with them.
    span_seconds: u64,
    /// By reads.
    reads: Vec<Busy>,
    /// By writes, deletes among them.
    writes: Vec<Busy>,
    /// By bytes of values, read and written.
    bytes: Vec<Busy>,
    /// By siblings, as the last read found them.
    siblings: Vec<Busy>,
}

/// One of the busiest keys.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BusyKey)]
struct Busy {
    /// Percent-encoded as it stands in a URL.
    bucket: String,
    /// Percent-encoded as it stands in a URL.
    key: String,
    /// Whether bucket or key are only the first 256 bytes.
    is_cut: bool,
    /// The key's token in hex.
    token: String,
    /// How much was counted: never too little.
    count: u64,
    /// How much of that may belong to other keys.
    error: u64,
}

/// `GET /v1/cluster/top`.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(request.method(), "GET, HEAD"));
    }
    let words = Words::parse(Target::of(&request).query, WORDS)?;
    let most = words.number("limit", 1..=u64::MAX)?;
    let most = most.map_or(LISTED, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let found = front.backend.top(most);
    let told = |keys: Vec<TopKey>| keys.into_iter().map(Busy::of).collect();
    let document = Document {
        node: front.backend.name().to_owned(),
        scope: "node",
        span_seconds: found.span.as_secs(),
        reads: told(found.reads),
        writes: told(found.writes),
        bytes: told(found.bytes),
        siblings: told(found.siblings),
    };
    Ok(json::response(StatusCode::OK, &document))
}

impl Busy {
    fn of(key: TopKey) -> Self {
        let plain = |bytes: &[u8]| percent_encode(bytes, PLAIN).to_string();
        Self {
            bucket: plain(&key.bucket),
            key: plain(&key.key),
            is_cut: key.is_cut,
            token: key.token.to_string(),
            count: key.count,
            error: key.error,
        }
    }
}
