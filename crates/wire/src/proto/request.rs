//! Orders that one shard hands to another, and what comes back when they are carried out.

use bytes::Bytes;
use prost::Message;
use stator_core::context::SealedContext;
use stator_core::object::ObjectState;
use stator_core::request::{
    Answered, ListEntry, ListOrder, ListPage, ListPosition, Precedence, PutOrder, PutReply,
};

use super::field::{bucket, byte, from_object_key, object_key, partition, required, within};
use super::object::ContentMessage;
use super::quorum::QuorumMessage;
use crate::error::WireError;

#[derive(Clone, PartialEq, Message)]
pub(super) struct PutOrderMessage {
    #[prost(bytes = "bytes", tag = "1")]
    bucket: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    key: Bytes,
    #[prost(bytes = "bytes", optional, tag = "3")]
    context: Option<Bytes>,
    #[prost(message, optional, tag = "4")]
    value: Option<ContentMessage>,
    #[prost(message, optional, tag = "5")]
    quorum: Option<QuorumMessage>,
    /// Absent, and from a node that does not know it: the newest.
    #[prost(bool, tag = "6")]
    is_above_seen: bool,
}

impl From<&PutOrder> for PutOrderMessage {
    fn from(order: &PutOrder) -> Self {
        let (bucket, key) = from_object_key(&order.key);
        Self {
            bucket,
            key,
            context: order.context.as_ref().map(|sealed| sealed.0.clone()),
            value: Some((&order.value).into()),
            quorum: Some((&order.quorum).into()),
            is_above_seen: order.precedence == Precedence::AboveSeen,
        }
    }
}

impl TryFrom<PutOrderMessage> for PutOrder {
    type Error = WireError;

    fn try_from(order: PutOrderMessage) -> Result<Self, WireError> {
        Ok(Self {
            key: object_key("put_order.key", (order.bucket, order.key))?,
            context: order.context.map(SealedContext),
            value: required("put_order.value", order.value)?.try_into()?,
            quorum: required("put_order.quorum", order.quorum)?.try_into()?,
            precedence: if order.is_above_seen {
                Precedence::AboveSeen
            } else {
                Precedence::Newest
            },
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PutReplyMessage {
    #[prost(bytes = "bytes", tag = "1")]
    context: Bytes,
    #[prost(message, optional, tag = "2")]
    answered: Option<AnsweredMessage>,
}

impl From<&PutReply> for PutReplyMessage {
    fn from(reply: &PutReply) -> Self {
        Self { context: reply.context.0.clone(), answered: Some((&reply.answered).into()) }
    }
}

impl TryFrom<PutReplyMessage> for PutReply {
    type Error = WireError;

    fn try_from(reply: PutReplyMessage) -> Result<Self, WireError> {
        let answered = required("put_reply.answered", reply.answered)?.try_into()?;
        Ok(Self { context: SealedContext(reply.context), answered })
    }
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct AnsweredMessage {
    #[prost(uint32, tag = "1")]
    primaries: u32,
    #[prost(uint32, tag = "2")]
    fallbacks: u32,
    #[prost(uint32, tag = "3")]
    durable: u32,
    #[prost(uint32, tag = "4")]
    wanted: u32,
    #[prost(uint32, tag = "5")]
    existing: u32,
}

impl From<&Answered> for AnsweredMessage {
    fn from(answered: &Answered) -> Self {
        Self {
            primaries: answered.primaries.into(),
            fallbacks: answered.fallbacks.into(),
            durable: answered.durable.into(),
            wanted: answered.wanted.into(),
            existing: answered.existing.into(),
        }
    }
}

impl TryFrom<AnsweredMessage> for Answered {
    type Error = WireError;

    fn try_from(message: AnsweredMessage) -> Result<Self, WireError> {
        let primaries = byte("answered.primaries", message.primaries)?;
        // The two are added up where they are shown, and the sum must fit as well.
        let rest = u32::from(u8::MAX - primaries);
        Ok(Self {
            primaries,
            fallbacks: within("answered.fallbacks", message.fallbacks, 0, rest)? as u8,
            durable: byte("answered.durable", message.durable)?,
            wanted: byte("answered.wanted", message.wanted)?,
            existing: byte("answered.existing", message.existing)?,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListOrderMessage {
    #[prost(bytes = "bytes", tag = "1")]
    bucket: Bytes,
    #[prost(uint32, tag = "2")]
    partition: u32,
    #[prost(bytes = "bytes", optional, tag = "3")]
    after: Option<Bytes>,
    #[prost(uint32, tag = "4")]
    limit: u32,
    #[prost(message, optional, tag = "5")]
    quorum: Option<QuorumMessage>,
}

impl From<&ListOrder> for ListOrderMessage {
    fn from(order: &ListOrder) -> Self {
        Self {
            bucket: order.bucket.as_bytes().clone(),
            partition: order.partition.get(),
            after: order.after.as_ref().map(|position| position.0.clone()),
            limit: order.limit,
            quorum: Some((&order.quorum).into()),
        }
    }
}

impl TryFrom<ListOrderMessage> for ListOrder {
    type Error = WireError;

    fn try_from(order: ListOrderMessage) -> Result<Self, WireError> {
        Ok(Self {
            bucket: bucket("list_order.bucket", order.bucket)?,
            partition: partition("list_order.partition", order.partition)?,
            after: order.after.map(ListPosition),
            limit: within("list_order.limit", order.limit, 1, u32::MAX)?,
            quorum: required("list_order.quorum", order.quorum)?.try_into()?,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListPageMessage {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<ListEntryMessage>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    next: Option<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct ListEntryMessage {
    #[prost(bytes = "bytes", tag = "1")]
    position: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    bucket: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    key: Bytes,
    /// An object state in its canonical encoding.
    #[prost(bytes = "bytes", tag = "4")]
    outline: Bytes,
}

impl From<&ListPage> for ListPageMessage {
    fn from(page: &ListPage) -> Self {
        Self {
            entries: page.entries.iter().map(ListEntryMessage::from).collect(),
            next: page.next.as_ref().map(|position| position.0.clone()),
        }
    }
}

impl TryFrom<ListPageMessage> for ListPage {
    type Error = WireError;

    fn try_from(page: ListPageMessage) -> Result<Self, WireError> {
        let entries =
            page.entries.into_iter().map(ListEntry::try_from).collect::<Result<_, _>>()?;
        Ok(Self { entries, next: page.next.map(ListPosition) })
    }
}

impl From<&ListEntry> for ListEntryMessage {
    fn from(entry: &ListEntry) -> Self {
        let (bucket, key) = from_object_key(&entry.key);
        let (position, outline) = (entry.position.0.clone(), entry.outline.encode());
        Self { position, bucket, key, outline }
    }
}

impl TryFrom<ListEntryMessage> for ListEntry {
    type Error = WireError;

    fn try_from(entry: ListEntryMessage) -> Result<Self, WireError> {
        let state = ObjectState::decode(&entry.outline);
        Ok(Self {
            position: ListPosition(entry.position),
            key: object_key("list_entry.key", (entry.bucket, entry.key))?,
            outline: state
                .map_err(|source| WireError::State { field: "list_entry.outline", source })?,
        })
    }
}
