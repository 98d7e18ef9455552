//! Why a request that was handed to another node was not carried out.

use prost::Message;
use stator_core::context::ContextError;
use stator_core::request::RequestError;

use super::field::{byte, known, partition};
use super::quorum::ImpossibleQuorumMessage;
use crate::error::WireError;

#[derive(Clone, PartialEq, Message)]
pub(super) struct RequestErrorMessage {
    #[prost(oneof = "ErrorKind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12")]
    kind: Option<ErrorKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum ErrorKind {
    #[prost(uint32, tag = "1")]
    Context(u32),
    #[prost(message, tag = "2")]
    Quorum(ImpossibleQuorumMessage),
    #[prost(message, tag = "3")]
    NotEnoughReplicas(Shortfall),
    #[prost(message, tag = "4")]
    TooManySiblings(Siblings),
    #[prost(message, tag = "5")]
    Overloaded(()),
    #[prost(uint32, tag = "6")]
    Moving(u32),
    #[prost(message, tag = "7")]
    NotMember(()),
    #[prost(message, tag = "8")]
    Expired(()),
    #[prost(message, tag = "9")]
    Indeterminate(Shortfall),
    #[prost(message, tag = "10")]
    ReadTimeout(Shortfall),
    #[prost(string, tag = "11")]
    Damaged(String),
    #[prost(message, tag = "12")]
    DiskReserve(()),
}

/// Fewer than were needed.
#[derive(Clone, Copy, PartialEq, Message)]
struct Shortfall {
    #[prost(uint32, tag = "1")]
    needed: u32,
    #[prost(uint32, tag = "2")]
    had: u32,
}

impl Shortfall {
    fn new(needed: u8, had: u8) -> Self {
        Self { needed: needed.into(), had: had.into() }
    }

    fn numbers(self) -> Result<(u8, u8), WireError> {
        Ok((byte("shortfall.needed", self.needed)?, byte("shortfall.had", self.had)?))
    }
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Siblings {
    #[prost(uint32, tag = "1")]
    siblings: u32,
    #[prost(uint32, tag = "2")]
    max: u32,
}

impl From<&RequestError> for RequestErrorMessage {
    fn from(error: &RequestError) -> Self {
        let kind = match *error {
            RequestError::Context(error) => ErrorKind::Context(from_context(error)),
            RequestError::Quorum(ref impossible) => ErrorKind::Quorum(impossible.into()),
            RequestError::NotEnoughReplicas { needed, reachable } => {
                ErrorKind::NotEnoughReplicas(Shortfall::new(needed, reachable))
            }
            RequestError::TooManySiblings { siblings, max } => {
                ErrorKind::TooManySiblings(Siblings { siblings, max })
            }
            RequestError::Overloaded => ErrorKind::Overloaded(()),
            RequestError::Moving { partition } => ErrorKind::Moving(partition.get()),
            RequestError::NotMember => ErrorKind::NotMember(()),
            RequestError::Expired => ErrorKind::Expired(()),
            RequestError::Indeterminate { needed, acked } => {
                ErrorKind::Indeterminate(Shortfall::new(needed, acked))
            }
            RequestError::ReadTimeout { needed, answered } => {
                ErrorKind::ReadTimeout(Shortfall::new(needed, answered))
            }
            RequestError::Damaged(ref what) => ErrorKind::Damaged(what.clone()),
            RequestError::DiskReserve => ErrorKind::DiskReserve(()),
            // An error that has no place on the wire is sent as a kind that nobody knows: the
            // receiver ignores it, and the put ends as what it then is, indeterminate.
            _ => return Self { kind: None },
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<RequestErrorMessage> for RequestError {
    type Error = WireError;

    fn try_from(error: RequestErrorMessage) -> Result<Self, WireError> {
        Ok(match known("request_error.kind", error.kind)? {
            ErrorKind::Context(code) => Self::Context(context(code)?),
            ErrorKind::Quorum(impossible) => Self::Quorum(impossible.try_into()?),
            ErrorKind::NotEnoughReplicas(shortfall) => {
                let (needed, reachable) = shortfall.numbers()?;
                Self::NotEnoughReplicas { needed, reachable }
            }
            ErrorKind::TooManySiblings(Siblings { siblings, max }) => {
                Self::TooManySiblings { siblings, max }
            }
            ErrorKind::Overloaded(()) => Self::Overloaded,
            ErrorKind::Moving(number) => {
                Self::Moving { partition: partition("request_error.moving", number)? }
            }
            ErrorKind::NotMember(()) => Self::NotMember,
            ErrorKind::Expired(()) => Self::Expired,
            ErrorKind::Indeterminate(shortfall) => {
                let (needed, acked) = shortfall.numbers()?;
                Self::Indeterminate { needed, acked }
            }
            ErrorKind::ReadTimeout(shortfall) => {
                let (needed, answered) = shortfall.numbers()?;
                Self::ReadTimeout { needed, answered }
            }
            ErrorKind::Damaged(what) => Self::Damaged(what),
            ErrorKind::DiskReserve(()) => Self::DiskReserve,
        })
    }
}

const fn from_context(error: ContextError) -> u32 {
    match error {
        ContextError::Malformed => 1,
        ContextError::UnknownFormat => 2,
        ContextError::UnknownKey => 3,
        ContextError::Forged => 4,
    }
}

fn context(code: u32) -> Result<ContextError, WireError> {
    match code {
        1 => Ok(ContextError::Malformed),
        2 => Ok(ContextError::UnknownFormat),
        3 => Ok(ContextError::UnknownKey),
        4 => Ok(ContextError::Forged),
        _ => Err(WireError::UnknownValue { field: "request_error.context", value: code.into() }),
    }
}
