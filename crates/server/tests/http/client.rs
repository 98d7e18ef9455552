//! A client that sends just the bytes it is told, so that tests can send what no library would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stator_server::{Backend, ConnectionLimits, HttpConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// How long anything in these tests may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A served door.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Door {
    pub(crate) async fn open(backend: Arc<impl Backend>) -> Self {
        Self::with(backend, HttpConfig::default(), ConnectionLimits::default()).await
    }

    pub(crate) async fn with(
        backend: Arc<impl Backend>,
        config: HttpConfig,
        limits: ConnectionLimits,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let serving = stator_server::serve_within(limits, listener, backend, config, shutdown);
        Self { address, stop: Some(stop), served: tokio::spawn(serving) }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the door listens")
    }

    /// Sends a request with this line, headers and body, and reads the answer.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send_bytes(line.as_bytes(), headers, body).await
    }

    pub(crate) async fn send_bytes(
        &self,
        line: &[u8],
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = line.to_vec();
        request.extend_from_slice(b" HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.extend_from_slice(b"Host: localhost\r\n");
        }
        let framed = headers.iter().any(|(name, _)| *name == "Transfer-Encoding");
        if !body.is_empty() && !framed {
            request.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        for (name, value) in headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        self.exchange(&request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(&format!("POST {path}"), &[], body.as_bytes()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &[u8]) -> Answer {
        self.send(&format!("PUT {path}"), &[], body).await
    }

    /// Sends bytes and reads until the connection is closed.
    pub(crate) async fn exchange(&self, request: &[u8]) -> Answer {
        let exchange = async {
            let stream = self.connect().await;
            let (mut reader, mut writer) = stream.into_split();
            let sent = request.to_vec();
            // Sent beside the reading: a refused body is answered before all of it was taken.
            let sending = tokio::spawn(async move {
                let _ = writer.write_all(&sent).await;
                writer
            });
            let answer = read_all(&mut reader).await;
            drop(sending);
            answer
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time")
    }
}

pub(crate) async fn read_all(reader: &mut (impl AsyncReadExt + Unpin)) -> Answer {
    let mut bytes = Vec::new();
    // A connection that is cut shows in what was read until then.
    let _ = reader.read_to_end(&mut bytes).await;
    Answer::parse(&bytes)
}

/// What a door answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body is as long as its framing said.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = find(bytes, b"\r\n\r\n").expect("an answer has a head");
        let mut lines = bytes[..end].split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let headers = lines.map(|line| {
            let colon = find(line, b": ").expect("a header has a colon");
            let name = String::from_utf8_lossy(&line[..colon]).to_lowercase();
            (name, line[colon + 2..].to_vec())
        });
        let mut answer = Self {
            status: status.expect("an answer begins with its status"),
            headers: headers.collect(),
            body: bytes[end + 4..].to_vec(),
            whole: true,
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            (answer.body, answer.whole) = dechunk(&answer.body);
        } else if let Some(length) = answer.header("content-length") {
            answer.whole = length.parse() == Ok(answer.body.len());
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.header_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The names of its headers, in lower case.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// How often a header is there.
    pub(crate) fn times(&self, name: &str) -> usize {
        self.headers.iter().filter(|(given, _)| given == name).count()
    }

    pub(crate) fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.headers.iter().filter(|(given, _)| given == name);
        found.next().map(|(_, value)| value.as_slice())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The end of the problem's `type`; empty if the answer is none.
    pub(crate) fn slug(&self) -> String {
        if self.header("content-type") != Some("application/problem+json") {
            return String::new();
        }
        let name = self.json()["type"].as_str().unwrap_or_default().to_owned();
        assert_eq!(self.json()["status"], self.status, "the document tells the status");
        name.strip_prefix("https://stator.invalid/problems/").unwrap_or_default().to_owned()
    }

    /// The problem's `outcome`.
    pub(crate) fn outcome(&self) -> Option<String> {
        self.json()["outcome"].as_str().map(str::to_owned)
    }

    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn dechunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = find(bytes, b"\r\n") else { return (body, false) };
        let size = std::str::from_utf8(&bytes[..end]).expect("a chunk's size is text");
        let size = usize::from_str_radix(size, 16).expect("a chunk's size is hex");
        if size == 0 {
            return (body, true);
        }
        let chunk = &bytes[end + 2..];
        if chunk.len() < size + 2 {
            return (body, false);
        }
        body.extend_from_slice(&chunk[..size]);
        bytes = &chunk[size + 2..];
    }
}
