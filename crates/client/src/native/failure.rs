//! What a node's errors are in this crate's words, the same as through HTTP, and whether another
//! node may be asked.

use stator_core::request::{Outcome as CoreOutcome, RequestError};
use stator_wire::client::{CallError, Large};

use crate::error::{ClientError, Outcome};
use crate::problem::Problem;
use crate::transport::Effect;

/// Whether asking again may help, where it is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// At another node, and at all of them a little later.
    Anywhere,
    /// At one other node, which may see more of the cluster.
    Once,
    /// Nowhere: the request itself is what can't be done, or nobody knows what became of it.
    Never,
}

impl Again {
    /// Of a call that was answered so.
    pub(super) const fn of(error: &CallError, effect: Effect) -> Self {
        match error {
            CallError::Behind | CallError::NotUnderstood { .. } => Self::Anywhere,
            CallError::Request(error) => match error {
                RequestError::Overloaded
                | RequestError::NotMember
                | RequestError::Moving { .. }
                | RequestError::DiskReserve => Self::Anywhere,
                RequestError::NotEnoughReplicas { .. } | RequestError::ReadTimeout { .. } => {
                    Self::Once
                }
                RequestError::Damaged(_) if matches!(effect, Effect::Read) => Self::Once,
                _ => Self::Never,
            },
            _ => Self::Never,
        }
    }
}

/// A node's error as this crate tells it: the statuses and names of the HTTP interface, so that a
/// caller need not know which way a request went.
pub(super) fn told(error: &CallError, effect: Effect) -> ClientError {
    let (status, slug, title) = kind(error, effect);
    let outcome = match error {
        CallError::Request(error) if error.outcome() == CoreOutcome::Indeterminate => {
            effect.doubt()
        }
        _ => Outcome::Refused,
    };
    problem((status, slug, title), error.to_string(), outcome)
}

/// A request that is wrong by itself; nothing was sent.
pub(super) fn refused(kind: (u16, &str, &str), detail: String) -> ClientError {
    problem(kind, detail, Outcome::Refused)
}

fn problem(
    (status, slug, title): (u16, &str, &str),
    detail: String,
    outcome: Outcome,
) -> ClientError {
    let (slug, title) = (slug.to_owned(), title.to_owned());
    ClientError::Problem(Box::new(Problem {
        status,
        slug,
        title,
        detail,
        outcome,
        retry_after: None,
    }))
}

const fn kind(error: &CallError, effect: Effect) -> (u16, &'static str, &'static str) {
    match error {
        CallError::Request(error) => request_kind(error, effect),
        CallError::TooLarge { what: Large::Key, .. } => {
            (413, "key-too-large", "The key is too long")
        }
        CallError::TooLarge { what: Large::Metadata, .. } => {
            (431, "metadata-too-large", "The metadata is too large")
        }
        CallError::TooLarge { .. } => (413, "object-too-large", "The object is too large"),
        CallError::Behind => (503, "behind", "The replicas do not have yet what was seen"),
        CallError::NotUnderstood { .. } => (501, "not-built", "Not built yet"),
        _ => (503, "refused", "Refused"),
    }
}

const fn request_kind(error: &RequestError, effect: Effect) -> (u16, &'static str, &'static str) {
    match error {
        RequestError::Context(_) => (400, "context-invalid", "The context is invalid"),
        RequestError::Quorum(_) => (422, "impossible-quorum", "An impossible quorum"),
        RequestError::NotEnoughReplicas { .. } => {
            (503, "not-enough-replicas", "Not enough healthy replicas")
        }
        RequestError::TooManySiblings { .. } => (429, "too-many-siblings", "Too many siblings"),
        RequestError::Overloaded => (503, "overloaded", "Overloaded"),
        RequestError::Moving { .. } => (503, "moving", "The partition is about to change owners"),
        RequestError::NotMember => (503, "not-member", "Not a member of a cluster"),
        RequestError::Expired => (503, "expired", "The deadline passed before the start"),
        RequestError::Indeterminate { .. } => {
            (504, "indeterminate", "The write may or may not appear")
        }
        RequestError::ReadTimeout { .. } => match effect {
            Effect::Write => {
                (503, "read-timeout", "Too few replicas could be read before the write")
            }
            Effect::Read => (504, "read-timeout", "Too few replicas answered"),
        },
        RequestError::Damaged(_) => (503, "damaged", "The object can't be read here"),
        _ => (503, "refused", "Refused"),
    }
}

#[cfg(test)]
mod tests;
