//! Why bytes are not the message that they should be.

use stator_core::object::{DecodeError, NameError};
use stator_core::token::InvalidPartitionCount;

/// Why a payload can't be taken as a message.
///
/// [`Self::UnknownKind`] and [`Self::UnknownValue`] come from a peer that runs a newer version
/// during a rolling upgrade: the receiver counts the message and goes on. All others mean that the
/// sender is broken, and the connection to it is best closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes are no protobuf message, or a field has another type.
    #[error(
        "the message is damaged ({0}): does the peer run a version of Stator that can talk to this one?"
    )]
    Malformed(#[from] prost::DecodeError),
    /// A message, or a part of one, of a kind that this version does not know.
    #[error(
        "{field} is of a kind that this version does not know: the peer is probably newer; it is ignored until this node is upgraded"
    )]
    UnknownKind {
        /// Where, as `message.field`.
        field: &'static str,
    },
    /// A number or word that stands for something this version does not know.
    #[error(
        "{field} is {value}, which this version does not know: the peer is probably newer; it is ignored until this node is upgraded"
    )]
    UnknownValue {
        /// Where, as `message.field`.
        field: &'static str,
        /// What was sent.
        value: u64,
    },
    /// A field that every sender sets is absent.
    #[error("{field} is missing")]
    Missing {
        /// Where, as `message.field`.
        field: &'static str,
    },
    /// A number outside of what the field can hold.
    #[error("{field} is {value}, and must be from {min} to {max}")]
    OutOfRange {
        /// Where, as `message.field`.
        field: &'static str,
        /// What was sent.
        value: u64,
        /// The lowest that is allowed.
        min: u64,
        /// The highest that is allowed.
        max: u64,
    },
    /// A field of fixed length, or a list that must match another, has another length.
    #[error("{field} has length {found}, and must have {expected}")]
    Length {
        /// Where, as `message.field`.
        field: &'static str,
        /// What was sent.
        found: usize,
        /// What it must be.
        expected: usize,
    },
    /// An entry that may occur once occurs twice, or entries that must be sorted are not.
    #[error("{field} has an entry twice, or out of order")]
    Disordered {
        /// Where, as `message.field`.
        field: &'static str,
    },
    /// A bucket or a key that can't be.
    #[error("{field} is not a name: {source}")]
    Name {
        /// Where, as `message.field`.
        field: &'static str,
        /// Why.
        source: NameError,
    },
    /// An object state that can't be decoded.
    #[error("{field} is not an object: {source}")]
    State {
        /// Where, as `message.field`.
        field: &'static str,
        /// Why.
        source: DecodeError,
    },
    /// A number of partitions that can't be.
    #[error("ring.partitions: {0}")]
    Partitions(#[from] InvalidPartitionCount),
    /// A staged change in a slot that is not its own.
    #[error("{field} does not belong to the slot that it was sent for")]
    WrongSlot {
        /// Where, as `message.field`.
        field: &'static str,
    },
}

impl WireError {
    /// Whether a newer peer may have sent this in good faith: count it, ignore it, go on.
    pub const fn is_from_newer_version(&self) -> bool {
        matches!(self, Self::UnknownKind { .. } | Self::UnknownValue { .. })
    }
}
