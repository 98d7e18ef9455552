//! Planning the ring that follows: balance within one partition of the ideal, fewest moves.

use crate::identity::NodeId;
use crate::membership::facts::StagedChange;
use crate::ring::{Ring, RingVersion};
use crate::token::Partition;

/// A staged change and the node it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// For whom.
    pub node: NodeId,
    /// What.
    pub change: StagedChange,
}

/// One replica that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Of which partition.
    pub partition: Partition,
    /// The node that gets a replica it did not have.
    pub to: NodeId,
    /// The node that gives one up for it; none if the partition gains a replica.
    pub from: Option<NodeId>,
}

/// What committing the staged changes would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The ring that would follow.
    pub ring: Ring,
    /// The changes it takes in.
    pub changes: Vec<Change>,
    /// The replicas that would move.
    pub moves: Vec<Move>,
    /// What the operator should know before committing (zones that protect nothing, and the like).
    pub warnings: Vec<String>,
}

impl Plan {
    /// The version that committing it would create.
    pub const fn version(&self) -> RingVersion {
        self.ring.version
    }
}

/// Why staged changes can't be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Two members would have one name.
    #[error("two members would be called {0}: names must differ")]
    DuplicateName(String),
    /// A change for a node that is no member, or a join of one that is.
    #[error("{0}")]
    InvalidChange(String),
    /// Nobody would be left.
    #[error("no member would be left")]
    NoMembers,
}

/// Plans the ring that follows `ring` when `changes` are taken in.
pub fn plan(_ring: &Ring, _changes: &[Change]) -> Result<Plan, PlanError> {
    todo!()
}
