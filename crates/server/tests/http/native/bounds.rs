//! What the door takes, and what it does past that.

use std::time::Duration;

use bytes::Bytes;
use stator_core::object::{Content, Metadata, Value};
use stator_server::{ConnectionLimits, NativeConfig};
use stator_wire::client::{CallError, Large, MAX_CALLS};
use tokio::io::AsyncWriteExt;

use super::calls::{get, put};
use super::client::Door;
use super::slow_at_some;
use crate::fake::{Fake, value};

fn too_large(outcome: Result<stator_wire::client::Answer, CallError>) -> Large {
    match outcome {
        Err(CallError::TooLarge { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_connection_goes_on() {
    let fake = Fake::new();
    let config =
        NativeConfig { max_key_bytes: 5, max_object_bytes: 1000, ..NativeConfig::default() };
    let door = Door::within(ConnectionLimits::default(), config, fake.clone());
    let mut client = door.client().await;
    assert_eq!(too_large(client.ask(1, get("sixsix")).await.outcome), Large::Key);
    assert_eq!(too_large(client.ask(2, put("sixsix", value(b"v"))).await.outcome), Large::Key);
    let large = put("five5", value(&[7; 1001]));
    assert_eq!(too_large(client.ask(3, large).await.outcome), Large::Object);
    let metadata = Metadata { content_type: vec![b'x'; 17 * 1024].into(), ..Metadata::default() };
    let talkative = Content::Value(Value { bytes: Bytes::from_static(b"v"), metadata });
    assert_eq!(too_large(client.ask(4, put("five5", talkative)).await.outcome), Large::Metadata);
    assert!(fake.operations().is_empty(), "the node was asked for nothing");
    client.ask(5, put("five5", value(&[7; 1000]))).await.outcome.expect("the limit is inclusive");
    door.close().await;
}

#[tokio::test]
async fn a_frame_beyond_all_limits_ends_the_connection_with_a_word() {
    let config = NativeConfig { max_object_bytes: 1000, ..NativeConfig::default() };
    let door = Door::within(ConnectionLimits::default(), config, Fake::new());
    let mut client = door.client().await;
    client.send(1, put("k", value(&vec![7; 600_000]))).await;
    let told = client.hear().await.expect("a word");
    let Err(CallError::Closing { text, .. }) = told.outcome else { panic!("{told:?}") };
    assert!(text.contains("is the most"), "{text}");
    assert_eq!(client.hear().await, None);
    door.close().await;
}

#[tokio::test]
async fn no_more_calls_are_read_than_may_be_under_way() {
    let node = slow_at_some();
    let door = Door::open(node.clone());
    let mut client = door.client().await;
    let more = MAX_CALLS as u64 + 20;
    for id in 1..=more {
        client.send(id, get("slow")).await;
    }
    assert_eq!(node.begun(MAX_CALLS).await.len(), MAX_CALLS);
    // Nothing tells that no more is read but that some time passes and none is.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(node.begun(0).await.len(), MAX_CALLS);
    node.gate.add_permits(more as usize);
    let mut answered = Vec::new();
    while answered.len() < more as usize {
        answered.push(client.hear().await.expect("an answer").id);
    }
    answered.sort_unstable();
    assert_eq!(answered, (1..=more).collect::<Vec<_>>());
    door.close().await;
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let limits = ConnectionLimits { connections: 1, ..ConnectionLimits::default() };
    let door = Door::within(limits, NativeConfig::default(), Fake::new());
    let mut first = door.client().await;
    first.ask(1, get("k")).await.outcome.expect("it is served");
    let mut second = door.client().await;
    let told = second.hear().await.expect("a word");
    assert!(matches!(told.outcome, Err(CallError::Closing { .. })), "{told:?}");
    first.ask(2, get("k")).await.outcome.expect("it is served still");
    door.close().await;
}

#[tokio::test]
async fn who_says_nothing_within_a_call_is_not_waited_for() {
    let head = Duration::from_millis(50);
    let limits = ConnectionLimits { head, ..ConnectionLimits::default() };
    let door = Door::within(limits, NativeConfig::default(), Fake::new());
    let mut client = door.client().await;
    client.stream.write_all(&[0]).await.expect("half a length");
    let told = client.hear().await.expect("a word");
    assert!(matches!(told.outcome, Err(CallError::Closing { .. })), "{told:?}");
    assert_eq!(client.hear().await, None);
    door.close().await;
}

#[tokio::test]
async fn a_door_that_closes_lets_calls_under_way_end() {
    let node = slow_at_some();
    let door = Door::open(node.clone());
    let mut client = door.client().await;
    client.send(1, get("slow")).await;
    node.begun(1).await;
    let closing = tokio::spawn(door.close());
    node.gate.add_permits(1);
    assert_eq!(client.hear().await.map(|answer| answer.id), Some(1));
    // What else this client has sent was not read, and can be sent elsewhere.
    let told = client.hear().await.expect("a word");
    assert!(matches!(told.outcome, Err(CallError::Closing { taken: 1, .. })), "{told:?}");
    assert_eq!(client.hear().await, None);
    closing.await.expect("it closed");
}
