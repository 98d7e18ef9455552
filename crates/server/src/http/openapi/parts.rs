//! The parts that descriptions are put together from.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::schema::{Object, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Content, ContentBuilder, Header, Ref, RefOr, Required, ResponseBuilder};

use super::super::problem::{Intent, Kind, Problem, kind};
use super::request_id;

/// What may be wrong with any request of a node that listens on loopback, or for data.
const GUARD: &[Kind] = &[kind::FOREIGN_HOST, kind::FOREIGN_ORIGIN];

/// An operation that means the same by `GET` and `HEAD`.
pub(super) fn read(id: &str, operation: OperationBuilder) -> PathItem {
    let get = operation.operation_id(Some(id)).build();
    let mut head: Operation = get.clone();
    head.operation_id = Some(format!("{id}Head"));
    let mut item = PathItem::new(HttpMethod::Get, get);
    item.merge_operations(PathItem::new(HttpMethod::Head, head));
    item
}

/// An operation under a tag.
pub(super) fn operation(tag: &str, summary: &str, description: &str) -> OperationBuilder {
    OperationBuilder::new().tag(tag).summary(Some(summary)).description(Some(description))
}

/// The problems that an operation may answer, beside those of any: grouped by status, each with its
/// kinds.
pub(super) fn with_problems(
    mut operation: OperationBuilder,
    intent: Intent,
    kinds: &[&[Kind]],
) -> OperationBuilder {
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds.iter().copied().chain([GUARD]).flatten() {
        let listed = by_status.entry(kind.status).or_default();
        if !listed.contains(kind) {
            listed.push(*kind);
        }
    }
    for (status, kinds) in by_status {
        operation = operation.response(status.to_string(), problem(intent, &kinds));
    }
    operation
}

/// A response that is one of these kinds of problem.
pub(super) fn problem(intent: Intent, kinds: &[Kind]) -> ResponseBuilder {
    let named: Vec<_> =
        kinds.iter().map(|kind| format!("`{}`: {}.", kind.slug, kind.title)).collect();
    let example = Problem::new(kinds[0], "what happened this time, and what to do about it");
    let example = json!(example.document_of(intent, request_id::example()));
    let content =
        ContentBuilder::new().schema(Some(reference("Problem"))).example(Some(example)).build();
    let mut response = ResponseBuilder::new()
        .description(named.join(" "))
        .content("application/problem+json", content);
    if kinds[0].status == 503 {
        let seconds = header("How many seconds to wait before another try.", integer(0), json!(1));
        response = response.header("Retry-After", seconds);
    }
    response
}

/// A response with a document of a type.
pub(super) fn document(description: &str, name: &str, example: Value) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(description)
        .content("application/json", typed(name, example))
}

/// A body of a type.
pub(super) fn typed(name: &str, example: Value) -> Content {
    ContentBuilder::new().schema(Some(reference(name))).example(Some(example)).build()
}

/// A body that is bytes of any type.
pub(super) fn bytes() -> Content {
    Content::new(None::<RefOr<Schema>>)
}

pub(super) fn reference(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

pub(super) fn header(description: &str, schema: Object, example: Value) -> Header {
    HeaderBuilder::new()
        .schema(Some(Schema::Object(schema)))
        .description(Some(description))
        .example(Some(example))
        .build()
}

pub(super) fn text() -> Object {
    Object::with_type(SchemaType::Type(Type::String))
}

pub(super) fn integer(least: u64) -> Object {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(least)).build()
}

fn one_of(words: &[&str]) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(words.iter().copied()))
        .build()
}

/// A parameter in the path.
pub(super) fn in_path(name: &str, description: &str, example: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(Schema::Object(text())))
        .example(Some(json!(example)))
        .build()
}

pub(super) fn bucket() -> Parameter {
    in_path("bucket", "Bytes, percent-encoded, up to the first slash; 1 to 1024 of them.", "carts")
}

pub(super) fn key() -> Parameter {
    in_path(
        "key",
        "The raw bytes behind the bucket's slash, percent-decoded once; literal slashes belong to \
         the key, and it need not be UTF-8. 1 byte to 64 KiB.",
        "alice",
    )
}

/// A parameter in a header.
pub(super) fn in_header(
    name: &str,
    description: &str,
    schema: Object,
    example: Value,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Schema::Object(schema)))
        .example(Some(example))
        .build()
}

/// The words of a query, from the list that a request's words are judged by.
pub(super) fn with_words(mut operation: OperationBuilder, words: &[&str]) -> OperationBuilder {
    for word in words {
        let (schema, description, example) = word_of(word);
        let parameter = ParameterBuilder::new()
            .name(*word)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema))
            .example(Some(example))
            .build();
        operation = operation.parameter(parameter);
    }
    operation
}

fn level() -> Schema {
    let number = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .minimum(Some(0_u64))
        .maximum(Some(255_u64));
    let levels = OneOfBuilder::new()
        .item(Schema::Object(number.build()))
        .item(Schema::Object(one_of(&["one", "quorum", "all"])));
    Schema::OneOf(levels.build())
}

/// What a word means. A word that is not described here is a bug, and a test finds it.
fn word_of(word: &str) -> (Schema, &'static str, Value) {
    let plain = |object: Object| Schema::Object(object);
    let millis = || ObjectBuilder::from(integer(1)).maximum(Some(10_000_u64)).build();
    match word {
        "n" => (
            plain(ObjectBuilder::from(integer(1)).maximum(Some(32_u64)).build()),
            "Replicas; as many as a bucket has that says nothing, if absent.",
            json!(3),
        ),
        "after_ms" => (
            plain(text()),
            "How long before the read the write was acknowledged: at most 16 numbers of milliseconds, \
             separated by commas. Without it 0, 1, 5, 10 and 50.",
            json!("0,2.5,100"),
        ),
        "r" => (level(), "Replicas that must answer a read.", json!(2)),
        "pr" | "pw" => (level(), "Of those that must answer, primaries.", json!(0)),
        "w" => (level(), "Replicas that must acknowledge a write.", json!("quorum")),
        "dw" => (level(), "Of those, with the write on disk.", json!("all")),
        "node_confirms" => (level(), "Of those, different nodes.", json!(2)),
        "quorum" => (
            plain(one_of(&["sloppy", "strict"])),
            "Whether fallbacks may stand in for primaries that can't be reached.",
            json!("sloppy"),
        ),
        "timeout" => (plain(millis()), "How long to wait, in milliseconds.", json!(2000)),
        "limit" => (
            plain(integer(1)),
            "At most so many keys. Without it a listing has all, and a list of busy keys 20.",
            json!(100),
        ),
        "after" => (plain(text()), "Go on behind the line that has this cursor.", json!("AAAA")),
        "include" => (
            plain(text()),
            "States to list, separated by commas: `live`, `tombstone`, `conflict`. Without it live \
             keys and conflicts.",
            json!("live,tombstone"),
        ),
        "partitions" => (
            plain(one_of(&["yes", "no"])),
            "Whether each replica is told of, which is long.",
            json!("no"),
        ),
        other => unreachable!("the query word {other} is not described"),
    }
}

/// What may be wrong with a request's words.
pub(super) const WORDS: &[Kind] = &[kind::QUERY_INVALID, kind::QUERY_UNKNOWN];

/// What may be wrong with an object's name.
pub(super) const NAME: &[Kind] = &[
    kind::BUCKET_EMPTY,
    kind::KEY_EMPTY,
    kind::PATH_MALFORMED,
    kind::BUCKET_TOO_LARGE,
    kind::KEY_TOO_LARGE,
];

/// What may be wrong with a body.
pub(super) const BODY: &[Kind] = &[
    kind::BODY_INCOMPLETE,
    kind::BODY_MALFORMED,
    kind::BODY_TIMEOUT,
    kind::BODY_TOO_LARGE,
    kind::OVERLOADED,
];

/// What may go wrong with a read.
pub(super) const READ: &[Kind] = &[
    kind::IMPOSSIBLE_QUORUM,
    kind::NOT_ENOUGH_REPLICAS,
    kind::NOT_MEMBER,
    kind::OVERLOADED,
    kind::MOVING,
    kind::EXPIRED,
    kind::DAMAGED,
    kind::REFUSED,
    kind::READ_TIMEOUT,
];

/// What may go wrong with a write.
pub(super) const WRITE: &[Kind] = &[
    kind::CONTEXT_INVALID,
    kind::IMPOSSIBLE_QUORUM,
    kind::TOO_MANY_SIBLINGS,
    kind::NOT_ENOUGH_REPLICAS,
    kind::NOT_MEMBER,
    kind::OVERLOADED,
    kind::MOVING,
    kind::EXPIRED,
    kind::DAMAGED,
    kind::READ_REFUSED,
    kind::REFUSED,
    kind::INDETERMINATE,
];

/// What may be wrong with an operator's request.
pub(super) const ADMINISTRATION: &[Kind] = &[
    kind::UNAUTHORIZED,
    kind::FORBIDDEN,
    kind::ADMIN_DISABLED,
    kind::NOT_MEMBER,
    kind::UNREACHABLE,
    kind::INTERNAL,
];
