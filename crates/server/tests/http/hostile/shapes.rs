//! Requests that two readers may take apart in two ways. What stands behind one of them must never
//! be read as a request of its own: whoever is in front of the node took it for something else.

use stator_core::request::Operation;
use stator_server::{ConnectionLimits, HttpConfig};

use super::{statuses, told};
use crate::client::Door;
use crate::fake::Fake;

const VICTIM: &str = "DELETE /v1/kv/b/victim HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn put(headers: &str, body: &str) -> String {
    format!("PUT /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}")
}

/// Sends a request with the victim's deletion behind it. Returns the statuses that were told.
async fn smuggle(request: &str) -> Vec<u16> {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let told = told(&door, format!("{request}{VICTIM}").as_bytes()).await;
    let deleted = fake.operations().iter().any(|it| matches!(it, Operation::Delete { .. }));
    assert!(!deleted, "what was smuggled was carried out: {request:?}\n{told}");
    let statuses = statuses(&told);
    assert!(statuses.len() <= 1, "more than one answer: {request:?}\n{told}");
    assert_eq!(door.get("/livez").await.status, 200, "others are served");
    statuses
}

#[tokio::test]
async fn a_length_beside_chunks_ends_the_connection_behind_them() {
    for headers in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        let statuses = smuggle(&put(headers, "0\r\n\r\n")).await;
        assert!(statuses == [204] || statuses == [400], "{headers}: {statuses:?}");
    }
}

#[tokio::test]
async fn a_length_that_is_not_clear_is_refused() {
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 18446744073709551615\r\n",
    ] {
        let statuses = smuggle(&put(headers, "01234")).await;
        assert!([400, 413, 431].contains(&statuses[0]), "{headers}: {statuses:?}");
    }
}

#[tokio::test]
async fn a_coding_that_is_not_clear_is_refused_or_ends_the_connection() {
    for coding in [
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: y\r\n\tTransfer-Encoding: chunked\r\n",
    ] {
        for length in ["", "Content-Length: 5\r\n"] {
            let statuses = smuggle(&put(&format!("{coding}{length}"), "0\r\n\r\n")).await;
            assert_eq!(statuses, [400], "{coding}{length}");
        }
    }
    let old = put("Transfer-Encoding: chunked\r\n", "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(smuggle(&old).await, [400]);
}

#[tokio::test]
async fn a_chunk_that_is_not_clear_writes_nothing() {
    for chunks in [
        "z\r\nv\r\n0\r\n\r\n",
        "-1\r\nv\r\n0\r\n\r\n",
        "0x1\r\nv\r\n0\r\n\r\n",
        "+1\r\nv\r\n0\r\n\r\n",
        "\r\nv\r\n0\r\n\r\n",
        "1\r\nvv\r\n0\r\n\r\n",
        "1\nv\r\n0\r\n\r\n",
        "1\r\nv0\r\n\r\n",
        "1;a=\nb\r\nv\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nv\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nv\r\n0\r\n\r\n",
        "1 1\r\nv\r\n0\r\n\r\n",
    ] {
        let fake = Fake::new();
        // Chunks that announce more than comes are waited for.
        let body = std::time::Duration::from_millis(200);
        let limits = ConnectionLimits { body, ..ConnectionLimits::default() };
        let door = Door::with(fake.clone(), HttpConfig::default(), limits).await;
        let request = put("Transfer-Encoding: chunked\r\n", chunks);
        let told = told(&door, format!("{request}{VICTIM}").as_bytes()).await;
        assert!(fake.operations().is_empty(), "{chunks:?}\n{told}");
        let statuses = statuses(&told);
        assert!([400, 408, 413].contains(&statuses[0]), "{chunks:?}: {statuses:?}");
        assert_eq!(door.get("/livez").await.status, 200);
    }
}

#[tokio::test]
async fn names_and_values_that_are_none_are_refused() {
    for headers in [
        "X: a\r\n b\r\n",
        "X: a\0b\r\n",
        "X\0: a\r\n",
        "X: a\rContent-Length: 5\r\n",
        "X y: a\r\n",
        ": a\r\n",
        "no colon\r\n",
        "\u{1}: a\r\n",
    ] {
        let statuses = smuggle(&put(headers, "")).await;
        assert_eq!(statuses, [400], "{headers:?}");
    }
}

/// A line may end without a carriage return (RFC 9112, 2.2): such a request is one request, and the
/// body that its headers give it is its own.
#[tokio::test]
async fn bare_line_feeds_make_no_second_request() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let request = put("Content-Length: 5\r\nConnection: close\r\n", "01234").replace("\r\n", "\n");
    let told = told(&door, format!("{request}{VICTIM}").as_bytes()).await;
    assert_eq!(statuses(&told).len(), 1, "{told}");
    for operation in fake.operations() {
        let Operation::Put(put) = operation else { panic!("{operation:?}") };
        let stator_core::object::Content::Value(value) = put.value else { panic!("a value") };
        assert_eq!(value.bytes, &b"01234"[..]);
    }
}
