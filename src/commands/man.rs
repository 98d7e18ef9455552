//! `stator man`.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::bytes;

/// Prints the manual page of stator, or of one of its commands.
pub(super) fn run(command: Option<&str>) -> Ended {
    let mut stator = Cli::command();
    stator.build();
    let subject = match command {
        None => stator,
        Some(name) => stator.find_subcommand(name).cloned().ok_or_else(|| {
            Failure::usage(format!("there is no command {name:?}"))
                .try_next("see `stator --help` for those that there are")
        })?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(subject)
        .render(&mut page)
        .map_err(|error| Failure::new(format!("the page can't be written: {error}")))?;
    bytes(&page)?;
    Ok(Exit::Done)
}
