//! The rows of the interface: which path is answered by whom.
//!
//! Rows whose path ends in a bucket or a key are matched by their beginning alone and read the rest
//! themselves, from the raw bytes ([`super::path`]).

use std::pin::Pin;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use bytes::Bytes;

use super::connection::Charged;
use super::front::Shared;
use super::guard::{self, Right};
use super::openapi::{self, Described};
use super::problem::{Answer, Intent, Problem, kind};
use super::{
    batch, body, bucket, cluster, console, health, history, kv, locate, metrics, node, replica,
    staleness, top,
};
use crate::memory::Memory;

/// The interface's description, as it is served.
pub(super) fn description() -> Bytes {
    openapi::document(rows().described)
}

/// The HTTP interface of the node behind a front.
pub(super) fn of(front: &Shared) -> Router {
    rows().router.fallback(row(data, no_such_path)).with_state(Shared::clone(front))
}

fn rows() -> Rows {
    Rows::default()
        .row(&["/v1/kv/", "/v1/kv/{*name}"], openapi::objects(), data, kv::answer)
        .row(&["/v1/batch"], openapi::batch(), data, away(batch::answer))
        .row(
            &["/v1/buckets/", "/v1/buckets/{*bucket}"],
            openapi::buckets(),
            administration,
            away(bucket::answer),
        )
        .row(&["/v1/locate/", "/v1/locate/{*name}"], openapi::locate(), data, away(locate::answer))
        .row(&["/v1/cluster"], openapi::status(), administration, away(cluster::status))
        .row(&["/v1/cluster/stage"], openapi::change(), administration, away(cluster::stage))
        .row(&["/v1/cluster/plan"], openapi::plan(), administration, away(cluster::plan))
        .row(&["/v1/cluster/commit"], openapi::commit(), administration, away(cluster::commit))
        .row(&["/v1/cluster/discard"], openapi::discard(), administration, away(cluster::discard))
        .row(&["/v1/cluster/recover"], openapi::recover(), administration, away(cluster::recover))
        .row(&["/v1/cluster/top"], openapi::top(), data, away(top::answer))
        .row(&["/v1/cluster/staleness"], openapi::staleness(), data, away(staleness::answer))
        .row(&["/v1/node"], openapi::node(), data, away(node::answer))
        .row(&["/v1/node/history"], openapi::history(), data, away(history::answer))
        .row(
            &["/v1/replica/", "/v1/replica/{*name}"],
            openapi::replica(),
            data,
            away(replica::answer),
        )
        .row(&["/livez"], openapi::livez(), watching, health::livez)
        .row(&["/readyz"], openapi::readyz(), watching, health::readyz)
        .row(&["/metrics"], openapi::metrics(), data, away(metrics::answer))
        .row(&["/openapi.json"], openapi::openapi(), data, away(openapi::answer))
        .row(
            &["/console", "/console/", "/console/{*page}"],
            openapi::console(),
            data,
            away(console::answer),
        )
}

/// The rows of the interface, and what they say of themselves: there is no row without a
/// description.
#[derive(Default)]
struct Rows {
    router: Router<Shared>,
    described: Described,
}

impl Rows {
    /// A row for all paths of these patterns.
    fn row<A, F>(mut self, patterns: &[&str], described: Described, needs: Needs, answer: A) -> Self
    where
        A: Fn(Shared, Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        for pattern in patterns {
            self.router = self.router.route(pattern, row(needs, answer.clone()));
        }
        self.described.extend(described);
        self
    }
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

/// An answer that may compute for long, made on the door's own runtime.
fn away<A, F>(
    answer: A,
) -> impl Fn(Shared, Request) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Clone
where
    A: Fn(Shared, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    move |front, request| {
        let work = answer(Shared::clone(&front), request);
        Box::pin(async move { front.away(work).await })
    }
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
        let answered = tag.scope(async {
            guard::check(&front.config, &request, needs(&request))?;
            let answer = answer(Shared::clone(&front), request).await?;
            match Intent::of(&method) {
                Intent::Read => charged(answer, &front.memory),
                Intent::Write => Ok(answer),
            }
        });
        let answered = answered.await;
        front.requests.close(tag, &method, answered)
    })
}

/// What a read found is a part of the door's memory until its reader has taken it. (What has no
/// length yet is charged as it is made.)
fn charged(mut answer: Response, memory: &Memory) -> Answer {
    let Some(bytes) = answer.body().size_hint().exact().filter(|&bytes| bytes > 0) else {
        return Ok(answer);
    };
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let part = memory.take(bytes).ok_or_else(body::no_memory)?;
    answer.extensions_mut().insert(Charged::new(part));
    Ok(answer)
}

async fn no_such_path(_front: Shared, request: Request) -> Answer {
    let path = request.uri().path();
    let shown: String = path.chars().take(100).collect();
    let detail = format!(
        "nothing is served at {shown}: objects are at /v1/kv/BUCKET/KEY, and there are \
         /v1/kv/BUCKET, /v1/buckets/BUCKET, /v1/locate/BUCKET/KEY, /v1/cluster (stage, plan, \
         commit, discard), /v1/batch, /v1/node, /metrics, /livez and /readyz; GET /openapi.json \
         describes them. For people there is /console"
    );
    Err(Problem::new(kind::NO_SUCH_PATH, detail))
}
