//! `/v1/kv` and `/v1/locate`.

use serde_json::json;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{Required, ResponseBuilder};

use super::super::listing;
use super::super::problem::{Intent, Kind, kind};
use super::super::query::OBJECT_WORDS;
use super::Described;
use super::parts::{
    self, NAME, READ, WORDS, WRITE, bytes, document, header, in_header, integer, operation, text,
    typed, with_problems, with_words,
};

const CONTEXT: &str = "An opaque, sealed context, in base64url.";
const CONTEXT_EXAMPLE: &str = "AfNc4pVgT2kq";
const META: &str = "Any header whose name begins with `Stator-Meta-` (the `*` stands for the rest) \
                    is stored with the value and comes back with it.";

/// `/v1/kv/{bucket}/{key}` and the listing of `/v1/kv/{bucket}`.
pub(in super::super) fn objects() -> Described {
    let mut object = parts::read("getObject", get());
    for (method, operation) in [(HttpMethod::Put, put()), (HttpMethod::Delete, delete())] {
        object.merge_operations(PathItem::new(method, operation));
    }
    let listed = PathItem::new(HttpMethod::Get, list());
    vec![("/v1/kv/{bucket}/{key}", object), ("/v1/kv/{bucket}", listed)]
}

fn object(summary: &str, description: &str) -> OperationBuilder {
    let named = operation("objects", summary, description);
    with_words(named.parameter(parts::bucket()).parameter(parts::key()), OBJECT_WORDS)
}

/// The headers of whatever has to do with an object's state.
fn about_state(response: ResponseBuilder, replicas: &str) -> ResponseBuilder {
    response
        .header("Stator-Context", header(CONTEXT, text(), json!(CONTEXT_EXAMPLE)))
        .header("Stator-Replicas", header("Which replicas answered.", text(), json!(replicas)))
}

fn get() -> OperationBuilder {
    let replicas = "answered=2; primaries=2; fallbacks=0";
    let etag = header(
        "The digest of the object's whole state.",
        text(),
        json!("\"9fbf261b62c1d7c00db73afb81dd97fd\""),
    );
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let one = ResponseBuilder::new()
        .description("One value: its own bytes, with the Content-Type that it was stored with.")
        .content("*/*", bytes())
        .header("ETag", etag.clone())
        .header("Last-Modified", header("When it was written.", text(), json!(date)))
        .header("Stator-Meta-*", header(META, text(), json!("red")));
    let several = ResponseBuilder::new()
        .description(
            "Siblings: a part for each, or JSON for who prefers it. A put with the context of this \
             answer resolves them.",
        )
        .content("multipart/mixed", bytes())
        .content("application/json", typed("Siblings", siblings()))
        .header("ETag", etag.clone());
    let same = ResponseBuilder::new()
        .description("What If-None-Match names is what is there.")
        .header("ETag", etag);
    let read = object(
        "Reads an object.",
        "Its one value as its own bytes, or all its siblings. Whatever is answered carries the \
         context that a later write sends back, also when the key was deleted.",
    )
    .parameter(in_header(
        "Accept",
        "`application/json` gets siblings as JSON instead of parts.",
        text(),
        json!("application/json"),
    ))
    .parameter(in_header(
        "If-None-Match",
        "Entity tags that need not be sent again.",
        text(),
        json!("\"9fbf261b62c1d7c00db73afb81dd97fd\""),
    ))
    .response("200", about_state(one, replicas))
    .response("300", about_state(several, replicas))
    .response("304", about_state(same, replicas));
    let more: &[Kind] = &[kind::NOT_BUILT];
    let nothing = parts::problem(Intent::Read, &[kind::NOT_FOUND]);
    with_problems(read, Intent::Read, &[more, WORDS, NAME, READ])
        .response("404", about_state(nothing, replicas))
}

/// Siblings as JSON tells them.
fn siblings() -> serde_json::Value {
    let version = |value: Option<&str>, counter: u64| {
        json!({
            "value": value,
            "content_type": value.map(|_| "text/plain"),
            "etag": format!("\"2e4f7a90c1b3d586-{counter:x}\""),
            "written_at": "2026-03-01T12:00:00.000Z",
            "deleted": value.is_none(),
            "meta": value.map_or(json!({}), |_| json!({ "colour": "red" })),
        })
    };
    json!({ "context": CONTEXT_EXAMPLE, "siblings": [version(Some("YXBwbGU="), 1), version(None, 2)] })
}

/// The acknowledgement of a write.
fn written() -> ResponseBuilder {
    let done = ResponseBuilder::new().description("Acknowledged: on disk where `dw` asked for it.");
    about_state(done, "acked=3; primaries=3; fallbacks=0; durable=3")
}

fn given_context(operation: OperationBuilder, description: &str) -> OperationBuilder {
    operation.parameter(in_header("Stator-Context", description, text(), json!(CONTEXT_EXAMPLE)))
}

fn put() -> OperationBuilder {
    let body = RequestBodyBuilder::new()
        .description(Some("The value: any bytes, 8 MiB at most unless configured otherwise."))
        .content("*/*", bytes())
        .required(Some(Required::True))
        .build();
    let put = object(
        "Stores a value.",
        "With the context of an earlier answer it takes the place of what that covers; without one \
         it covers nothing and may become a sibling.",
    )
    .operation_id(Some("putObject"))
    .request_body(Some(body));
    let put = given_context(put, "What the writer has seen; the value takes its place.")
        .parameter(in_header(
            "Stator-TTL",
            "How long the value lives, in seconds; as long as the bucket says if absent.",
            integer(1),
            json!(3600),
        ))
        .parameter(in_header("Stator-Meta-*", META, text(), json!("red")))
        .response("204", written());
    let more: &[Kind] = &[
        kind::BODY_INCOMPLETE,
        kind::METADATA_INVALID,
        kind::TTL_INVALID,
        kind::BODY_TIMEOUT,
        kind::OBJECT_TOO_LARGE,
        kind::CODING_UNSUPPORTED,
        kind::METADATA_TOO_LARGE,
        kind::NOT_BUILT,
    ];
    with_problems(put, Intent::Write, &[more, WORDS, NAME, WRITE])
}

fn delete() -> OperationBuilder {
    let delete = object(
        "Deletes an object.",
        "With a context it deletes just what that covers; without one, what the coordinator reads \
         first.",
    )
    .operation_id(Some("deleteObject"));
    let delete = given_context(delete, "What is to be deleted.").response("204", written());
    let more: &[Kind] = &[kind::NOT_BUILT];
    with_problems(delete, Intent::Write, &[more, WORDS, NAME, WRITE])
}

fn list() -> OperationBuilder {
    let example = json!({
        "key": "alice", "state": "live", "siblings": 1,
        "token": "000a8c2e6f7d43b1900c5a7e8f2d1b3c", "cursor": "AAqMLm99Q7GQDFp-jy0bPGNhcnRz",
    });
    let lines = ResponseBuilder::new()
        .description(
            "A line a key, each such a document, in the order of tokens. A listing that can't go \
             on ends with a problem document as its last line and with a connection that is cut.",
        )
        .content("application/x-ndjson", typed("ListedKey", example))
        .header("Stator-Scan", header("It is a scan of the whole bucket.", text(), json!("true")));
    let list = operation(
        "objects",
        "Lists a bucket's keys.",
        "A scan of all partitions, streamed; its cost grows with the bucket.",
    )
    .operation_id(Some("listKeys"))
    .parameter(parts::bucket());
    let list = with_words(list, listing::WORDS).response("200", lines);
    let more: &[Kind] =
        &[kind::CURSOR_INVALID, kind::BUCKET_EMPTY, kind::PATH_MALFORMED, kind::BUCKET_TOO_LARGE];
    with_problems(list, Intent::Read, &[more, WORDS, READ])
}

/// `/v1/locate/{bucket}/{key}`.
pub(in super::super) fn locate() -> Described {
    let place = |number: u8| json!({ "name": format!("n{number}"), "id": format!("{number:016x}"), "state": "up" });
    let example = json!({
        "token": "8a2d0f4c6b1e7395d4c3b2a1f0e9d8c7", "partition": 138, "ring_version": 2,
        "primaries": [place(1), place(2), place(3)], "fallbacks": [place(4)],
    });
    let locate = operation(
        "objects",
        "Where an object lives.",
        "From what this node knows; nobody else is asked, and the object need not exist.",
    )
    .parameter(parts::bucket())
    .parameter(parts::key())
    .response("200", document("Its token, partition and preference list.", "Located", example));
    let more: &[Kind] = &[kind::NOT_MEMBER];
    let locate = with_problems(locate, Intent::Read, &[more, WORDS, NAME]);
    vec![("/v1/locate/{bucket}/{key}", parts::read("locateObject", locate))]
}

/// `/v1/replica/{bucket}/{key}`.
pub(in super::super) fn replica() -> Described {
    let dot = json!({ "actor": "2e4f7a90c1b3d586", "counter": 7 });
    let state = json!({
        "digest": "9fbf261b62c1d7c00db73afb81dd97fd", "bytes": 68, "conflicts": "siblings",
        "vector": [dot], "siblings_count": 1,
        "siblings": [{
            "dot": dot, "written_at": "2026-03-01T10:00:00.000Z", "deleted": false,
            "expires_at": null, "content_type": "text/plain", "bytes": 6, "value": "YXBwbGVz",
        }],
    });
    let example = json!({
        "name": "n1", "id": "0000000000000001", "partition": 138, "is_replica": true,
        "counts": true, "round": 1, "state": state, "unreadable": null,
        "hints": [{ "for": "n2", "id": "0000000000000002", "state": state }],
    });
    let replica = operation(
        "objects",
        "What this node itself has of an object.",
        "For laying replicas side by side: nobody else is asked, and nothing is repaired. Objects \
         are read elsewhere, since one replica alone may be behind.",
    )
    .parameter(parts::bucket())
    .parameter(parts::key())
    .response("200", document("Its own state, and hints of it.", "OwnCopy", example));
    let more: &[Kind] = &[kind::NOT_MEMBER, kind::OVERLOADED];
    let replica = with_problems(replica, Intent::Read, &[more, WORDS, NAME]);
    vec![("/v1/replica/{bucket}/{key}", parts::read("getReplica", replica))]
}
