use bytes::{Bytes, BytesMut};
use stator_core::identity::{ClusterId, NodeId};
use stator_core::ring::RingVersion;

use super::*;
use crate::cipher::Cipher;
use crate::handshake::tests::{dial, hello, keyring, taken};
use crate::handshake::{Initiator, Met, Responder, meet};
use crate::hello::Lane;
use crate::secret::Secret;

fn key(secret: &str) -> ClientKey {
    ClientKey::derive(&Secret::new(secret.as_bytes()))
}

fn client() -> ClientHello {
    ClientHello { protocols: CLIENT_PROTOCOLS, name: "a test".to_owned(), cipher: Cipher::AesGcm }
}

fn welcome() -> Welcome {
    Welcome {
        protocols: CLIENT_PROTOCOLS,
        node: NodeId::new(2),
        name: "n2".to_owned(),
        cluster: Some(ClusterId::new(7)),
        ring: RingVersion(5),
        cipher: Cipher::AesGcm,
    }
}

fn call(key: &ClientKey, mine: &ClientHello) -> (ClientInitiator, Bytes) {
    let (initiator, bytes) = ClientInitiator::new(key, mine).unwrap();
    (initiator, taken(&bytes))
}

fn responder(keyring: &Keyring, message: &[u8]) -> ClientResponder {
    match meet(keyring, message).unwrap() {
        Met::Client(responder) => responder,
        Met::Peer(peer) => panic!("a client was taken for a peer: {peer:?}"),
    }
}

#[test]
fn both_learn_who_the_other_is_and_can_talk() {
    let (initiator, first) = call(&key("s"), &client());
    let reply = responder(&keyring("s", &[]), &first).reply(&welcome()).unwrap();
    let (mut node, theirs) = reply.outcome.unwrap();
    assert_eq!(theirs, client());
    let mut admitted = initiator.finish(&taken(&reply.message)).unwrap();
    assert_eq!(admitted.welcome, welcome());

    let (mut raw, mut heard) = (BytesMut::new(), BytesMut::new());
    admitted.transport.sealer.seal(b"a call", &mut raw).unwrap();
    node.opener.feed(&mut raw, &mut heard).unwrap();
    node.sealer.seal(b" and an answer", &mut raw).unwrap();
    admitted.transport.opener.feed(&mut raw, &mut heard).unwrap();
    assert_eq!(&heard[..], b"a call and an answer");
}

#[test]
fn the_key_says_who_is_a_client_and_who_is_a_peer() {
    let keys = keyring("s", &[]);
    let (_, first) = dial(&keys, hello(1, Lane::Membership));
    assert!(matches!(meet(&keys, &first), Ok(Met::Peer(_))));
    let (_, first) = call(&key("s"), &client());
    assert!(matches!(meet(&keys, &first), Ok(Met::Client(_))));
    assert_eq!(Responder::accept(&keys, &first).unwrap_err(), HandshakeError::WrongSecret);
    let (_, first) = call(&key("another"), &client());
    assert_eq!(meet(&keys, &first).unwrap_err(), HandshakeError::WrongSecret);
}

#[test]
fn a_client_key_taken_for_a_secret_opens_nothing() {
    let stolen = Keyring::new(&Secret::new(*key("s").as_bytes()), &[]);
    let text = Keyring::new(&Secret::new(key("s").expose().into_bytes()), &[]);
    for keys in [stolen, text] {
        let (_, first) = dial(&keys, hello(1, Lane::Shard(0)));
        let met = meet(&keyring("s", &[]), &first);
        assert_eq!(met.unwrap_err(), HandshakeError::WrongSecret);
    }
}

/// A client key in the hands of somebody who says what a node says.
#[test]
fn a_nodes_hello_under_a_client_key_is_refused() {
    for lane in [Lane::Shard(0), Lane::Membership, Lane::Bulk] {
        let mut noise = build(key("s").as_bytes(), Builder::build_initiator).unwrap();
        let payload = crate::proto::hello::encode_greeting(crate::proto::hello::Greeting::Hello(
            &hello(9, lane),
        ));
        let first = taken(&write(&mut noise, &payload).unwrap());
        let reply = responder(&keyring("s", &[]), &first).reply(&welcome()).unwrap();
        assert!(matches!(reply.outcome, Err(HandshakeError::Unreadable(_))));
        let told = open(&mut noise, &taken(&reply.message)).unwrap();
        let ClientGreeting::Refusal(told) = decode_client_greeting(told).unwrap() else {
            panic!("it was let in");
        };
        assert_eq!(told.code, RefusalCode::NotAClient);
        assert!(told.text.contains("client key"), "{}", told.text);
    }
}

#[test]
fn clients_of_older_secrets_are_let_in_while_those_are_accepted() {
    let (_, first) = call(&key("old"), &client());
    assert!(matches!(meet(&keyring("new", &["old"]), &first), Ok(Met::Client(_))));
    assert_eq!(meet(&keyring("new", &[]), &first).unwrap_err(), HandshakeError::WrongSecret);
}

#[test]
fn versions_that_do_not_meet_are_told_to_both() {
    let later = ClientHello { protocols: ProtocolRange { min: 8, max: 9 }, ..client() };
    let (initiator, first) = call(&key("s"), &later);
    let reply = responder(&keyring("s", &[]), &first).reply(&welcome()).unwrap();
    let text = "the client speaks client protocol 8 to 9 and the node speaks 1";
    for told in [reply.outcome.unwrap_err(), initiator.finish(&taken(&reply.message)).unwrap_err()]
    {
        assert!(told.to_string().contains(text), "{told}");
    }
}

#[test]
fn a_refusal_reaches_the_client() {
    let (initiator, first) = call(&key("s"), &client());
    let refusal = Refusal { code: RefusalCode::NoClients, text: "no door".to_owned() };
    let bytes = responder(&keyring("s", &[]), &first).refuse(&refusal).unwrap();
    let told = initiator.finish(&taken(&bytes)).unwrap_err();
    let HandshakeError::Refused { code, text } = told else { panic!("{told}") };
    assert_eq!((code, text), (refusal.code, refusal.text));
}

/// A client key lets nobody pretend to be a node towards peers that dial.
#[test]
fn a_peer_that_dials_is_not_answered_by_a_client_key() {
    let (initiator, _) = Initiator::new(&keyring("s", &[]), hello(1, Lane::Membership)).unwrap();
    let (_, first) = call(&key("s"), &client());
    let reply = responder(&keyring("s", &[]), &first).reply(&welcome()).unwrap();
    assert!(initiator.finish(&taken(&reply.message)).is_err());
}
