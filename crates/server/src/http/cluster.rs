//! The cluster: its members, and the staged way of changing them (the paper, 4.8.1: only an
//! operator's explicit commit changes the ring).

pub(super) mod change;
pub(super) mod plan;
pub(super) mod status;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use stator_core::membership::admin::{AdminDone, AdminError, AdminRequest, ClusterStatus};
use stator_core::ring::RingVersion;
use stator_core::view::View;
use utoipa::ToSchema;

use super::front::{Front, Shared};
use super::path::Target;
use super::problem::{Answer, Intent, Problem, kind};
use super::query::{ADMIN_TIMEOUT, Words};
use super::{body, json};

/// `GET /v1/cluster`.
pub(super) async fn status(front: Shared, request: Request) -> Answer {
    only(&request, &[Method::GET, Method::HEAD], "GET, HEAD")?;
    let timeout = timeout(&request)?;
    let found = cluster_status(&front, timeout, Intent::Read).await?;
    let own = status::Own::of(&front.backend.view(), &front.backend.inspect().await.whole);
    Ok(json::response(StatusCode::OK, &status::document(&found, &own)))
}

/// `GET /v1/cluster/plan`.
pub(super) async fn plan(front: Shared, request: Request) -> Answer {
    only(&request, &[Method::GET, Method::HEAD], "GET, HEAD")?;
    let timeout = timeout(&request)?;
    let AdminDone::Plan(plan) = front.administer(AdminRequest::Plan, timeout).await? else {
        return Err(Problem::mismatched(Intent::Read));
    };
    let own = status::Own::of(&front.backend.view(), &front.backend.inspect().await.whole);
    let document = plan::document(&plan, &front.backend.view(), own.replica_bytes);
    Ok(json::response(StatusCode::OK, &document))
}

/// `POST /v1/cluster/stage` with one change, or several as `{"changes": […]}`. All are read before
/// any is staged.
pub(super) async fn stage(front: Shared, request: Request) -> Answer {
    only(&request, &[Method::POST], "POST")?;
    let timeout = timeout(&request)?;
    let document = posted(&front, request).await?;
    let known = cluster_status(&front, timeout, Intent::Write).await?;
    let changes = change::read(&document, &known)?;
    for (staged, change) in changes.iter().enumerate() {
        let request = AdminRequest::Stage { node: change.node, change: change.change.clone() };
        let done = front.administer(request, timeout).await;
        match done.map_err(|problem| problem.with_member("staged", json!(staged)))? {
            AdminDone::Staged | AdminDone::DeclaredDead { .. } => {}
            _ => return Err(Problem::mismatched(Intent::Write)),
        }
    }
    Ok(json::response(StatusCode::OK, &Staged { staged: changes.len() }))
}

/// `POST /v1/cluster/commit` with `{"version": V}` of the plan that is meant.
pub(super) async fn commit(front: Shared, request: Request) -> Answer {
    only(&request, &[Method::POST], "POST")?;
    let timeout = timeout(&request)?;
    let document = posted(&front, request).await?;
    let stranger = document.keys().find(|name| *name != "version");
    let version = document.get("version").and_then(Value::as_u64);
    let (None, Some(version)) = (stranger, version) else {
        let detail = "a commit names the version of the plan that is meant, and nothing else: \
                      {\"version\": 2}; `GET /v1/cluster/plan` says it";
        return Err(Problem::new(kind::BODY_MALFORMED, detail));
    };
    let request = AdminRequest::Commit { version: RingVersion(version) };
    let document = committed(front.administer(request, timeout).await?)?;
    Ok(json::response(StatusCode::ACCEPTED, &document))
}

/// How many changes were staged.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ChangesStaged)]
pub(super) struct Staged {
    staged: usize,
}

/// What came of a commit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Committed {
    /// A ring was chosen.
    Ring {
        ring_version: u64,
        /// How many members it has.
        members: usize,
    },
    /// Members were declared dead, and nothing else was committed yet.
    Dead {
        /// Their names.
        declared_dead: Vec<String>,
    },
}

/// What came of a commit. One that only declared somebody dead has committed nothing else: the plan
/// waits until the change under way is settled.
fn committed(done: AdminDone) -> Result<Committed, Problem> {
    match done {
        AdminDone::Committed(ring) => {
            Ok(Committed::Ring { ring_version: ring.version.0, members: ring.members.len() })
        }
        AdminDone::DeclaredDead { names } => Ok(Committed::Dead { declared_dead: names }),
        _ => Err(Problem::mismatched(Intent::Write)),
    }
}

/// `POST /v1/cluster/recover` with `{"force": true}`: without that it does nothing.
pub(super) async fn recover(front: Shared, request: Request) -> Answer {
    only(&request, &[Method::POST], "POST")?;
    let timeout = timeout(&request)?;
    let document = posted(&front, request).await?;
    if document.len() != 1 || document.get("force") != Some(&Value::Bool(true)) {
        let detail = "this takes a majority of the members off the ring: what only they have is \
                      lost, and should they be alive after all, there are two clusters; say \
                      {\"force\": true} if they are gone for ever";
        return Err(Problem::new(kind::BODY_MALFORMED, detail));
    }
    let document = committed(front.administer(AdminRequest::Recover, timeout).await?)?;
    Ok(json::response(StatusCode::ACCEPTED, &document))
}

/// `POST /v1/cluster/discard`.
pub(super) async fn discard(front: Shared, request: Request) -> Answer {
    only(&request, &[Method::POST], "POST")?;
    let timeout = timeout(&request)?;
    let AdminDone::Discarded = front.administer(AdminRequest::Discard, timeout).await? else {
        return Err(Problem::mismatched(Intent::Write));
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// What an operator's error is; a stale version is told with the plan that holds now.
pub(super) fn problem(error: &AdminError, view: &View) -> Problem {
    let problem = Problem::of_admin(error);
    let AdminError::StaleVersion { current, .. } = error else { return problem };
    problem
        .with_member("version", json!(current.version().0))
        .with_member("changes", json!(plan::changes(current, view)))
}

async fn cluster_status(
    front: &Front,
    timeout: std::time::Duration,
    intent: Intent,
) -> Result<ClusterStatus, Problem> {
    match front.administer(AdminRequest::Status, timeout).await? {
        AdminDone::Status(found) => Ok(found),
        _ => Err(Problem::mismatched(intent)),
    }
}

fn only(request: &Request, methods: &[Method], allowed: &'static str) -> Result<(), Problem> {
    if methods.contains(request.method()) {
        return Ok(());
    }
    Err(Problem::method_not_allowed(request.method(), allowed))
}

fn timeout(request: &Request) -> Result<std::time::Duration, Problem> {
    Words::parse(Target::of(request).query, &["timeout"])?.timeout(ADMIN_TIMEOUT)
}

async fn posted(front: &Front, request: Request) -> Result<Map<String, Value>, Problem> {
    let (parts, mut content) = request.into_parts();
    body::document(front, &parts.headers, &mut content).await
}
