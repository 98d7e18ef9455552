//! What is known of a bucket that was made.

use prost::Message;
use stator_core::bucket::{BucketFact, FixedProperties, MutableProperties};
use stator_core::identity::NodeId;
use stator_core::object::ConflictRule;
use stator_core::time::Stamp;

use super::field::{Field, positive_byte, required};
use super::quorum::QuorumMessage;
use super::span::Span;
use crate::error::WireError;

const SIBLINGS: u32 = 1;
const LAST_WRITE_WINS: u32 = 2;

#[derive(Clone, PartialEq, Message)]
pub(super) struct BucketFactMessage {
    #[prost(uint32, tag = "1")]
    n: u32,
    #[prost(uint32, tag = "2")]
    conflicts: u32,
    #[prost(message, optional, tag = "3")]
    made: Option<MomentMessage>,
    #[prost(message, optional, tag = "4")]
    quorum: Option<QuorumMessage>,
    #[prost(message, optional, tag = "5")]
    ttl: Option<Span>,
    #[prost(uint32, tag = "6")]
    max_siblings: u32,
    #[prost(message, optional, tag = "7")]
    changed: Option<MomentMessage>,
}

/// When, and on which node.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct MomentMessage {
    #[prost(fixed64, tag = "1")]
    stamp: u64,
    #[prost(fixed64, tag = "2")]
    node: u64,
}

impl From<(Stamp, NodeId)> for MomentMessage {
    fn from((stamp, node): (Stamp, NodeId)) -> Self {
        Self { stamp: stamp.to_bits(), node: node.get() }
    }
}

/// When, and on which node.
pub(super) fn moment(
    field: Field,
    message: Option<MomentMessage>,
) -> Result<(Stamp, NodeId), WireError> {
    let MomentMessage { stamp, node } = required(field, message)?;
    Ok((Stamp::from_bits(stamp), NodeId::new(node)))
}

pub(super) const fn from_conflict_rule(rule: ConflictRule) -> u32 {
    match rule {
        ConflictRule::Siblings => SIBLINGS,
        ConflictRule::LastWriteWins => LAST_WRITE_WINS,
    }
}

pub(super) fn conflict_rule(field: Field, code: u32) -> Result<ConflictRule, WireError> {
    match code {
        SIBLINGS => Ok(ConflictRule::Siblings),
        LAST_WRITE_WINS => Ok(ConflictRule::LastWriteWins),
        _ => Err(WireError::UnknownValue { field, value: code.into() }),
    }
}

impl From<&BucketFact> for BucketFactMessage {
    fn from(fact: &BucketFact) -> Self {
        Self {
            n: fact.fixed.n.into(),
            conflicts: from_conflict_rule(fact.fixed.conflicts),
            made: Some(fact.made.into()),
            quorum: Some((&fact.mutable.quorum).into()),
            ttl: fact.mutable.ttl.map(Span::from),
            max_siblings: fact.mutable.max_siblings,
            changed: Some(fact.changed.into()),
        }
    }
}

impl TryFrom<BucketFactMessage> for BucketFact {
    type Error = WireError;

    fn try_from(fact: BucketFactMessage) -> Result<Self, WireError> {
        let conflicts = conflict_rule("bucket_fact.conflicts", fact.conflicts)?;
        Ok(Self {
            fixed: FixedProperties { n: positive_byte("bucket_fact.n", fact.n)?, conflicts },
            made: moment("bucket_fact.made", fact.made)?,
            mutable: MutableProperties {
                quorum: required("bucket_fact.quorum", fact.quorum)?.try_into()?,
                ttl: fact.ttl.map(|span| span.duration("bucket_fact.ttl")).transpose()?,
                max_siblings: fact.max_siblings,
            },
            changed: moment("bucket_fact.changed", fact.changed)?,
        })
    }
}
