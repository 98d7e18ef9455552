//! What a node tells of itself.

use serde_json::json;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Content, ContentBuilder};

use super::super::problem::{Intent, Kind, kind};
use super::Described;
use super::parts::{self, WORDS, document, operation, text, with_problems, with_words};

/// `GET /v1/node`.
pub(in super::super) fn node() -> Described {
    let example = json!({
        "name": "n1", "id": "0123456789abcdef", "ring_version": 2, "ring_partitions": 256,
        "version": "0.1.0", "uptime_seconds": 3600, "disk_bytes": 1_048_576,
        "approximate_objects": 120, "shards": 2, "silent_shards": 0,
        "hints": [{
            "for": "n2", "id": "fedcba9876543210", "objects": 3, "bytes": 3072,
            "oldest_unix_ms": 1_772_366_400_000_u64,
        }],
        "counting_hints": false, "replicas": 1, "trees_building": 0, "not_counting": 0,
        "set_aside": 0, "disk_reserved": false,
        "since_start": { "exchanges": 12, "hints_delivered": 3 },
        "partitions": [{
            "partition": 0, "root": "9fbf261b62c1d7c00db73afb81dd97fd", "counts": true,
            "bytes": 4096, "round": 1, "tombstones": 0, "oldest_tombstone_unix_ms": null,
            "longest_vector": 3, "actor": "2e4f7a90c1b3d586", "set_aside": 0,
        }],
    });
    let node = operation(
        "node",
        "The condition of the node.",
        "What it holds for others, how far its replicas are, what its background work has done.",
    );
    let node = with_words(node, &["partitions"])
        .response("200", document("Its condition.", "Node", example));
    let node = with_problems(node, Intent::Read, &[WORDS]);
    vec![("/v1/node", parts::read("getNode", node))]
}

fn plain(example: &str) -> Content {
    ContentBuilder::new().schema(Some(Schema::Object(text()))).example(Some(json!(example))).build()
}

/// `GET /livez`.
pub(in super::super) fn livez() -> Described {
    let alive = ResponseBuilder::new()
        .description("It can answer.")
        .content("text/plain; charset=utf-8", plain("alive\n"));
    let livez = operation("health", "Is the node alive?", "Answered to anybody.");
    vec![("/livez", parts::read("livez", livez.response("200", alive)))]
}

/// `GET /readyz`.
pub(in super::super) fn readyz() -> Described {
    let ready = ResponseBuilder::new()
        .description("It is a member, its store is open, every member's address was tried once.")
        .content("text/plain; charset=utf-8", plain("ready\n"));
    let readyz = operation("health", "Does the node serve?", "Answered to anybody.");
    let readyz = readyz.response("200", ready);
    let more: &[Kind] = &[kind::NOT_READY];
    vec![("/readyz", parts::read("readyz", with_problems(readyz, Intent::Read, &[more])))]
}

/// `GET /openapi.json`.
pub(in super::super) fn openapi() -> Described {
    let object = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)).build();
    let content = ContentBuilder::new().schema(Some(Schema::Object(object))).build();
    let this = ResponseBuilder::new()
        .description("An OpenAPI 3.1 document.")
        .content("application/json", content);
    let openapi = operation("node", "This document.", "Made from the code that answers.");
    let openapi = with_problems(openapi.response("200", this), Intent::Read, &[WORDS]);
    vec![("/openapi.json", parts::read("getOpenapi", openapi))]
}

fn not_built(path: &'static str, id: &str, summary: &str) -> Described {
    let more: &[Kind] = &[kind::NOT_BUILT];
    let operation = operation("node", summary, "Not built yet.");
    vec![(path, parts::read(id, with_problems(operation, Intent::Read, &[more])))]
}

/// `GET /metrics`.
pub(in super::super) fn metrics() -> Described {
    not_built("/metrics", "getMetrics", "Metrics as Prometheus reads them.")
}

/// `GET /v1/node/history`.
pub(in super::super) fn history() -> Described {
    let example = json!({
        "name": "n1", "id": "0123456789abcdef", "step_seconds": 5,
        "steps": [{
            "gets": 400, "gets_failed": 0, "puts": 398, "puts_refused": 1,
            "puts_indeterminate": 0, "get_micros": { "384": 390, "512": 10 },
            "put_micros": { "1536": 399 }, "read_repairs": 2, "hedged": 1, "hints_stored": 12,
            "hints_delivered": 0, "hints_held": 12, "exchanged_objects": 0,
        }],
    });
    let history = operation(
        "node",
        "What the node did in the last ten minutes.",
        "In steps of five seconds, from memory: a node that has just started has few.",
    );
    let history = history.response("200", document("Its steps.", "History", example));
    let history = with_problems(history, Intent::Read, &[WORDS]);
    vec![("/v1/node/history", parts::read("getHistory", history))]
}

/// `GET /console`.
pub(in super::super) fn console() -> Described {
    let page = ResponseBuilder::new()
        .description("The first of the console's pages, for people.")
        .content("text/html; charset=utf-8", plain("<!DOCTYPE html>…"));
    let console = operation("node", "The console.", "Pages that show the cluster and its objects.");
    let console = console.response("200", page);
    vec![("/console", parts::read("getConsole", with_problems(console, Intent::Read, &[])))]
}
