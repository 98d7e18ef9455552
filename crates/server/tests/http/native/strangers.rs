//! Who holds a client key and says what a client does not say.

use bytes::BytesMut;
use stator_core::collection::{CollectAsk, Round};
use stator_core::identity::NodeId;
use stator_core::membership::MembershipMessage;
use stator_core::membership::facts::Facts;
use stator_core::merkle::TreeSum;
use stator_core::message::{
    AckWish, EncodedState, ExchangeAsk, Purpose, ReadWish, RequestId, ShardMessage,
};
use stator_core::object::ObjectState;
use stator_core::register::{Ballot, RegisterMessage};
use stator_core::ring::RingVersion;
use stator_core::token::Partition;
use stator_core::transfer::Footing;
use stator_wire::client::CallError;
use stator_wire::proto;

use super::calls::get;
use super::client::Door;
use crate::fake::{Fake, key};

/// What a node would do to another's data, to its hints and trees, and to its ring.
fn messages_of_peers() -> Vec<(&'static str, BytesMut)> {
    let (request, partition) = (RequestId::new(1, 1), Partition::new(0));
    let (footing, round) = (Footing::settled(RingVersion(1)), Round(0));
    let name = key("carts", b"alice");
    let state = EncodedState::from_bytes(ObjectState::default().encode());
    let replicate = |purpose| ShardMessage::Replicate {
        request,
        footing,
        round,
        purpose,
        key: name.clone(),
        state: state.clone(),
        acks: AckWish::Durable,
    };
    let shard = [
        ("write", replicate(Purpose::Write)),
        ("hint", replicate(Purpose::Hint { owner: NodeId::new(2) })),
        ("repair", replicate(Purpose::Repair)),
        (
            "read",
            ShardMessage::Read {
                request,
                footing,
                round,
                key: name.clone(),
                wish: ReadWish::State,
            },
        ),
        (
            "exchange",
            ShardMessage::Exchange {
                request,
                ring: RingVersion(1),
                partition,
                round,
                ask: ExchangeAsk::Root(TreeSum::default()),
            },
        ),
        (
            "collect",
            ShardMessage::Collect {
                request,
                ring: RingVersion(1),
                partition,
                round,
                ask: CollectAsk::Confirm,
            },
        ),
    ];
    let ballot = Ballot { round: 1, node: 1 };
    let register = RegisterMessage::Prepare { ballot };
    let members = [
        ("heartbeat", MembershipMessage::Heartbeat { sequence: 1, heard: 1, wants_answer: false }),
        ("probe", MembershipMessage::Probe { fingerprint: 1 }),
        ("facts", MembershipMessage::Push { number: 1, facts: Box::new(Facts::default()) }),
        ("vote", MembershipMessage::Register { base: RingVersion(1), message: register }),
    ];
    let encode = |encode: &dyn Fn(&mut BytesMut)| {
        let mut out = BytesMut::new();
        encode(&mut out);
        out
    };
    let shard = shard
        .iter()
        .map(|(name, message)| (*name, encode(&|out| proto::encode_shard(message, out))));
    let members = members
        .iter()
        .map(|(name, message)| (*name, encode(&|out| proto::encode_membership(message, out))));
    shard.chain(members).collect()
}

#[tokio::test]
async fn each_kind_of_message_between_nodes_ends_the_connection_with_a_clear_word() {
    let fake = Fake::new();
    let door = Door::open(fake.clone());
    for (kind, bytes) in messages_of_peers() {
        let mut client = door.client().await;
        client.send_frame(|out| out.extend_from_slice(&bytes)).await;
        let told = client.hear().await.unwrap_or_else(|| panic!("{kind}: hung up without a word"));
        let Err(CallError::Closing { text, .. }) = &told.outcome else {
            panic!("{kind}: {told:?}")
        };
        assert!(text.contains("no call of a client"), "{kind}: {text}");
        assert_eq!(client.hear().await, None, "{kind}: the connection is closed");
        assert!(fake.operations().is_empty() && fake.orders().is_empty(), "{kind} did something");
    }
    door.close().await;
}

#[tokio::test]
async fn what_is_no_frame_at_all_ends_the_connection() {
    let door = Door::open(Fake::new());
    for bytes in [&b""[..], b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut client = door.client().await;
        client.send_frame(|out| out.extend_from_slice(bytes)).await;
        let told = client.hear().await.expect("a word");
        assert!(matches!(told.outcome, Err(CallError::Closing { .. })), "{told:?}");
        assert_eq!(client.hear().await, None);
    }
    door.close().await;
}

/// A newer client asks for something that this node does not know.
#[tokio::test]
async fn a_call_that_is_not_known_is_answered_and_the_connection_goes_on() {
    let door = Door::open(Fake::new());
    let mut client = door.client().await;
    client
        .send_frame(|out| {
            // Field 101, fixed64: the number. Field 199, no bytes: a kind of a later version.
            out.extend_from_slice(&[0xa9, 0x06, 9, 0, 0, 0, 0, 0, 0, 0, 0xba, 0x0c, 0]);
        })
        .await;
    let told = client.hear().await.expect("an answer");
    assert_eq!(told.id, 9);
    assert!(matches!(told.outcome, Err(CallError::NotUnderstood { .. })), "{told:?}");
    client.ask(10, get("alice")).await.outcome.expect("it is served still");
    door.close().await;
}
