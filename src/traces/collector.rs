//! The connection to a collector: HTTP without TLS, as for a collector on the same machine or in the
//! same private network.

use std::error::Error;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use stator_node::Sparing;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long one batch may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that is read of an answer.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Lines a second at most about spans that were not sent.
const LINES: u32 = 1;

/// A collector. The thread that sends to it belongs to no runtime: the requests themselves run on this
/// one.
#[derive(Debug)]
pub(super) struct Collector {
    runtime: Handle,
    client: Client<HttpConnector, Full<Bytes>>,
    lines: Sparing,
}

impl Collector {
    pub(super) fn new(runtime: Handle) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { runtime, client, lines: Sparing::new(LINES) }
    }

    /// Loses nothing but spans: the node goes on, and says so.
    fn not_sent(&self, why: &dyn std::fmt::Display) {
        if let Some(left_out) = self.lines.may_write(Instant::now()) {
            tracing::warn!(%why, left_out, "spans were not taken by the collector and are lost");
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = send(self.client.clone(), request.map(Full::new));
        // The timer is the runtime's too, and must be made there.
        let sending = async { timeout(PATIENCE, sending).await };
        let sent: Result<Response<Bytes>, HttpError> = match self.runtime.spawn(sending).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(late)) => Err(late.into()),
            Err(ended) => Err(ended.into()),
        };
        match &sent {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.not_sent(&format!("it answered {}", answer.status())),
            Err(error) => self.not_sent(&with_causes(&**error)),
        }
        sent
    }
}

async fn send(
    client: Client<HttpConnector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = client.request(request).await?.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
