//! One keep-alive connection of a bench: one request at a time, opened again when it broke.

use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use stator_client::Endpoint;
use tokio::net::TcpStream;

/// How long an answer may take: beyond what a server takes at most.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long to wait before a connection that could not be opened is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// A connection to one node.
pub(super) struct Connection {
    endpoint: Endpoint,
    host: HeaderValue,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// A request that brought no answer, by what happened.
pub(super) struct NoAnswer(pub(super) &'static str);

impl Connection {
    /// A connection that is opened with its first request.
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let host = HeaderValue::from_str(endpoint.authority())
            .expect("an authority has only characters that a header may have");
        Self { endpoint, host, sender: None }
    }

    /// Sends a request and waits for the whole answer.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        context: Option<&HeaderValue>,
        body: Bytes,
    ) -> Result<Response<()>, NoAnswer> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(method, path, context, body));
        let answer = answer.await.unwrap_or(Err(NoAnswer("no answer in time")));
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        context: Option<&HeaderValue>,
        body: Bytes,
    ) -> Result<Response<()>, NoAnswer> {
        let host = self.host.clone();
        let sender = self.ready().await?;
        let mut request = Request::builder().method(method).uri(path).header(HOST, host);
        if let Some(context) = context {
            request = request.header("stator-context", context);
        }
        let request = request.body(Full::new(body)).map_err(|_| NoAnswer("bad request"))?;
        let broken = |_| NoAnswer("connection broken");
        let (head, mut body) = sender.send_request(request).await.map_err(broken)?.into_parts();
        while let Some(frame) = body.frame().await {
            frame.map_err(broken)?;
        }
        Ok(Response::from_parts(head, ()))
    }

    async fn ready(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, NoAnswer> {
        let usable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.sender = Some(self.open().await?);
        }
        self.sender.as_mut().ok_or(NoAnswer("unreachable"))
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, NoAnswer> {
        let Ok(socket) = TcpStream::connect(self.endpoint.authority()).await else {
            tokio::time::sleep(AGAIN).await;
            return Err(NoAnswer("unreachable"));
        };
        let _ = socket.set_nodelay(true);
        let (sender, connection) =
            handshake(TokioIo::new(socket)).await.map_err(|_| NoAnswer("connection broken"))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
