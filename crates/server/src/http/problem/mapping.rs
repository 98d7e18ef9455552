//! From the node's errors to problems: the one place that says which error is which status.

use http::HeaderMap;
use serde_json::json;
use stator_core::membership::admin::AdminError;
use stator_core::object::NameError;
use stator_core::request::{Outcome, RequestError};

use super::{Intent, Kind, Problem, kind};

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        let kind = match error {
            NameError::Empty { what: "bucket" } => kind::BUCKET_EMPTY,
            NameError::Empty { .. } => kind::KEY_EMPTY,
            NameError::TooLong { what: "bucket", .. } => kind::BUCKET_TOO_LARGE,
            NameError::TooLong { .. } => kind::KEY_TOO_LARGE,
        };
        Self::new(kind, error.to_string())
    }
}

impl Problem {
    /// What a request's error is.
    pub(crate) fn of_request(error: RequestError, intent: Intent) -> Self {
        Self::new(request_kind(&error, intent), error.to_string()).with_outcome(error.outcome())
    }

    /// What an operator's error is. The members of a stale version's plan are told by
    /// [`crate::http::cluster`], which knows the nodes' names.
    pub(crate) fn of_admin(error: &AdminError) -> Self {
        let problem = Self::new(admin_kind(error), error.to_string());
        match error {
            AdminError::Unreachable { names } => {
                problem.with_outcome(Outcome::Indeterminate).with_member("nodes", json!(names))
            }
            AdminError::Overtaken { chosen } => problem.with_member("version", json!(chosen.0)),
            AdminError::UnderWay { version, partitions_left, names } => problem
                .with_member("version", json!(version.0))
                .with_member("partitions_left", json!(partitions_left))
                .with_member("nodes", json!(names)),
            _ => problem,
        }
    }

    /// The headers that the problem adds to its response.
    pub(crate) fn extend_headers(mut self, headers: &HeaderMap) -> Self {
        self.headers.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }
}

fn request_kind(error: &RequestError, intent: Intent) -> Kind {
    match error {
        RequestError::Context(_) => kind::CONTEXT_INVALID,
        RequestError::Quorum(_) => kind::IMPOSSIBLE_QUORUM,
        RequestError::NotEnoughReplicas { .. } => kind::NOT_ENOUGH_REPLICAS,
        RequestError::TooManySiblings { .. } => kind::TOO_MANY_SIBLINGS,
        RequestError::Overloaded => kind::OVERLOADED,
        RequestError::Moving { .. } => kind::MOVING,
        RequestError::NotMember => kind::NOT_MEMBER,
        RequestError::Expired => kind::EXPIRED,
        RequestError::Indeterminate { .. } => kind::INDETERMINATE,
        // A delete without a context reads first. If that fails nothing was written, and on a
        // write a 504 would say that this is in doubt.
        RequestError::ReadTimeout { .. } if intent == Intent::Write => kind::READ_REFUSED,
        RequestError::ReadTimeout { .. } => kind::READ_TIMEOUT,
        RequestError::Damaged(_) => kind::DAMAGED,
        other if other.outcome() == Outcome::Indeterminate => kind::INDETERMINATE,
        _ => kind::REFUSED,
    }
}

fn admin_kind(error: &AdminError) -> Kind {
    match error {
        AdminError::NotMember => kind::NOT_MEMBER,
        AdminError::StaleVersion { .. } | AdminError::Overtaken { .. } => kind::STALE_VERSION,
        AdminError::NothingStaged => kind::NOTHING_STAGED,
        AdminError::Plan(_) => kind::PLAN_IMPOSSIBLE,
        AdminError::UnderWay { .. } => kind::CHANGE_UNDER_WAY,
        AdminError::MajorityLives { .. } => kind::MAJORITY_LIVES,
        AdminError::Unreachable { .. } => kind::UNREACHABLE,
        AdminError::InvalidChange(_) => kind::CHANGE_INVALID,
        AdminError::NotBuilt(_) => kind::NOT_BUILT,
        AdminError::BucketFixed { .. } => kind::BUCKET_FIXED,
        AdminError::InvalidBucket(_) => kind::BUCKET_INVALID,
        AdminError::Busy => kind::COMMIT_UNDER_WAY,
        _ => kind::INTERNAL,
    }
}
