//! `stator secret`.

use crate::commands::Ended;
use crate::config::generate;
use crate::exit::Exit;
use crate::output::line;

/// Prints a new cluster secret, and nothing else.
pub(super) fn run() -> Ended {
    line(&generate()?)?;
    Ok(Exit::Done)
}
