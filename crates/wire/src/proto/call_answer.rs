//! What nodes answer clients.

use bytes::Bytes;
use prost::Message;
use stator_core::bucket::{BucketProperties, FixedProperties, MutableProperties};
use stator_core::context::SealedContext;
use stator_core::identity::ActorId;
use stator_core::ring::RingVersion;
use stator_core::time::WallTime;
use stator_core::version::Dot;

use super::bucket::{conflict_rule, from_conflict_rule};
use super::field::{digest, from_digest, known, positive_byte, required};
use super::object::ContentMessage;
use super::quorum::QuorumMessage;
use super::request::{AnsweredMessage, PutReplyMessage};
use super::request_error::RequestErrorMessage;
use super::ring_picture::RingPictureMessage;
use super::span::Span;
use crate::client::{Answer, CallError, Got, GotSibling, Large, NodeAnswer};
use crate::error::WireError;

const KEY: u32 = 1;
const OBJECT: u32 = 2;
const METADATA: u32 = 3;

#[derive(Clone, PartialEq, Message)]
pub(super) struct AnswerMessage {
    #[prost(fixed64, tag = "101")]
    id: u64,
    #[prost(uint64, tag = "102")]
    ring: u64,
    #[prost(oneof = "OutcomeKind", tags = "103, 104, 105, 106, 107, 108, 109, 110, 111")]
    outcome: Option<OutcomeKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum OutcomeKind {
    #[prost(message, tag = "103")]
    Got(GotMessage),
    #[prost(message, tag = "104")]
    Written(PutReplyMessage),
    #[prost(message, tag = "105")]
    Bucket(PropertiesMessage),
    #[prost(message, tag = "106")]
    Ring(RingPictureMessage),
    #[prost(message, tag = "107")]
    Failed(RequestErrorMessage),
    #[prost(message, tag = "108")]
    TooLarge(TooLargeMessage),
    #[prost(message, tag = "109")]
    Behind(()),
    #[prost(string, tag = "110")]
    NotUnderstood(String),
    #[prost(message, tag = "111")]
    Closing(ClosingMessage),
}

#[derive(Clone, PartialEq, Message)]
struct TooLargeMessage {
    #[prost(uint32, tag = "1")]
    what: u32,
    #[prost(string, tag = "2")]
    text: String,
}

#[derive(Clone, PartialEq, Message)]
struct ClosingMessage {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(uint64, tag = "2")]
    taken: u64,
}

#[derive(Clone, PartialEq, Message)]
struct GotMessage {
    #[prost(message, repeated, tag = "1")]
    siblings: Vec<SiblingMessage>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    context: Option<Bytes>,
    #[prost(bytes = "bytes", tag = "3")]
    digest: Bytes,
    #[prost(message, optional, tag = "4")]
    answered: Option<AnsweredMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct SiblingMessage {
    #[prost(fixed64, tag = "1")]
    actor: u64,
    #[prost(uint64, tag = "2")]
    counter: u64,
    /// Milliseconds since the Unix epoch.
    #[prost(uint64, tag = "3")]
    written_at: u64,
    #[prost(message, optional, tag = "4")]
    content: Option<ContentMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct PropertiesMessage {
    #[prost(uint32, tag = "1")]
    n: u32,
    #[prost(uint32, tag = "2")]
    conflicts: u32,
    #[prost(message, optional, tag = "3")]
    quorum: Option<QuorumMessage>,
    #[prost(message, optional, tag = "4")]
    ttl: Option<Span>,
    #[prost(uint32, tag = "5")]
    max_siblings: u32,
}

impl From<&NodeAnswer> for AnswerMessage {
    fn from(answer: &NodeAnswer) -> Self {
        let outcome = match &answer.outcome {
            Ok(Answer::Got(got)) => OutcomeKind::Got(got.into()),
            Ok(Answer::Written(reply)) => OutcomeKind::Written(reply.into()),
            Ok(Answer::Bucket(properties)) => OutcomeKind::Bucket(properties.into()),
            Ok(Answer::Ring(picture)) => OutcomeKind::Ring(picture.as_ref().into()),
            Err(CallError::Request(error)) => OutcomeKind::Failed(error.into()),
            Err(CallError::TooLarge { what, text }) => OutcomeKind::TooLarge(TooLargeMessage {
                what: match what {
                    Large::Key => KEY,
                    Large::Object => OBJECT,
                    Large::Metadata => METADATA,
                },
                text: text.clone(),
            }),
            Err(CallError::Behind) => OutcomeKind::Behind(()),
            Err(CallError::NotUnderstood { text }) => OutcomeKind::NotUnderstood(text.clone()),
            Err(CallError::Closing { text, taken }) => {
                OutcomeKind::Closing(ClosingMessage { text: text.clone(), taken: *taken })
            }
        };
        Self { id: answer.id, ring: answer.ring.0, outcome: Some(outcome) }
    }
}

impl TryFrom<AnswerMessage> for NodeAnswer {
    type Error = WireError;

    fn try_from(message: AnswerMessage) -> Result<Self, WireError> {
        let outcome = match known("answer.outcome", message.outcome)? {
            OutcomeKind::Got(got) => Ok(Answer::Got(got.try_into()?)),
            OutcomeKind::Written(reply) => Ok(Answer::Written(reply.try_into()?)),
            OutcomeKind::Bucket(properties) => Ok(Answer::Bucket(properties.try_into()?)),
            OutcomeKind::Ring(picture) => Ok(Answer::Ring(Box::new(picture.try_into()?))),
            OutcomeKind::Failed(error) => Err(CallError::Request(error.try_into()?)),
            OutcomeKind::TooLarge(TooLargeMessage { what, text }) => {
                Err(CallError::TooLarge { what: large(what)?, text })
            }
            OutcomeKind::Behind(()) => Err(CallError::Behind),
            OutcomeKind::NotUnderstood(text) => Err(CallError::NotUnderstood { text }),
            OutcomeKind::Closing(ClosingMessage { text, taken }) => {
                Err(CallError::Closing { text, taken })
            }
        };
        Ok(Self { id: message.id, ring: RingVersion(message.ring), outcome })
    }
}

fn large(code: u32) -> Result<Large, WireError> {
    match code {
        KEY => Ok(Large::Key),
        OBJECT => Ok(Large::Object),
        METADATA => Ok(Large::Metadata),
        _ => Err(WireError::UnknownValue { field: "answer.too_large", value: code.into() }),
    }
}

impl From<&Got> for GotMessage {
    fn from(got: &Got) -> Self {
        Self {
            siblings: got.siblings.iter().map(SiblingMessage::from).collect(),
            context: got.context.as_ref().map(|context| context.0.clone()),
            digest: from_digest(&got.digest),
            answered: Some((&got.answered).into()),
        }
    }
}

impl TryFrom<GotMessage> for Got {
    type Error = WireError;

    fn try_from(message: GotMessage) -> Result<Self, WireError> {
        let siblings = message.siblings.into_iter().map(GotSibling::try_from);
        Ok(Self {
            siblings: siblings.collect::<Result<_, _>>()?,
            context: message.context.map(SealedContext),
            digest: digest("got.digest", &message.digest)?,
            answered: required("got.answered", message.answered)?.try_into()?,
        })
    }
}

impl From<&GotSibling> for SiblingMessage {
    fn from(sibling: &GotSibling) -> Self {
        Self {
            actor: sibling.dot.actor.get(),
            counter: sibling.dot.counter,
            written_at: sibling.written_at.as_millis(),
            content: Some((&sibling.content).into()),
        }
    }
}

impl TryFrom<SiblingMessage> for GotSibling {
    type Error = WireError;

    fn try_from(message: SiblingMessage) -> Result<Self, WireError> {
        Ok(Self {
            dot: Dot { actor: ActorId::new(message.actor), counter: message.counter },
            written_at: WallTime::from_millis(message.written_at),
            content: required("got.sibling.content", message.content)?.try_into()?,
        })
    }
}

impl From<&BucketProperties> for PropertiesMessage {
    fn from(properties: &BucketProperties) -> Self {
        Self {
            n: properties.fixed.n.into(),
            conflicts: from_conflict_rule(properties.fixed.conflicts),
            quorum: Some((&properties.mutable.quorum).into()),
            ttl: properties.mutable.ttl.map(Span::from),
            max_siblings: properties.mutable.max_siblings,
        }
    }
}

impl TryFrom<PropertiesMessage> for BucketProperties {
    type Error = WireError;

    fn try_from(message: PropertiesMessage) -> Result<Self, WireError> {
        Ok(Self {
            fixed: FixedProperties {
                n: positive_byte("bucket.n", message.n)?,
                conflicts: conflict_rule("bucket.conflicts", message.conflicts)?,
            },
            mutable: MutableProperties {
                quorum: required("bucket.quorum", message.quorum)?.try_into()?,
                ttl: message.ttl.map(|ttl| ttl.duration("bucket.ttl")).transpose()?,
                max_siblings: message.max_siblings,
            },
        })
    }
}
