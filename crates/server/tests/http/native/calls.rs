//! Each call becomes one operation of the node, and its answer comes back by its number.

use std::time::Duration;

use stator_core::membership::admin::{MemberState, MemberStatus};
use stator_core::membership::facts::Addresses;
use stator_core::object::Content;
use stator_core::quorum::{Level, QuorumOptions};
use stator_core::request::{Operation, Precedence, PutOrder, RequestError};
use stator_core::ring::{RingVersion, Weight};
use stator_wire::client::{Answer, Ask, CallError};

use super::client::Door;
use super::slow_at_some;
use crate::fake::{self, Fake, ME, expired, key, sealed, state, value};

pub(super) fn get(name: &str) -> Ask {
    let quorum = QuorumOptions { r: Some(Level::One), ..QuorumOptions::default() };
    Ask::Get { key: key("carts", name.as_bytes()), quorum, seen: None }
}

pub(super) fn put(name: &str, content: Content) -> Ask {
    Ask::Put { order: order(name, content), ttl: None }
}

fn order(name: &str, value: Content) -> PutOrder {
    PutOrder {
        key: key("carts", name.as_bytes()),
        context: Some(sealed()),
        value,
        quorum: QuorumOptions { w: Some(Level::All), ..QuorumOptions::default() },
        precedence: Precedence::Newest,
    }
}

#[tokio::test]
async fn a_get_tells_every_version_and_the_expired_as_tombstones() {
    let versions = [value(b"apple"), Content::Tombstone, expired(b"pear")];
    let fake = Fake::having(state(versions));
    let door = Door::open(fake.clone());
    let answer = door.client().await.ask(7, get("alice")).await;
    assert_eq!(answer.ring, RingVersion(1));
    let Ok(Answer::Got(got)) = answer.outcome else { panic!("{answer:?}") };
    let contents: Vec<_> = got.siblings.iter().map(|sibling| &sibling.content).collect();
    assert_eq!(contents, [&value(b"apple"), &Content::Tombstone, &Content::Tombstone]);
    assert_eq!(got.context, Some(sealed()));
    let operations = fake.operations();
    let [Operation::Get { key: asked, quorum }] = &operations[..] else { panic!("{operations:?}") };
    assert_eq!((asked, quorum.r), (&key("carts", b"alice"), Some(Level::One)));
    assert!(fake.timeouts()[0] <= Duration::from_secs(5), "the deadline travels");
    door.close().await;
}

#[tokio::test]
async fn writes_come_to_the_node_as_they_are_and_values_expire_as_they_should() {
    let fake = Fake::new();
    let door = Door::open(fake.clone());
    let mut client = door.client().await;
    let written = client.ask(1, put("alice", value(b"apple"))).await;
    let Ok(Answer::Written(reply)) = written.outcome else { panic!("{written:?}") };
    assert_eq!((reply.context, reply.answered.durable), (sealed(), 3));
    client.ask(2, put("alice", Content::Tombstone)).await.outcome.expect("acknowledged");
    let name = key("carts", b"alice");
    let delete = Ask::Delete { key: name.clone(), quorum: QuorumOptions::default() };
    client.ask(3, delete).await.outcome.expect("acknowledged");
    let ttl = Some(Duration::from_secs(90));
    client
        .ask(4, Ask::Put { order: order("alice", value(b"pear")), ttl })
        .await
        .outcome
        .expect("acknowledged");

    let operations = fake.operations();
    assert!(
        matches!(&operations[0], Operation::Put(put) if *put == order("alice", value(b"apple")))
    );
    assert!(matches!(&operations[1], Operation::Put(put) if put.value == Content::Tombstone));
    assert!(matches!(&operations[2], Operation::Delete { key, .. } if *key == name));
    let Operation::Put(PutOrder { value: Content::Value(pear), .. }) = &operations[3] else {
        panic!("{operations:?}")
    };
    assert!(pear.metadata.expires_at.is_some(), "its time to live became a moment");
    door.close().await;
}

#[tokio::test]
async fn the_nodes_word_comes_back_as_it_is() {
    let error = RequestError::Indeterminate { needed: 2, acked: 1 };
    let door = Door::open(Fake::refusing(error.clone()));
    let answer = door.client().await.ask(1, put("alice", value(b"apple"))).await;
    assert_eq!(answer.outcome, Err(CallError::Request(error)));
    door.close().await;
}

#[tokio::test]
async fn a_client_learns_the_ring_and_where_its_members_are() {
    let member = |number: u64, state| MemberStatus {
        id: stator_core::identity::NodeId::new(number),
        name: format!("n{number}"),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
        addresses: Addresses {
            peer: format!("10.0.0.{number}:7410"),
            http: format!("10.0.0.{number}:7411"),
            resp: String::new(),
        },
        state,
        phi: 0.0,
        share: 0.0,
        ring: RingVersion(1),
        silent_for: None,
    };
    let members = vec![
        member(1, MemberState::Up),
        member(2, MemberState::Down),
        member(3, MemberState::Joining),
    ];
    let fake = Fake::administered(move |_| Ok(fake::status(members.clone())));
    let door = Door::open(fake);
    let answer = door.client().await.ask(1, Ask::Ring).await;
    let Ok(Answer::Ring(picture)) = answer.outcome else { panic!("{answer:?}") };
    assert_eq!(picture.ring, Some(fake::ring()));
    let nodes: Vec<_> =
        picture.nodes.iter().map(|(id, at)| (id.get(), at.native.as_str())).collect();
    assert_eq!(
        nodes,
        [(1, "10.0.0.1:7410"), (2, "10.0.0.2:7410")],
        "who only wants to join is none"
    );
    assert!(picture.ring.is_some_and(|ring| ring.members.contains_key(&ME)));
    door.close().await;
}

#[tokio::test]
async fn a_bucket_says_how_it_is() {
    let door = Door::open(Fake::new());
    let bucket = key("redis.3", b"k").bucket().clone();
    let answer = door.client().await.ask(1, Ask::Bucket(bucket)).await;
    let Ok(Answer::Bucket(properties)) = answer.outcome else { panic!("{answer:?}") };
    assert_eq!(properties.fixed.n, 3);
    assert_eq!(properties.fixed.conflicts, stator_core::object::ConflictRule::LastWriteWins);
    door.close().await;
}

#[tokio::test]
async fn answers_come_as_they_are_ready_and_not_in_turn() {
    let node = slow_at_some();
    let door = Door::open(node.clone());
    let mut client = door.client().await;
    client.send(1, get("slow")).await;
    client.send(2, get("quick")).await;
    assert_eq!(client.hear().await.map(|answer| answer.id), Some(2));
    node.gate.add_permits(1);
    assert_eq!(client.hear().await.map(|answer| answer.id), Some(1));
    door.close().await;
}
