//! The interface as an OpenAPI 3.1 document.
//!
//! It is made from what answers: each row of the router brings the description of its paths
//! ([`super::router`]), schemas come from the types that are written down as JSON, the words of a
//! query and the kinds of problem from the tables that requests are judged by. What is said in
//! prose and by example here is held to real answers by tests (`crates/server/tests/http/openapi.rs`).

mod batch;
mod buckets;
mod cluster;
mod node;
mod objects;
mod parts;
mod request_id;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method};
use utoipa::ToSchema;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, RefOr};

use super::front::Shared;
use super::path::Target;
use super::problem::{Answer, Problem};
use super::query::Words;

/// What a row says of its paths.
pub(super) type Described = Vec<(&'static str, PathItem)>;

pub(super) use batch::batch;
pub(super) use buckets::buckets;
pub(super) use cluster::{change, commit, discard, plan, recover, staleness, status, top};
pub(super) use node::{console, history, livez, metrics, node, openapi, readyz};
pub(super) use objects::{locate, objects, replica};

/// `GET /openapi.json`.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(request.method(), "GET, HEAD"));
    }
    Words::parse(Target::of(&request).query, &[])?;
    let mut response = Response::new(Body::from(front.description.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The document of an interface with these paths, as it is served.
pub(super) fn document(described: Described) -> Bytes {
    let mut paths = Paths::new();
    paths
        .paths
        .extend(described.into_iter().map(|(path, item)| (path.to_owned(), request_id::on(item))));
    let document: OpenApi = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Stator")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT))
                .build(),
        )
        .paths(paths)
        .components(Some(components().build()))
        .build();
    let text = document.to_json().expect("a description has texts for names and fails at nothing");
    text.into()
}

const ABOUT: &str = "A leaderless, always-writable, replicated key-value store. Every node answers \
every request. Errors are problem documents (RFC 9457); on a write their `outcome` says whether \
nothing was written (`refused`) or it may appear later (`indeterminate`). A query word that is not \
listed is an error, never ignored.";

/// Every type that answers or requests are made of.
fn components() -> ComponentsBuilder {
    use super::{
        batch, bucket, cluster, history, kv, listing, locate, node, problem, replica, staleness,
        top,
    };
    let mut parts = Parts::default();
    parts.add::<batch::operation::Written<'static>>();
    parts.add::<batch::outcome::Line>();
    parts.add::<bucket::properties::Document>();
    parts.add::<cluster::Committed>();
    parts.add::<cluster::Staged>();
    parts.add::<cluster::plan::Document>();
    parts.add::<cluster::status::Document>();
    parts.add::<history::Document>();
    parts.add::<kv::told::Siblings>();
    parts.add::<listing::line::Line>();
    parts.add::<locate::Document>();
    parts.add::<node::Document>();
    parts.add::<problem::Document>();
    parts.add::<replica::Document>();
    parts.add::<staleness::Document>();
    parts.add::<top::Document>();
    ComponentsBuilder::new().schemas_from_iter(parts.0)
}

/// Schemas by name.
#[derive(Default)]
struct Parts(Vec<(String, RefOr<Schema>)>);

impl Parts {
    /// A type's schema and those that it refers to.
    fn add<T: ToSchema>(&mut self) {
        self.0.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.0);
    }
}
