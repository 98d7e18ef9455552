//! What the core reports of its own doing: one closed list, from which logs, metrics, the console
//! and the simulator's trace are all made, so that they never disagree.

use std::time::Duration;

use crate::budget::BytesPerSecond;
use crate::collection::Round;
use crate::identity::NodeId;
use crate::message::RequestId;
use crate::object::ObjectKey;
use crate::request::{Answered, RequestError};
use crate::token::Partition;
use crate::version::Dot;

/// Something worth telling.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Observation {
    /// A coordinator has finished a get.
    GetFinished {
        /// Which object.
        key: ObjectKey,
        /// Since it began here.
        took: Duration,
        /// Siblings returned, or why it failed.
        result: Result<u32, RequestError>,
    },
    /// A coordinator has finished a put.
    PutFinished {
        /// Which object.
        key: ObjectKey,
        /// Since it began here.
        took: Duration,
        /// Who has it, or why it failed.
        result: Result<Answered, RequestError>,
    },
    /// A write was minted here.
    Minted {
        /// Which object.
        key: ObjectKey,
        /// The write.
        dot: Dot,
        /// Siblings of the object now.
        siblings: u32,
    },
    /// A state from a peer was merged here.
    Merged {
        /// Which object.
        key: ObjectKey,
        /// Siblings of the object now.
        siblings: u32,
    },
    /// A peer did not answer in time and is avoided.
    PeerSuspected(NodeId),
    /// A read asked one replica more since another was slow.
    Hedged {
        /// The read.
        request: RequestId,
        /// Who was asked.
        to: NodeId,
    },
    /// Stored bytes that do not match their checksum, or can't be decoded, were met and not
    /// served.
    Damaged {
        /// What was damaged.
        what: String,
    },
    /// A hint was stored here for a primary.
    HintStored {
        /// Which object.
        key: ObjectKey,
        /// Whom it is for.
        owner: NodeId,
    },
    /// A hint went home and was deleted here.
    HintDelivered {
        /// Which object.
        key: ObjectKey,
        /// Whom it was for.
        owner: NodeId,
    },
    /// A read found a replica to be behind, and sent it the merged state.
    ReadRepaired {
        /// Which object.
        key: ObjectKey,
        /// The replica.
        replica: NodeId,
    },
    /// An exchange with a peer has ended.
    Exchanged {
        /// The peer.
        peer: NodeId,
        /// The partition.
        partition: Partition,
        /// Objects that were brought here or taken there, and whether both are known to be alike;
        /// none if it was broken off.
        healed: Option<u64>,
    },
    /// Requests are slower than usual: background work is cut (rule 20).
    BudgetCut {
        /// What it may spend from now on.
        allowance: BytesPerSecond,
    },
    /// Background work is at its ceiling again.
    BudgetRestored,
    /// A partition's replica counts in reads again: what was lost is refilled (rule 19).
    Refilled(Partition),
    /// A damaged object was replaced by its peers' states.
    DamageHealed {
        /// Which object.
        key: ObjectKey,
    },
    /// A full look at a partition found its tree other than its objects say; it was set right.
    TreeDrifted(Partition),
    /// A collection round was carried out here.
    Collected {
        /// The partition.
        partition: Partition,
        /// The round.
        round: Round,
        /// Tombstones dropped.
        dropped: u32,
        /// Vectors pruned.
        pruned: u32,
    },
}
