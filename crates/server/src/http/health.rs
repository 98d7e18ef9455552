//! Whether the node is alive, and whether it serves: for those who restart it and those who route
//! to it. Answered to anybody.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method};

use super::front::Shared;
use super::problem::{Answer, Problem, kind};
use crate::backend::Readiness;

/// Alive: whoever can answer is.
pub(super) async fn livez(_front: Shared, request: Request) -> Answer {
    only_reads(&request)?;
    Ok(text("alive\n"))
}

/// Serving: the ring is known, the store is open, every member was tried once.
pub(super) async fn readyz(front: Shared, request: Request) -> Answer {
    only_reads(&request)?;
    match front.backend.readiness() {
        Readiness::Ready => Ok(text("ready\n")),
        Readiness::NotReady(missing) => Err(Problem::new(kind::NOT_READY, missing)),
    }
}

fn only_reads(request: &Request) -> Result<(), Problem> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Problem::method_not_allowed(request.method(), "GET, HEAD")),
    }
}

fn text(text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
