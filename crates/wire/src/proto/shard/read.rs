//! Messages between shards as they are read, whatever a peer has sent.
//!
//! Keys, states and values share the bytes of the frame that they came in.

use std::time::Duration;

use stator_core::collection::Round;
use stator_core::identity::NodeId;
use stator_core::message::{
    EncodedState, Purpose, ReadAnswer, ReplicateRefusal, RequestId, ShardMessage,
};
use stator_core::request::{PutReply, RequestError};
use stator_core::ring::RingVersion;
use stator_core::transfer::Footing;

use super::super::code::{BEHIND, ack_wish, move_level, read_wish, refusal, stage};
use super::super::field::{digest, known, object_key, required};
use super::{
    Answer, FootingMessage, ForwardPut, List, Listed, PurposeKind, PutAnswered, PutResult, Read,
    ReadAnswered, Replicate, Replicated, ShardFrame, ShardKind, Stage,
};
use crate::error::WireError;

impl TryFrom<FootingMessage> for Footing {
    type Error = WireError;

    fn try_from(message: FootingMessage) -> Result<Self, WireError> {
        footing(message.ring, message.level)
    }
}

fn footing(ring: u64, level: u32) -> Result<Footing, WireError> {
    Ok(Footing { ring: RingVersion(ring), level: move_level(level)? })
}

impl TryFrom<ShardFrame> for ShardMessage {
    type Error = WireError;

    fn try_from(frame: ShardFrame) -> Result<Self, WireError> {
        match known("shard_message.kind", frame.kind)? {
            ShardKind::Replicate(message) => message.try_into(),
            ShardKind::Replicated(message) => message.try_into(),
            ShardKind::Read(message) => message.try_into(),
            ShardKind::ReadAnswered(message) => message.try_into(),
            ShardKind::ForwardPut(message) => message.try_into(),
            ShardKind::PutAnswered(message) => message.try_into(),
            ShardKind::List(message) => message.try_into(),
            ShardKind::Listed(message) => message.try_into(),
            ShardKind::Exchange(message) => message.try_into(),
            ShardKind::ExchangeAnswered(message) => message.try_into(),
            ShardKind::Collect(message) => message.try_into(),
            ShardKind::Collected(message) => message.try_into(),
        }
    }
}

impl TryFrom<Replicate> for ShardMessage {
    type Error = WireError;

    fn try_from(message: Replicate) -> Result<Self, WireError> {
        Ok(Self::Replicate {
            request: RequestId::from_bits(message.request),
            footing: footing(message.ring, message.level)?,
            round: Round(message.round),
            purpose: match message.purpose {
                None => Purpose::Write,
                Some(PurposeKind::Hint(owner)) => Purpose::Hint { owner: NodeId::new(owner) },
                Some(PurposeKind::Repair(())) => Purpose::Repair,
            },
            key: object_key("replicate.key", (message.bucket, message.key))?,
            state: EncodedState::from_bytes(message.state),
            acks: ack_wish(message.acks)?,
        })
    }
}

impl TryFrom<Replicated> for ShardMessage {
    type Error = WireError;

    fn try_from(message: Replicated) -> Result<Self, WireError> {
        let stage = match known("replicated.stage", message.stage)? {
            Stage::Reached(code) => Ok(stage(code)?),
            Stage::Refused(BEHIND) => {
                let behind = required("replicated.behind", message.behind)?;
                Err(ReplicateRefusal::Behind(behind.try_into()?))
            }
            Stage::Refused(code) => Err(refusal(code)?),
        };
        let (request, round) = (RequestId::from_bits(message.request), Round(message.round));
        let kept_for = message.kept_for.map(NodeId::new);
        let held = message.held.map(Duration::from_micros);
        Ok(Self::Replicated { request, round, kept_for, held, stage })
    }
}

impl TryFrom<Read> for ShardMessage {
    type Error = WireError;

    fn try_from(message: Read) -> Result<Self, WireError> {
        Ok(Self::Read {
            request: RequestId::from_bits(message.request),
            footing: footing(message.ring, message.level)?,
            round: Round(message.round),
            key: object_key("read.key", (message.bucket, message.key))?,
            wish: read_wish(message.wish)?,
        })
    }
}

impl TryFrom<ReadAnswered> for ShardMessage {
    type Error = WireError;

    fn try_from(message: ReadAnswered) -> Result<Self, WireError> {
        let answer = known("read_answered.answer", message.answer)?.try_into()?;
        let (request, round) = (RequestId::from_bits(message.request), Round(message.round));
        Ok(Self::ReadAnswered { request, round, answer })
    }
}

impl TryFrom<ForwardPut> for ShardMessage {
    type Error = WireError;

    fn try_from(message: ForwardPut) -> Result<Self, WireError> {
        let remaining = required("forward_put.remaining", message.remaining)?;
        Ok(Self::ForwardPut {
            request: RequestId::from_bits(message.request),
            ring: RingVersion(message.ring),
            order: required("forward_put.order", message.order)?.try_into()?,
            remaining: remaining.duration("forward_put.remaining")?,
        })
    }
}

impl TryFrom<PutAnswered> for ShardMessage {
    type Error = WireError;

    fn try_from(message: PutAnswered) -> Result<Self, WireError> {
        let result = match known("put_answered.result", message.result)? {
            PutResult::Done(reply) => Ok(PutReply::try_from(reply)?),
            PutResult::Failed(error) => Err(RequestError::try_from(error)?),
        };
        Ok(Self::PutAnswered { request: RequestId::from_bits(message.request), result })
    }
}

impl TryFrom<List> for ShardMessage {
    type Error = WireError;

    fn try_from(message: List) -> Result<Self, WireError> {
        Ok(Self::List {
            request: RequestId::from_bits(message.request),
            ring: RingVersion(message.ring),
            order: required("list.order", message.order)?.try_into()?,
        })
    }
}

impl TryFrom<Listed> for ShardMessage {
    type Error = WireError;

    fn try_from(message: Listed) -> Result<Self, WireError> {
        let page = message.page.map(TryInto::try_into).transpose()?;
        Ok(Self::Listed { request: RequestId::from_bits(message.request), page })
    }
}

impl TryFrom<Answer> for ReadAnswer {
    type Error = WireError;

    fn try_from(answer: Answer) -> Result<Self, WireError> {
        Ok(match answer {
            Answer::State(state) => Self::State(Some(EncodedState::from_bytes(state))),
            Answer::NoState(()) => Self::State(None),
            Answer::Digest(bytes) => Self::Digest(Some(digest("read_answered.digest", &bytes)?)),
            Answer::NoDigest(()) => Self::Digest(None),
            Answer::Unknown(()) => Self::Unknown,
            Answer::Behind(footing) => Self::Behind(footing.try_into()?),
        })
    }
}
