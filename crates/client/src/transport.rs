//! Requests over pooled HTTP/1.1 connections, and what a failure on the way says of a write.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;

use crate::endpoint::Endpoint;
use crate::error::{ClientError, Outcome};
use crate::problem::Problem;

/// How long a request may take beyond the time that the server was given for it.
const GRACE: Duration = Duration::from_secs(3);
/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// What the server takes for a request that names no `timeout`.
pub(crate) const SERVER_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether a request writes: what is not known of it then is indeterminate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes nothing.
    Read,
    /// May change something.
    Write,
}

impl Effect {
    /// What is known when the request was sent and no whole answer came.
    pub(crate) const fn doubt(self) -> Outcome {
        match self {
            Self::Read => Outcome::Refused,
            Self::Write => Outcome::Indeterminate,
        }
    }
}

/// One request, ready to be sent.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) effect: Effect,
    /// How long the server was given for it.
    pub(crate) server_timeout: Duration,
}

impl Call {
    /// A request that reads.
    pub(crate) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            effect: Effect::Read,
            server_timeout: SERVER_TIMEOUT,
        }
    }

    /// A request that writes.
    pub(crate) fn write(method: Method, path: String, body: Bytes) -> Self {
        Self { method, body, effect: Effect::Write, ..Self::get(path) }
    }

    /// The same with more, or less, time for the server.
    pub(crate) fn within(self, server_timeout: Duration) -> Self {
        Self { server_timeout, ..self }
    }
}

/// A client of one node. Cheap to clone: clones share the pool of connections.
#[derive(Clone)]
pub struct Client {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    endpoint: Endpoint,
    admin_token: Option<String>,
}

impl Client {
    /// A client of the node at `endpoint`. Nothing is sent yet. Needs a tokio runtime.
    pub fn new(endpoint: Endpoint) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .build(connector);
        Self { http, endpoint, admin_token: None }
    }

    /// The same client with what must be shown to administer a cluster off loopback.
    pub fn with_admin_token(self, token: String) -> Self {
        Self { admin_token: Some(token), ..self }
    }

    /// A request that administers, with what it must show.
    pub(crate) fn authorized(&self, mut call: Call) -> Result<Call, ClientError> {
        let Some(token) = &self.admin_token else { return Ok(call) };
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| ClientError::Invalid("the admin token is no header value".to_owned()))?;
        value.set_sensitive(true);
        call.headers.insert(AUTHORIZATION, value);
        Ok(call)
    }

    /// Whom it talks to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether the node says that it is ready to serve; the reason in its own words if not.
    pub async fn ready(&self) -> Result<(), ClientError> {
        let call = Call::get("/readyz".to_owned());
        self.accepted(call).await.map(drop)
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(&self, call: Call) -> Result<Response<Incoming>, ClientError> {
        let effect = call.effect;
        let patience = call.server_timeout + GRACE;
        let request = self.request(call)?;
        let answer = tokio::time::timeout(patience, self.http.request(request)).await;
        let Ok(answer) = answer else {
            return Err(ClientError::TimedOut {
                endpoint: self.endpoint.to_string(),
                waited: patience,
                outcome: effect.doubt(),
            });
        };
        answer.map_err(|error| self.failed(&error, effect))
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub(crate) async fn whole(&self, call: Call) -> Result<Response<Bytes>, ClientError> {
        let effect = call.effect;
        let patience = call.server_timeout + GRACE;
        let (head, body) = self.send(call).await?.into_parts();
        // Large values take longer than requests do: each piece has its time, not the whole.
        let mut body = std::pin::pin!(body);
        let mut collected = Vec::new();
        loop {
            let frame = tokio::time::timeout(patience, body.frame()).await.map_err(|_| {
                ClientError::TimedOut {
                    endpoint: self.endpoint.to_string(),
                    waited: patience,
                    outcome: effect.doubt(),
                }
            })?;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| self.broken(&error, effect))?;
            if let Ok(data) = frame.into_data() {
                collected.push(data);
            }
        }
        Ok(Response::from_parts(head, join(collected)))
    }

    /// Sends a request and reads the whole answer of a success; anything else is a problem.
    pub(crate) async fn accepted(&self, call: Call) -> Result<Response<Bytes>, ClientError> {
        let effect = call.effect;
        let answer = self.whole(call).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(problem(&answer, effect))
    }

    /// Sends a request whose answer is a JSON document.
    pub(crate) async fn document<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let effect = call.effect;
        let answer = self.accepted(call).await?;
        serde_json::from_slice(answer.body())
            .map_err(|error| self.not_understood(&error.to_string(), effect))
    }

    /// An answer that is not one of the interface.
    pub(crate) fn not_understood(&self, detail: &str, effect: Effect) -> ClientError {
        ClientError::Protocol {
            endpoint: self.endpoint.to_string(),
            detail: detail.to_owned(),
            outcome: effect.doubt(),
        }
    }

    /// A connection that broke while an answer was read.
    pub(crate) fn broken(&self, error: &dyn Error, effect: Effect) -> ClientError {
        ClientError::Broken {
            endpoint: self.endpoint.to_string(),
            cause: causes(error),
            outcome: effect.doubt(),
        }
    }

    fn failed(&self, error: &legacy::Error, effect: Effect) -> ClientError {
        if error.is_connect() {
            let cause = error.source().map_or_else(|| error.to_string(), causes);
            return ClientError::Unreachable { endpoint: self.endpoint.to_string(), cause };
        }
        self.broken(error, effect)
    }

    fn request(&self, call: Call) -> Result<Request<Full<Bytes>>, ClientError> {
        let invalid = |what: String| ClientError::Invalid(what);
        let path: PathAndQuery = call.path.parse().map_err(|error: http::uri::InvalidUri| {
            invalid(format!("bucket and key do not fit into a URL: {error}"))
        })?;
        let uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.endpoint.as_authority().clone())
            .path_and_query(path)
            .build()
            .map_err(|error| invalid(error.to_string()))?;
        let mut request = Request::builder()
            .method(call.method)
            .uri(uri)
            .body(Full::new(call.body))
            .map_err(|error| invalid(error.to_string()))?;
        *request.headers_mut() = call.headers;
        Ok(request)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.endpoint)
    }
}

/// What the server said of a request that it did not carry out.
pub(crate) fn problem(answer: &Response<Bytes>, effect: Effect) -> ClientError {
    let problem = Problem::read(answer.status(), answer.headers(), answer.body(), effect);
    ClientError::Problem(Box::new(problem))
}

fn join(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.swap_remove(0);
    }
    pieces.concat().into()
}

/// An error with all that caused it: the outermost alone rarely says anything.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
