//! What must be refused: each with its status, its kind and its outcome, and with nothing written.

use stator_server::{ConnectionLimits, HttpConfig};
use tokio::io::AsyncWriteExt;

use crate::client::{Door, read_all};
use crate::fake::{Fake, SEALED};

struct Bad {
    line: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    slug: &'static str,
}

fn bad(line: &str, status: u16, slug: &'static str) -> Bad {
    Bad { line: line.to_owned(), headers: Vec::new(), body: b"v".to_vec(), status, slug }
}

fn with(name: &'static str, value: &str, status: u16, slug: &'static str) -> Bad {
    let headers = vec![(name, value.to_owned())];
    Bad { headers, ..bad("PUT /v1/kv/b/k", status, slug) }
}

fn bad_puts() -> Vec<Bad> {
    let long = |length: usize| "k".repeat(length);
    let mut all = vec![
        bad("PUT /v1/kv/b/", 400, "key-empty"),
        bad("PUT /v1/kv//k", 400, "bucket-empty"),
        bad("PUT /v1/kv/", 400, "bucket-empty"),
        bad("PUT /v1/kv/b/%", 400, "path-malformed"),
        bad("PUT /v1/kv/b/%4", 400, "path-malformed"),
        bad("PUT /v1/kv/b/a%zzb", 400, "path-malformed"),
        bad("PUT /v1/kv/%GG/k", 400, "path-malformed"),
        bad(&format!("PUT /v1/kv/{}/k", long(1025)), 413, "bucket-too-large"),
        bad(&format!("PUT /v1/kv/b/{}", long(65_537)), 413, "key-too-large"),
        bad(&format!("PUT /v1/kv/b/{}", "%41".repeat(65_537)), 413, "key-too-large"),
        bad("PUT /v1/kv/b/k?W=1", 400, "query-unknown"),
        bad("PUT /v1/kv/b/k?w=1&limit=2", 400, "query-unknown"),
        bad("PUT /v1/kv/b/k?w=1&w=2", 400, "query-invalid"),
        bad("PUT /v1/kv/b/k?w=two", 400, "query-invalid"),
        bad("PUT /v1/kv/b/k?w=", 400, "query-invalid"),
        bad("PUT /v1/kv/b/k?w=-1", 400, "query-invalid"),
        bad("PUT /v1/kv/b/k?w=%2", 400, "query-invalid"),
        bad("PUT /v1/kv/b/k?w=300", 422, "impossible-quorum"),
        bad("PUT /v1/kv/b/k?quorum=maybe", 400, "query-invalid"),
        bad("PUT /v1/kv/b/k?timeout=soon", 400, "query-invalid"),
        bad("PUT /v1/kv/b/k?timeout=0", 400, "query-invalid"),
        bad("PUT /v1/kv/b/k?timeout=10001", 400, "query-invalid"),
        bad("PUT /v1/kv/b", 405, "method-not-allowed"),
        bad("POST /v1/kv/b/k", 405, "method-not-allowed"),
        bad("PATCH /v1/kv/b/k", 405, "method-not-allowed"),
        bad("PUT /v2/kv/b/k", 404, "no-such-path"),
        bad("PUT /", 404, "no-such-path"),
        with("Stator-Context", "not base64!", 400, "context-invalid"),
        with("Stator-Context", "", 400, "context-invalid"),
        with("Stator-Context", "A", 400, "context-invalid"),
        with("Stator-TTL", "soon", 400, "ttl-invalid"),
        with("Stator-TTL", "0", 400, "ttl-invalid"),
        with("Stator-TTL", "-5", 400, "ttl-invalid"),
        with("Stator-TTL", "+5", 400, "ttl-invalid"),
        with("Stator-TTL", "1.5", 400, "ttl-invalid"),
        with("Stator-TTL", "18446744073709551616", 400, "ttl-invalid"),
        with("Stator-Meta-", "nameless", 400, "metadata-invalid"),
        with("Stator-Meta-Big", &long(16 * 1024), 431, "metadata-too-large"),
        with("Content-Type", &long(16 * 1024 + 1), 431, "metadata-too-large"),
        with("Content-Encoding", "gzip", 415, "coding-unsupported"),
        with("If-Match", "\"x\"", 501, "not-built"),
        with("If-None-Match", "*", 501, "not-built"),
        with("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", 501, "not-built"),
        with("Content-Range", "bytes 0-0/2", 501, "not-built"),
    ];
    for doubled in ["Stator-Context", "Stator-TTL", "Content-Type"] {
        let slug = match doubled {
            "Stator-Context" => "context-invalid",
            "Stator-TTL" => "ttl-invalid",
            _ => "metadata-invalid",
        };
        let mut twice = with(doubled, SEALED, 400, slug);
        twice.headers.push((doubled, SEALED.to_owned()));
        all.push(twice);
    }
    all
}

#[tokio::test]
async fn a_bad_put_is_refused_and_writes_nothing() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    for case in bad_puts() {
        let shown = format!("{:.80} {:.80?}", case.line, case.headers);
        let headers: Vec<_> =
            case.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = door.send(&case.line, &headers, &case.body).await;
        assert_eq!((answer.status, answer.slug().as_str()), (case.status, case.slug), "{shown}");
        assert_eq!(answer.outcome().as_deref(), Some("refused"), "{shown}");
        assert!(answer.detail().len() > 10, "{shown}");
        assert!(fake.operations().is_empty() && fake.orders().is_empty(), "{shown}");
    }
}

#[tokio::test]
async fn a_bad_delete_is_refused_and_deletes_nothing() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    for (line, header, status, slug) in [
        ("DELETE /v1/kv/b/", None, 400, "key-empty"),
        ("DELETE /v1/kv/b", None, 405, "method-not-allowed"),
        ("DELETE /v1/kv/b/k?w=x", None, 400, "query-invalid"),
        ("DELETE /v1/kv/b/k?x=1", None, 400, "query-unknown"),
        ("DELETE /v1/kv/b/k", Some(("Stator-Context", "%%%")), 400, "context-invalid"),
        ("DELETE /v1/kv/b/k", Some(("If-Match", "\"x\"")), 501, "not-built"),
    ] {
        let headers: Vec<_> = header.into_iter().collect();
        let answer = door.send(line, &headers, b"").await;
        assert_eq!((answer.status, answer.slug().as_str()), (status, slug), "{line}");
        assert_eq!(answer.outcome().as_deref(), Some("refused"), "{line}");
        assert!(fake.operations().is_empty(), "{line}");
    }
}

#[tokio::test]
async fn a_bad_read_is_refused_without_an_outcome() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    for (path, status, slug) in [
        ("/v1/kv/b/", 400, "key-empty"),
        ("/v1/kv/b/k?w=x", 400, "query-invalid"),
        ("/v1/kv/b?r=1&after=%25", 400, "cursor-invalid"),
        ("/v1/kv/b?after=AAAA", 400, "cursor-invalid"),
        ("/v1/kv/b?limit=0", 400, "query-invalid"),
        ("/v1/kv/b?limit=many", 400, "query-invalid"),
        ("/v1/kv/b?include=live,dead", 400, "query-invalid"),
        ("/v1/kv/b?include=", 400, "query-invalid"),
        ("/v1/kv/b?w=1", 400, "query-unknown"),
        ("/v1/kv", 404, "no-such-path"),
        ("/v1/locate/b", 400, "key-empty"),
        ("/v1/locate/b/", 400, "key-empty"),
        ("/v1/locate/b/k?r=1", 400, "query-unknown"),
        ("/v1/buckets/", 400, "bucket-empty"),
        ("/v1/buckets/a/b", 404, "no-such-path"),
        ("/v1/cluster/stage", 405, "method-not-allowed"),
        ("/v1/cluster?x", 400, "query-unknown"),
        ("/console/nothing", 404, "no-such-path"),
        ("/console?partition=x", 400, "query-invalid"),
        ("/v1/replica/b", 400, "key-empty"),
        ("/v1/replica/b/k?r=1", 400, "query-unknown"),
        ("/v1/node/history?x", 400, "query-unknown"),
        ("/v1/cluster/top?limit=0", 400, "query-invalid"),
        ("/v1/cluster/staleness?n=0", 400, "query-invalid"),
        ("/v1/cluster/staleness?n=33", 400, "query-invalid"),
        ("/v1/cluster/staleness?N=3", 400, "query-unknown"),
        ("/v1/cluster/staleness?r=x", 400, "query-invalid"),
        ("/v1/cluster/staleness?after_ms=", 400, "query-invalid"),
        ("/v1/cluster/staleness?after_ms=1,-1", 400, "query-invalid"),
        ("/v1/cluster/staleness?after_ms=NaN", 400, "query-invalid"),
        ("/v1/cluster/staleness?after_ms=60001", 400, "query-invalid"),
        ("/v1/cluster/staleness?after_ms=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", 400, "query-invalid"),
        ("/v1/cluster/staleness?n=3&r=4", 422, "impossible-quorum"),
        ("/v1/cluster/staleness?n=3&w=1&dw=2", 422, "impossible-quorum"),
        ("/v1/cluster/top?by=reads", 400, "query-unknown"),
    ] {
        let answer = door.get(path).await;
        assert_eq!((answer.status, answer.slug().as_str()), (status, slug), "{path}");
        assert_eq!(answer.outcome(), None, "{path}");
        assert!(fake.operations().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_method_that_means_nothing_is_told_which_do() {
    let door = Door::open(Fake::new()).await;
    for (line, allowed) in [
        ("POST /v1/kv/b/k", "GET, HEAD, PUT, DELETE"),
        ("OPTIONS /v1/kv/b/k", "GET, HEAD, PUT, DELETE"),
        ("DELETE /v1/kv/b", "GET"),
        ("DELETE /v1/buckets/b", "GET, HEAD, PUT"),
        ("PUT /v1/cluster", "GET, HEAD"),
        ("GET /v1/cluster/commit", "POST"),
    ] {
        let answer = door.send(line, &[], b"").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{line}");
    }
}

#[tokio::test]
async fn an_unknown_word_is_named_with_the_known_ones() {
    let answer = Door::open(Fake::new()).await.put("/v1/kv/b/k?durable=3", b"v").await;
    let detail = answer.detail();
    assert!(detail.contains("durable") && detail.contains("node_confirms"), "{detail}");
}

#[tokio::test]
async fn an_object_above_the_limit_is_refused_whole() {
    let limit = 8 * 1024 * 1024;
    let body = vec![7; limit + 1];
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let declared = door.put("/v1/kv/b/k", &body).await;
    assert_eq!((declared.status, declared.slug().as_str()), (413, "object-too-large"));
    assert!(declared.detail().contains(&limit.to_string()), "the limit is named");

    let mut chunked = format!("{:x}\r\n", body.len()).into_bytes();
    chunked.extend_from_slice(&body);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    let headers = [("Transfer-Encoding", "chunked")];
    let answer = door.send("PUT /v1/kv/b/k", &headers, &chunked).await;
    assert_eq!((answer.status, answer.slug().as_str()), (413, "object-too-large"));
    assert_eq!(answer.outcome().as_deref(), Some("refused"));
    assert!(fake.operations().is_empty());
}

#[tokio::test]
async fn limits_are_as_configured() {
    let fake = Fake::new();
    let config = HttpConfig { max_key_bytes: 3, max_object_bytes: 4, ..HttpConfig::default() };
    let door = Door::with(fake.clone(), config, ConnectionLimits::default()).await;
    assert_eq!(door.put("/v1/kv/b/kkk", b"1234").await.status, 204);
    assert_eq!(door.put("/v1/kv/b/kkkk", b"1234").await.slug(), "key-too-large");
    assert_eq!(door.put("/v1/kv/b/kkk", b"12345").await.slug(), "object-too-large");
    assert_eq!(fake.operations().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_cut_off_writes_nothing() {
    let head = "PUT /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    for half in ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"] {
        let fake = Fake::new();
        let mut door = Door::open(fake.clone()).await;
        let mut stream = door.connect().await;
        stream.write_all(format!("{head}{half}").as_bytes()).await.expect("it is taken");
        stream.shutdown().await.expect("half of it is closed");
        let answer = read_all(&mut stream).await;
        assert_eq!((answer.status, answer.slug().as_str()), (400, "body-incomplete"));
        // The door is closed, so that whatever it was going to ask it has asked.
        drop(door.stop.take());
        door.served.await.expect("it ended").expect("it served");
        assert!(fake.operations().is_empty(), "{half}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_door_goes_on() {
    let door = Door::open(Fake::new()).await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"PUT /v1/kv/b/k HTTP/9.9\r\n\r\n",
        b"PUT  /v1/kv/b/k HTTP/1.1\r\n\r\n",
        b"PUT /v1/kv/b/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PUT /v1/kv/b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    ] {
        let answer = door.exchange(garbage).await;
        assert_eq!(answer.status, 400, "{garbage:?}");
    }
    assert_eq!(door.get("/livez").await.status, 200);
}
