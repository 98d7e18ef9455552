//! The busiest keys.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use stator_core::token::Token;
use stator_node::{TopKey, TopKeys};

use crate::client::Door;
use crate::fake::Fake;
use crate::openapi::alone::Alone;

#[tokio::test]
async fn the_busiest_keys_are_told_as_urls_have_them() {
    let fake = Fake::new();
    let key = TopKey {
        token: Token::new(0xab),
        bucket: Bytes::from_static(b"a b"),
        key: Bytes::from_static(b"x/\xff"),
        is_cut: true,
        count: 7,
        error: 2,
    };
    let span = Duration::from_millis(61_500);
    fake.set_top(TopKeys { span, bytes: vec![key], ..TopKeys::default() });
    let door = Door::open(fake.clone()).await;
    let answer = door.get("/v1/cluster/top").await;
    let busy = json!({
        "bucket": "a%20b", "key": "x/%FF", "is_cut": true, "token": format!("{:032x}", 0xab),
        "count": 7, "error": 2,
    });
    let expected = json!({
        "node": "n1", "scope": "node", "span_seconds": 61,
        "reads": [], "writes": [], "bytes": [busy], "siblings": [],
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(door.get("/v1/cluster/top?limit=3").await.status, 200);
    assert_eq!(fake.asked_top(), [20, 3]);
}

/// Counted by a real node, whose shards each have a part of the keys.
#[tokio::test]
async fn a_node_counts_what_its_door_is_asked() {
    let alone = Alone::start().await;
    let door = &alone.door;
    for (key, reads, writes) in [("a", 3, 1), ("b", 1, 2), ("c", 0, 3), ("d", 2, 0)] {
        for _ in 0..writes {
            assert_eq!(door.put(&format!("/v1/kv/b/{key}"), b"12345").await.status, 204);
        }
        for _ in 0..reads {
            door.get(&format!("/v1/kv/b/{key}")).await;
        }
    }
    let top = door.get("/v1/cluster/top").await.json();
    let counts = |list: &str| -> Vec<(String, u64)> {
        let keys = top[list].as_array().expect("a list").iter();
        let tell = |key: &Value| Some((key["key"].as_str()?.to_owned(), key["count"].as_u64()?));
        keys.map(|key| tell(key).expect("a key")).collect()
    };
    let sorted = |mut list: Vec<(String, u64)>| {
        list.sort();
        list
    };
    let expected = |list: &[(&str, u64)]| -> Vec<_> {
        list.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
    };
    assert_eq!(counts("reads"), expected(&[("a", 3), ("d", 2), ("b", 1)]));
    assert_eq!(counts("writes"), expected(&[("c", 3), ("b", 2), ("a", 1)]));
    // One write of five bytes and three reads of them; two writes, which are siblings, and a read
    // of both; three writes.
    assert_eq!(sorted(counts("bytes")), expected(&[("a", 20), ("b", 20), ("c", 15)]));
    assert_eq!(counts("siblings"), expected(&[("b", 2)]), "nobody has read those of c");
}
