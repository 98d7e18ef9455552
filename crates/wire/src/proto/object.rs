//! What one version of an object holds, as a put carries it.

use bytes::Bytes;
use prost::Message;
use stator_core::object::{Content, Metadata, Value};
use stator_core::time::WallTime;

use super::field::known;
use crate::error::WireError;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ContentMessage {
    #[prost(oneof = "ContentKind", tags = "1, 2")]
    kind: Option<ContentKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum ContentKind {
    #[prost(message, tag = "1")]
    Value(ValueMessage),
    #[prost(message, tag = "2")]
    Tombstone(()),
}

#[derive(Clone, PartialEq, Message)]
struct ValueMessage {
    #[prost(bytes = "bytes", tag = "1")]
    bytes: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    content_type: Bytes,
    #[prost(message, repeated, tag = "3")]
    user: Vec<UserEntry>,
    /// Milliseconds since the Unix epoch.
    #[prost(uint64, optional, tag = "4")]
    expires_at: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct UserEntry {
    #[prost(bytes = "bytes", tag = "1")]
    name: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    text: Bytes,
}

impl From<&Content> for ContentMessage {
    fn from(content: &Content) -> Self {
        Self {
            kind: Some(match content {
                Content::Value(value) => ContentKind::Value(value.into()),
                Content::Tombstone => ContentKind::Tombstone(()),
            }),
        }
    }
}

impl TryFrom<ContentMessage> for Content {
    type Error = WireError;

    fn try_from(content: ContentMessage) -> Result<Self, WireError> {
        match known("content.kind", content.kind)? {
            ContentKind::Value(value) => Ok(Self::Value(value.try_into()?)),
            ContentKind::Tombstone(()) => Ok(Self::Tombstone),
        }
    }
}

impl From<&Value> for ValueMessage {
    fn from(value: &Value) -> Self {
        let entry =
            |(name, text): &(Bytes, Bytes)| UserEntry { name: name.clone(), text: text.clone() };
        Self {
            bytes: value.bytes.clone(),
            content_type: value.metadata.content_type.clone(),
            user: value.metadata.user.iter().map(entry).collect(),
            expires_at: value.metadata.expires_at.map(WallTime::as_millis),
        }
    }
}

impl TryFrom<ValueMessage> for Value {
    type Error = WireError;

    fn try_from(value: ValueMessage) -> Result<Self, WireError> {
        let user: Vec<_> = value.user.into_iter().map(|entry| (entry.name, entry.text)).collect();
        // A state minted with disordered metadata could be decoded by nobody.
        if !user.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(WireError::Disordered { field: "value.user" });
        }
        let expires_at = value.expires_at.map(WallTime::from_millis);
        let metadata = Metadata { content_type: value.content_type, user, expires_at };
        Ok(Self { bytes: value.bytes, metadata })
    }
}
