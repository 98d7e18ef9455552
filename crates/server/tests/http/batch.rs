//! Many operations in one request.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stator_core::object::Content;
use stator_core::quorum::Level;
use stator_core::request::{Operation, RequestError};
use stator_core::time::WallTime;
use stator_server::{ConnectionLimits, HttpConfig};

use crate::client::{Answer, Door};
use crate::fake::{Fake, SEALED, acknowledged, found, key, sealed, state, value};
use crate::gated::Gated;

const LINES: (&str, &str) = ("Content-Type", "application/x-ndjson");

async fn batch(door: &Door, operations: &Value) -> Vec<Value> {
    let answer = door.post("/v1/batch", &operations.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.whole);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let results = answer.json()["results"].as_array().expect("results").clone();
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
    }
    results
}

fn statuses(results: &[Value]) -> Vec<u64> {
    results.iter().map(|result| result["status"].as_u64().expect("a status")).collect()
}

#[tokio::test]
async fn each_operation_is_asked_as_if_it_had_come_alone() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let results = batch(
        &door,
        &json!([
            { "op": "put", "bucket": "b", "key": "a%2Fb/c", "value": "AAH/", "ttl": 60,
              "content_type": "text/x", "meta": { "Colour": "red" }, "context": SEALED,
              "w": 1, "dw": "all", "timeout": 77 },
            { "op": "get", "key": "é" },
            { "op": "delete", "bucket": "b", "key": "k", "context": SEALED },
            { "op": "delete", "bucket": "b", "key": "l", "quorum": "strict" },
        ]),
    )
    .await;
    assert_eq!(statuses(&results), [204, 404, 204, 204]);
    assert_eq!(results[0]["context"], SEALED);
    let acked = json!({ "acked": 3, "primaries": 2, "fallbacks": 1, "durable": 3 });
    assert_eq!(results[0]["replicas"], acked);
    assert_eq!(results[1]["problem"]["status"], 404);
    assert_eq!(results[1]["problem"]["outcome"], Value::Null, "a read has no outcome");

    let asked = fake.operations();
    let Operation::Put(put) = &asked[0] else { panic!("{asked:?}") };
    assert_eq!(put.key, key("b", b"a/b/c"));
    assert_eq!(put.context, Some(sealed()));
    assert_eq!((put.quorum.w, put.quorum.dw), (Some(Level::Count(1)), Some(Level::All)));
    let Content::Value(stored) = &put.value else { panic!("a value") };
    assert_eq!(stored.bytes, &b"\x00\x01\xff"[..]);
    assert_eq!(stored.metadata.content_type, "text/x");
    assert_eq!(stored.metadata.user, [("colour".into(), "red".into())]);
    assert!(stored.metadata.expires_at > Some(WallTime::from_millis(0)));
    assert_eq!(fake.timeouts()[0], Duration::from_millis(77));
    assert!(
        matches!(&asked[1], Operation::Get { key: k, .. } if *k == key("default", "é".as_bytes()))
    );
    let Operation::Put(tombstone) = &asked[2] else { panic!("{asked:?}") };
    assert_eq!((&tombstone.value, &tombstone.context), (&Content::Tombstone, &Some(sealed())));
    assert!(matches!(&asked[3], Operation::Delete { quorum, .. } if quorum.mode.is_some()));
}

#[tokio::test]
async fn what_an_operation_leaves_open_the_query_says() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let operations =
        r#"{"operations":[{"op":"get","key":"a"},{"op":"get","key":"b","r":3,"timeout":5}]}"#;
    assert_eq!(door.post("/v1/batch?r=1&pr=one&timeout=9", operations).await.status, 200);
    let asked: Vec<_> = fake
        .operations()
        .iter()
        .map(|operation| match operation {
            Operation::Get { quorum, .. } => (quorum.r, quorum.pr),
            other => panic!("{other:?}"),
        })
        .collect();
    let one = Some(Level::One);
    assert_eq!(asked, [(Some(Level::Count(1)), one), (Some(Level::Count(3)), one)]);
    assert_eq!(fake.timeouts(), [9, 5].map(Duration::from_millis));
}

#[tokio::test]
async fn a_get_tells_one_object_or_all_siblings() {
    let fake = Fake::answering(|operation| {
        let Operation::Get { key, .. } = operation else { return Ok(acknowledged(operation)) };
        let versions = match &key.key().as_bytes()[..] {
            b"one" => vec![value(b"\xff")],
            b"gone" => vec![Content::Tombstone],
            _ => vec![value(b"x"), Content::Tombstone],
        };
        Ok(stator_core::request::Done::Got(found(state(versions))))
    });
    let door = Door::open(fake).await;
    let gets: Vec<_> = ["one", "two", "gone"].map(|key| json!({ "op": "get", "key": key })).into();
    let results = batch(&door, &json!(gets)).await;
    assert_eq!(statuses(&results), [200, 300, 404]);
    assert_eq!(results[0]["object"]["value"], "/w==");
    assert_eq!(results[0]["object"]["content_type"], "text/x-cart");
    assert_eq!(results[0]["etag"], format!("\"{}\"", "d1".repeat(16)));
    assert_eq!(results[0]["replicas"], json!({ "answered": 2, "primaries": 2, "fallbacks": 0 }));
    let siblings = results[1]["siblings"].as_array().expect("siblings");
    assert_eq!((&siblings[0]["value"], &siblings[1]["deleted"]), (&json!("eA=="), &json!(true)));
    for result in &results {
        assert_eq!(result["context"], SEALED, "a deleted key's too");
    }

    // The same object, asked for alone as JSON siblings, is told in the same words.
    let headers = [("Accept", "application/json")];
    let alone = door.send("GET /v1/kv/default/two", &headers, b"").await;
    assert_eq!(alone.json()["siblings"], results[1]["siblings"]);
}

#[tokio::test]
async fn an_operation_that_fails_says_what_is_known_and_others_go_on() {
    let fake = Fake::answering(|operation| match operation {
        Operation::Put(put) if put.key.key().as_bytes() == "doubt" => {
            Err(RequestError::Indeterminate { needed: 2, acked: 1 })
        }
        Operation::Put(put) if put.key.key().as_bytes() == "no" => Err(RequestError::Overloaded),
        _ => Ok(acknowledged(operation)),
    });
    let config = HttpConfig { max_object_bytes: 3, max_key_bytes: 9, ..HttpConfig::default() };
    let door = Door::with(fake.clone(), config, ConnectionLimits::default()).await;
    let put = |key: &str, value: &str| json!({ "op": "put", "key": key, "value": value });
    let mut greedy = put("k", "");
    greedy["w"] = json!(300);
    let mut wordy = put("k", "");
    wordy["meta"] = json!({ "m": "x".repeat(17_000) });
    let results = batch(
        &door,
        &json!([
            put("doubt", ""),
            put("no", ""),
            put("ok", "YWJj"),
            put("k", "YWJjZA=="),
            put("0123456789", ""),
            greedy,
            wordy,
            put("last", ""),
        ]),
    )
    .await;
    assert_eq!(statuses(&results), [504, 503, 204, 413, 413, 422, 431, 204]);
    let problem = |index: usize, member: &str| results[index]["problem"][member].clone();
    assert_eq!(problem(0, "outcome"), "indeterminate");
    for index in [1, 3, 4, 5, 6] {
        assert_eq!(problem(index, "outcome"), "refused", "{index}");
        assert!(problem(index, "detail").as_str().is_some_and(|text| text.len() > 10));
    }
    assert_eq!(problem(3, "type"), "https://stator.invalid/problems/object-too-large");
    assert_eq!(fake.operations().len(), 4, "what can't be done is not asked");
}

#[tokio::test]
async fn lines_are_answered_with_lines() {
    let door = Door::open(Fake::new()).await;
    let lines =
        "{\"op\":\"put\",\"key\":\"a\",\"value\":\"\"}\n\n{\"op\":\"get\",\"key\":\"a\"}\r\n";
    let answer = door.send("POST /v1/batch", &[LINES], lines.as_bytes()).await;
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let results: Vec<Value> =
        answer.text().lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    assert_eq!(statuses(&results), [204, 404]);

    let headers = [LINES, ("Accept", "application/json")];
    let answer = door.send("POST /v1/batch", &headers, lines.as_bytes()).await;
    assert_eq!(answer.json()["results"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_empty_batch_is_answered_with_nothing() {
    let door = Door::open(Fake::new()).await;
    for empty in ["[]", "{\"operations\":[]}"] {
        assert_eq!(door.post("/v1/batch", empty).await.json(), json!({ "results": [] }));
    }
    let answer = door.send("POST /v1/batch", &[LINES], b"\n").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[tokio::test]
async fn one_malformed_operation_refuses_all_and_writes_nothing() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    for (bad, slug) in [
        (r#"{"op":"put","key":"k"}"#, "batch-malformed"),
        (r#"{"op":"put","key":"k","value":"A"}"#, "batch-malformed"),
        (r#"{"op":"put","key":"k","value":"_-8="}"#, "batch-malformed"),
        (r#"{"op":"put","key":"k","value":"","value":""}"#, "batch-malformed"),
        (r#"{"op":"increment","key":"k"}"#, "batch-malformed"),
        (r#"{"op":"get"}"#, "batch-malformed"),
        (r#"{"op":"get","key":"k","colour":1}"#, "batch-malformed"),
        (r#"{"op":"get","key":"k","value":""}"#, "batch-malformed"),
        (r#"{"op":"get","key":"k","context":"AA"}"#, "batch-malformed"),
        (r#"{"op":"delete","key":"k","ttl":1}"#, "batch-malformed"),
        (r#"{"op":"get","key":""}"#, "key-empty"),
        (r#"{"op":"get","bucket":"","key":"k"}"#, "bucket-empty"),
        (r#"{"op":"get","key":"50%"}"#, "path-malformed"),
        (r#"{"op":"get","key":"k","r":"two"}"#, "query-invalid"),
        (r#"{"op":"get","key":"k","r":-1}"#, "query-invalid"),
        (r#"{"op":"get","key":"k","timeout":0}"#, "query-invalid"),
        (r#"{"op":"get","key":"k","quorum":"maybe"}"#, "query-invalid"),
        (r#"{"op":"put","key":"k","value":"","ttl":0}"#, "ttl-invalid"),
        (r#"{"op":"put","key":"k","value":"","ttl":1.5}"#, "ttl-invalid"),
        (r#"{"op":"put","key":"k","value":"","context":"%"}"#, "context-invalid"),
        (r#"{"op":"put","key":"k","value":"","meta":{"a b":"c"}}"#, "metadata-invalid"),
        (r#"{"op":"put","key":"k","value":"","content_type":"a\nb"}"#, "metadata-invalid"),
        ("7", "batch-malformed"),
    ] {
        let good = r#"{"op":"put","key":"good","value":""}"#;
        for (headers, body) in
            [(vec![], format!("[{good},{bad}]")), (vec![LINES], format!("{good}\n{bad}\n"))]
        {
            let answer = door.send("POST /v1/batch", &headers, body.as_bytes()).await;
            assert_eq!((answer.status, answer.slug().as_str()), (400, slug), "{bad}");
            assert_eq!(answer.json()["index"], 1, "{bad}");
            assert_eq!(answer.outcome().as_deref(), Some("refused"), "{bad}");
        }
    }
    assert!(fake.operations().is_empty());
}

#[tokio::test]
async fn a_document_that_is_no_batch_is_refused() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    for bad in
        ["", "{", "[", "7", "[{}", "{\"operations\":7}", "{\"operations\":[],\"w\":2}", "[]x"]
    {
        let answer = door.post("/v1/batch", bad).await;
        assert_eq!((answer.status, answer.slug().as_str()), (400, "batch-malformed"), "{bad}");
    }
    let answer = door.send("POST /v1/batch", &[], b"[\"\xff\"]").await;
    assert_eq!((answer.status, answer.slug().as_str()), (400, "batch-malformed"));
    let answer = door.post("/v1/batch?w=two", "[]").await;
    assert_eq!((answer.status, answer.slug().as_str()), (400, "query-invalid"));
    let answer = door.get("/v1/batch").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert!(fake.operations().is_empty());
}

#[tokio::test]
async fn a_batch_above_its_limits_is_refused_whole() {
    let fake = Fake::new();
    let config = HttpConfig { max_object_bytes: 0, ..HttpConfig::default() };
    let door = Door::with(fake.clone(), config, ConnectionLimits::default()).await;
    let put = r#"{"op":"put","key":"k","value":""}"#;
    let answer = door.post("/v1/batch", &format!("[{}]", vec![put; 1001].join(","))).await;
    assert_eq!((answer.status, answer.slug().as_str()), (413, "batch-too-large"));
    let most = 16 * 1024 * 1024;
    let answer = door.post("/v1/batch", &format!("[{put}]{}", " ".repeat(most))).await;
    assert_eq!((answer.status, answer.slug().as_str()), (413, "batch-too-large"));
    assert_eq!(answer.outcome().as_deref(), Some("refused"));
    assert!(fake.operations().is_empty());
    let answer = door.post("/v1/batch", &format!("[{}]", vec![put; 1000].join(","))).await;
    assert_eq!((answer.status, fake.operations().len()), (200, 1000));
}

/// What a batch reads is a part of the door's memory like what single gets read.
#[tokio::test]
async fn values_that_there_is_no_room_for_are_refused_one_by_one() {
    let fake = Fake::having(state([value(&vec![7; 1024 * 1024])]));
    let config = HttpConfig { memory_bytes: 6 * 1024 * 1024, ..HttpConfig::default() };
    let door = Door::with(fake, config, ConnectionLimits::default()).await;
    let gets: Vec<_> = (0..10).map(|key| json!({ "op": "get", "key": key.to_string() })).collect();
    let results = batch(&door, &json!(gets)).await;
    let statuses = statuses(&results);
    assert!(statuses.contains(&503), "{statuses:?}");
    for result in results.iter().filter(|result| result["status"] == 503) {
        assert_eq!(result["problem"]["type"], "https://stator.invalid/problems/overloaded");
        assert_eq!(result["problem"]["outcome"], Value::Null);
    }
    let few = batch(&door, &json!(gets[..1])).await;
    assert_eq!(few[0]["status"], 200, "the room comes back");
}

async fn sent(node: &Arc<Gated>, operations: Value) -> tokio::task::JoinHandle<Answer> {
    let door = Door::open(node.clone()).await;
    tokio::spawn(async move { door.post("/v1/batch", &operations.to_string()).await })
}

#[tokio::test]
async fn operations_on_one_object_keep_their_order_and_others_do_not_wait() {
    let node = Gated::before(Fake::new());
    let put = |key: &str| json!({ "op": "put", "key": key, "value": "" });
    let get = |key: &str| json!({ "op": "get", "key": key });
    // The same key under another spelling is the same object; in another bucket it is another.
    let elsewhere = json!({ "op": "delete", "bucket": "c", "key": "a" });
    let operations = json!([put("a"), get("%61"), put("b"), elsewhere, put("a")]);
    let answer = sent(&node, operations).await;
    assert_eq!(node.begun(3).await, ["put a", "put b", "delete a"]);
    node.gate.add_permits(3);
    assert_eq!(node.begun(4).await[3..], ["get a"]);
    node.gate.add_permits(1);
    assert_eq!(node.begun(5).await[4..], ["put a"]);
    node.gate.add_permits(1);
    let answer = answer.await.expect("an answer");
    let results = answer.json()["results"].as_array().expect("results").clone();
    assert_eq!(statuses(&results), [204, 404, 204, 204, 204]);
}

#[tokio::test]
async fn so_many_are_under_way_and_no_more() {
    let node = Gated::before(Fake::new());
    let all: Vec<_> = (0..100).map(|key| json!({ "op": "get", "key": key.to_string() })).collect();
    let answer = sent(&node, json!(all)).await;
    node.begun(32).await;
    node.gate.add_permits(100);
    let answer = answer.await.expect("an answer");
    assert_eq!(answer.json()["results"].as_array().map(Vec::len), Some(100));
    assert_eq!(node.most(), 32);
}
