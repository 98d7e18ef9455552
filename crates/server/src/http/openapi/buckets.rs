//! `/v1/buckets`.

use serde_json::json;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Content, ContentBuilder, Required, ResponseBuilder};

use super::super::problem::{Intent, Kind, kind};
use super::Described;
use super::parts::{
    self, ADMINISTRATION, BODY, WORDS, document, operation, with_problems, with_words,
};

const NAME: &[Kind] =
    &[kind::BUCKET_EMPTY, kind::PATH_MALFORMED, kind::NO_SUCH_PATH, kind::BUCKET_TOO_LARGE];

/// `/v1/buckets/{bucket}`.
pub(in super::super) fn buckets() -> Described {
    let read = bucket("A bucket's properties.", "What holds for requests that say nothing.");
    let read = with_problems(read, Intent::Read, &[WORDS, NAME, ADMINISTRATION]);
    let mut item = parts::read("getBucket", read);
    item.merge_operations(PathItem::new(HttpMethod::Put, set()));
    vec![("/v1/buckets/{bucket}", item)]
}

fn bucket(summary: &str, description: &str) -> OperationBuilder {
    let named = operation("buckets", summary, description).parameter(parts::bucket());
    with_words(named, &["timeout"]).response("200", properties())
}

fn properties() -> ResponseBuilder {
    let example = json!({
        "bucket": "carts", "n": 3, "r": 2, "w": "quorum", "dw": 2, "pr": 0, "pw": 0,
        "node_confirms": 2, "quorum": "sloppy", "conflicts": "siblings", "ttl": null,
        "max_siblings": 50, "made": true,
    });
    document("The properties.", "Bucket", example)
}

fn set() -> OperationBuilder {
    let body = RequestBodyBuilder::new()
        .description(Some(
            "What is named changes, what is not stays; null goes back to the default. `n` and \
             `conflicts` can be said only when the bucket is made.",
        ))
        .content("application/json", changes())
        .required(Some(Required::True))
        .build();
    let set =
        bucket("Makes a bucket, or changes its properties.", "The answer is what holds then.")
            .operation_id(Some("setBucket"))
            .request_body(Some(body));
    let more: &[Kind] = &[
        kind::PROPERTY_INVALID,
        kind::PROPERTY_UNKNOWN,
        kind::BUCKET_INVALID,
        kind::BUCKET_FIXED,
        kind::IMPOSSIBLE_QUORUM,
        kind::NOT_BUILT,
    ];
    with_problems(set, Intent::Write, &[more, WORDS, NAME, BODY, ADMINISTRATION])
}

fn changes() -> Content {
    let object = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)).build();
    ContentBuilder::new()
        .schema(Some(Schema::Object(object)))
        .example(Some(json!({ "n": 3, "w": "quorum", "ttl": 86400 })))
        .build()
}
