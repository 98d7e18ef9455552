//! Where an object lives: its token, its partition and its preference list (the paper, 4.3).

use axum::extract::Request;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use stator_core::identity::NodeId;
use stator_core::ring::Ring;
use stator_core::view::View;

use super::front::Shared;
use super::json;
use super::path::{self, Named, Target};
use super::problem::{Answer, Problem, kind};
use super::query::Words;

/// `GET /v1/locate/{bucket}/{key}`, answered from what this node knows; nobody else is asked.
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
    let view = front.backend.view();
    let Some(ring) = &view.ring else {
        let detail =
            "the node knows no ring yet: stage its join and commit it, or ask another node";
        return Err(Problem::new(kind::NOT_MEMBER, detail));
    };
    let n = view.bucket(key.bucket()).fixed.n;
    let partition = ring.partition_of(key.token());
    let told = |nodes: &[NodeId]| -> Vec<Value> {
        nodes.iter().map(|&node| tell(&view, ring, node)).collect()
    };
    let document = json!({
        "token": key.token().to_string(),
        "partition": partition.get(),
        "ring_version": ring.version.0,
        "primaries": told(ring.primaries(partition, n)),
        "fallbacks": told(&ring.fallbacks(partition, n)),
    });
    Ok(json::response(StatusCode::OK, &document))
}

fn tell(view: &View, ring: &Ring, node: NodeId) -> Value {
    let id = node.to_string();
    let name = ring.members.get(&node).map_or(id.as_str(), |member| &member.name);
    let state = if view.suspected.contains_key(&node) { "down" } else { "up" };
    json!({ "name": name, "id": id, "state": state })
}
