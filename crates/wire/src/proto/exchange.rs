//! Messages of an exchange: two replicas of a partition compare what they have.
//!
//! Lists are bounded while they are read: nobody is made to look at more than one step of an
//! exchange may name.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use stator_core::collection::Round;
use stator_core::merkle::{BranchSet, FAN_OUT, LEAVES, LeafIndex, TreeSum};
use stator_core::message::{
    Completeness, EncodedState, ExchangeAnswer, ExchangeAsk, LeafItem, MAX_LEAVES_ASKED,
    MAX_STATES_ASKED, RequestId, ShardMessage,
};
use stator_core::object::ObjectKey;
use stator_core::ring::RingVersion;
use stator_core::token::{Partition, Token};

use super::field::{from_object_key, known, object_key};
use crate::error::WireError;

/// The width of a sum and of a token, in bytes.
const WIDE: usize = 16;
/// The width of an item: a token and half a sum.
const ITEM: usize = WIDE + 8;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Exchange {
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
    /// A sum.
    #[prost(bytes = "bytes", tag = "5")]
    Root(Bytes),
    /// A bit for each branch.
    #[prost(fixed64, tag = "6")]
    Leaves(u64),
    #[prost(message, tag = "7")]
    Items(Numbers),
    /// Tokens, one after another.
    #[prost(bytes = "bytes", tag = "8")]
    States(Bytes),
}

#[derive(Clone, PartialEq, Message)]
struct Numbers {
    #[prost(uint32, repeated, tag = "1")]
    numbers: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExchangeAnswered {
    #[prost(fixed64, tag = "1")]
    request: u64,
    #[prost(uint64, tag = "2")]
    round: u64,
    #[prost(bool, tag = "3")]
    counts: bool,
    #[prost(oneof = "Answer", tags = "4, 5, 6, 7, 8, 9")]
    answer: Option<Answer>,
    #[prost(bool, tag = "10")]
    leaves_out_damaged: bool,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Answer {
    #[prost(message, tag = "4")]
    NotReady(()),
    #[prost(message, tag = "5")]
    Same(()),
    /// See [`from_sums`].
    #[prost(bytes = "bytes", tag = "6")]
    Branches(Bytes),
    /// See [`from_sums`].
    #[prost(bytes = "bytes", tag = "7")]
    Leaves(Bytes),
    /// Tokens and half sums, one after another.
    #[prost(bytes = "bytes", tag = "8")]
    Items(Bytes),
    #[prost(message, tag = "9")]
    States(States),
}

#[derive(Clone, PartialEq, Message)]
struct States {
    #[prost(uint32, tag = "1")]
    answered: u32,
    #[prost(message, repeated, tag = "2")]
    states: Vec<NamedState>,
}

#[derive(Clone, PartialEq, Message)]
struct NamedState {
    #[prost(bytes = "bytes", tag = "1")]
    bucket: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    state: Bytes,
}

impl Exchange {
    pub(super) fn of(
        request: RequestId,
        (ring, partition, round): (RingVersion, Partition, Round),
        ask: &ExchangeAsk,
    ) -> Self {
        let ask = match ask {
            ExchangeAsk::Root(sum) => Ask::Root(from_sum(*sum)),
            ExchangeAsk::Leaves(branches) => Ask::Leaves(branches.0),
            ExchangeAsk::Items(leaves) => {
                let numbers = leaves.iter().map(|leaf| leaf.get().into()).collect();
                Ask::Items(Numbers { numbers })
            }
            ExchangeAsk::States(tokens) => {
                Ask::States(tokens.iter().flat_map(|token| token.to_be_bytes()).collect())
            }
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

impl TryFrom<Exchange> for ShardMessage {
    type Error = WireError;

    fn try_from(message: Exchange) -> Result<Self, WireError> {
        let ask = match known("exchange.ask", message.ask)? {
            Ask::Root(sum) => ExchangeAsk::Root(one_sum("exchange.root", &sum)?),
            Ask::Leaves(branches) => ExchangeAsk::Leaves(BranchSet(branches)),
            Ask::Items(leaves) => ExchangeAsk::Items(leaf_indices(&leaves.numbers)?),
            Ask::States(tokens) => ExchangeAsk::States(take_tokens(&tokens)?),
        };
        Ok(Self::Exchange {
            request: RequestId::from_bits(message.request),
            ring: RingVersion(message.ring),
            partition: Partition::new(message.partition),
            round: Round(message.round),
            ask,
        })
    }
}

impl ExchangeAnswered {
    pub(super) fn of(
        request: RequestId,
        round: Round,
        has: Completeness,
        answer: &ExchangeAnswer,
    ) -> Self {
        let answer = match answer {
            ExchangeAnswer::NotReady => Answer::NotReady(()),
            ExchangeAnswer::Same => Answer::Same(()),
            ExchangeAnswer::Branches(sums) => Answer::Branches(from_sums(sums)),
            ExchangeAnswer::Leaves(sums) => Answer::Leaves(from_sums(sums)),
            ExchangeAnswer::Items(items) => Answer::Items(from_items(items)),
            ExchangeAnswer::States { answered, states } => {
                let states = states.iter().map(|(key, state)| named(key, state)).collect();
                Answer::States(States { answered: *answered, states })
            }
        };
        let request = request.to_bits();
        Self {
            request,
            round: round.0,
            counts: has != Completeness::Lost,
            answer: Some(answer),
            leaves_out_damaged: has == Completeness::Damaged,
        }
    }
}

impl TryFrom<ExchangeAnswered> for ShardMessage {
    type Error = WireError;

    fn try_from(message: ExchangeAnswered) -> Result<Self, WireError> {
        let answer = match known("exchange_answered.answer", message.answer)? {
            Answer::NotReady(()) => ExchangeAnswer::NotReady,
            Answer::Same(()) => ExchangeAnswer::Same,
            Answer::Branches(sums) => {
                ExchangeAnswer::Branches(sums_of("exchange_answered.branches", &sums, FAN_OUT)?)
            }
            Answer::Leaves(sums) => {
                ExchangeAnswer::Leaves(sums_of("exchange_answered.leaves", &sums, LEAVES)?)
            }
            Answer::Items(items) => ExchangeAnswer::Items(items_of(&items)?),
            Answer::States(States { answered, states }) => {
                let states = states.into_iter().map(unnamed).collect::<Result<_, _>>()?;
                ExchangeAnswer::States { answered, states }
            }
        };
        Ok(Self::ExchangeAnswered {
            request: RequestId::from_bits(message.request),
            round: Round(message.round),
            has: match (message.counts, message.leaves_out_damaged) {
                (false, _) => Completeness::Lost,
                (true, true) => Completeness::Damaged,
                (true, false) => Completeness::Whole,
            },
            answer,
        })
    }
}

/// How many sums there are (2 bytes), a bit for each that says whether anything is there, and those
/// sums: most leaves of a partition with few objects are empty.
fn from_sums(sums: &[TreeSum]) -> Bytes {
    let is_there = |sum: &TreeSum| *sum != TreeSum::default();
    let mut bytes = BytesMut::new();
    bytes.put_u16(sums.len() as u16);
    for eight in sums.chunks(8) {
        let bits = eight.iter().enumerate();
        bytes.put_u8(bits.fold(0, |bits, (at, sum)| bits | u8::from(is_there(sum)) << at));
    }
    sums.iter().filter(|sum| is_there(sum)).for_each(|sum| bytes.put_u128(sum.to_bits()));
    bytes.freeze()
}

fn sums_of(field: &'static str, bytes: &Bytes, most: usize) -> Result<Vec<TreeSum>, WireError> {
    let wrong = || WireError::Length { field, found: bytes.len(), expected: most * WIDE };
    let (count, rest) = bytes.split_first_chunk::<2>().ok_or_else(wrong)?;
    let count = usize::from(u16::from_be_bytes(*count));
    let (bits, rest) = rest.split_at_checked(count.div_ceil(8)).ok_or_else(wrong)?;
    let (there, rest) = rest.as_chunks::<WIDE>();
    let mut there = there.iter();
    if count > most || !rest.is_empty() {
        return Err(wrong());
    }
    let mut sums = Vec::with_capacity(count);
    for at in 0..count {
        let sum = match bits[at / 8] >> (at % 8) & 1 {
            0 => TreeSum::default(),
            _ => TreeSum::from_bits(u128::from_be_bytes(*there.next().ok_or_else(wrong)?)),
        };
        sums.push(sum);
    }
    if there.next().is_some() { Err(wrong()) } else { Ok(sums) }
}

fn from_sum(sum: TreeSum) -> Bytes {
    Bytes::copy_from_slice(&sum.to_bits().to_be_bytes())
}

fn one_sum(field: &'static str, bytes: &Bytes) -> Result<TreeSum, WireError> {
    match bytes[..].try_into() {
        Ok(sum) => Ok(TreeSum::from_bits(u128::from_be_bytes(sum))),
        Err(_) => Err(WireError::Length { field, found: bytes.len(), expected: WIDE }),
    }
}

fn leaf_indices(numbers: &[u32]) -> Result<Vec<LeafIndex>, WireError> {
    if numbers.len() > MAX_LEAVES_ASKED {
        return Err(WireError::Length {
            field: "exchange.items",
            found: numbers.len(),
            expected: MAX_LEAVES_ASKED,
        });
    }
    let leaf = |&number: &u32| u16::try_from(number).ok().and_then(LeafIndex::new);
    let unknown =
        |number: u32| WireError::UnknownValue { field: "exchange.items", value: number.into() };
    numbers.iter().map(|number| leaf(number).ok_or_else(|| unknown(*number))).collect()
}

fn take_tokens(bytes: &Bytes) -> Result<Vec<Token>, WireError> {
    let (tokens, rest) = bytes.as_chunks::<WIDE>();
    if !rest.is_empty() || tokens.len() > MAX_STATES_ASKED {
        return Err(WireError::Length {
            field: "exchange.states",
            found: bytes.len(),
            expected: MAX_STATES_ASKED * WIDE,
        });
    }
    Ok(tokens.iter().map(|token| Token::new(u128::from_be_bytes(*token))).collect())
}

fn from_items(items: &[LeafItem]) -> Bytes {
    let mut bytes = Vec::with_capacity(items.len() * ITEM);
    for item in items {
        bytes.extend(item.token.to_be_bytes());
        bytes.extend(item.sum.to_be_bytes());
    }
    bytes.into()
}

fn items_of(bytes: &Bytes) -> Result<Vec<LeafItem>, WireError> {
    let (items, rest) = bytes.as_chunks::<ITEM>();
    if !rest.is_empty() {
        return Err(WireError::Length {
            field: "exchange_answered.items",
            found: bytes.len(),
            expected: items.len() * ITEM,
        });
    }
    let item = |item: &[u8; ITEM]| {
        let (token, sum) = item.split_first_chunk::<WIDE>()?;
        let token = Token::new(u128::from_be_bytes(*token));
        Some(LeafItem { token, sum: u64::from_be_bytes(sum.try_into().ok()?) })
    };
    Ok(items.iter().filter_map(item).collect())
}

fn named(key: &ObjectKey, state: &EncodedState) -> NamedState {
    let (bucket, key) = from_object_key(key);
    NamedState { bucket, key, state: state.as_bytes().clone() }
}

fn unnamed(named: NamedState) -> Result<(ObjectKey, EncodedState), WireError> {
    let key = object_key("exchange_answered.states", (named.bucket, named.key))?;
    Ok((key, EncodedState::from_bytes(named.state)))
}
