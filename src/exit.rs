//! Exit statuses: fixed, since scripts depend on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed, or refused: nothing was written.
    Failed,
    /// The command line, or the configuration, can't be meant so.
    Usage,
    /// A write that may appear later.
    Indeterminate,
    /// The object is not there.
    NotFound,
    /// Several values where one was asked for.
    Siblings,
}

impl Exit {
    /// Its number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Indeterminate => 3,
            Self::NotFound => 4,
            Self::Siblings => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
