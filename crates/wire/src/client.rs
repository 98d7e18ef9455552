//! What clients and nodes say to each other on a native connection: calls and answers, by number.
//!
//! ```text
//! client                                    node
//! ClientInitiator::new    -- hello -->      meet, ClientResponder
//! finish                 <-- welcome or refusal
//! frames of ClientCall    ------->          as many under way as MAX_CALLS
//! frames of NodeAnswer   <-------           in the order in which they are ready
//! ```
//!
//! The rule: this list is all that a client may ask for. It is read by functions of its own
//! ([`crate::proto::decode_call`]), whose numbers of fields are those of no message between nodes:
//! what a node would say is no call, whoever says it.
//!
//! The paper, 5: a partition-aware client library that sends requests to a coordinator directly.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stator_core::bucket::BucketProperties;
use stator_core::context::SealedContext;
use stator_core::identity::{ClusterId, NodeId};
use stator_core::object::{BucketName, Content, ObjectDigest, ObjectKey};
use stator_core::quorum::QuorumOptions;
use stator_core::request::{Answered, PutOrder, PutReply, RequestError};
use stator_core::ring::{Ring, RingVersion};
use stator_core::time::WallTime;
use stator_core::version::Dot;

use crate::cipher::Cipher;
use crate::hello::ProtocolRange;

/// Calls that a connection may have under way. A node reads no further call before one of them is
/// answered, so that a client which sends more waits on its own socket.
pub const MAX_CALLS: usize = 256;

/// The versions of the clients' protocol that this build speaks. It is numbered apart from that of
/// nodes, since clients are upgraded by others and at other times.
pub const CLIENT_PROTOCOLS: ProtocolRange = ProtocolRange { min: 1, max: 1 };

/// What a client says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The versions of the clients' protocol that it speaks.
    pub protocols: ProtocolRange,
    /// What it calls itself, for logs.
    pub name: String,
    /// The cipher for records that is fastest with it.
    pub cipher: Cipher,
}

/// What a node answers a client that it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The versions of the clients' protocol that it speaks.
    pub protocols: ProtocolRange,
    /// Its id.
    pub node: NodeId,
    /// Its label.
    pub name: String,
    /// Its cluster, if it belongs to one.
    pub cluster: Option<ClusterId>,
    /// The newest ring that it knows; 0 if it knows none.
    pub ring: RingVersion,
    /// The cipher for records that is fastest with it.
    pub cipher: Cipher,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientCall {
    /// The call's number, which its answer bears: above 0, and above those of all calls before it.
    pub id: u64,
    /// How long the client waits. At most 10 s count.
    pub timeout: Duration,
    /// What it wants.
    pub ask: Ask,
}

/// All that a client may want.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Read an object.
    Get {
        /// Which.
        key: ObjectKey,
        /// `r`, `pr` and the mode.
        quorum: QuorumOptions,
        /// What the reader has seen of it, and must see again.
        seen: Option<SealedContext>,
    },
    /// Store a value, or with a context a tombstone.
    Put {
        /// What, where, over what.
        order: PutOrder,
        /// How long the value lives; as its bucket says if absent.
        ttl: Option<Duration>,
    },
    /// Delete what the coordinator reads first.
    Delete {
        /// Which.
        key: ObjectKey,
        /// The quorums of both the read and the write.
        quorum: QuorumOptions,
    },
    /// The properties of a bucket.
    Bucket(BucketName),
    /// The ring, and where its members are.
    Ring,
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeAnswer {
    /// The call's number.
    pub id: u64,
    /// The newest ring that the node knows: a client that knows an older one asks for it.
    pub ring: RingVersion,
    /// What came of it.
    pub outcome: Result<Answer, CallError>,
}

/// What came of a call that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of a get.
    Got(Got),
    /// Of a put or a delete.
    Written(PutReply),
    /// Of a question for a bucket.
    Bucket(BucketProperties),
    /// Of a question for the ring.
    Ring(Box<RingPicture>),
}

/// What a get found.
#[derive(Clone, Debug, PartialEq)]
pub struct Got {
    /// The versions, those that have expired as tombstones.
    pub siblings: Vec<GotSibling>,
    /// What to send back with a put; absent only if the object was never written.
    pub context: Option<SealedContext>,
    /// The digest of the whole state.
    pub digest: ObjectDigest,
    /// Who answered.
    pub answered: Answered,
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct GotSibling {
    /// The write that made it: its name for ever.
    pub dot: Dot,
    /// When that was, by the minting node's clock.
    pub written_at: WallTime,
    /// What it holds.
    pub content: Content,
}

/// The cluster as one node sees it, as far as clients need to know.
#[derive(Clone, Debug, PartialEq)]
pub struct RingPicture {
    /// The newest ring; none before the node has joined or founded a cluster.
    pub ring: Option<Ring>,
    /// Where nodes are: members, and those that left and still answer.
    pub nodes: BTreeMap<NodeId, NodeAddresses>,
    /// Members that the node would not count on.
    pub suspected: BTreeSet<NodeId>,
    /// Buckets with other than the ring's number of replicas.
    pub replicas: BTreeMap<BucketName, u8>,
}

/// Where a node is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeAddresses {
    /// Its native port.
    pub native: String,
    /// Its HTTP port.
    pub http: String,
}

/// Why a call was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The node's word.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Something is larger than the node takes. Nothing was written.
    #[error("{text}")]
    TooLarge {
        /// What.
        what: Large,
        /// In words.
        text: String,
    },
    /// The replicas that could be read have not all that the reader has seen.
    #[error(
        "the replicas that could be read do not have yet what this session has seen of the object: try again shortly"
    )]
    Behind,
    /// The node does not know such a call: it is older than the client.
    #[error("the node does not know such a call: {text}")]
    NotUnderstood {
        /// What it did not understand.
        text: String,
    },
    /// The node closes the connection, and this is why. It answers no call: its number is 0. All
    /// answers that there will be have been given.
    #[error("the node closes the connection: {text}")]
    Closing {
        /// Why.
        text: String,
        /// The highest number of a call that was read: those above it were not, and nothing came of
        /// them.
        taken: u64,
    },
}

/// What may be too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Large {
    /// The key.
    Key,
    /// The value.
    Object,
    /// What stands beside the value.
    Metadata,
}
