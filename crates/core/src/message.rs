//! What shards of different nodes say to each other on the way of a get or a put.
//!
//! Every message that asks for something names the ring version of its sender (rule 16) and, where
//! somebody waits, what is left of the deadline. States travel whole (rule 3), already encoded.

use std::time::Duration;

use bytes::Bytes;

use crate::collection::{CollectAnswer, CollectAsk, Round};
use crate::identity::NodeId;
use crate::merkle::{BranchSet, LeafIndex, TreeSum};
use crate::object::{DecodeError, ObjectDigest, ObjectKey, ObjectState};
use crate::request::{ListOrder, ListPage, PutOrder, PutReply, RequestError};
use crate::ring::RingVersion;
use crate::token::{Partition, Token};
use crate::transfer::Footing;

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

/// Names for a shard's requests, each used once.
#[derive(Clone, Debug)]
pub struct RequestIds {
    shard: u8,
    last: u64,
}

impl RequestIds {
    /// Names that begin at a random place: an answer to a request of an earlier start finds nobody.
    pub const fn new(shard: u8, start: u64) -> Self {
        Self { shard, last: start }
    }

    /// The next one.
    pub const fn next(&mut self) -> RequestId {
        self.last = self.last.wrapping_add(1);
        RequestId::new(self.shard, self.last)
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
    /// The partition moves, and the reader is not as far with that as the replica insists on
    /// (rule 17): ask again, at this footing.
    Behind(Footing),
}

/// Whether a replica has all that it has acknowledged (rule 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It has.
    Whole,
    /// It has set objects aside as damaged, and says nothing of them.
    Damaged,
    /// It has lost its store, and does not count in reads.
    Lost,
}

/// What a state is sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A put, to one of the key's primaries.
    Write,
    /// A put, to a fallback that is to keep it for this primary (a hint, rule 11).
    Hint {
        /// Whom it is for.
        owner: NodeId,
    },
    /// Something that other replicas have: a hint on its way home, a read repair, an exchange.
    /// Always merged: no limit of the client's edge applies.
    Repair,
}

/// What the one side of an exchange asks the other (rule 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeAsk {
    /// This is the sum of my tree: is yours the same? Answered by `Same` or `Branches`.
    Root(TreeSum),
    /// The sums of these branches' leaves. Answered by `Leaves`.
    Leaves(BranchSet),
    /// What is in these leaves; at most [`MAX_LEAVES_ASKED`]. Answered by `Items`.
    Items(Vec<LeafIndex>),
    /// The states of the objects with these tokens; at most [`MAX_STATES_ASKED`]. Answered by
    /// `States`.
    States(Vec<Token>),
}

/// The most leaves that one exchange message asks for.
pub const MAX_LEAVES_ASKED: usize = 64;
/// The most states that one exchange message asks for.
pub const MAX_STATES_ASKED: usize = 1024;

/// What the other side of an exchange says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeAnswer {
    /// It is no replica of the partition, its tree is still being built, or it has too much to do.
    NotReady,
    /// The trees are the same.
    Same,
    /// The sums of all branches, in order.
    Branches(Vec<TreeSum>),
    /// The sums of the leaves of each branch that was asked for, in order.
    Leaves(Vec<TreeSum>),
    /// What is in the leaves that were asked for, in token order.
    Items(Vec<LeafItem>),
    /// Whole states, in token order.
    States {
        /// How many of the tokens asked for, from the first, these are all the states of; the
        /// rest would have made the answer too large.
        answered: u32,
        /// The objects.
        states: Vec<(ObjectKey, EncodedState)>,
    },
}

/// All objects of one token in a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafItem {
    /// The token.
    pub token: Token,
    /// The lower half of the sum of its objects.
    pub sum: u64,
}

/// Why a replica did not take a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicateRefusal {
    /// The sender's ring is older and the receiver is no replica in its own.
    StaleRing,
    /// The partition moves, and the sender is not as far with that as the receiver insists on
    /// (rule 17): go on at this footing.
    Behind(Footing),
    /// The state's bytes can't be decoded.
    Undecodable,
    /// What the receiver has of the object is damaged: it can neither keep nor replace it.
    Damaged,
    /// The receiver has as much work as it takes.
    Overloaded,
    /// The receiver's disk has reached its reserve: it takes repairs and deletes only.
    DiskReserve,
    /// The receiver holds as many hints as it may.
    HintsFull,
    /// The state was read at a collection round before the one that the receiver insists on
    /// (rule 13): read it again, at the answer's round, and send that.
    EarlierRound,
}

/// A message between shards of two nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum ShardMessage {
    /// Merge this state and acknowledge (answered by [`Self::Replicated`]).
    Replicate {
        /// Named by the sender.
        request: RequestId,
        /// The sender's ring, and how far it is with the partition's move.
        footing: Footing,
        /// The collection round at which the state was read.
        round: Round,
        /// What it is sent for.
        purpose: Purpose,
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
        /// The replica's collection round of the partition.
        round: Round,
        /// Whose the copy is, if it is kept as a hint: one fallback may keep a hint for each of two
        /// owners, and each counts once it is there. None for a copy of its own, and for a refusal.
        kept_for: Option<NodeId>,
        /// How long the replica had the state before it sent this; none if it does not say.
        held: Option<Duration>,
        /// How far the replica is, or why it did not take the state.
        stage: Result<AckStage, ReplicateRefusal>,
    },
    /// Say what you have (answered by [`Self::ReadAnswered`]).
    Read {
        /// Named by the coordinator.
        request: RequestId,
        /// The coordinator's ring, and how far it is with the partition's move.
        footing: Footing,
        /// The collection round that another replica has answered at: it is risen to before anything
        /// is read.
        round: Round,
        /// Which object.
        key: ObjectKey,
        /// The state, or only its digest.
        wish: ReadWish,
    },
    /// What a replica has.
    ReadAnswered {
        /// The request it answers.
        request: RequestId,
        /// The collection round at which it was read.
        round: Round,
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
    /// A step of an exchange (answered by [`Self::ExchangeAnswered`]).
    Exchange {
        /// Named by the node that began the exchange.
        request: RequestId,
        /// Its ring.
        ring: RingVersion,
        /// The partition whose replicas are compared.
        partition: Partition,
        /// Its collection round.
        round: Round,
        /// What it asks.
        ask: ExchangeAsk,
    },
    /// The answer to a step of an exchange.
    ExchangeAnswered {
        /// The request it answers.
        request: RequestId,
        /// The answering replica's collection round.
        round: Round,
        /// Whether the answering replica has all that it has acknowledged of what it is asked about.
        has: Completeness,
        /// What it says.
        answer: ExchangeAnswer,
    },
    /// A step of a collection round (rule 13). Answered with [`Self::Collected`].
    Collect {
        /// The sender's request.
        request: RequestId,
        /// The sender's ring version.
        ring: RingVersion,
        /// The partition that is collected.
        partition: Partition,
        /// The round that is to be, or is.
        round: Round,
        /// What is asked.
        ask: CollectAsk,
    },
    /// The answer to [`Self::Collect`].
    Collected {
        /// The asker's request.
        request: RequestId,
        /// The partition.
        partition: Partition,
        /// At which round it is at the answering node.
        round: Round,
        /// The answer.
        answer: CollectAnswer,
    },
}
