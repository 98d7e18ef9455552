//! The payload of a handshake message: a hello or a refusal.

use bytes::Bytes;
use prost::Message;
use stator_core::identity::{BootNonce, BootNumber, NodeId};
use stator_core::ring::RingVersion;

use super::field::{byte, cluster, from_cluster, known, positive_byte};
use crate::cipher::Cipher;
use crate::error::WireError;
use crate::hello::{Hello, Lane, ProtocolRange, Refusal, RefusalCode};

#[derive(Clone, PartialEq, Message)]
struct GreetingMessage {
    #[prost(oneof = "GreetingKind", tags = "1, 2")]
    kind: Option<GreetingKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum GreetingKind {
    #[prost(message, tag = "1")]
    Hello(HelloMessage),
    #[prost(message, tag = "2")]
    Refusal(RefusalMessage),
}

#[derive(Clone, PartialEq, Message)]
struct HelloMessage {
    #[prost(uint32, tag = "1")]
    protocol_min: u32,
    #[prost(uint32, tag = "2")]
    protocol_max: u32,
    #[prost(fixed64, tag = "3")]
    node: u64,
    #[prost(bytes = "bytes", optional, tag = "4")]
    cluster: Option<Bytes>,
    #[prost(uint64, tag = "5")]
    boot: u64,
    #[prost(fixed64, tag = "6")]
    nonce: u64,
    #[prost(string, tag = "7")]
    name: String,
    #[prost(uint32, tag = "8")]
    shards: u32,
    #[prost(uint64, tag = "9")]
    ring: u64,
    #[prost(oneof = "LaneKind", tags = "10, 11, 12")]
    lane: Option<LaneKind>,
    #[prost(uint32, tag = "13")]
    cipher: u32,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum LaneKind {
    #[prost(uint32, tag = "10")]
    Shard(u32),
    #[prost(message, tag = "11")]
    Membership(()),
    #[prost(message, tag = "12")]
    Bulk(()),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RefusalMessage {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(string, tag = "2")]
    text: String,
}

/// What is sent in a handshake message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Greeting<'a> {
    /// This is who I am.
    Hello(&'a Hello),
    /// Go away.
    Refusal(&'a Refusal),
}

pub(crate) fn encode_greeting(greeting: Greeting<'_>) -> Vec<u8> {
    let kind = match greeting {
        Greeting::Hello(hello) => GreetingKind::Hello(hello.into()),
        Greeting::Refusal(refusal) => GreetingKind::Refusal(refusal.into()),
    };
    GreetingMessage { kind: Some(kind) }.encode_to_vec()
}

pub(crate) fn decode_greeting(payload: Bytes) -> Result<Result<Hello, Refusal>, WireError> {
    match known("greeting.kind", GreetingMessage::decode(payload)?.kind)? {
        GreetingKind::Hello(hello) => Hello::try_from(hello).map(Ok),
        GreetingKind::Refusal(refusal) => Ok(Err(refusal.into())),
    }
}

impl From<&Refusal> for RefusalMessage {
    fn from(refusal: &Refusal) -> Self {
        Self { code: refusal_code(refusal.code), text: refusal.sent_text().to_owned() }
    }
}

impl From<RefusalMessage> for Refusal {
    fn from(RefusalMessage { code, text }: RefusalMessage) -> Self {
        Self { code: refusal_of_code(code), text }
    }
}

impl From<&Hello> for HelloMessage {
    fn from(hello: &Hello) -> Self {
        Self {
            protocol_min: hello.protocols.min,
            protocol_max: hello.protocols.max,
            node: hello.node.get(),
            cluster: hello.cluster.map(from_cluster),
            boot: hello.boot.0,
            nonce: hello.nonce.0,
            name: hello.name.clone(),
            shards: u32::from(hello.shards),
            ring: hello.ring.0,
            lane: Some(match hello.lane {
                Lane::Shard(shard) => LaneKind::Shard(u32::from(shard)),
                Lane::Membership => LaneKind::Membership(()),
                Lane::Bulk => LaneKind::Bulk(()),
            }),
            cipher: hello.cipher.number(),
        }
    }
}

impl TryFrom<HelloMessage> for Hello {
    type Error = WireError;

    fn try_from(hello: HelloMessage) -> Result<Self, WireError> {
        Ok(Self {
            protocols: ProtocolRange { min: hello.protocol_min, max: hello.protocol_max },
            node: NodeId::new(hello.node),
            cluster: hello.cluster.map(|bytes| cluster("hello.cluster", &bytes)).transpose()?,
            boot: BootNumber(hello.boot),
            nonce: BootNonce(hello.nonce),
            name: hello.name,
            lane: match known("hello.lane", hello.lane)? {
                LaneKind::Shard(shard) => Lane::Shard(byte("hello.shard", shard)?),
                LaneKind::Membership(()) => Lane::Membership,
                LaneKind::Bulk(()) => Lane::Bulk,
            },
            shards: positive_byte("hello.shards", hello.shards)?,
            ring: RingVersion(hello.ring),
            cipher: Cipher::of_number(hello.cipher),
        })
    }
}

const fn refusal_code(code: RefusalCode) -> u32 {
    match code {
        RefusalCode::ForeignCluster => 1,
        RefusalCode::Removed => 2,
        RefusalCode::Protocol => 3,
        RefusalCode::Identity => 4,
        RefusalCode::Busy => 5,
        RefusalCode::NotAClient => 6,
        RefusalCode::NoClients => 7,
        RefusalCode::Other(code) => code,
    }
}

const fn refusal_of_code(code: u32) -> RefusalCode {
    match code {
        1 => RefusalCode::ForeignCluster,
        2 => RefusalCode::Removed,
        3 => RefusalCode::Protocol,
        4 => RefusalCode::Identity,
        5 => RefusalCode::Busy,
        6 => RefusalCode::NotAClient,
        7 => RefusalCode::NoClients,
        code => RefusalCode::Other(code),
    }
}
