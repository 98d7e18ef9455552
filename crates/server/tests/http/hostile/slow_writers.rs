//! Bodies that come slowly or not at all.

use std::time::Duration;

use stator_server::{ConnectionLimits, HttpConfig};
use tokio::io::AsyncWriteExt;

use super::PATIENCE;
use crate::client::{Door, read_all};
use crate::fake::Fake;

fn head(length: usize) -> Vec<u8> {
    format!("PUT /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n").into()
}

fn impatient() -> ConnectionLimits {
    ConnectionLimits { body: Duration::from_millis(200), ..ConnectionLimits::default() }
}

#[tokio::test]
async fn a_body_that_stops_coming_is_refused_and_writes_nothing() {
    let fake = Fake::new();
    let door = Door::with(fake.clone(), HttpConfig::default(), impatient()).await;
    for (path, body) in [("/v1/kv/b/k", "half"), ("/v1/batch", "[{\"op\":")] {
        let mut stream = door.connect().await;
        let method = if path == "/v1/batch" { "POST" } else { "PUT" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: 100\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.expect("it is taken");
        let answer = tokio::time::timeout(PATIENCE, read_all(&mut stream)).await.expect("in time");
        assert_eq!((answer.status, answer.slug().as_str()), (408, "body-timeout"));
        assert_eq!(answer.outcome().as_deref(), Some("refused"));
    }
    assert!(fake.operations().is_empty());
}

/// A byte now and then keeps a body coming, and a request open for hours.
#[tokio::test]
async fn a_body_that_drips_is_refused() {
    let fake = Fake::new();
    let door = Door::with(fake.clone(), HttpConfig::default(), impatient()).await;
    let (mut reader, mut writer) = door.connect().await.into_split();
    writer.write_all(&head(1_000_000)).await.expect("it is taken");
    let dripping = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut status = [0; 12];
    let read = tokio::io::AsyncReadExt::read_exact(&mut reader, &mut status);
    tokio::time::timeout(PATIENCE, read).await.expect("in time").expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 408");
    drop(reader);
    dripping.await.expect("the connection ends");
    assert!(fake.operations().is_empty());
}

/// An announced length costs its sender nothing, so it must cost others nothing.
#[tokio::test]
async fn announced_bodies_take_no_memory_from_others() {
    let config = HttpConfig { memory_bytes: 1024 * 1024, ..HttpConfig::default() };
    let fake = Fake::new();
    let door = Door::with(fake.clone(), config, ConnectionLimits::default()).await;
    let mut announced = Vec::new();
    for _ in 0..50 {
        let mut stream = door.connect().await;
        stream.write_all(&head(1024 * 1024)).await.expect("it is taken");
        stream.write_all(b"the first few bytes").await.expect("it is taken");
        announced.push(stream);
    }
    let answer = door.put("/v1/kv/b/other", &vec![7; 900 * 1024]).await;
    assert_eq!(answer.status, 204);
    assert_eq!(fake.operations().len(), 1);
    drop(announced);
}

#[tokio::test]
async fn bodies_that_come_hold_a_bounded_part_of_the_memory() {
    let config = HttpConfig { memory_bytes: 1024 * 1024, ..HttpConfig::default() };
    let fake = Fake::new();
    let door = Door::with(fake.clone(), config, ConnectionLimits::default()).await;
    let mut holding = door.connect().await;
    holding.write_all(&head(1024 * 1024)).await.expect("it is taken");
    holding.write_all(&vec![7; 900 * 1024]).await.expect("it is taken");
    // All of it is read before the next request is refused for the want of its room.
    let refused = async {
        loop {
            let answer = door.put("/v1/kv/b/other", &vec![7; 200 * 1024]).await;
            if answer.status != 204 {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, refused).await.expect("it fills up");
    assert_eq!((answer.status, answer.slug().as_str()), (503, "overloaded"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.outcome().as_deref(), Some("refused"));
    drop(holding);
    let again = async { while door.put("/v1/kv/b/k", &vec![7; 900 * 1024]).await.status != 204 {} };
    tokio::time::timeout(PATIENCE, again).await.expect("the room comes back");
}
