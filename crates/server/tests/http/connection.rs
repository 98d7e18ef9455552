//! Connections: how long a target may be, how many there may be, and how they end.

use std::time::Duration;

use stator_core::object::Key;
use stator_core::request::Operation;
use stator_server::{ConnectionLimits, HttpConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Answer, Door, find, read_all};
use crate::fake::Fake;

#[tokio::test]
async fn the_longest_key_can_be_written_whether_escaped_or_not() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    for raw in ["k".repeat(Key::MAX_LEN), "%FE".repeat(Key::MAX_LEN)] {
        let answer = door.put(&format!("/v1/kv/b/{raw}?w=2"), b"value").await;
        assert_eq!(answer.status, 204);
    }
    let written: Vec<_> = fake
        .operations()
        .into_iter()
        .map(|operation| match operation {
            Operation::Put(order) => order,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(written[0].key.key().as_bytes().iter().all(|&byte| byte == b'k'));
    assert!(written[1].key.key().as_bytes().iter().all(|&byte| byte == 0xfe));
    for order in written {
        assert_eq!(order.key.key().as_bytes().len(), Key::MAX_LEN);
        assert!(order.quorum.w.is_some(), "the query behind the key counts");
        let stator_core::object::Content::Value(value) = order.value else { panic!("a value") };
        assert_eq!(value.bytes, &b"value"[..]);
    }
}

#[tokio::test]
async fn a_target_longer_than_any_key_is_refused() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let answer = door.put(&format!("/v1/kv/b/{}", "k".repeat(400_000)), b"v").await;
    assert_eq!(answer.status, 414);
    assert!(fake.operations().is_empty());
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let mut stream = door.connect().await;
    let put = b"PUT /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv";
    let last = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(&[&put[..], put, last].concat()).await.expect("they are taken");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("they are answered");
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(text.matches("HTTP/1.1 204").count(), 2, "{text}");
    assert_eq!(text.matches("HTTP/1.1 200").count(), 1, "{text}");
    assert_eq!(fake.operations().len(), 2);
}

#[tokio::test]
async fn a_connection_above_the_limit_is_told_and_closed() {
    let limits = ConnectionLimits { connections: 2, ..ConnectionLimits::default() };
    let door = Door::with(Fake::new(), HttpConfig::default(), limits).await;
    let first = served(&door).await;
    let second = served(&door).await;
    let mut third = door.connect().await;
    let refused = read_all(&mut third).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    drop(first);
    // The door learns of the close by itself; until then it goes on refusing.
    let again = async { while door.get("/livez").await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(20), again).await.expect("there is room again");
    drop(second);
}

/// A connection that was served once and is kept open.
async fn served(door: &Door) -> TcpStream {
    let mut stream = door.connect().await;
    let request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("it is taken");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("it is answered");
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let head = Duration::from_millis(50);
    let limits = ConnectionLimits { head, ..ConnectionLimits::default() };
    let door = Door::with(Fake::new(), HttpConfig::default(), limits).await;
    for half in ["", "PRI * HT", "GET /livez HTTP/1.1\r\nHost: loc", "GET /livez"] {
        let mut stream = door.connect().await;
        stream.write_all(half.as_bytes()).await.expect("it is taken");
        let mut bytes = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes));
        closed.await.expect("the door closes it").ok();
    }
}

#[tokio::test]
async fn a_closing_door_lets_requests_end_and_takes_no_more() {
    let fake = Fake::new();
    let mut door = Door::open(fake.clone()).await;
    let mut stream = door.connect().await;
    let head = b"PUT /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nha";
    stream.write_all(head).await.expect("it is taken");
    // Another request on the same thread of connections shows that the first was taken up.
    assert_eq!(door.get("/livez").await.status, 200);
    drop(door.stop.take());
    while TcpStream::connect(door.address).await.is_ok() {}
    stream.write_all(b"lf").await.expect("it is taken");
    let answer: Answer = read_all(&mut stream).await;
    assert_eq!((answer.status, fake.operations().len()), (204, 1));
    door.served.await.expect("it ended").expect("it served");
}

#[tokio::test]
async fn a_closing_door_does_not_wait_for_who_asks_nothing() {
    let limits = ConnectionLimits { drain: Duration::from_mins(10), ..Default::default() };
    let mut door = Door::with(Fake::new(), HttpConfig::default(), limits).await;
    let _silent = door.connect().await;
    let _idle = served(&door).await;
    drop(door.stop.take());
    let ended = tokio::time::timeout(Duration::from_secs(20), door.served).await;
    ended.expect("it does not wait").expect("it ended").expect("it served");
}

#[tokio::test]
async fn a_connection_is_kept_for_whoever_does_not_close_it() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let mut stream = door.connect().await;
    // One after another, each answered before the next is sent: written, refused, absent.
    for (request, status) in [
        ("PUT /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv", "204"),
        ("PUT /v1/kv/b/k?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv", "400"),
        ("GET /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
        ("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "200"),
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\n\r\n", "200"),
    ] {
        stream.write_all(request.as_bytes()).await.expect("it is open");
        let answer = one_answer(&mut stream, request.starts_with("HEAD")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}\n{answer}");
        assert!(!answer.to_lowercase().contains("connection: close"), "{answer}");
    }
    for last in ["HTTP/1.1\r\nConnection: close\r\n", "HTTP/1.0\r\n"] {
        let mut stream = door.connect().await;
        let request = format!("GET /livez {last}Host: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it is open");
        let closed = tokio::time::timeout(Duration::from_secs(20), read_all(&mut stream));
        assert_eq!(closed.await.expect("it is closed").status, 200);
    }
}

/// Reads one answer off a connection that stays open.
async fn one_answer(stream: &mut TcpStream, is_head: bool) -> String {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if is_head || bytes.len() == end + 4 + length {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        let read = stream.read_buf(&mut bytes);
        let read = tokio::time::timeout(Duration::from_secs(20), read).await.expect("in time");
        assert_ne!(read.expect("it is open"), 0, "it is closed");
    }
}

#[tokio::test]
async fn http2_carries_many_requests_side_by_side() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let large: Vec<u8> = (0..3_000_000_u32).map(|byte| byte as u8).collect();
    let fake = Fake::having(crate::fake::state([crate::fake::value(&large)]));
    let door = Door::open(fake.clone()).await;
    let io = TokioIo::new(door.connect().await);
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let gets = (0..20).map(|number| {
        let mut client = client.clone();
        let request = http::Request::get(format!("http://{}/v1/kv/b/{number}", door.address))
            .body(Full::new(bytes::Bytes::new()))
            .expect("a request");
        async move {
            let answer = client.send_request(request).await.expect("an answer");
            assert_eq!(answer.status(), 200);
            answer.into_body().collect().await.expect("a body").to_bytes()
        }
    });
    let bodies = tokio::time::timeout(Duration::from_mins(1), futures_util::future::join_all(gets));
    for body in bodies.await.expect("in time") {
        assert!(body == large, "each has the whole value");
    }
    assert_eq!(fake.operations().len(), 20);
}

#[tokio::test]
async fn http2_is_spoken_with_prior_knowledge() {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let io = TokioIo::new(door.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let request = http::Request::put(format!("http://{}/v1/kv/b/k", door.address))
        .body(http_body_util::Full::new(bytes::Bytes::from_static(b"v")))
        .expect("a request");
    let response = client.send_request(request).await.expect("an answer");
    assert_eq!((response.status().as_u16(), fake.operations().len()), (204, 1));
    let foreign = http::Request::get("http://evil.example/v1/kv/b/k")
        .body(http_body_util::Full::default())
        .expect("a request");
    let response = client.send_request(foreign).await.expect("an answer");
    assert_eq!(response.status().as_u16(), 403);
    drop(client);
    let _ = connection.await;
}
