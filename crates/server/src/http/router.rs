//! The rows of the interface: which path is answered by whom.
//!
//! Rows whose path ends in a bucket or a key are matched by their beginning alone and read the rest
//! themselves, from the raw bytes ([`super::path`]).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, any};

use super::front::{Front, Shared};
use super::guard::{self, Right};
use super::problem::{Answer, Intent, Problem, kind};
use super::{HttpConfig, bucket, cluster, health, kv, locate, metrics, node};
use crate::backend::Backend;

/// The HTTP interface of the node behind `backend`.
pub fn router(backend: impl Backend, config: HttpConfig) -> Router {
    Router::new()
        .route("/v1/kv/", row(data, kv::answer))
        .route("/v1/kv/{*name}", row(data, kv::answer))
        .route("/v1/buckets/", row(administration, bucket::answer))
        .route("/v1/buckets/{*bucket}", row(administration, bucket::answer))
        .route("/v1/locate/", row(data, locate::answer))
        .route("/v1/locate/{*name}", row(data, locate::answer))
        .route("/v1/cluster", row(administration, cluster::status))
        .route("/v1/cluster/stage", row(administration, cluster::stage))
        .route("/v1/cluster/plan", row(administration, cluster::plan))
        .route("/v1/cluster/commit", row(administration, cluster::commit))
        .route("/v1/cluster/discard", row(administration, cluster::discard))
        .route("/v1/cluster/recover", row(administration, cluster::recover))
        .route("/v1/node", row(data, node::answer))
        .route("/livez", row(watching, health::livez))
        .route("/readyz", row(watching, health::readyz))
        .route("/v1/batch", row(data, not_built))
        .route("/v1/cluster/top", row(data, not_built))
        .route("/metrics", row(data, metrics::answer))
        .route("/openapi.json", row(data, not_built))
        .route("/console", row(data, not_built))
        .fallback(row(data, no_such_path))
        .with_state(Front::new(backend, config))
}

/// Which right a request to a row needs.
type Needs = fn(&Request) -> Right;

fn data(_request: &Request) -> Right {
    Right::Use
}

/// Reading what the cluster is like is a use like any other; changing it is not.
fn administration(request: &Request) -> Right {
    match Intent::of(request.method()) {
        Intent::Read => Right::Use,
        Intent::Write => Right::Administer,
    }
}

fn watching(_request: &Request) -> Right {
    Right::Watch
}

/// A row of the interface: may this be asked, then its answer, and a problem in the words of a read
/// or of a write; all of it under the request's id.
fn row<A, F>(needs: Needs, answer: A) -> MethodRouter<Shared>
where
    A: Fn(Shared, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    any(async move |State(front): State<Shared>, request: Request| -> Response {
        let method = request.method().clone();
        let tag = front.requests.tag(request.headers());
        let door = Arc::clone(&front);
        let answered = tag
            .scope(async {
                match guard::check(&front.config, &request, needs(&request)) {
                    Ok(()) => answer(front, request).await,
                    Err(problem) => Err(problem),
                }
            })
            .await;
        door.requests.close(tag, &method, answered)
    })
}

async fn not_built(_front: Shared, request: Request) -> Answer {
    let detail = format!("{} is part of the interface and not built yet", request.uri().path());
    Err(Problem::new(kind::NOT_BUILT, detail))
}

async fn no_such_path(_front: Shared, request: Request) -> Answer {
    let path = request.uri().path();
    let shown: String = path.chars().take(100).collect();
    let detail = format!(
        "nothing is served at {shown}: objects are at /v1/kv/BUCKET/KEY, and there are \
         /v1/kv/BUCKET, /v1/buckets/BUCKET, /v1/locate/BUCKET/KEY, /v1/cluster (stage, plan, \
         commit, discard), /v1/node, /metrics, /livez and /readyz"
    );
    Err(Problem::new(kind::NO_SUCH_PATH, detail))
}
