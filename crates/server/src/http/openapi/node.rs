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
        "set_aside": 0, "compared_within_seconds": 812, "comparisons_outstanding": 0,
        "scrubbed_within_seconds": 3600, "disk_reserved": false,
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

/// `GET /metrics`.
pub(in super::super) fn metrics() -> Described {
    const PLAIN: &str = "# HELP stator_ready 1 if the node serves: it is a member and has tried every \
                         member's address once.\n# TYPE stator_ready gauge\nstator_ready 1\n";
    let open = format!("{PLAIN}# EOF\n");
    let page = ResponseBuilder::new()
        .description("A page of metrics.")
        .content("text/plain; version=0.0.4; charset=utf-8", plain(PLAIN))
        .content("application/openmetrics-text; version=1.0.0; charset=utf-8", plain(&open));
    let metrics = operation(
        "node",
        "Metrics as Prometheus reads them.",
        "What the node counts and sees; as OpenMetrics for who accepts that.",
    );
    let metrics = with_problems(metrics.response("200", page), Intent::Read, &[]);
    vec![("/metrics", parts::read("getMetrics", metrics))]
}

/// `GET /v1/node/history`.
pub(in super::super) fn history() -> Described {
    let example = json!({
        "name": "n1", "id": "0123456789abcdef", "step_seconds": 5,
        "steps": [{
            "gets": 400, "gets_failed": 0, "puts": 398, "puts_refused": 1,
            "puts_indeterminate": 0, "get_micros": { "500": 390, "1000": 10 },
            "put_micros": { "2500": 399 }, "read_repairs": 2, "hedged": 1, "hints_stored": 12,
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

/// `GET /console`. What is below it are pages and forms for people, which may change with any
/// version: they are not described.
pub(in super::super) fn console() -> Described {
    let page = ResponseBuilder::new()
        .description("The first of the console's pages, for people.")
        .content("text/html; charset=utf-8", plain("<!DOCTYPE html>…"));
    let console = operation(
        "node",
        "The console.",
        "Pages that show the cluster and its objects. Those below this one are no interface: they may \
         change with any version.",
    );
    let console = console.response("200", page);
    vec![("/console", parts::read("getConsole", with_problems(console, Intent::Read, &[])))]
}
