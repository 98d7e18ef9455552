use stator_core::quorum::Level;

use super::*;

#[test]
fn replica_counts_are_read_whatever_else_stands_there() {
    let counts = ReplicaCounts::read("acked=3; primaries=2;fallbacks=1; durable=3; wanted=x; more");
    let expected = ReplicaCounts { acked: 3, primaries: 2, fallbacks: 1, durable: 3 };
    assert_eq!(counts, expected);
}

#[test]
fn quorums_go_into_the_query_only_where_named() {
    let name = ObjectName { bucket: b"carts", key: b"a b" };
    assert_eq!(path(name, &RequestOptions::default()), "/v1/kv/carts/a%20b");
    let quorum = QuorumOptions {
        w: Some(Level::Count(2)),
        pw: Some(Level::One),
        mode: Some(QuorumMode::Strict),
        ..QuorumOptions::default()
    };
    let options = RequestOptions { quorum, timeout: Some(Duration::from_millis(1500)) };
    assert_eq!(path(name, &options), "/v1/kv/carts/a%20b?w=2&pw=one&quorum=strict&timeout=1500");
}

#[test]
fn a_head_has_the_metadata_less_its_prefix() {
    let mut headers = HeaderMap::new();
    headers.insert("Stator-Meta-Blake3", HeaderValue::from_static("00ff"));
    headers.insert("Stator-Context", HeaderValue::from_static("c"));
    headers.insert("Content-Length", HeaderValue::from_static("1"));
    let head = head(&headers);
    assert_eq!(head.meta, [("blake3".to_owned(), "00ff".to_owned())]);
    assert_eq!(head.context, Some(Context("c".to_owned())));
}
