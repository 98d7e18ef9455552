//! Clients of Stator, in Rust: one that knows the ring, and one that speaks HTTP to one node.
//!
//! [`RingClient`] is what applications use. With a client key it learns the ring and goes straight to
//! a replica of each key (the paper, 5: client-driven coordination); without one, or where no node
//! can be reached natively, it speaks HTTP. On it stand [`Bucket`], for values of a type whose
//! siblings merge themselves ([`Merge`]), and [`Session`], which reads its own writes. [`Client`] is
//! the HTTP client of one node, and has what operators need beside.
//!
//! Buckets and keys are byte strings; over HTTP they are percent-encoded byte for byte, with no
//! normalisation of dots, slashes or UTF-8. Every write ends in one of the paper's three outcomes as
//! Stator names them: it was acknowledged (`Ok`), refused, or indeterminate, and
//! [`ClientError::outcome`] says which of the latter two. A connection that breaks after a write was
//! sent is indeterminate, never "failed", and such a write is never sent again by itself.
//!
//! The shopping cart, whose siblings merge by union so that nothing is lost, is worked out at
//! [`Bucket`], and runs as the example `cart`.

mod bucket;
mod cluster;
mod endpoint;
mod environment;
mod error;
mod history;
mod keys;
mod locate;
mod native;
mod node;
mod object;
mod path;
mod problem;
mod replica;
mod ring;
mod session;
mod staleness;
mod transport;
mod typed;

pub use bucket::{BucketDocument, BucketSettings};
pub use cluster::{
    ClusterDocument, Committed, EnduresDocument, LossesDocument, MemberDocument, PlanChange,
    PlanDocument, PlanMember, PlanMove, StageRequest, TransitionDocument,
};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use environment::EnvironmentError;
pub use error::{ClientError, Outcome};
pub use history::{HistoryDocument, StepDocument};
pub use keys::{KeyEntry, KeyStream, KeysQuery};
pub use locate::{LocateDocument, LocatedNode};
pub use native::order::Coordinators;
pub use node::{Detail, HintsDocument, NodeDocument, PartitionDocument, SinceStartDocument};
pub use object::{
    Context, Fetched, Head, NewObject, Object, ObjectName, ReplicaCounts, RequestOptions, Sibling,
    Siblings, Written,
};
pub use path::object_path;
pub use problem::Problem;
pub use replica::{EntryDocument, HintDocument, ReplicaDocument, StateDocument, VersionDocument};
pub use ring::{RingClient, RingOptions};
pub use session::Session;
pub use staleness::{
    EstimateDocument, ReplicaDelaysDocument, SpreadDocument, StaleDocument, StalenessDocument,
    StalenessQuery,
};
pub use stator_wire::secret::{ClientKey, InvalidClientKey};
pub use transport::Client;
pub use typed::{Bucket, Found, Merge, TypedError};
