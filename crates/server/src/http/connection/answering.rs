//! What a connection does with each of its requests before the router sees it, and with each answer
//! after.
//!
//! - A target that was put aside goes back beside its request.
//! - A large head is a part of the door's memory for as long as its request is under way.
//! - After a request whose body is chunked an HTTP/1 connection is closed. The parser takes a
//!   `Content-Length` beside `Transfer-Encoding` away and does not say so; a proxy in front may have
//!   gone by that length, and what it let through as a body must not be read as a request
//!   (RFC 9112, 6.1 and 11.2).
//! - The answer is sent in pieces that are watched ([`super::outflow`]).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, Version};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::super::body::no_memory;
use super::super::front::Shared;
use super::super::path::LongTarget;
use super::outflow::Outflow;
use super::sent::{Charged, Sent};

/// Heads up to this many bytes are ordinary.
const ORDINARY: usize = 8 * 1024;

/// The requests of one connection.
#[derive(Clone)]
pub(super) struct Answering {
    pub(super) router: TowerToHyperService<Router>,
    pub(super) front: Shared,
    pub(super) outflow: Arc<Outflow>,
    /// The target of the connection's only request, where it was put aside.
    pub(super) target: Option<LongTarget>,
}

impl Service<http::Request<Incoming>> for Answering {
    type Response = http::Response<Sent>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: http::Request<Incoming>) -> Self::Future {
        if let Some(target) = &self.target {
            request.extensions_mut().insert(target.clone());
        }
        let this = self.clone();
        Box::pin(async move {
            let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
            let closes = is_chunked && request.version() < Version::HTTP_2;
            let mut answer = this.answer(request).await;
            if closes {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            let charged = answer.extensions_mut().remove::<Charged>();
            Ok(answer.map(|body| Sent::new(body, charged, &this.outflow)))
        })
    }
}

impl Answering {
    async fn answer(&self, request: http::Request<Incoming>) -> Response {
        let bytes = head_bytes(&request);
        let part = (bytes > ORDINARY).then(|| self.front.memory.take(bytes));
        if matches!(part, Some(None)) {
            let requests = &self.front.requests;
            return requests.close(
                requests.tag(request.headers()),
                request.method(),
                Err(no_memory()),
            );
        }
        match self.router.call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}

/// About how much a request's head holds.
fn head_bytes(request: &http::Request<Incoming>) -> usize {
    let headers = request.headers().iter();
    let texts: usize = headers.map(|(name, text)| name.as_str().len() + text.len()).sum();
    texts + request.uri().path().len() + request.uri().query().map_or(0, str::len)
}
