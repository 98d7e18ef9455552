//! What operators ask of membership, and what they get back.

use std::sync::Arc;
use std::time::Duration;

use crate::bucket::{BucketFact, BucketProperties, FixedProperties, MutableProperties};
use crate::identity::NodeId;
use crate::membership::facts::{Addresses, StagedChange};
use crate::object::BucketName;
use crate::ring::{Plan, PlanError, Ring, RingVersion, Weight};

/// An operator's request, named so that the reply finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdminId(pub u64);

/// What can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum AdminRequest {
    /// The cluster as this node sees it.
    Status,
    /// Stage a change for a node.
    Stage {
        /// The node.
        node: NodeId,
        /// The change.
        change: StagedChange,
    },
    /// What committing everything staged would do.
    Plan,
    /// Make the planned ring the next one, if it is still the one that was planned.
    Commit {
        /// The ring version the plan would create.
        version: RingVersion,
    },
    /// Forget everything staged.
    Discard,
    /// Take all members off the ring that can't be reached, although that is a majority: those that
    /// are left go on without them.
    Recover,
    /// The properties of a bucket.
    Bucket(BucketName),
    /// Make a bucket, or change its properties.
    SetBucket {
        /// Which.
        bucket: BucketName,
        /// What is fixed when it is made, where the operator named it.
        n: Option<u8>,
        /// How conflicts are settled, where the operator named it.
        conflicts: Option<crate::object::ConflictRule>,
        /// The rest, as it should be from now on.
        mutable: MutableProperties,
    },
}

/// What comes back.
pub type AdminReply = Result<AdminDone, AdminError>;

/// A request that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum AdminDone {
    /// The cluster.
    Status(ClusterStatus),
    /// The change is staged.
    Staged,
    /// The plan.
    Plan(Plan),
    /// The new ring was chosen by a majority.
    Committed(Arc<Ring>),
    /// A majority knows that these nodes are dead: the change under way waits for them no more.
    /// Nothing else was committed.
    DeclaredDead {
        /// Their names.
        names: Vec<String>,
    },
    /// Nothing is staged any more.
    Discarded,
    /// A bucket's properties; whether it was made is told by the fact.
    Bucket {
        /// The properties that hold.
        properties: BucketProperties,
        /// The fact, if it was made.
        fact: Option<BucketFact>,
    },
    /// The properties are known to a majority of the members.
    BucketSet(BucketProperties),
}

/// Why it was not.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The node has no ring yet, or is no member of it.
    #[error("this node is not a member of a cluster yet: plan and commit its join on a member")]
    NotMember,
    /// The plan on which a commit rests is not the current one.
    #[error("version {} is not what would be committed now, which is {}: look at the plan again", asked.0, current.version().0)]
    StaleVersion {
        /// What was asked for.
        asked: RingVersion,
        /// The plan as it is now.
        current: Box<Plan>,
    },
    /// Nothing is staged.
    #[error("nothing is staged: start a node with --join, or stage a change, then plan again")]
    NothingStaged,
    /// What is staged can't be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Another ring was chosen with that number.
    #[error("another change was committed as version {}: look at the plan again", chosen.0)]
    Overtaken {
        /// The number.
        chosen: RingVersion,
    },
    /// Partitions still move to the owners that the newest ring gives them.
    #[error("the change to ring version {} is under way: {partitions_left} partitions still move{}; commit the next change once it is settled (see the status), or declare dead who will not come back", version.0, waiting(names))]
    UnderWay {
        /// The ring that is being reached.
        version: RingVersion,
        /// How many partitions still move.
        partitions_left: usize,
        /// For whom it waits.
        names: Vec<String>,
    },
    /// A majority of the members, can't be reached.
    #[error("{} did not answer in time: nothing was decided here; if the commit had begun it may still take effect, look at the status", names.join(", "))]
    Unreachable {
        /// Their names.
        names: Vec<String>,
    },
    /// A majority of the members can be reached: nothing has to be forced.
    #[error("a majority of the members answers ({}): take those that are dead off the ring by `stator cluster remove --dead` and a commit", names.join(", "))]
    MajorityLives {
        /// The members that can be reached.
        names: Vec<String>,
    },
    /// The change can't be staged.
    #[error("{0}")]
    InvalidChange(String),
    /// A change of this kind is not built yet.
    #[error("{0} is not built yet")]
    NotBuilt(&'static str),
    /// What is fixed when a bucket is made can't be changed.
    #[error("bucket {bucket} has n={} and conflicts={:?} since it was made: they can't be changed", fixed.n, fixed.conflicts)]
    BucketFixed {
        /// Which.
        bucket: BucketName,
        /// What holds.
        fixed: FixedProperties,
    },
    /// The bucket can't have such properties.
    #[error("{0}")]
    InvalidBucket(String),
    /// Another commit is under way here.
    #[error("another commit is under way on this node: wait for it to end")]
    Busy,
}

fn waiting(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", waiting for {}", names.join(", ")) }
}

/// A change of the ring under way, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeStatus {
    /// The ring that is being reached.
    pub version: RingVersion,
    /// How many partitions move.
    pub partitions: usize,
    /// How many of them their owners are not done with.
    pub partitions_left: usize,
    /// How many replicas their new owners still have to pull.
    pub replicas_left: usize,
    /// Ids of those for whom it waits.
    pub waits_for: Vec<NodeId>,
}

/// The cluster as one node sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterStatus {
    /// The newest ring; none before there is one.
    pub ring: Option<Arc<Ring>>,
    /// Its members, and nodes that want to join, by name.
    pub members: Vec<MemberStatus>,
    /// What moves; none if nothing does.
    pub change: Option<ChangeStatus>,
}

/// A node as another one sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberStatus {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its zone.
    pub zone: String,
    /// Its weight.
    pub weight: Weight,
    /// Its addresses.
    pub addresses: Addresses,
    /// How it is.
    pub state: MemberState,
    /// Suspicion by phi accrual, the worse of both directions; 0 for this node itself.
    pub phi: f64,
    /// The fraction of all replicas that it owns.
    pub share: f64,
    /// The newest ring that it is known to know.
    pub ring: RingVersion,
    /// Since it was last heard; none if it never was.
    pub silent_for: Option<Duration>,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberState {
    /// A member that answers.
    Up,
    /// A member that does not answer.
    Down,
    /// Not a member; its join is staged.
    Joining,
    /// Not a member any more, but partitions are still taken over from it.
    Leaving,
    /// Not a member any more.
    Removed,
}
