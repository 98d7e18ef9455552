//! What shards of different nodes say to each other on the way of a get or a put.
//!
//! Every message that asks for something names the ring version of its sender (rule 16) and, where
//! somebody waits, what is left of the deadline. States travel whole (rule 3), already encoded.

use std::time::Duration;

use bytes::Bytes;

use crate::object::{DecodeError, ObjectDigest, ObjectKey, ObjectState};
use crate::request::{ListOrder, ListPage, PutOrder, PutReply, RequestError};
use crate::ring::RingVersion;

/// A request between nodes, named by its sender: the sender's shard and a number that does not
/// repeat while the sender lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    const SHARD_SHIFT: u32 = 56;

    /// The `number`-th request of shard `shard`; only the number's lower 56 bits count.
    pub const fn new(shard: u8, number: u64) -> Self {
        Self((shard as u64) << Self::SHARD_SHIFT | number & ((1 << Self::SHARD_SHIFT) - 1))
    }

    /// The shard that waits for the answer.
    pub const fn shard(self) -> u8 {
        (self.0 >> Self::SHARD_SHIFT) as u8
    }

    /// An id from its bits, as sent.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub const fn to_bits(self) -> u64 {
        self.0
    }
}

/// A whole object state in its canonical encoding: the same bytes on the wire and on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedState(Bytes);

impl EncodedState {
    /// Encodes a state.
    pub fn of(state: &ObjectState) -> Self {
        Self(state.encode())
    }

    /// Bytes that came from a peer or from disk; checked when decoded.
    pub const fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The state's digest.
    pub fn digest(&self) -> ObjectDigest {
        ObjectDigest::of_encoded(&self.0)
    }

    /// Decodes the state; values share these bytes.
    pub fn decode(&self) -> Result<ObjectState, DecodeError> {
        ObjectState::decode(&self.0)
    }
}

/// Which acknowledgements a coordinator waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckWish {
    /// One, once the state is on disk.
    Durable,
    /// One on receipt, and another once it is on disk (`dw` below `w`).
    ReceivedAndDurable,
}

/// How far a replica is with a state that it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AckStage {
    /// Merged in memory.
    Received,
    /// On disk.
    Durable,
}

/// What a reader wants of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadWish {
    /// The whole state.
    State,
    /// Its digest.
    Digest,
}

/// What a replica has of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadAnswer {
    /// Its whole state; none if it has never seen the object.
    State(Option<EncodedState>),
    /// Its state's digest; none if it has never seen the object.
    Digest(Option<ObjectDigest>),
    /// It can't tell (damaged, or its store has failed): never counts towards R.
    Unknown,
}

/// Why a replica did not take a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicateRefusal {
    /// The sender's ring is older and the receiver is no replica in its own.
    StaleRing,
    /// The state's bytes can't be decoded.
    Undecodable,
    /// What the receiver has of the object is damaged: it can neither keep nor replace it.
    Damaged,
    /// The receiver has as much work as it takes.
    Overloaded,
}

/// A message between shards of two nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum ShardMessage {
    /// Merge this state and acknowledge (answered by [`Self::Replicated`]).
    Replicate {
        /// Named by the coordinator.
        request: RequestId,
        /// The coordinator's ring.
        ring: RingVersion,
        /// Which object.
        key: ObjectKey,
        /// Its whole state at the coordinator.
        state: EncodedState,
        /// Which acknowledgements are waited for.
        acks: AckWish,
    },
    /// An acknowledgement.
    Replicated {
        /// The request it answers.
        request: RequestId,
        /// How far the replica is, or why it did not take the state.
        stage: Result<AckStage, ReplicateRefusal>,
    },
    /// Say what you have (answered by [`Self::ReadAnswered`]).
    Read {
        /// Named by the coordinator.
        request: RequestId,
        /// The coordinator's ring.
        ring: RingVersion,
        /// Which object.
        key: ObjectKey,
        /// The state, or only its digest.
        wish: ReadWish,
    },
    /// What a replica has.
    ReadAnswered {
        /// The request it answers.
        request: RequestId,
        /// What it has.
        answer: ReadAnswer,
    },
    /// Coordinate this put as one of its replicas (answered by [`Self::PutAnswered`]).
    ForwardPut {
        /// Named by the node that the client spoke to; a repeated one is answered, not minted again.
        request: RequestId,
        /// That node's ring.
        ring: RingVersion,
        /// The put.
        order: PutOrder,
        /// What is left of its deadline.
        remaining: Duration,
    },
    /// How a forwarded put ended.
    PutAnswered {
        /// The request it answers.
        request: RequestId,
        /// Its outcome.
        result: Result<PutReply, RequestError>,
    },
    /// List keys that you have (answered by [`Self::Listed`]).
    List {
        /// Named by the coordinator.
        request: RequestId,
        /// The coordinator's ring.
        ring: RingVersion,
        /// What to list.
        order: ListOrder,
    },
    /// Keys that a replica has.
    Listed {
        /// The request it answers.
        request: RequestId,
        /// One page; none if the replica can't tell.
        page: Option<ListPage>,
    },
}
