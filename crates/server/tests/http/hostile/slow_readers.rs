//! Readers that take nothing of their answers, or take it slowly.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use stator_server::{ConnectionLimits, HttpConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::{PATIENCE, read_to_close};
use crate::client::Door;
use crate::fake::{Fake, state, value};

/// More than the buffers of both sockets take.
const LARGE: usize = 16 * 1024 * 1024;

const GET: &[u8] = b"GET /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A door to a large object, with room for two and a half of it.
async fn door(reader: Duration) -> Door {
    let fake = Fake::having(state([value(&vec![7; LARGE])]));
    let config = HttpConfig { memory_bytes: LARGE * 5 / 2, ..HttpConfig::default() };
    let limits = ConnectionLimits { reader, ..ConnectionLimits::default() };
    Door::with(fake, config, limits).await
}

/// A connection that takes little at a time.
async fn narrow(door: &Door) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("a small buffer");
    socket.connect(door.address).await.expect("the door listens")
}

/// Asks for the object and takes the beginning of the answer.
async fn begun(door: &Door) -> TcpStream {
    let mut stream = narrow(door).await;
    stream.write_all(GET).await.expect("it is taken");
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.expect("it is answered");
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

#[tokio::test]
async fn a_reader_that_takes_some_all_the_while_is_not() {
    let door = door(Duration::from_secs(2)).await;
    let mut stream = begun(&door).await;
    let mut read = 0;
    let mut piece = vec![0; 512 * 1024];
    // Longer than the door waits for a reader that takes nothing.
    for _ in 0..28 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.read_exact(&mut piece).await.expect("it goes on");
        read += piece.len();
    }
    while read < LARGE {
        read += stream.read(&mut piece).await.expect("it goes on");
    }
}

#[tokio::test]
async fn answers_that_nobody_takes_hold_memory_until_their_readers_are_cut_off() {
    // Long beside what the three requests take, also where much else goes on.
    let door = door(Duration::from_secs(3)).await;
    let (mut first, mut second) = (begun(&door).await, begun(&door).await);
    let refused = door.get("/v1/kv/b/k").await;
    assert_eq!((refused.status, refused.slug().as_str()), (503, "overloaded"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.outcome(), None, "a read has none");
    assert_eq!(door.get("/livez").await.status, 200);
    let again = async { while door.get("/v1/kv/b/k").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, again).await.expect("the room comes back");
    for stream in [&mut first, &mut second] {
        assert!(read_to_close(stream).await < LARGE, "it was cut off");
    }
}

#[tokio::test]
async fn a_stalled_answer_of_http2_is_found_on_a_busy_connection() {
    let door = Arc::new(door(Duration::from_millis(800)).await);
    for window in [0, 65_535] {
        let io = TokioIo::new(door.connect().await);
        let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window);
        let (mut client, connection) = builder.handshake(io).await.expect("HTTP/2");
        let mut connection = tokio::spawn(connection);
        let request = |path: &str| {
            let target = format!("http://{}{path}", door.address);
            http::Request::get(target).body(Empty::<Bytes>::new()).expect("a request")
        };
        // Nobody reads its body.
        let stalled = client.send_request(request("/v1/kv/b/k")).await.expect("an answer");
        assert_eq!(stalled.status(), 200);
        let busy = async {
            // Small answers come and go meanwhile, if their window lets them.
            loop {
                let head = http::Request::head(format!("http://{}/livez", door.address));
                let request = head.body(Empty::<Bytes>::new()).expect("a request");
                let Ok(answer) = client.send_request(request).await else { return };
                let _ = answer.into_body().collect().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, busy).await.expect("the connection is ended");
        let _ = tokio::time::timeout(PATIENCE, &mut connection).await.expect("it is ended");
        drop(stalled);
    }
    assert_eq!(door.get("/v1/kv/b/k").await.body.len(), LARGE);
}
