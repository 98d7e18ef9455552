//! Listing a bucket's keys.

use bytes::Bytes;
use serde_json::Value;
use stator_core::object::{Content, ObjectState};
use stator_core::request::{
    Done, ListEntry, ListOrder, ListPage, ListPosition, Operation, RequestError,
};
use stator_core::token::{Partition, PartitionCount};

use crate::client::{Answer, Door};
use crate::fake::{Fake, expired, key, state, value};

/// What is stored: keys of one bucket with their states, and where they lie.
fn stored() -> Vec<ListEntry> {
    let mut all: Vec<ListEntry> = (0..40_u8)
        .map(|number| {
            let key = key("b", &[b'k', b'/', number]);
            let versions = match number % 5 {
                0 => vec![value(b""), value(b"")],
                1 => vec![Content::Tombstone],
                2 => vec![expired(b""), value(b"")],
                3 => vec![expired(b"")],
                _ => vec![value(b"")],
            };
            entry(key, state(versions))
        })
        .collect();
    all.sort_by(|a, b| a.position.cmp(&b.position));
    all
}

fn entry(key: stator_core::object::ObjectKey, outline: ObjectState) -> ListEntry {
    let stored = [&key.token().to_be_bytes()[..], &key.key().as_bytes()[..]].concat();
    ListEntry { position: ListPosition(Bytes::from(stored)), key, outline }
}

/// A page as a shard would give it, of at most three keys.
fn page(order: &ListOrder) -> ListPage {
    let partitions = PartitionCount::new(4).expect("a power of two");
    let behind = stored()
        .into_iter()
        .filter(|entry| partitions.partition_of(entry.key.token()) == order.partition)
        .filter(|entry| order.after.as_ref().is_none_or(|after| entry.position > *after));
    let mut entries: Vec<ListEntry> = behind.collect();
    let limit = (order.limit as usize).min(3);
    let next = entries.get(limit.saturating_sub(1)).map(|last| last.position.clone());
    let more = entries.len() > limit;
    entries.truncate(limit);
    ListPage { entries, next: next.filter(|_| more) }
}

fn listing() -> std::sync::Arc<Fake> {
    Fake::answering(|operation| match operation {
        Operation::List(order) => Ok(Done::Listed(page(order))),
        other => panic!("{other:?}"),
    })
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!((answer.status, answer.whole), (200, true));
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(answer.header("stator-scan"), Some("true"));
    let lines = answer.text().lines();
    lines.map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn keys(lines: &[Value]) -> Vec<String> {
    lines.iter().map(|line| line["key"].as_str().unwrap_or_default().to_owned()).collect()
}

fn expected(numbers: &[u8]) -> Vec<String> {
    let wanted = |entry: &ListEntry| {
        let number = entry.key.key().as_bytes()[2];
        numbers.contains(&(number % 5)).then_some(number)
    };
    let escaped = |number: u8| match number {
        b'%' => "k/%25".to_owned(),
        _ => format!("k/%{number:02X}"),
    };
    stored().iter().filter_map(wanted).map(escaped).collect()
}

#[tokio::test]
async fn keys_come_in_token_order_from_all_partitions() {
    let fake = listing();
    let found = lines(&Door::open(fake.clone()).await.get("/v1/kv/b").await);
    assert_eq!(keys(&found), expected(&[0, 2, 4]), "live ones and conflicts");
    for line in &found {
        let conflict = line["siblings"] == 2;
        assert_eq!(line["state"], if conflict { "conflict" } else { "live" });
        assert_eq!(line["token"].as_str().map(str::len), Some(32));
    }
    let asked: Vec<Partition> = fake
        .operations()
        .iter()
        .map(|operation| match operation {
            Operation::List(order) => order.partition,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(asked.is_sorted(), "partitions are asked in token order");
    assert_eq!((asked[0], asked[asked.len() - 1]), (Partition::new(0), Partition::new(3)));
}

#[tokio::test]
async fn include_says_which_states_are_listed() {
    let door = Door::open(listing()).await;
    for (include, numbers) in [
        ("live", &[4][..]),
        ("conflict", &[0, 2]),
        ("tombstone", &[1, 3]),
        ("live,tombstone,conflict", &[0, 1, 2, 3, 4]),
        ("tombstone,live", &[1, 3, 4]),
    ] {
        let found = lines(&door.get(&format!("/v1/kv/b?include={include}")).await);
        assert_eq!(keys(&found), expected(numbers), "{include}");
    }
}

#[tokio::test]
async fn a_listing_goes_on_behind_any_cursor() {
    let door = Door::open(listing()).await;
    let all = keys(&lines(&door.get("/v1/kv/b").await));
    for limit in [1, 2, 7] {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let page = lines(&door.get(&format!("/v1/kv/b?limit={limit}{after}")).await);
            assert!(page.len() <= limit);
            found.extend(keys(&page));
            let Some(last) = page.last() else { break };
            after = format!("&after={}", last["cursor"].as_str().expect("a cursor"));
        }
        assert_eq!(found, all, "{limit} at a time");
    }
}

#[tokio::test]
async fn a_listing_that_stops_half_way_can_not_be_taken_for_the_whole() {
    let fake = Fake::answering(|operation| match operation {
        Operation::List(order) if order.partition.get() < 2 => Ok(Done::Listed(page(order))),
        _ => Err(RequestError::ReadTimeout { needed: 2, answered: 1 }),
    });
    let answer = Door::open(fake).await.get("/v1/kv/b").await;
    assert_eq!((answer.status, answer.whole), (200, false), "the connection is cut");
    let last = answer.text().lines().last().expect("there are lines");
    let problem: Value = serde_json::from_str(last).expect("the last line is a document");
    assert_eq!(problem["type"], "https://stator.invalid/problems/read-timeout");
}

#[tokio::test]
async fn a_listing_that_can_not_begin_says_so_in_its_status() {
    let door = Door::open(Fake::refusing(RequestError::NotMember)).await;
    let answer = door.get("/v1/kv/b").await;
    assert_eq!((answer.status, answer.slug().as_str()), (503, "not-member"));
    let fake = listing();
    fake.set_view(|view| view.ring = None);
    let answer = Door::open(fake).await.get("/v1/kv/b").await;
    assert_eq!((answer.status, answer.slug().as_str()), (503, "not-member"));
}

#[tokio::test]
async fn an_empty_bucket_lists_nothing() {
    let found = lines(&Door::open(Fake::new()).await.get("/v1/kv/b?limit=5").await);
    assert!(found.is_empty());
}
