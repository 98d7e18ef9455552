//! Bad input: each piece gets its answer, nothing is written, the node goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::harness::{Answer, Cluster, Node, Request, encode, stdout};

const SEEDED: &str = "/v1/kv/bucket/seeded";

struct Case {
    what: &'static str,
    request: Request,
    status: u16,
    slug: &'static str,
}

fn case(what: &'static str, request: Request, status: u16, slug: &'static str) -> Case {
    Case { what, request, status, slug }
}

fn put(target: &str) -> Request {
    Request::put(target, "bad")
}

/// The context of the seeded object with something done to it.
fn contexts(seeded: &Answer) -> Vec<Case> {
    let context = seeded.header("stator-context").expect("a context");
    let middle = context.len() / 2;
    let letter = if &context[middle..=middle] == "A" { "B" } else { "A" };
    let flipped = format!("{}{letter}{}", &context[..middle], &context[middle + 1..]);
    let with = |what, target: &str, context: &str| {
        case(what, put(target).header("Stator-Context", context), 400, "context-invalid")
    };
    vec![
        with("a context that is none", SEEDED, "forged"),
        with("a context that is no base64url", SEEDED, "%%%"),
        with("a context with one letter changed", SEEDED, &flipped),
        with("a context cut short", SEEDED, &context[..middle]),
        with("a context with more behind it", SEEDED, &format!("{context}AAAA")),
        with("another key's context", "/v1/kv/bucket/other", &context),
        with("another bucket's context", "/v1/kv/other/seeded", &context),
    ]
}

fn names() -> Vec<Case> {
    let long_bucket = "b".repeat(1025);
    let long_key = "k".repeat(64 * 1024 + 1);
    let long_odd_key = encode(&vec![0xff; 64 * 1024 + 1]);
    vec![
        case("an empty key", put("/v1/kv/bucket/"), 400, "key-empty"),
        case("an empty bucket", put("/v1/kv//key"), 400, "bucket-empty"),
        case("a long bucket", put(&format!("/v1/kv/{long_bucket}/k")), 413, "bucket-too-large"),
        case("a long key", put(&format!("/v1/kv/bucket/{long_key}")), 413, "key-too-large"),
        case(
            "a long key, escaped",
            put(&format!("/v1/kv/bucket/{long_odd_key}")),
            413,
            "key-too-large",
        ),
        case("an escape that is none", put("/v1/kv/bucket/%zz"), 400, "path-malformed"),
        case("half an escape", put("/v1/kv/bucket/100%"), 400, "path-malformed"),
    ]
}

fn queries() -> Vec<Case> {
    let to = |query: &str| put(&format!("/v1/kv/bucket/new?{query}"));
    vec![
        case("w above n", to("w=4"), 422, "impossible-quorum"),
        case("no w at all", to("w=0"), 422, "impossible-quorum"),
        case("pw above w", to("w=1&pw=2"), 422, "impossible-quorum"),
        case("a w that is no number", to("w=many"), 400, "query-invalid"),
        case("an unknown word", to("wait=3"), 400, "query-unknown"),
        case("an unknown mode", to("quorum=loose"), 400, "query-invalid"),
        case("a timeout above the longest", to("timeout=10001"), 400, "query-invalid"),
    ]
}

fn bodies() -> Vec<Case> {
    let large = Request::put("/v1/kv/bucket/large", vec![0; (8 << 20) + 1]);
    let ttl = put("/v1/kv/bucket/ttl").header("Stator-TTL", "soon");
    let property = Request::put("/v1/buckets/bucket", r#"{"colour":"red"}"#);
    let property = property.header("Content-Type", "application/json");
    let foreign = put("/v1/kv/bucket/page").header("Origin", "http://evil.example");
    vec![
        case("an object above the limit", large, 413, "object-too-large"),
        case("a time to live that is no number", ttl, 400, "ttl-invalid"),
        case("an unknown property", property, 400, "property-unknown"),
        case("a page from elsewhere", foreign, 403, "foreign-origin"),
    ]
}

#[test]
fn each_bad_request_is_answered_and_writes_nothing() {
    let cluster = Cluster::three();
    let [n1, n2, _] = &cluster.nodes[..] else { panic!("three nodes") };
    assert_eq!(n1.send(&Request::put(SEEDED, "good")).status, 204);
    let seeded = n1.send(&Request::get(SEEDED));

    let cases = [contexts(&seeded), names(), queries(), bodies()].into_iter().flatten();
    let mut seen = 0;
    for bad in cases {
        let answer = n1.send(&bad.request);
        assert_eq!(answer.status, bad.status, "{}: {answer:?}", bad.what);
        let kind = answer.header("content-type").expect("a type");
        assert_eq!(kind, "application/problem+json", "{}", bad.what);
        let (slug, outcome) = answer.problem();
        assert_eq!((slug.as_str(), outcome.as_str()), (bad.slug, "refused"), "{}", bad.what);
        let document = answer.json();
        assert!(document["detail"].as_str().is_some_and(|text| text.len() > 10), "{}", bad.what);
        seen += 1;
    }
    assert!(seen >= 20, "{seen} cases");
    cut_off(n1);
    garbage_for_peers(n1);
    unchanged(n1, n2);
}

/// A body that ends before its length, and a head that never ends.
fn cut_off(node: &Node) {
    let mut socket = TcpStream::connect(&node.http).expect("it listens");
    let head = "PUT /v1/kv/bucket/half HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n";
    socket.write_all(head.as_bytes()).expect("it reads");
    socket.write_all(&[b'x'; 50]).expect("it reads");
    socket.shutdown(Shutdown::Write).expect("it is open");
    read_to_close(&mut socket);

    let mut socket = TcpStream::connect(&node.http).expect("it listens");
    socket.write_all(b"PUT /v1/kv/bucket/head HTTP/1.1\r\nHost:").expect("it reads");
    drop(socket);

    let mut socket = TcpStream::connect(&node.http).expect("it listens");
    socket.write_all(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n").expect("it reads");
    read_to_close(&mut socket);
}

/// On the port for peers: text, a frame of the largest length, half a frame, nothing at all.
fn garbage_for_peers(node: &Node) {
    let (half, large) = ([0, 48, 1, 2, 3], vec![0xff; 70_000]);
    let pieces: [&[u8]; 4] = [b"GET / HTTP/1.1\r\n\r\n", &large, &half, b""];
    for piece in pieces {
        let mut socket = TcpStream::connect(&node.peer).expect("it listens");
        // It may close before it has read all of it.
        let _ = socket.write_all(piece);
        let _ = socket.shutdown(Shutdown::Write);
        read_to_close(&mut socket);
    }
}

/// The node must let go of the connection by itself.
fn read_to_close(socket: &mut TcpStream) {
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("not zero");
    let mut rest = Vec::new();
    if let Err(error) = socket.read_to_end(&mut rest) {
        let is_timeout =
            matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
        assert!(!is_timeout, "the node held on to a connection of garbage");
    }
}

fn unchanged(n1: &Node, n2: &Node) {
    for node in [n1, n2] {
        assert_eq!(node.send(&Request::get(SEEDED)).body, b"good");
        let keys = node.cli(&["keys", "bucket", "--include", "live,tombstone,conflict"]);
        assert_eq!(stdout(&keys), "seeded\n");
        assert_eq!(stdout(&node.cli(&["keys", "other"])), "");
        assert_eq!(node.send(&Request::get("/readyz")).status, 200);
    }
}
