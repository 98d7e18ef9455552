//! `stator completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::output::bytes;

/// Prints a completion script for a shell.
pub(super) fn run(shell: Shell) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stator", &mut script);
    bytes(&script)?;
    Ok(Exit::Done)
}
