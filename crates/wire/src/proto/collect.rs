//! Messages of a collection round.
//!
//! Lists are bounded while they are read, as in exchanges.

use bytes::Bytes;
use prost::Message;
use stator_core::collection::{Candidate, CollectAnswer, CollectAsk, MAX_CANDIDATES, Round};
use stator_core::identity::ActorId;
use stator_core::merkle::TreeSum;
use stator_core::message::{RequestId, ShardMessage};
use stator_core::ring::RingVersion;
use stator_core::token::{Partition, Token};

use super::field::known;
use crate::error::WireError;

/// The width of a sum and of a token, in bytes.
const WIDE: usize = 16;
/// The width of a candidate: a token and a sum.
const CANDIDATE: usize = 2 * WIDE;
/// The most ids that one message names: owners have one each.
const MAX_LIVE: usize = 256;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Collect {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(uint64, tag = "2")]
    ring: u64,
    #[prost(uint32, tag = "3")]
    partition: u32,
    #[prost(uint64, tag = "4")]
    round: u64,
    #[prost(oneof = "Ask", tags = "5, 6, 7, 8")]
    ask: Option<Ask>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Ask {
    #[prost(message, tag = "5")]
    Round(()),
    /// Tokens and sums, one after another.
    #[prost(bytes = "bytes", tag = "6")]
    Agree(Bytes),
    #[prost(message, tag = "7")]
    Confirm(()),
    #[prost(message, tag = "8")]
    Drop(Drop),
}

#[derive(Clone, PartialEq, Message)]
struct Drop {
    /// Tokens and sums, one after another.
    #[prost(bytes = "bytes", tag = "1")]
    candidates: Bytes,
    #[prost(fixed64, repeated, tag = "2")]
    live: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Collected {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(uint32, tag = "2")]
    partition: u32,
    #[prost(uint64, tag = "3")]
    round: u64,
    #[prost(oneof = "Answer", tags = "4, 5, 6, 7, 8")]
    answer: Option<Answer>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Answer {
    #[prost(message, tag = "4")]
    Declined(()),
    #[prost(message, tag = "5")]
    Round(()),
    #[prost(message, tag = "6")]
    Agreed(Agreed),
    #[prost(message, tag = "7")]
    Confirmed(()),
    #[prost(message, tag = "8")]
    Dropped(()),
}

#[derive(Clone, PartialEq, Message)]
struct Agreed {
    #[prost(bool, repeated, tag = "1")]
    same: Vec<bool>,
    #[prost(fixed64, optional, tag = "2")]
    live: Option<u64>,
}

impl Collect {
    pub(super) fn of(
        request: RequestId,
        (ring, partition, round): (RingVersion, Partition, Round),
        ask: &CollectAsk,
    ) -> Self {
        let ask = match ask {
            CollectAsk::Round => Ask::Round(()),
            CollectAsk::Agree(candidates) => Ask::Agree(from_candidates(candidates)),
            CollectAsk::Confirm => Ask::Confirm(()),
            CollectAsk::Drop { candidates, live } => Ask::Drop(Drop {
                candidates: from_candidates(candidates),
                live: live.iter().map(|actor| actor.get()).collect(),
            }),
        };
        Self {
            request: request.to_bits(),
            ring: ring.0,
            partition: partition.get(),
            round: round.0,
            ask: Some(ask),
        }
    }
}

impl TryFrom<Collect> for ShardMessage {
    type Error = WireError;

    fn try_from(message: Collect) -> Result<Self, WireError> {
        let ask = match known("collect.ask", message.ask)? {
            Ask::Round(()) => CollectAsk::Round,
            Ask::Agree(candidates) => CollectAsk::Agree(candidates_of(&candidates)?),
            Ask::Confirm(()) => CollectAsk::Confirm,
            Ask::Drop(Drop { candidates, live }) => {
                bounded("collect.live", live.len(), MAX_LIVE)?;
                CollectAsk::Drop {
                    candidates: candidates_of(&candidates)?,
                    live: live.into_iter().map(ActorId::new).collect(),
                }
            }
        };
        Ok(Self::Collect {
            request: RequestId::from_bits(message.request),
            ring: RingVersion(message.ring),
            partition: Partition::new(message.partition),
            round: Round(message.round),
            ask,
        })
    }
}

impl Collected {
    pub(super) fn of(
        request: RequestId,
        (partition, round): (Partition, Round),
        answer: &CollectAnswer,
    ) -> Self {
        let answer = match answer {
            CollectAnswer::Declined => Answer::Declined(()),
            CollectAnswer::Round => Answer::Round(()),
            CollectAnswer::Agreed { same, live } => {
                Answer::Agreed(Agreed { same: same.clone(), live: live.map(ActorId::get) })
            }
            CollectAnswer::Confirmed => Answer::Confirmed(()),
            CollectAnswer::Dropped => Answer::Dropped(()),
        };
        let (request, partition, round) = (request.to_bits(), partition.get(), round.0);
        Self { request, partition, round, answer: Some(answer) }
    }
}

impl TryFrom<Collected> for ShardMessage {
    type Error = WireError;

    fn try_from(message: Collected) -> Result<Self, WireError> {
        let answer = match known("collected.answer", message.answer)? {
            Answer::Declined(()) => CollectAnswer::Declined,
            Answer::Round(()) => CollectAnswer::Round,
            Answer::Agreed(Agreed { same, live }) => {
                bounded("collected.same", same.len(), MAX_CANDIDATES)?;
                CollectAnswer::Agreed { same, live: live.map(ActorId::new) }
            }
            Answer::Confirmed(()) => CollectAnswer::Confirmed,
            Answer::Dropped(()) => CollectAnswer::Dropped,
        };
        Ok(Self::Collected {
            request: RequestId::from_bits(message.request),
            partition: Partition::new(message.partition),
            round: Round(message.round),
            answer,
        })
    }
}

fn bounded(field: &'static str, found: usize, most: usize) -> Result<(), WireError> {
    if found > most {
        return Err(WireError::Length { field, found, expected: most });
    }
    Ok(())
}

fn from_candidates(candidates: &[Candidate]) -> Bytes {
    let mut bytes = Vec::with_capacity(candidates.len() * CANDIDATE);
    for candidate in candidates {
        bytes.extend(candidate.token.to_be_bytes());
        bytes.extend(candidate.sum.to_bits().to_be_bytes());
    }
    bytes.into()
}

fn candidates_of(bytes: &Bytes) -> Result<Vec<Candidate>, WireError> {
    let (numbers, rest) = bytes.as_chunks::<WIDE>();
    let (pairs, odd) = numbers.as_chunks::<2>();
    if !rest.is_empty() || !odd.is_empty() || pairs.len() > MAX_CANDIDATES {
        return Err(WireError::Length {
            field: "collect.candidates",
            found: bytes.len(),
            expected: MAX_CANDIDATES * CANDIDATE,
        });
    }
    let number = |bytes: &[u8; WIDE]| u128::from_be_bytes(*bytes);
    let candidate = |[token, sum]: &[[u8; WIDE]; 2]| Candidate {
        token: Token::new(number(token)),
        sum: TreeSum::from_bits(number(sum)),
    };
    Ok(pairs.iter().map(candidate).collect())
}
