//! Native clients at the peer port: told apart by their key, proved, and handed to their door.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use stator_wire::cipher::Cipher;
use stator_wire::client::{CLIENT_PROTOCOLS, ClientHello};
use stator_wire::handshake::client::{Admitted, ClientInitiator};
use stator_wire::handshake::{HandshakeError, take_message};
use stator_wire::hello::RefusalCode;
use stator_wire::secret::{ClientKey, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::rig::{config, directory, get, key, put, serving};

const PATIENCE: Duration = Duration::from_secs(20);

fn client_key(secret: &[u8]) -> ClientKey {
    ClientKey::derive(&Secret::new(secret))
}

fn begin(secret: &[u8]) -> (ClientInitiator, Bytes) {
    let hello = ClientHello {
        protocols: CLIENT_PROTOCOLS,
        name: "a test".to_owned(),
        cipher: Cipher::fastest(),
    };
    ClientInitiator::new(&client_key(secret), &hello).expect("keys")
}

/// The node's answer to these bytes; none if it hangs up.
async fn answered(stream: &mut TcpStream, bytes: &[u8]) -> Option<Bytes> {
    stream.write_all(bytes).await.expect("the node listens");
    let mut raw = BytesMut::new();
    loop {
        if let Some(message) = take_message(&mut raw).expect("an answer is a message") {
            return Some(message);
        }
        let read = timeout(PATIENCE, stream.read_buf(&mut raw)).await.expect("in time");
        if matches!(read, Ok(0) | Err(_)) {
            return None;
        }
    }
}

async fn dial(
    address: SocketAddr,
    secret: &[u8],
) -> Option<(TcpStream, Result<Admitted, HandshakeError>)> {
    let (initiator, first) = begin(secret);
    let mut stream = TcpStream::connect(address).await.expect("the node listens");
    let answer = answered(&mut stream, &first).await?;
    Some((stream, initiator.finish(&answer)))
}

#[tokio::test]
async fn a_client_is_handed_to_its_door_with_what_it_said() {
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let mut clients = node.clients().expect("the first door");
    assert!(node.clients().is_none(), "there is one door");
    let (mut stream, admitted) =
        dial(node.peer_address(), b"secret").await.expect("it is answered");
    let mut admitted = admitted.expect("it is let in");
    assert_eq!(admitted.welcome.name, "n1");
    assert_eq!(admitted.welcome.node, node.handle().me());
    let mut sealed = BytesMut::new();
    admitted.transport.sealer.seal(b"a call", &mut sealed).expect("keys");
    stream.write_all(&sealed).await.expect("the node listens");
    let mut client = timeout(PATIENCE, clients.recv()).await.expect("in time").expect("a client");
    assert_eq!(client.name, "a test");
    client.transport.opener.feed(&mut client.raw, &mut client.heard).expect("records");
    assert_eq!(&client.heard[..], b"a call");
    node.stop().await;
}

#[tokio::test]
async fn without_a_door_a_client_is_told_so() {
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let (_, refused) = dial(node.peer_address(), b"secret").await.expect("it is answered");
    let Err(HandshakeError::Refused { code, text }) = refused else { panic!("{refused:?}") };
    assert_eq!(code, RefusalCode::NoClients, "{text}");
    put(&node.handle(), "cart", b"milk").await.expect("the node goes on");
    node.stop().await;
}

#[tokio::test]
async fn the_key_of_another_secret_is_told_nothing() {
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let _clients = node.clients().expect("the first door");
    assert!(dial(node.peer_address(), b"guess").await.is_none(), "a stranger was answered");
    node.stop().await;
}

/// What sessions rest on: the node opens the contexts that it has sealed and compares them.
#[tokio::test]
async fn a_node_tells_which_of_two_contexts_has_seen_more() {
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let handle = node.handle();
    let first = put(&handle, "cart", b"milk").await.expect("acknowledged").context;
    let old = get(&handle, "cart").await.expect("it is read").context;
    let second = put(&handle, "cart", b"eggs").await.expect("acknowledged").context;
    let new = get(&handle, "cart").await.expect("it is read").context;
    let seen = |found, wanted| handle.has_seen(&key("cart"), found, wanted);
    assert_eq!(seen(old.as_ref(), &first), Ok(true));
    assert_eq!(seen(old.as_ref(), &second), Ok(false));
    assert_eq!(seen(new.as_ref(), &second), Ok(true));
    assert_eq!(seen(None, &first), Ok(false));
    let foreign = handle.has_seen(&key("another"), new.as_ref(), &first);
    assert_eq!(foreign, Err(stator_core::context::ContextError::Forged));
    node.stop().await;
}

/// Somebody without the key plays back what a client once said.
#[tokio::test]
async fn a_recorded_greeting_opens_no_door() {
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let mut clients = node.clients().expect("the first door");
    let (_, recorded) = begin(b"secret");
    let mut stream = TcpStream::connect(node.peer_address()).await.expect("the node listens");
    assert!(answered(&mut stream, &recorded).await.is_some());
    // A record that was sealed with other keys.
    stream.write_all(&[&[0, 32][..], &[7; 32]].concat()).await.expect("the node listens");
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the node hangs up");
    assert!(matches!(ended, Ok(0) | Err(_)), "it was told something: {rest:?}");
    assert!(clients.try_recv().is_err(), "a recording was let in");
    node.stop().await;
}
