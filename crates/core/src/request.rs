//! What a front door asks a shard to do, and what it gets back.
//!
//! The paper, 4.5: `get(key)` returns one object or all conflicting versions, with a context;
//! `put(key, context, object)` takes it back. Rule 9: a put has three outcomes, acknowledged,
//! refused (nothing was sent) and indeterminate (it may appear later).

use bytes::Bytes;

use crate::context::{ContextError, SealedContext};
use crate::object::{BucketName, NewValue, ObjectDigest, ObjectKey, ObjectState};
use crate::quorum::{ImpossibleQuorum, QuorumOptions};
use crate::time::Deadline;
use crate::token::Partition;

/// A request of this node's own front doors, named so that the reply finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientRequestId(pub u64);

/// A request as a front door hands it to the shard of its key.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    /// Its name.
    pub id: ClientRequestId,
    /// What to do.
    pub operation: Operation,
    /// When nobody waits for the answer any more.
    pub deadline: Deadline,
}

/// What can be asked of a shard.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Read an object.
    Get {
        /// Which.
        key: ObjectKey,
        /// `r`, `pr` and the mode.
        quorum: QuorumOptions,
    },
    /// Store a value, or a tombstone.
    Put(PutOrder),
    /// Delete what the coordinator reads first (a delete without a context).
    Delete {
        /// Which.
        key: ObjectKey,
        /// The quorums of both the read and the write.
        quorum: QuorumOptions,
    },
    /// List a bucket's keys in one partition, in token order.
    List(ListOrder),
}

/// A put, as the coordinator that mints it needs it; also how it is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutOrder {
    /// Which object.
    pub key: ObjectKey,
    /// The sealed context that the client sent back; without one the put covers nothing.
    pub context: Option<SealedContext>,
    /// What to store.
    pub value: NewValue,
    /// `w`, `pw`, `dw`, `node_confirms` and the mode.
    pub quorum: QuorumOptions,
    /// Which writes it goes before.
    pub precedence: Precedence,
}

/// Which of two writes holds where the last write wins (rule 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precedence {
    /// Above everything that its minting replica and its writer have seen: a new value.
    #[default]
    Newest,
    /// Just above what its writer has seen: the same value with something beside it changed. What
    /// somebody else has stored meanwhile stays.
    AboveSeen,
}

/// One page of a bucket's keys within a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOrder {
    /// Which bucket.
    pub bucket: BucketName,
    /// Which partition.
    pub partition: Partition,
    /// Go on after this position; from the partition's start if absent.
    pub after: Option<ListPosition>,
    /// At most so many keys, at least 1.
    pub limit: u32,
    /// How many replicas are asked (`r`).
    pub quorum: QuorumOptions,
}

/// A place in the order of a listing: the stored key, which begins with the token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListPosition(pub Bytes);

/// What a shard answers.
pub type ClientReply = Result<Done, RequestError>;

/// A request that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// The answer to a get.
    Got(GetReply),
    /// The answer to a put or a delete.
    Written(PutReply),
    /// The answer to a listing.
    Listed(ListPage),
}

/// What a get found.
#[derive(Clone, Debug, PartialEq)]
pub struct GetReply {
    /// The merged state of all replicas that answered; unwritten if none had the object.
    pub state: ObjectState,
    /// What to send back with a put; absent only if the object was never written.
    pub context: Option<SealedContext>,
    /// The digest of the state: its `ETag`.
    pub digest: ObjectDigest,
    /// Who answered.
    pub answered: Answered,
}

/// Which replicas answered a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Primaries.
    pub primaries: u8,
    /// Fallbacks.
    pub fallbacks: u8,
    /// Of all those, with the write on disk (0 for reads).
    pub durable: u8,
    /// How many replicas the bucket is meant to have.
    pub wanted: u8,
    /// How many of those the ring has nodes for.
    pub existing: u8,
}

impl Answered {
    /// Replicas that answered.
    pub const fn total(self) -> u8 {
        self.primaries + self.fallbacks
    }
}

/// What a put did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutReply {
    /// The context that covers the new version.
    pub context: SealedContext,
    /// Who has it.
    pub answered: Answered,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPage {
    /// The keys found, in token order, with their states less the values' bytes.
    pub entries: Vec<ListEntry>,
    /// Where to go on; none if the partition is done.
    pub next: Option<ListPosition>,
}

/// One key of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct ListEntry {
    /// Its place in the order.
    pub position: ListPosition,
    /// The object's name.
    pub key: ObjectKey,
    /// Its state, with every value's bytes left out.
    pub outline: ObjectState,
}

/// Why a request was not carried out. Says by itself what is known of a write ([`Self::outcome`]).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The context can't be opened.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The quorum can't be met by any number of answers.
    #[error(transparent)]
    Quorum(#[from] ImpossibleQuorum),
    /// Fewer healthy nodes than the quorum needs; nothing was sent.
    #[error(
        "{needed} replicas are needed and {reachable} can be reached: nothing was written; try again, or ask for less"
    )]
    NotEnoughReplicas {
        /// What the quorum needs.
        needed: u8,
        /// What can be reached.
        reachable: u8,
    },
    /// The object has as many siblings as its bucket allows and the put would add one.
    #[error(
        "the object has {siblings} siblings and its bucket allows {max}: read it, merge them, and put the result with its context"
    )]
    TooManySiblings {
        /// How many there would be.
        siblings: u32,
        /// The bucket's `max_siblings`.
        max: u32,
    },
    /// The node has as much work as it takes; nothing was sent.
    #[error("the node has as many requests under way as it takes: try again shortly")]
    Overloaded,
    /// The partition is about to change hands; nothing was sent.
    #[error("partition {0} is about to change owners: try again shortly", partition.get())]
    Moving {
        /// Which.
        partition: Partition,
    },
    /// The disk's reserve is reached; nothing was written.
    #[error(
        "the disk of the node is nearly full: new values are refused until there is room again; reads and deletes go on"
    )]
    DiskReserve,
    /// The node knows no ring yet, or has left it.
    #[error(
        "the node is not a member of a cluster: stage its join and commit it, or ask another node"
    )]
    NotMember,
    /// The deadline passed before anything was sent.
    #[error("the deadline passed before the request could be started")]
    Expired,
    /// A write was sent and too few answers came in time: it may appear later.
    #[error(
        "{needed} acknowledgements were needed and {acked} came in time: the write may appear later"
    )]
    Indeterminate {
        /// What the quorum needs.
        needed: u8,
        /// What came.
        acked: u8,
    },
    /// A read got too few answers in time.
    #[error("{needed} replicas must answer and {answered} did in time")]
    ReadTimeout {
        /// What the quorum needs.
        needed: u8,
        /// What came.
        answered: u8,
    },
    /// A replica's own store can't be read; named, never served.
    #[error("the object can't be read here: {0}")]
    Damaged(String),
}

/// What is known of a write that was not acknowledged (rule 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No replica has it, none will.
    Refused,
    /// It may appear later, whole, or not at all.
    Indeterminate,
}

impl RequestError {
    /// Whether the request was under way and ended because answers were late.
    pub const fn came_too_late(&self) -> bool {
        matches!(self, Self::Indeterminate { .. } | Self::ReadTimeout { .. })
    }

    /// What is known of the write that met this error.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Indeterminate { .. } => Outcome::Indeterminate,
            _ => Outcome::Refused,
        }
    }
}
