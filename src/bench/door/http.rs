//! The HTTP door: one keep-alive connection, one request at a time.

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use stator_client::{Context, Endpoint, object_path};
use tokio::net::TcpStream;

use super::{AGAIN, Door, Objects, Operation, PATIENCE, Task};
use crate::bench::keys;
use crate::bench::tally::ErrorKind;

const CONTEXT: HeaderName = HeaderName::from_static("stator-context");

/// A connection to one node.
pub(in crate::bench) struct HttpDoor {
    objects: Objects,
    endpoint: Endpoint,
    host: HeaderValue,
    sender: Option<SendRequest<Full<Bytes>>>,
    name: String,
}

impl HttpDoor {
    /// A connection that is opened with its first request.
    pub(in crate::bench) fn new(endpoint: Endpoint, objects: Objects) -> Self {
        let host = HeaderValue::from_str(endpoint.authority())
            .expect("an authority has only characters that a header may have");
        Self { objects, endpoint, host, sender: None, name: String::new() }
    }

    async fn put(&mut self, key: u32, value: &Bytes) -> Result<(), ErrorKind> {
        let Some(ledger) = self.objects.ledger.clone() else {
            return self.put_with(key, value, None).await.map(|_| ());
        };
        let mut claim = ledger.claim(key);
        let context = self.put_with(claim.key, value, claim.context.as_ref()).await?;
        claim.context = context;
        Ok(())
    }

    async fn modify(&mut self, key: u32, value: &Bytes) -> Result<(), ErrorKind> {
        let Some(ledger) = self.objects.ledger.clone() else {
            let context = self.read(Method::GET, key).await?;
            return self.put_with(key, value, context.as_ref()).await.map(|_| ());
        };
        let mut claim = ledger.claim(key);
        claim.context = self.read(Method::GET, claim.key).await?;
        claim.context = self.put_with(claim.key, value, claim.context.as_ref()).await?;
        Ok(())
    }

    async fn look(&mut self, key: u32) -> Result<(), ErrorKind> {
        let context = self.read(Method::HEAD, key).await?;
        if let (Some(ledger), Some(context)) = (&self.objects.ledger, context) {
            ledger.learn(key, context);
        }
        Ok(())
    }

    /// Reads it, and gives back its context.
    async fn read(&mut self, method: Method, key: u32) -> Result<Option<Context>, ErrorKind> {
        let answer = self.send(method, key, None, Bytes::new()).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::MULTIPLE_CHOICES => Ok(context(&answer)),
            status => Err(format!("get {status}").into()),
        }
    }

    async fn put_with(
        &mut self,
        key: u32,
        value: &Bytes,
        seen: Option<&Context>,
    ) -> Result<Option<Context>, ErrorKind> {
        let answer = self.send(Method::PUT, key, seen, value.clone()).await?;
        if !answer.status().is_success() {
            return Err(format!("put {}", answer.status()).into());
        }
        Ok(context(&answer))
    }

    /// Sends a request and waits for the whole answer.
    async fn send(
        &mut self,
        method: Method,
        key: u32,
        context: Option<&Context>,
        body: Bytes,
    ) -> Result<Response<()>, ErrorKind> {
        keys::name(&self.objects.prefix, key, &mut self.name);
        let path = object_path(self.objects.bucket.as_bytes(), self.name.as_bytes());
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, self.host.clone());
        if let Some(context) = context {
            request = request.header(CONTEXT, &context.0);
        }
        let request = request.body(Full::new(body)).map_err(|_| "bad request")?;
        let answer = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        let answer = answer.unwrap_or(Err("no answer in time".into()));
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response<()>, ErrorKind> {
        let broken = |_| "connection broken";
        let sender = self.ready().await?;
        let (head, mut body) = sender.send_request(request).await.map_err(broken)?.into_parts();
        while let Some(frame) = body.frame().await {
            frame.map_err(broken)?;
        }
        Ok(Response::from_parts(head, ()))
    }

    async fn ready(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, ErrorKind> {
        let usable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.sender = Some(self.open().await?);
        }
        self.sender.as_mut().ok_or_else(|| "unreachable".into())
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, ErrorKind> {
        let Ok(socket) = TcpStream::connect(self.endpoint.authority()).await else {
            tokio::time::sleep(AGAIN).await;
            return Err("unreachable".into());
        };
        let _ = socket.set_nodelay(true);
        let (sender, connection) =
            handshake(TokioIo::new(socket)).await.map_err(|_| "connection broken")?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

impl Door for HttpDoor {
    async fn carry_out(&mut self, batch: &mut [Operation]) {
        for operation in batch {
            let key = operation.key;
            let outcome = match &operation.task {
                Task::Put(value) => self.put(key, value).await,
                Task::Get => self.read(Method::GET, key).await.map(|_| ()),
                Task::Modify(value) => self.modify(key, value).await,
                Task::Look => self.look(key).await,
            };
            operation.ends(outcome);
        }
    }
}

fn context(answer: &Response<()>) -> Option<Context> {
    let text = answer.headers().get(CONTEXT)?.to_str().ok()?;
    Some(Context(text.to_owned()))
}
