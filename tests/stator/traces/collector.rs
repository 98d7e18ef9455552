//! A collector that only takes spans in: OTLP over HTTP/1.1, as protobuf.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;

/// What it was told of one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The node's label.
    pub(super) node: String,
    pub(super) title: String,
    pub(super) trace: Vec<u8>,
    pub(super) span: Vec<u8>,
    /// Empty for none.
    pub(super) parent: Vec<u8>,
    pub(super) links: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) began: u64,
    pub(super) ended: u64,
    pub(super) failure: Option<String>,
    attributes: BTreeMap<String, String>,
}

impl Told {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// A collector, which takes spans for as long as the process runs.
pub(super) struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Told>>>,
}

impl Collector {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let spans: Arc<Mutex<Vec<Told>>> = Arc::default();
        let taken = Arc::clone(&spans);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let spans = Arc::clone(&taken);
                std::thread::spawn(move || serve(stream, &spans));
            }
        });
        Self { address, spans }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans so far.
    pub(super) fn spans(&self) -> Vec<Told> {
        self.spans.lock().expect("nobody panics with it").clone()
    }
}

/// Reads requests until the node hangs up.
fn serve(stream: TcpStream, spans: &Mutex<Vec<Told>>) {
    let mut answers = stream.try_clone().expect("a socket can be shared");
    let mut requests = BufReader::new(stream);
    while let Some((head, body)) = request(&mut requests) {
        let mut status = "400 Bad Request";
        if head[0] == "post /v1/traces http/1.1"
            && head.iter().any(|line| line == "content-type: application/x-protobuf")
            && let Ok(message) = ExportTraceServiceRequest::decode(body.as_slice())
        {
            let told = message.resource_spans.into_iter().flat_map(told);
            spans.lock().expect("nobody panics with it").extend(told);
            status = "200 OK";
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The lines of a request's head in lower case, and its body.
fn request(stream: &mut impl BufRead) -> Option<(Vec<String>, Vec<u8>)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn told(of_node: ResourceSpans) -> Vec<Told> {
    let resource = attributes(of_node.resource.unwrap_or_default().attributes);
    assert_eq!(resource["service.name"], "stator");
    let node = &resource["service.instance.id"];
    let spans = of_node.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans.map(|span| one(node, span)).collect()
}

fn one(node: &str, span: Span) -> Told {
    Told {
        node: node.to_owned(),
        title: span.name,
        trace: span.trace_id,
        span: span.span_id,
        parent: span.parent_span_id,
        links: span.links.into_iter().map(|link| (link.trace_id, link.span_id)).collect(),
        began: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
        failure: span.status.filter(|status| status.code == 2).map(|status| status.message),
        attributes: attributes(span.attributes),
    }
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("neither text nor a number: {other:?}"),
    }
}
