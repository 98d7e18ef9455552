//! The payload of a handshake message between a client and a node.

use bytes::Bytes;
use prost::Message;
use stator_core::identity::NodeId;
use stator_core::ring::RingVersion;

use super::field::{cluster, from_cluster, known};
use super::hello::RefusalMessage;
use crate::cipher::Cipher;
use crate::client::{ClientHello, Welcome};
use crate::error::WireError;
use crate::hello::{ProtocolRange, Refusal};

/// The numbers of the kinds are not those of nodes' greetings: neither is ever taken for the other.
#[derive(Clone, PartialEq, Message)]
struct GreetingMessage {
    #[prost(oneof = "GreetingKind", tags = "101, 102, 103")]
    kind: Option<GreetingKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum GreetingKind {
    #[prost(message, tag = "101")]
    Hello(HelloMessage),
    #[prost(message, tag = "102")]
    Welcome(WelcomeMessage),
    #[prost(message, tag = "103")]
    Refusal(RefusalMessage),
}

#[derive(Clone, PartialEq, Message)]
struct HelloMessage {
    #[prost(uint32, tag = "1")]
    protocol_min: u32,
    #[prost(uint32, tag = "2")]
    protocol_max: u32,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(uint32, tag = "4")]
    cipher: u32,
}

#[derive(Clone, PartialEq, Message)]
struct WelcomeMessage {
    #[prost(uint32, tag = "1")]
    protocol_min: u32,
    #[prost(uint32, tag = "2")]
    protocol_max: u32,
    #[prost(fixed64, tag = "3")]
    node: u64,
    #[prost(string, tag = "4")]
    name: String,
    #[prost(bytes = "bytes", optional, tag = "5")]
    cluster: Option<Bytes>,
    #[prost(uint64, tag = "6")]
    ring: u64,
    #[prost(uint32, tag = "7")]
    cipher: u32,
}

/// What is sent in a handshake message.
#[derive(Clone, Debug)]
pub(crate) enum ClientGreeting {
    /// A client comes.
    Hello(ClientHello),
    /// A node lets it in.
    Welcome(Welcome),
    /// Or does not.
    Refusal(Refusal),
}

pub(crate) fn encode_client_greeting(greeting: &ClientGreeting) -> Vec<u8> {
    let kind = match greeting {
        ClientGreeting::Hello(hello) => GreetingKind::Hello(HelloMessage {
            protocol_min: hello.protocols.min,
            protocol_max: hello.protocols.max,
            name: hello.name.clone(),
            cipher: hello.cipher.number(),
        }),
        ClientGreeting::Welcome(welcome) => GreetingKind::Welcome(WelcomeMessage {
            protocol_min: welcome.protocols.min,
            protocol_max: welcome.protocols.max,
            node: welcome.node.get(),
            name: welcome.name.clone(),
            cluster: welcome.cluster.map(from_cluster),
            ring: welcome.ring.0,
            cipher: welcome.cipher.number(),
        }),
        ClientGreeting::Refusal(refusal) => GreetingKind::Refusal(refusal.into()),
    };
    GreetingMessage { kind: Some(kind) }.encode_to_vec()
}

pub(crate) fn decode_client_greeting(payload: Bytes) -> Result<ClientGreeting, WireError> {
    let range = |min, max| ProtocolRange { min, max };
    Ok(match known("client_greeting.kind", GreetingMessage::decode(payload)?.kind)? {
        GreetingKind::Hello(hello) => ClientGreeting::Hello(ClientHello {
            protocols: range(hello.protocol_min, hello.protocol_max),
            name: hello.name,
            cipher: Cipher::of_number(hello.cipher),
        }),
        GreetingKind::Welcome(welcome) => ClientGreeting::Welcome(Welcome {
            protocols: range(welcome.protocol_min, welcome.protocol_max),
            node: NodeId::new(welcome.node),
            name: welcome.name,
            cluster: welcome.cluster.map(|id| cluster("welcome.cluster", &id)).transpose()?,
            ring: RingVersion(welcome.ring),
            cipher: Cipher::of_number(welcome.cipher),
        }),
        GreetingKind::Refusal(refusal) => ClientGreeting::Refusal(refusal.into()),
    })
}
