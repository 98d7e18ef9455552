//! `/v1/batch`.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Content, ContentBuilder, Required, ResponseBuilder};

use super::super::problem::{Intent, Kind, kind};
use super::super::query::OBJECT_WORDS;
use super::Described;
use super::parts::{NAME, WORDS, operation, reference, typed, with_problems, with_words};

/// `POST /v1/batch`.
pub(in super::super) fn batch() -> Described {
    let body = RequestBodyBuilder::new()
        .description(Some(
            "A list of operations, alone or as the member `operations`; as NDJSON an operation a \
             line. At most 1,000, and 32 MiB unless objects may be larger than 8 MiB.",
        ))
        .content("application/json", asked())
        .content("application/x-ndjson", typed("BatchOperation", operations()[0].clone()))
        .required(Some(Required::True))
        .build();
    let results = ArrayBuilder::new().items(reference("BatchOutcome")).build();
    let results = ObjectBuilder::new().property("results", results).required("results").build();
    let results = ContentBuilder::new()
        .schema(Some(Schema::Object(results)))
        .example(Some(json!({ "results": outcomes() })))
        .build();
    let answer = ResponseBuilder::new()
        .description("An outcome for each operation, in their order; as NDJSON an outcome a line.")
        .content("application/json", results)
        .content("application/x-ndjson", typed("BatchOutcome", outcomes()[0].clone()));
    let batch = operation(
        "objects",
        "Many gets, puts and deletes in one request.",
        "Each has its own outcome; no atomicity is claimed. They run side by side, except that \
         those on one object keep their order. If anything is malformed the whole batch is refused \
         and nothing is written. What an operation leaves open the query says.",
    )
    .operation_id(Some("batch"))
    .request_body(Some(body));
    let batch = with_words(batch, OBJECT_WORDS).response("200", answer);
    let more: &[Kind] = &[
        kind::BATCH_MALFORMED,
        kind::BODY_INCOMPLETE,
        kind::CONTEXT_INVALID,
        kind::METADATA_INVALID,
        kind::TTL_INVALID,
        kind::BODY_TIMEOUT,
        kind::BATCH_TOO_LARGE,
        kind::IMPOSSIBLE_QUORUM,
        kind::OVERLOADED,
    ];
    let batch = with_problems(batch, Intent::Write, &[more, WORDS, &NAME[..3]]);
    vec![("/v1/batch", PathItem::new(HttpMethod::Post, batch))]
}

fn asked() -> Content {
    let list = ArrayBuilder::new().items(reference("BatchOperation")).build();
    let object =
        ObjectBuilder::new().property("operations", list.clone()).required("operations").build();
    let either = OneOfBuilder::new().item(Schema::Array(list)).item(Schema::Object(object)).build();
    ContentBuilder::new()
        .schema(Some(Schema::OneOf(either)))
        .example(Some(json!({ "operations": operations() })))
        .build()
}

fn operations() -> Vec<Value> {
    vec![
        json!({
            "op": "put", "bucket": "carts", "key": "alice", "value": "YXBwbGU=",
            "content_type": "text/plain", "meta": { "colour": "red" }, "ttl": 3600, "w": "quorum",
        }),
        json!({ "op": "get", "bucket": "carts", "key": "bob", "r": 1, "timeout": 500 }),
        json!({ "op": "delete", "key": "carol", "context": "AfNc4pVgT2kq" }),
    ]
}

fn outcomes() -> Vec<Value> {
    vec![
        json!({
            "index": 0, "status": 204, "context": "AfNc4pVgT2kq",
            "replicas": { "acked": 3, "primaries": 3, "fallbacks": 0, "durable": 3 },
        }),
        json!({
            "index": 1, "status": 200, "context": "AfNc4pVgT2kq",
            "replicas": { "answered": 1, "primaries": 1, "fallbacks": 0 },
            "etag": "\"9fbf261b62c1d7c00db73afb81dd97fd\"",
            "object": {
                "value": "cGVhcg==", "content_type": "text/plain", "etag": "\"2e4f7a90c1b3d586-1\"",
                "written_at": "2026-03-01T12:00:00.000Z", "deleted": false, "meta": {},
            },
        }),
        json!({
            "index": 2, "status": 503,
            "problem": {
                "type": "https://stator.invalid/problems/not-enough-replicas",
                "title": "Not enough healthy replicas", "status": 503,
                "detail": "2 replicas are needed and 1 can be reached", "outcome": "refused",
            },
        }),
    ]
}
