//! Messages between shards: the way of a get and a put. How they are read is in [`read`].

mod read;

use bytes::Bytes;
use prost::Message;
use stator_core::collection::Round;
use stator_core::identity::NodeId;
use stator_core::message::{
    Purpose, ReadAnswer, ReadWish, ReplicateRefusal, RequestId, ShardMessage,
};
use stator_core::object::ObjectKey;
use stator_core::transfer::Footing;

use super::code::{from_ack_wish, from_move_level, from_read_wish, from_refusal, from_stage};
use super::collect::{Collect, Collected};
use super::exchange::{Exchange, ExchangeAnswered};
use super::field::{from_digest, from_object_key};
use super::request::{ListOrderMessage, ListPageMessage, PutOrderMessage, PutReplyMessage};
use super::request_error::RequestErrorMessage;
use super::span::Span;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ShardFrame {
    #[prost(oneof = "ShardKind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12")]
    pub(super) kind: Option<ShardKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum ShardKind {
    #[prost(message, tag = "1")]
    Replicate(Replicate),
    #[prost(message, tag = "2")]
    Replicated(Replicated),
    #[prost(message, tag = "3")]
    Read(Read),
    #[prost(message, tag = "4")]
    ReadAnswered(ReadAnswered),
    #[prost(message, tag = "5")]
    ForwardPut(ForwardPut),
    #[prost(message, tag = "6")]
    PutAnswered(PutAnswered),
    #[prost(message, tag = "7")]
    List(List),
    #[prost(message, tag = "8")]
    Listed(Listed),
    #[prost(message, tag = "9")]
    Exchange(Exchange),
    #[prost(message, tag = "10")]
    ExchangeAnswered(ExchangeAnswered),
    #[prost(message, tag = "11")]
    Collect(Collect),
    #[prost(message, tag = "12")]
    Collected(Collected),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Replicate {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(uint64, tag = "2")]
    ring: u64,
    #[prost(bytes = "bytes", tag = "3")]
    bucket: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    state: Bytes,
    #[prost(uint32, tag = "6")]
    acks: u32,
    #[prost(uint64, tag = "7")]
    round: u64,
    #[prost(oneof = "PurposeKind", tags = "8, 9")]
    purpose: Option<PurposeKind>,
    /// How far the sender is with the partition's move; 0 if it does not move.
    #[prost(uint32, tag = "10")]
    level: u32,
}

/// A put to a primary if absent.
#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(super) enum PurposeKind {
    /// The owner of a hint.
    #[prost(fixed64, tag = "8")]
    Hint(u64),
    #[prost(message, tag = "9")]
    Repair(()),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Replicated {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(oneof = "Stage", tags = "2, 3")]
    stage: Option<Stage>,
    #[prost(uint64, tag = "4")]
    round: u64,
    /// With a refusal of who is behind: the footing that is insisted on.
    #[prost(message, optional, tag = "5")]
    behind: Option<FootingMessage>,
    /// The owner of the hint that it is kept as, if it is one.
    #[prost(fixed64, optional, tag = "6")]
    kept_for: Option<u64>,
    /// For how many microseconds the replica had the state.
    #[prost(uint64, optional, tag = "7")]
    held: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct FootingMessage {
    #[prost(uint64, tag = "1")]
    ring: u64,
    #[prost(uint32, tag = "2")]
    level: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
enum Stage {
    #[prost(uint32, tag = "2")]
    Reached(u32),
    #[prost(uint32, tag = "3")]
    Refused(u32),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Read {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(uint64, tag = "2")]
    ring: u64,
    #[prost(bytes = "bytes", tag = "3")]
    bucket: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    key: Bytes,
    #[prost(uint32, tag = "5")]
    wish: u32,
    /// As in [`Replicate`].
    #[prost(uint32, tag = "6")]
    level: u32,
    #[prost(uint64, tag = "7")]
    round: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadAnswered {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(oneof = "Answer", tags = "2, 3, 4, 5, 6, 8")]
    answer: Option<Answer>,
    #[prost(uint64, tag = "7")]
    round: u64,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Answer {
    #[prost(bytes = "bytes", tag = "2")]
    State(Bytes),
    #[prost(message, tag = "3")]
    NoState(()),
    #[prost(bytes = "bytes", tag = "4")]
    Digest(Bytes),
    #[prost(message, tag = "5")]
    NoDigest(()),
    #[prost(message, tag = "6")]
    Unknown(()),
    #[prost(message, tag = "8")]
    Behind(FootingMessage),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ForwardPut {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(uint64, tag = "2")]
    ring: u64,
    #[prost(message, optional, tag = "3")]
    order: Option<PutOrderMessage>,
    #[prost(message, optional, tag = "4")]
    remaining: Option<Span>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PutAnswered {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(oneof = "PutResult", tags = "2, 3")]
    result: Option<PutResult>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum PutResult {
    #[prost(message, tag = "2")]
    Done(PutReplyMessage),
    #[prost(message, tag = "3")]
    Failed(RequestErrorMessage),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct List {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(uint64, tag = "2")]
    ring: u64,
    #[prost(message, optional, tag = "3")]
    order: Option<ListOrderMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Listed {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(message, optional, tag = "2")]
    page: Option<ListPageMessage>,
}

impl From<&ShardMessage> for ShardFrame {
    fn from(message: &ShardMessage) -> Self {
        Self { kind: Some(message.into()) }
    }
}

impl From<&ShardMessage> for ShardKind {
    fn from(message: &ShardMessage) -> Self {
        match message {
            ShardMessage::Replicate { request, footing, round, purpose, key, state, acks } => {
                let (bucket, key) = from_object_key(key);
                Self::Replicate(Replicate {
                    request: request.to_bits(),
                    ring: footing.ring.0,
                    level: from_move_level(footing.level),
                    bucket,
                    key,
                    state: state.as_bytes().clone(),
                    acks: from_ack_wish(*acks),
                    round: round.0,
                    purpose: match purpose {
                        Purpose::Write => None,
                        Purpose::Hint { owner } => Some(PurposeKind::Hint(owner.get())),
                        Purpose::Repair => Some(PurposeKind::Repair(())),
                    },
                })
            }
            ShardMessage::Replicated { request, round, kept_for, held, stage } => {
                Self::Replicated(Replicated {
                    request: request.to_bits(),
                    round: round.0,
                    stage: Some(match stage {
                        Ok(stage) => Stage::Reached(from_stage(*stage)),
                        Err(refusal) => Stage::Refused(from_refusal(*refusal)),
                    }),
                    behind: match stage {
                        Err(ReplicateRefusal::Behind(footing)) => Some((*footing).into()),
                        Ok(_) | Err(_) => None,
                    },
                    kept_for: kept_for.map(NodeId::get),
                    held: held.map(|held| u64::try_from(held.as_micros()).unwrap_or(u64::MAX)),
                })
            }
            ShardMessage::Read { request, footing, round, key, wish } => {
                Self::Read(read(*request, (*footing, *round), key, *wish))
            }
            ShardMessage::ReadAnswered { request, round, answer } => {
                Self::ReadAnswered(ReadAnswered {
                    request: request.to_bits(),
                    round: round.0,
                    answer: Some(answer.into()),
                })
            }
            ShardMessage::ForwardPut { request, ring, order, remaining } => {
                Self::ForwardPut(ForwardPut {
                    request: request.to_bits(),
                    ring: ring.0,
                    order: Some(order.into()),
                    remaining: Some((*remaining).into()),
                })
            }
            ShardMessage::PutAnswered { request, result } => Self::PutAnswered(PutAnswered {
                request: request.to_bits(),
                result: Some(match result {
                    Ok(reply) => PutResult::Done(reply.into()),
                    Err(error) => PutResult::Failed(error.into()),
                }),
            }),
            ShardMessage::List { request, ring, order } => Self::List(List {
                request: request.to_bits(),
                ring: ring.0,
                order: Some(order.into()),
            }),
            ShardMessage::Listed { request, page } => Self::Listed(Listed {
                request: request.to_bits(),
                page: page.as_ref().map(ListPageMessage::from),
            }),
            ShardMessage::Exchange { request, ring, partition, round, ask } => {
                let place = (*ring, *partition, *round);
                Self::Exchange(Exchange::of(*request, place, ask))
            }
            ShardMessage::ExchangeAnswered { request, round, has, answer } => {
                Self::ExchangeAnswered(ExchangeAnswered::of(*request, *round, *has, answer))
            }
            ShardMessage::Collect { request, ring, partition, round, ask } => {
                let place = (*ring, *partition, *round);
                Self::Collect(Collect::of(*request, place, ask))
            }
            ShardMessage::Collected { request, partition, round, answer } => {
                Self::Collected(Collected::of(*request, (*partition, *round), answer))
            }
        }
    }
}

fn read(
    request: RequestId,
    (footing, Round(round)): (Footing, Round),
    key: &ObjectKey,
    wish: ReadWish,
) -> Read {
    let (bucket, key) = from_object_key(key);
    let (ring, level) = (footing.ring.0, from_move_level(footing.level));
    Read { request: request.to_bits(), ring, bucket, key, wish: from_read_wish(wish), level, round }
}

impl From<Footing> for FootingMessage {
    fn from(footing: Footing) -> Self {
        Self { ring: footing.ring.0, level: from_move_level(footing.level) }
    }
}

impl From<&ReadAnswer> for Answer {
    fn from(answer: &ReadAnswer) -> Self {
        match answer {
            ReadAnswer::State(Some(state)) => Self::State(state.as_bytes().clone()),
            ReadAnswer::State(None) => Self::NoState(()),
            ReadAnswer::Digest(Some(digest)) => Self::Digest(from_digest(digest)),
            ReadAnswer::Digest(None) => Self::NoDigest(()),
            ReadAnswer::Unknown => Self::Unknown(()),
            ReadAnswer::Behind(footing) => Self::Behind((*footing).into()),
        }
    }
}
