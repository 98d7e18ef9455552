//! Calls of clients.
//!
//! The numbers of a call's fields begin at 101, above those of every message between nodes: what
//! one node says to another has no field that a call has, and is none.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use stator_core::context::SealedContext;

use super::field::{bucket, from_object_key, known, object_key, required};
use super::quorum::QuorumMessage;
use super::request::PutOrderMessage;
use super::span::Span;
use crate::client::{Ask, ClientCall};
use crate::error::WireError;

/// Bytes that are no call that this version knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct UnreadableCall {
    /// Its number. Without one the bytes are no call at all, and the connection is best closed.
    pub id: Option<u64>,
    /// What is wrong with them.
    pub error: WireError,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CallMessage {
    #[prost(fixed64, tag = "101")]
    id: u64,
    #[prost(uint32, tag = "102")]
    timeout_ms: u32,
    #[prost(oneof = "AskKind", tags = "103, 104, 105, 106, 107")]
    ask: Option<AskKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum AskKind {
    #[prost(message, tag = "103")]
    Get(GetMessage),
    #[prost(message, tag = "104")]
    Put(PutMessage),
    #[prost(message, tag = "105")]
    Delete(DeleteMessage),
    #[prost(bytes = "bytes", tag = "106")]
    Bucket(Bytes),
    #[prost(message, tag = "107")]
    Ring(()),
}

#[derive(Clone, PartialEq, Message)]
struct GetMessage {
    #[prost(bytes = "bytes", tag = "1")]
    bucket: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    key: Bytes,
    #[prost(message, optional, tag = "3")]
    quorum: Option<QuorumMessage>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    seen: Option<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct PutMessage {
    #[prost(message, optional, tag = "1")]
    order: Option<PutOrderMessage>,
    #[prost(message, optional, tag = "2")]
    ttl: Option<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct DeleteMessage {
    #[prost(bytes = "bytes", tag = "1")]
    bucket: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    key: Bytes,
    #[prost(message, optional, tag = "3")]
    quorum: Option<QuorumMessage>,
}

impl From<&ClientCall> for CallMessage {
    fn from(call: &ClientCall) -> Self {
        let timeout_ms = u32::try_from(call.timeout.as_millis()).unwrap_or(u32::MAX);
        Self { id: call.id, timeout_ms, ask: Some((&call.ask).into()) }
    }
}

impl From<&Ask> for AskKind {
    fn from(ask: &Ask) -> Self {
        match ask {
            Ask::Get { key, quorum, seen } => {
                let (bucket, key) = from_object_key(key);
                let (quorum, seen) =
                    (Some(quorum.into()), seen.as_ref().map(|seen| seen.0.clone()));
                Self::Get(GetMessage { bucket, key, quorum, seen })
            }
            Ask::Put { order, ttl } => {
                Self::Put(PutMessage { order: Some(order.into()), ttl: ttl.map(Span::from) })
            }
            Ask::Delete { key, quorum } => {
                let (bucket, key) = from_object_key(key);
                Self::Delete(DeleteMessage { bucket, key, quorum: Some(quorum.into()) })
            }
            Ask::Bucket(bucket) => Self::Bucket(bucket.as_bytes().clone()),
            Ask::Ring => Self::Ring(()),
        }
    }
}

impl TryFrom<CallMessage> for ClientCall {
    type Error = UnreadableCall;

    fn try_from(message: CallMessage) -> Result<Self, UnreadableCall> {
        let CallMessage { id, timeout_ms, ask } = message;
        if id == 0 {
            return Err(UnreadableCall {
                id: None,
                error: WireError::Missing { field: "call.id" },
            });
        }
        let ask = known("call.ask", ask).and_then(Ask::try_from);
        let ask = ask.map_err(|error| UnreadableCall { id: Some(id), error })?;
        Ok(Self { id, timeout: Duration::from_millis(timeout_ms.into()), ask })
    }
}

impl TryFrom<AskKind> for Ask {
    type Error = WireError;

    fn try_from(kind: AskKind) -> Result<Self, WireError> {
        Ok(match kind {
            AskKind::Get(GetMessage { bucket, key, quorum, seen }) => Self::Get {
                key: object_key("call.get.key", (bucket, key))?,
                quorum: required("call.get.quorum", quorum)?.try_into()?,
                seen: seen.map(SealedContext),
            },
            AskKind::Put(PutMessage { order, ttl }) => Self::Put {
                order: required("call.put.order", order)?.try_into()?,
                ttl: ttl.map(|ttl| ttl.duration("call.put.ttl")).transpose()?,
            },
            AskKind::Delete(DeleteMessage { bucket, key, quorum }) => Self::Delete {
                key: object_key("call.delete.key", (bucket, key))?,
                quorum: required("call.delete.quorum", quorum)?.try_into()?,
            },
            AskKind::Bucket(name) => Self::Bucket(bucket("call.bucket", name)?),
            AskKind::Ring(()) => Self::Ring,
        })
    }
}
