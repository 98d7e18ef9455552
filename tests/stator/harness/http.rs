//! Raw HTTP/1.1 over a socket: what is sent is exactly what the test wrote.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(30);

/// A request.
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer, with header names in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A request with this method for this target, sent as it is written here.
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A get.
    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A put.
    pub(crate) fn put(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new("PUT", target) }
    }

    /// The same with another body.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same with another header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with the context of an answer.
    pub(crate) fn context(self, answer: &Answer) -> Self {
        let context = answer.header("stator-context").expect("the answer has a context");
        self.header("Stator-Context", &context)
    }

    /// Sends it; none if there is no whole answer.
    pub(crate) fn try_send(&self, address: &str) -> Option<Answer> {
        let mut socket = TcpStream::connect(address).ok()?;
        socket.set_read_timeout(Some(WITHIN)).ok()?;
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.method,
            self.target,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        socket.write_all(head.as_bytes()).ok()?;
        // A server that refuses a large body may answer before it has read it all.
        let _ = socket.write_all(&self.body);
        let mut answer = Vec::new();
        let read = socket.read_to_end(&mut answer);
        read.is_ok().then_some(()).or((!answer.is_empty()).then_some(()))?;
        Answer::read(&answer)
    }
}

impl Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self { status, headers, body: bytes[end + 4..].to_vec() })
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().find(|(header, _)| header == name)?;
        Some(found.1.clone())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The last part of a problem's type, and what is known of the write.
    pub(crate) fn problem(&self) -> (String, String) {
        let document = self.json();
        let kind = document["type"].as_str().unwrap_or_default();
        let slug = kind.rsplit('/').next().unwrap_or_default().to_owned();
        (slug, document["outcome"].as_str().unwrap_or_default().to_owned())
    }
}

/// Percent-encodes every byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "%{byte:02X}").expect("writing to a string can't fail");
    }
    text
}
