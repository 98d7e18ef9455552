//! `/v1/cluster` and what is under it.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Required, ResponseBuilder};

use super::super::problem::{Intent, Kind, kind};
use super::Described;
use super::parts::{
    self, ADMINISTRATION, BODY, WORDS, document, operation, with_problems, with_words,
};

fn cluster(summary: &str, description: &str) -> OperationBuilder {
    with_words(operation("cluster", summary, description), &["timeout"])
}

fn post(path: &'static str, id: &str, operation: OperationBuilder, kinds: &[&[Kind]]) -> Described {
    let kinds: Vec<&[Kind]> = kinds.iter().copied().chain([WORDS, ADMINISTRATION]).collect();
    let operation = with_problems(operation.operation_id(Some(id)), Intent::Write, &kinds);
    vec![(path, PathItem::new(HttpMethod::Post, operation))]
}

fn body(description: &str, example: Value) -> RequestBody {
    let object = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)).build();
    let content =
        ContentBuilder::new().schema(Some(Schema::Object(object))).example(Some(example)).build();
    RequestBodyBuilder::new()
        .description(Some(description))
        .content("application/json", content)
        .required(Some(Required::True))
        .build()
}

/// `GET /v1/cluster`.
pub(in super::super) fn status() -> Described {
    let example = json!({
        "ring_version": 3, "forced_versions": [],
        "members": [{
            "name": "n1", "id": "0123456789abcdef", "address": "127.0.0.1:7410",
            "http": "127.0.0.1:7411", "resp": "127.0.0.1:7412", "zone": "z1", "weight": 100,
            "state": "up", "phi": 0.0, "share": 0.25, "hints": 0, "ring_version": 3,
            "silent_ms": null,
        }],
        "endures": {
            "data": { "nodes": 2, "zones": 2, "partitions_short": 0 },
            "quorum": { "nodes": 1, "zones": 1, "partitions_short": 0 },
        },
        "transition": {
            "version": 3, "partitions": 64, "partitions_left": 12, "bytes_left": 1_048_576,
            "waits_for": ["n4"],
        },
    });
    let status = cluster("The cluster as this node sees it.", "Members, ring, what moves.")
        .response("200", document("Members and ring.", "Cluster", example));
    let status = with_problems(status, Intent::Read, &[WORDS, ADMINISTRATION]);
    vec![("/v1/cluster", parts::read("getCluster", status))]
}

/// `GET /v1/cluster/plan`.
pub(in super::super) fn plan() -> Described {
    let example = json!({
        "version": 2,
        "changes": [{
            "kind": "join", "node": "n2", "id": "0123456789abcdef", "zone": "z1", "weight": 100,
        }],
        "moves": [{ "partition": 3, "from": "n1", "to": "n2" }],
        "members": [{
            "name": "n2", "id": "0123456789abcdef", "share_before": 0.0, "share_after": 0.5,
        }],
        "partitions": 1, "bytes": 65_536, "seconds": 5, "warnings": [],
    });
    let plan = cluster("What a commit would do.", "The staged changes, and what they would move.")
        .response("200", document("The plan.", "Plan", example));
    let more: &[Kind] = &[kind::NOTHING_STAGED, kind::PLAN_IMPOSSIBLE, kind::CHANGE_UNDER_WAY];
    let plan = with_problems(plan, Intent::Read, &[more, WORDS, ADMINISTRATION]);
    vec![("/v1/cluster/plan", parts::read("getPlan", plan))]
}

/// `POST /v1/cluster/stage`.
pub(in super::super) fn change() -> Described {
    let stage = cluster(
        "Stages changes.",
        "Nothing changes before a commit. A `join` is staged by the joining node itself.",
    )
    .request_body(Some(body(
        "One change, or several as `changes`: `kind` is `join`, `leave`, `remove-dead`, `replace` \
         (`with`), `weight` (`weight`) or `zone` (`zone`); all name a `node`.",
        json!({ "kind": "weight", "node": "n2", "weight": 200 }),
    )))
    .response("200", document("All are staged.", "ChangesStaged", json!({ "staged": 1 })));
    let more: &[Kind] = &[kind::CHANGE_INVALID, kind::NODE_UNKNOWN, kind::NOT_BUILT];
    post("/v1/cluster/stage", "stageChanges", stage, &[more, BODY])
}

fn committed() -> ResponseBuilder {
    document("Chosen.", "Committed", json!({ "ring_version": 2, "members": 3 }))
}

/// `POST /v1/cluster/commit`.
pub(in super::super) fn commit() -> Described {
    let commit = cluster("Commits a plan.", "The ring changes; partitions move from then on.")
        .request_body(Some(body("The version of the plan that is meant.", json!({ "version": 2 }))))
        .response("202", committed());
    let more: &[Kind] = &[
        kind::STALE_VERSION,
        kind::NOTHING_STAGED,
        kind::PLAN_IMPOSSIBLE,
        kind::COMMIT_UNDER_WAY,
        kind::CHANGE_UNDER_WAY,
    ];
    post("/v1/cluster/commit", "commitPlan", commit, &[more, BODY])
}

/// `POST /v1/cluster/discard`.
pub(in super::super) fn discard() -> Described {
    let done = ResponseBuilder::new().description("Nothing is staged any more.");
    let discard = cluster("Discards what is staged.", "Nothing changes.").response("204", done);
    post("/v1/cluster/discard", "discardChanges", discard, &[])
}

/// `POST /v1/cluster/recover`.
pub(in super::super) fn recover() -> Described {
    let recover = cluster(
        "Takes a majority that is gone for ever off the ring.",
        "What only they have is lost, and should they be alive after all, there are two clusters.",
    )
    .request_body(Some(body("That it is meant.", json!({ "force": true }))))
    .response("202", committed());
    let more: &[Kind] = &[kind::MAJORITY_LIVES, kind::COMMIT_UNDER_WAY];
    post("/v1/cluster/recover", "recoverCluster", recover, &[more, BODY])
}

/// `GET /v1/cluster/top`.
pub(in super::super) fn top() -> Described {
    let busy = |count: u64| {
        json!([{
            "bucket": "carts", "key": "alice", "is_cut": false,
            "token": "8a2d0f4c6b1e7395d4c3b2a1f0e9d8c7", "count": count, "error": 0,
        }])
    };
    let example = json!({
        "node": "n1", "scope": "node", "span_seconds": 731, "reads": busy(1200),
        "writes": busy(300), "bytes": busy(1_536_000), "siblings": busy(2),
    });
    let top = operation(
        "cluster",
        "The busiest keys that this node was asked for.",
        "By reads, writes, bytes of values and siblings. Counted always, by space-saving counters: \
         a count is never too low, and too high by its `error` at most.",
    );
    let top = with_words(top, super::super::top::WORDS)
        .response("200", document("The busiest keys.", "Top", example));
    let top = with_problems(top, Intent::Read, &[WORDS]);
    vec![("/v1/cluster/top", parts::read("getTop", top))]
}

/// `GET /v1/cluster/staleness`.
pub(in super::super) fn staleness() -> Described {
    let spread = |p50: f64| json!({ "p50_ms": p50, "p99_ms": p50 * 3.0, "p999_ms": p50 * 7.0 });
    let stale = |after_ms: f64, probability: f64| json!({ "after_ms": after_ms, "probability": probability });
    let example = json!({
        "node": "n1", "id": "0123456789abcdef", "scope": "node", "watched_puts": 6210,
        "own_sync": spread(1.5),
        "replicas": [{ "node": "n2", "trip": spread(0.5), "sync": spread(1.5) }],
        "estimates": [{
            "n": 3, "r": 1, "w": 1, "dw": 1, "stale": [stale(0.0, 0.012), stale(1.0, 0.004)],
            "seen_by_99_percent_ms": 0.2, "seen_by_999_per_mille_ms": 3.1,
        }],
    });
    let staleness = operation(
        "cluster",
        "How stale reads may be of what is written through this node.",
        "Probabilistically bounded staleness, estimated from what the node's own writes meet. Without \
         words for some usual settings; with any of them for the one that they name.",
    );
    let staleness = with_words(staleness, super::super::staleness::WORDS)
        .response("200", document("The estimates.", "Staleness", example));
    let more: &[Kind] = &[kind::IMPOSSIBLE_QUORUM];
    let staleness = with_problems(staleness, Intent::Read, &[WORDS, more]);
    vec![("/v1/cluster/staleness", parts::read("getStaleness", staleness))]
}
