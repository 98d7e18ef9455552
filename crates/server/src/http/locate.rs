//! Where an object lives, as JSON.

use axum::extract::Request;
use http::{Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::front::Shared;
use super::json;
use super::path::{self, Named, Target};
use super::problem::{Answer, Problem, kind};
use super::query::Words;
use crate::locate::{Located, Place};

/// `GET /v1/locate/{bucket}/{key}`.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(request.method(), "GET, HEAD"));
    }
    let target = Target::of(&request);
    Words::parse(target.query, &[])?;
    let named = path::named(target.behind("/v1/locate/"), front.config.max_key_bytes)?;
    let Named::Object(key) = named else {
        let detail = "no key is named: write /v1/locate/BUCKET/KEY";
        return Err(Problem::new(kind::KEY_EMPTY, detail));
    };
    let Some(located) = Located::of(&front.backend.view(), &key) else {
        let detail =
            "the node knows no ring yet: stage its join and commit it, or ask another node";
        return Err(Problem::new(kind::NOT_MEMBER, detail));
    };
    let document = Document {
        token: located.token.to_string(),
        partition: located.partition.get(),
        ring_version: located.ring.0,
        primaries: told(located.primaries),
        fallbacks: told(located.fallbacks),
    };
    Ok(json::response(StatusCode::OK, &document))
}

/// Where an object lives.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Located)]
pub(super) struct Document {
    /// The object's token in hex: the MD5 of its bucket, a slash and its key.
    token: String,
    /// The partition that holds the token.
    partition: u32,
    /// The ring by which that is so.
    ring_version: u64,
    /// The first n nodes of the preference list, in order.
    primaries: Vec<PlaceDocument>,
    /// Who stands in for them, in order.
    fallbacks: Vec<PlaceDocument>,
}

/// A node of a preference list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Place)]
struct PlaceDocument {
    name: String,
    id: String,
    /// `up`, or `down` if this node's failure detector does not trust it.
    state: &'static str,
}

fn told(places: Vec<Place>) -> Vec<PlaceDocument> {
    let tell = |Place { name, id, state }| PlaceDocument { name, id, state };
    places.into_iter().map(tell).collect()
}
