//! A command that did not do what was asked: the cause, the next thing to try, the exit status.

use std::fmt::Display;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use stator_client::{ClientError, Outcome};

use crate::exit::Exit;

/// Why a command ended, as it is told on stderr.
#[derive(Debug)]
pub(crate) struct Failure {
    cause: String,
    next: Option<String>,
    exit: Exit,
}

impl Failure {
    /// A failure with status 1.
    pub(crate) fn new(cause: impl Display) -> Self {
        Self { cause: cause.to_string(), next: None, exit: Exit::Failed }
    }

    /// A command line or configuration that can't be meant so.
    pub(crate) fn usage(cause: impl Display) -> Self {
        Self { exit: Exit::Usage, ..Self::new(cause) }
    }

    /// The end of a command whose reader wants no more of its output, as `head` does: nobody is
    /// told, and nothing went wrong.
    pub(crate) fn reader_gone() -> Self {
        Self { cause: String::new(), next: None, exit: Exit::Done }
    }

    /// The same, with the next thing to try.
    pub(crate) fn try_next(self, next: impl Display) -> Self {
        Self { next: Some(next.to_string()), ..self }
    }

    /// The same, with another exit status.
    pub(crate) fn exit_with(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Prints it on stderr and gives its status.
    pub(crate) fn report(&self) -> ExitCode {
        if self.exit == Exit::Done {
            return self.exit.into();
        }
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let green = Style::new().bold().fg_color(Some(AnsiColor::Green.into()));
        anstream::eprintln!("{red}error{red:#}: {}", self.cause);
        if let Some(next) = &self.next {
            anstream::eprintln!("{green}try{green:#}: {next}");
        }
        self.exit.into()
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let doubt = error.outcome() == Outcome::Indeterminate;
        let cause = if doubt {
            format!("{error}; the outcome is indeterminate: the write may appear later")
        } else {
            error.to_string()
        };
        let exit = match &error {
            _ if doubt => Exit::Indeterminate,
            ClientError::Problem(problem) if problem.slug == "not-found" => Exit::NotFound,
            _ => Exit::Failed,
        };
        Self { cause, next: error.advice(), exit }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.cause)
    }
}

#[cfg(test)]
mod tests;
