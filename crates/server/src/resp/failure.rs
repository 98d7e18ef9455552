//! Everything that can go wrong with a command, as error replies. The first word says what to do:
//! `ERR` ask differently; `REFUSED` nothing was written, safe to try again; `INDETERMINATE` it may
//! appear later (rule 9); `CONTEXT` read again and take the context of that.

use std::fmt::Display;

use stator_core::object::NameError;
use stator_core::request::{Outcome, RequestError};

use super::reply::Reply;
use crate::scan::ScanError;

/// Why a command was not carried out: the text of its error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure(String);

/// What a command answers.
pub(super) type Answer = Result<Reply, Failure>;

impl Failure {
    /// The command is wrong as it stands.
    pub(super) fn err(text: impl Display) -> Self {
        Self(format!("ERR {text}"))
    }

    /// Nothing was written, or nothing could be read; it may be tried again.
    pub(super) fn refused(text: impl Display) -> Self {
        Self(format!("REFUSED {text}"))
    }

    /// Something was, or may yet be, written.
    pub(super) fn indeterminate(text: impl Display) -> Self {
        Self(format!("INDETERMINATE {text}"))
    }

    /// The context can't be used; nothing was written.
    pub(super) fn context(text: impl Display) -> Self {
        Self(format!("CONTEXT {text}"))
    }

    /// An error of Redis with a first word of its own.
    pub(super) fn as_redis(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn syntax() -> Self {
        Self::err("syntax error")
    }

    pub(super) fn not_an_integer() -> Self {
        Self::err("value is not an integer or out of range")
    }

    pub(super) fn wrong_number(command: &str) -> Self {
        let name = command.to_ascii_lowercase();
        Self::err(format!("wrong number of arguments for '{name}' command"))
    }

    /// The node gave an answer to another question: a fault of the program.
    pub(super) fn mismatched() -> Self {
        Self::err("the node gave an answer to another question: this is a bug, please report it")
    }

    /// Too many values are on their way to clients.
    pub(super) fn no_memory() -> Self {
        Self::refused(
            "the values of other requests take all the memory meant for them: try again shortly",
        )
    }

    /// Whether it may have been written all the same.
    pub(super) fn is_indeterminate(&self) -> bool {
        self.0.starts_with("INDETERMINATE ")
    }

    /// The text without its first word.
    pub(super) fn detail(&self) -> &str {
        self.0.split_once(' ').map_or("", |(_, detail)| detail)
    }

    pub(super) fn into_reply(self) -> Reply {
        Reply::Error(self.0)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::err(error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match &error {
            RequestError::Context(_) => Self::context(error),
            RequestError::Quorum(_) | RequestError::TooManySiblings { .. } => Self::err(error),
            other if other.outcome() == Outcome::Indeterminate => Self::indeterminate(error),
            _ => Self::refused(error),
        }
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Request(error) => error.into(),
            ScanError::Mismatched => Self::mismatched(),
        }
    }
}

#[cfg(test)]
mod tests;
