//! Where an object lives, as JSON.

use axum::extract::Request;
use http::{Method, StatusCode};
use serde_json::{Value, json};

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
    let document = json!({
        "token": located.token.to_string(),
        "partition": located.partition.get(),
        "ring_version": located.ring.0,
        "primaries": told(&located.primaries),
        "fallbacks": told(&located.fallbacks),
    });
    Ok(json::response(StatusCode::OK, &document))
}

fn told(places: &[Place]) -> Vec<Value> {
    let tell = |place: &Place| json!({ "name": place.name, "id": place.id, "state": place.state });
    places.iter().map(tell).collect()
}
