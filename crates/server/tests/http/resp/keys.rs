//! Keys: there or not, deleted, counted, gone through.

use std::collections::BTreeSet;

use stator_core::request::Operation;

use super::client::{Door, Talk};
use super::shelf::shelf;

#[tokio::test]
async fn what_is_deleted_is_gone_and_what_is_not_there_is_not_written() {
    let fake = shelf();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    talk.play(&[
        ("MSET a 1 b 2 c 3", "+OK"),
        ("EXISTS a b a x", ":3"),
        ("TYPE a", "+string"),
        ("TYPE x", "+none"),
        ("DEL a a x", ":1"),
        ("UNLINK b c", ":2"),
        ("EXISTS a b c", ":0"),
        ("DEL a b c", ":0"),
    ])
    .await;
    let is_write = |operation: &Operation| matches!(operation, Operation::Put(_));
    let writes = fake.operations().iter().filter(|operation| is_write(operation)).count();
    assert_eq!(writes, 6, "three sets and three deletes");
}

/// All keys that scans find, each scan with these words behind the cursor.
async fn scanned(talk: &mut Talk, words: &str) -> Vec<String> {
    let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
    loop {
        let reply = talk.say(&format!("SCAN {cursor}{words}")).await;
        let inner = reply.strip_prefix('[').and_then(|rest| rest.strip_suffix("]]"));
        let (next, keys) = inner.and_then(|rest| rest.split_once(", [")).expect("a cursor, keys");
        found.extend(keys.split(", ").filter(|key| !key.is_empty()).map(str::to_owned));
        if next == "0" {
            return found;
        }
        assert_ne!(next, cursor, "a scan goes on");
        next.clone_into(&mut cursor);
    }
}

#[tokio::test]
async fn a_scan_returns_every_key_once_whatever_its_steps() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    assert_eq!(talk.say("SCAN 0").await, "[0, []]");
    for number in 0..300 {
        assert_eq!(talk.say(&format!("SET k{number} v")).await, "+OK");
    }
    talk.play(&[("DEL k7 k8", ":2"), ("SET gone v PX 1", "+OK"), ("SELECT 1", "+OK")]).await;
    talk.play(&[("SET other v", "+OK"), ("SELECT 0", "+OK")]).await;
    let expected: BTreeSet<String> =
        (0..300).filter(|number| ![7, 8].contains(number)).map(|n| format!("k{n}")).collect();
    for words in ["", " COUNT 1", " COUNT 7", " COUNT 299", " COUNT 100000", " TYPE string"] {
        let found: Vec<String> = scanned(&mut talk, words).await;
        let set: BTreeSet<String> = found.iter().filter(|key| *key != "gone").cloned().collect();
        assert_eq!(set, expected, "{words}");
        let once: BTreeSet<&String> = found.iter().collect();
        assert_eq!(once.len(), found.len(), "{words}: no key comes twice");
    }
    let piece = talk.say("SCAN 0 COUNT 7").await;
    assert!(piece.matches(", ").count() <= 7, "no more than it was to look at: {piece}");
    let some = scanned(&mut talk, " MATCH k1? COUNT 50").await;
    let some: BTreeSet<String> = some.into_iter().collect();
    let expected: BTreeSet<String> = (10..20).map(|number| format!("k{number}")).collect();
    assert_eq!(some, expected);
    assert!(scanned(&mut talk, " TYPE hash").await.is_empty());
}

#[tokio::test]
async fn the_number_of_keys_is_exact_while_they_are_few_and_near_when_they_are_many() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    talk.play(&[("DBSIZE", ":0"), ("MSET a 1 b 2 c 3", "+OK"), ("DBSIZE", ":3")]).await;
    talk.play(&[("DEL a", ":1"), ("DBSIZE", ":2"), ("SELECT 2", "+OK"), ("DBSIZE", ":0")]).await;
    for chunk in 0..20 {
        let words: Vec<String> = (0..250).map(|number| format!("k{chunk}.{number}")).collect();
        let mut set = vec!["MSET"];
        set.extend(words.iter().flat_map(|name| [name.as_str(), "v"]));
        assert_eq!(talk.ask(&set).await, "+OK");
    }
    let told: i64 = talk.say("DBSIZE").await[1..].parse().expect("a number");
    assert!((4_000..=6_000).contains(&told), "{told} for 5000");
}
