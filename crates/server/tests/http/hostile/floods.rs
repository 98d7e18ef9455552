//! Heads that are too long, too many, or never end.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use stator_server::{ConnectionLimits, HttpConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{PATIENCE, read_to_close, statuses, told};
use crate::client::Door;
use crate::fake::Fake;

#[tokio::test]
async fn too_many_headers_are_refused() {
    let door = Door::open(Fake::new()).await;
    for count in [101, 10_000] {
        let headers: Vec<_> = (0..count).map(|number| format!("X-{number}: y\r\n")).collect();
        let headers = headers.concat();
        let head = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        let told = told(&door, head.as_bytes()).await;
        assert_eq!(statuses(&told), [431], "{count}: {told}");
    }
    assert_eq!(door.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_head_above_the_limit_is_refused() {
    let door = Door::open(Fake::new()).await;
    for length in [200_000, 4_000_000] {
        let long = "x".repeat(length);
        let head = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n");
        let told = told(&door, head.as_bytes()).await;
        assert_eq!(statuses(&told), [431], "{length}: {told}");
    }
    assert_eq!(door.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_target_that_never_ends_is_refused() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let (mut reader, mut writer) = door.connect().await.into_split();
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        writer.write_all(b"GET /v1/kv/b/").await?;
        loop {
            writer.write_all(&[b'k'; 16 * 1024]).await?;
            sent += 16 * 1024;
            assert!(sent < 1 << 30, "the door reads for ever");
        }
        #[expect(unreachable_code, reason = "says what the block's errors are")]
        Ok::<(), std::io::Error>(())
    });
    let mut told = vec![0; 12];
    let read = reader.read_exact(&mut told);
    tokio::time::timeout(PATIENCE, read).await.expect("in time").expect("an answer");
    assert_eq!(told, b"HTTP/1.1 414");
    let ended = tokio::time::timeout(PATIENCE, sending).await.expect("it is stopped");
    assert!(ended.expect("it ends").is_err(), "the connection is closed");
    assert!(fake.operations().is_empty());
}

/// Many long first lines at once: past the memory that is meant for them the next one is told that
/// there is no room, and short requests go on.
#[tokio::test]
async fn long_lines_hold_a_bounded_part_of_the_memory() {
    let config = HttpConfig { memory_bytes: 2 * 1024 * 1024, ..HttpConfig::default() };
    let door = Door::with(Fake::new(), config, ConnectionLimits::default()).await;
    let long = [&b"GET /v1/kv/b/"[..], &vec![b'k'; 150_000]].concat();
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = door.connect().await;
        stream.write_all(&long).await.expect("it is taken or refused");
        streams.push(stream);
    }
    let mut answers: FuturesUnordered<_> = streams
        .into_iter()
        .map(|mut stream| async move {
            let mut status = [0; 12];
            stream.read_exact(&mut status).await.map(|_| status)
        })
        .collect();
    for _ in 0..5 {
        let answer = tokio::time::timeout(PATIENCE, answers.next()).await.expect("in time");
        assert_eq!(&answer.expect("one more").expect("an answer"), b"HTTP/1.1 503");
    }
    assert_eq!(door.get("/v1/kv/b/short").await.status, 404, "others are served");
}

#[tokio::test]
async fn headers_of_http2_are_bounded_too() {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let door = Door::open(Fake::new()).await;
    let io = TokioIo::new(door.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = |length: usize| {
        http::Request::get(format!("http://{}/livez", door.address))
            .header("x", "x".repeat(length))
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .expect("a request")
    };
    assert_eq!(client.send_request(request(100)).await.expect("an answer").status(), 200);
    match client.send_request(request(200_000)).await {
        Ok(answer) => assert_eq!(answer.status(), 431),
        Err(error) => assert!(!error.is_timeout(), "{error}"),
    }
    assert_eq!(door.get("/livez").await.status, 200);
    let mut stream = door.connect().await;
    // Frames that are none behind the preface.
    let garbage = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0xff; 4096]].concat();
    stream.write_all(&garbage).await.expect("it is taken");
    read_to_close(&mut stream).await;
}
