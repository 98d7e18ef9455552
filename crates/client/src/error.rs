//! Why a request was not carried out, what is known of it, and what to try next.

use std::time::Duration;

use crate::problem::Problem;

/// What is known of a request that was not acknowledged (rule 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing was written, nothing will be: safe to try again.
    Refused,
    /// A write that may appear later, whole, or not at all.
    Indeterminate,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection could be opened: nothing was sent.
    #[error("no node answers at {endpoint}: {cause}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What the system said.
        cause: String,
    },
    /// A node is there and does not take this client: nothing was sent.
    #[error("{endpoint} refuses this client: {cause}")]
    KeyRefused {
        /// Where.
        endpoint: String,
        /// Why, in the node's words where it gave any.
        cause: String,
    },
    /// The connection broke after the request was sent, at least in part.
    #[error("the connection to {endpoint} broke before the answer came: {cause}")]
    Broken {
        /// Where.
        endpoint: String,
        /// What the system said.
        cause: String,
        /// What is known of the write, if it was one.
        outcome: Outcome,
    },
    /// No answer came in time.
    #[error("{endpoint} did not answer within {} ms", waited.as_millis())]
    TimedOut {
        /// Where.
        endpoint: String,
        /// How long the client waited.
        waited: Duration,
        /// What is known of the write, if it was one.
        outcome: Outcome,
    },
    /// The server said why not.
    #[error(transparent)]
    Problem(#[from] Box<Problem>),
    /// The answer is not one of this interface.
    #[error("{endpoint} gave an answer that is not understood: {detail}")]
    Protocol {
        /// Where.
        endpoint: String,
        /// What is wrong with it.
        detail: String,
        /// What is known of the write, if it was one.
        outcome: Outcome,
    },
    /// The request can't be written down as HTTP; nothing was sent.
    #[error("the request can't be sent: {0}")]
    Invalid(String),
}

impl ClientError {
    /// What is known of a write that met this error; `Refused` for reads.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Unreachable { .. } | Self::KeyRefused { .. } | Self::Invalid(_) => {
                Outcome::Refused
            }
            Self::Broken { outcome, .. }
            | Self::TimedOut { outcome, .. }
            | Self::Protocol { outcome, .. } => *outcome,
            Self::Problem(problem) => problem.outcome,
        }
    }

    /// Whether trying the same request again shortly may succeed and can't write twice.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Broken { outcome, .. } | Self::TimedOut { outcome, .. } => {
                *outcome == Outcome::Refused
            }
            Self::Problem(problem) => {
                problem.outcome == Outcome::Refused && matches!(problem.status, 429 | 503 | 504)
            }
            Self::KeyRefused { .. } | Self::Protocol { .. } | Self::Invalid(_) => false,
        }
    }

    /// The next thing to try, if there is one to name beyond what the error itself says.
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => Some(
                "start a node with `stator serve`, or name another with --endpoint or \
                 STATOR_ENDPOINT"
                    .to_owned(),
            ),
            Self::KeyRefused { .. } => Some(
                "print the cluster's client key with `stator secret --client`, or unset \
                 STATOR_CLIENT_KEY and STATOR_CLIENT_KEY_FILE to speak HTTP"
                    .to_owned(),
            ),
            Self::Broken { .. } | Self::TimedOut { .. } | Self::Protocol { .. } => {
                Some(self.after_silence())
            }
            Self::Problem(problem) => problem.advice(),
            Self::Invalid(_) => None,
        }
    }

    fn after_silence(&self) -> String {
        match self.outcome() {
            Outcome::Refused => "try again, or ask another node with --endpoint".to_owned(),
            Outcome::Indeterminate => "read the object to see whether the write is there, then \
                 write again with the context that the read gives"
                .to_owned(),
        }
    }
}
