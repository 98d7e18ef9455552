//! Messages as protobuf: the core's plain types, mirrored field by field.
//!
//! Every message is declared once, next to its conversions, through prost's derive (no protoc). The
//! rule: encoding never fails, and decoding gives a value that the core's own constructors accept
//! or a [`WireError`] that names the field.
//!
//! Versions may be mixed during a rolling upgrade: fields may be added and are skipped by those who
//! do not know them; numbers of fields are never used again; a kind of message that the receiver
//! does not know is [`WireError::UnknownKind`], which it counts and ignores. Keys, states and
//! values are not copied: they share the bytes of the frame that they came in.
//!
//! Lists grow as their entries arrive, never by a declared length. An entry that was sent as two
//! bytes may take some two hundred in memory, which bounds what a payload can cost.
//!
//! The same encodings of ring, facts and votes are what a node keeps in its `identity/` files.

mod bucket;
mod call;
mod call_answer;
pub(crate) mod client_hello;
mod code;
mod collect;
mod exchange;
mod facts;
mod field;
pub(crate) mod hello;
mod membership;
mod object;
mod progress;
mod quorum;
mod register;
mod request;
mod request_error;
mod ring;
mod ring_picture;
mod shard;
mod span;
mod staged;

use bytes::{Bytes, BytesMut};
use prost::Message;
use stator_core::membership::MembershipMessage;
use stator_core::membership::facts::Facts;
use stator_core::message::ShardMessage;
use stator_core::register::Votes;
use stator_core::ring::Ring;

use self::call::CallMessage;
pub use self::call::UnreadableCall;
use self::call_answer::AnswerMessage;
use self::facts::FactsMessage;
use self::membership::MembershipFrame;
use self::register::VotesMessage;
use self::ring::RingMessage;
use self::shard::ShardFrame;
use crate::client::{ClientCall, NodeAnswer};
use crate::error::WireError;

/// Appends a client's call to `out`.
pub fn encode_call(call: &ClientCall, out: &mut BytesMut) {
    append(&CallMessage::from(call), out);
}

/// The client's call that these bytes are; the error names the call, if it has a number.
pub fn decode_call(bytes: Bytes) -> Result<ClientCall, UnreadableCall> {
    let message = CallMessage::decode(bytes)
        .map_err(|error| UnreadableCall { id: None, error: error.into() })?;
    message.try_into()
}

/// Appends a node's answer to a client to `out`.
pub fn encode_answer(answer: &NodeAnswer, out: &mut BytesMut) {
    append(&AnswerMessage::from(answer), out);
}

/// The node's answer to a client that these bytes are.
pub fn decode_answer(bytes: Bytes) -> Result<NodeAnswer, WireError> {
    AnswerMessage::decode(bytes)?.try_into()
}

/// Appends a message between shards to `out`.
pub fn encode_shard(message: &ShardMessage, out: &mut BytesMut) {
    append(&ShardFrame::from(message), out);
}

/// The message between shards that these bytes are.
pub fn decode_shard(bytes: Bytes) -> Result<ShardMessage, WireError> {
    ShardFrame::decode(bytes)?.try_into()
}

/// Appends a message between membership actors to `out`.
pub fn encode_membership(message: &MembershipMessage, out: &mut BytesMut) {
    append(&MembershipFrame::from(message), out);
}

/// The message between membership actors that these bytes are.
pub fn decode_membership(bytes: Bytes) -> Result<MembershipMessage, WireError> {
    MembershipFrame::decode(bytes)?.try_into()
}

/// Appends a ring to `out`. A node in its table must be one of its members.
pub fn encode_ring(ring: &Ring, out: &mut BytesMut) {
    append(&RingMessage::from(ring), out);
}

/// The ring that these bytes are.
pub fn decode_ring(bytes: Bytes) -> Result<Ring, WireError> {
    RingMessage::decode(bytes)?.try_into()
}

/// Appends facts to `out`, the ring among them if there is one.
pub fn encode_facts(facts: &Facts, out: &mut BytesMut) {
    append(&FactsMessage::from(facts), out);
}

/// The facts that these bytes are.
pub fn decode_facts(bytes: Bytes) -> Result<Facts, WireError> {
    FactsMessage::decode(bytes)?.try_into()
}

/// Appends the votes that a node gave to `out`.
pub fn encode_votes(votes: &Votes, out: &mut BytesMut) {
    append(&VotesMessage::from(votes), out);
}

/// The votes that these bytes are.
pub fn decode_votes(bytes: Bytes) -> Result<Votes, WireError> {
    VotesMessage::decode(bytes)?.try_into()
}

fn append(message: &impl Message, out: &mut BytesMut) {
    out.reserve(message.encoded_len());
    message.encode(out).expect("a buffer that grows has room for everything");
}

#[cfg(test)]
mod tests;
