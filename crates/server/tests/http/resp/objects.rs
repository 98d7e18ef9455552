//! `STATOR.*`: contexts, siblings and quorums, on any bucket.

use std::time::Duration;

use stator_core::object::Content;
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_core::request::Operation;

use super::client::Door;
use crate::fake::{Fake, SEALED, expired, key, sealed, state, value};

#[tokio::test]
async fn a_get_tells_the_context_then_each_sibling() {
    for (versions, told) in [
        (vec![], "[nil]".to_owned()),
        (vec![value(b"a")], format!("[{SEALED}, a]")),
        (vec![value(b"a"), value(b"b")], format!("[{SEALED}, a, b]")),
        (vec![value(b"a"), Content::Tombstone, expired(b"c")], format!("[{SEALED}, a, nil, nil]")),
        (vec![Content::Tombstone], format!("[{SEALED}]")),
        (vec![expired(b"a"), Content::Tombstone], format!("[{SEALED}]")),
    ] {
        let fake = Fake::having(state(versions));
        let door = Door::open(fake.clone()).await;
        let line = "STATOR.GET carts alice R 3 pr one QUORUM strict TIMEOUT 70";
        assert_eq!(door.connect().await.say(line).await, told);
        let asked = fake.operations();
        let [Operation::Get { key: asked, quorum }] = &asked[..] else { panic!("{asked:?}") };
        let expected = QuorumOptions {
            r: Some(Level::Count(3)),
            pr: Some(Level::One),
            mode: Some(QuorumMode::Strict),
            ..QuorumOptions::default()
        };
        assert_eq!((asked, quorum), (&key("carts", b"alice"), &expected));
        assert_eq!(fake.timeouts(), [Duration::from_millis(70)]);
    }
}

#[tokio::test]
async fn a_put_takes_a_context_and_returns_one() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    assert_eq!(talk.ask(&["STATOR.PUT", "carts", "alice", "", "v"]).await, SEALED);
    let line = format!("STATOR.PUT carts alice {SEALED} v W 3 DW 1 TTL 100");
    assert_eq!(talk.say(&line).await, SEALED);
    let asked = fake.operations();
    let [Operation::Put(first), Operation::Put(second)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((&first.context, &second.context), (&None, &Some(sealed())));
    assert_eq!(first.quorum, QuorumOptions::default());
    assert_eq!((second.quorum.w, second.quorum.dw), (Some(Level::Count(3)), Some(Level::Count(1))));
    let expires = |content: &Content| match content {
        Content::Value(value) => (value.bytes.clone(), value.metadata.expires_at.is_some()),
        Content::Tombstone => panic!("a value was put"),
    };
    assert_eq!(expires(&first.value), ("v".into(), false));
    assert_eq!(expires(&second.value), ("v".into(), true));
}

#[tokio::test]
async fn a_delete_covers_its_context_or_what_is_read() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    assert_eq!(talk.ask(&["STATOR.DEL", "carts", "alice", "", "R", "1"]).await, SEALED);
    assert_eq!(talk.say(&format!("STATOR.DEL carts alice {SEALED} W 1")).await, SEALED);
    let asked = fake.operations();
    let [Operation::Delete { key: deleted, quorum }, Operation::Put(order)] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((deleted, quorum.r), (&key("carts", b"alice"), Some(Level::Count(1))));
    assert_eq!((&order.value, &order.context), (&Content::Tombstone, &Some(sealed())));
}

#[tokio::test]
async fn a_context_that_is_none_is_refused_and_nothing_is_written() {
    let fake = Fake::new();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    for line in ["STATOR.PUT b k !! v", "STATOR.DEL b k !!"] {
        let told = talk.say(line).await;
        assert!(told.starts_with("-CONTEXT the context is damaged"), "{told}");
    }
    for line in ["STATOR.PUT b k AA v WW 3", "STATOR.GET b k W 3", "STATOR.DEL b k AA W"] {
        let told = talk.say(line).await;
        assert!(told.starts_with("-ERR W"), "{told}");
    }
    assert!(fake.operations().is_empty());
}

#[tokio::test]
async fn an_object_is_located() {
    let door = Door::open(Fake::new()).await;
    let mut talk = door.connect().await;
    let token = key("carts", b"alice").token().to_string();
    let told = talk.say("STATOR.LOCATE carts alice").await;
    let primaries = "primaries, [[name, n1, state, up]], fallbacks, []]";
    assert!(told.starts_with(&format!("[token, {token}, partition, :")), "{told}");
    assert!(told.ends_with(&format!("ring_version, :1, {primaries}")), "{told}");

    let fake = Fake::new();
    fake.set_view(|view| view.ring = None);
    let door = Door::open(fake).await;
    let mut talk = door.connect().await;
    for line in ["STATOR.LOCATE carts alice", "SCAN 0", "DBSIZE"] {
        assert!(talk.say(line).await.starts_with("-REFUSED the node knows no ring"), "{line}");
    }
}
