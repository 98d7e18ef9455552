//! A small HTTP client for Stator: what the command line, the demo and tests speak with.
//!
//! Buckets and keys are byte strings; they reach the server percent-encoded byte for byte, with
//! no normalisation of dots, slashes or UTF-8. Every write ends in one of the paper's three
//! outcomes as Stator names them: it was acknowledged (`Ok`), refused, or indeterminate, and
//! [`ClientError::outcome`] says which of the latter two. A connection that breaks after a write
//! was sent is indeterminate, never "failed".
//!
//! The client talks to one node, which coordinates (the paper, 4.5: server-driven coordination).

mod bucket;
mod cluster;
mod endpoint;
mod error;
mod history;
mod keys;
mod locate;
mod node;
mod object;
mod path;
mod problem;
mod replica;
mod transport;

pub use bucket::{BucketDocument, BucketSettings};
pub use cluster::{
    ClusterDocument, Committed, MemberDocument, PlanChange, PlanDocument, PlanMember, PlanMove,
    StageRequest, TransitionDocument,
};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::{ClientError, Outcome};
pub use history::{HistoryDocument, StepDocument};
pub use keys::{KeyEntry, KeyStream, KeysQuery};
pub use locate::{LocateDocument, LocatedNode};
pub use node::{Detail, HintsDocument, NodeDocument, PartitionDocument, SinceStartDocument};
pub use object::{
    Context, Fetched, Head, NewObject, Object, ObjectName, ReplicaCounts, RequestOptions, Sibling,
    Siblings, Written,
};
pub use path::object_path;
pub use problem::Problem;
pub use replica::{EntryDocument, HintDocument, ReplicaDocument, StateDocument, VersionDocument};
pub use transport::Client;
