//! What the core reports of its own doing: one closed list, from which logs, metrics, the console
//! and the simulator's trace are all made, so that they never disagree.

use std::time::Duration;

use crate::identity::NodeId;
use crate::message::RequestId;
use crate::object::ObjectKey;
use crate::request::{Answered, RequestError};
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
}
