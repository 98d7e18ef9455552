//! `stator secret`.

use stator_wire::secret::{ClientKey, Secret};

use crate::cli::SecretArgs;
use crate::commands::Ended;
use crate::config::{generate, secret_of_environment};
use crate::exit::Exit;
use crate::output::line;

/// Prints a new cluster secret, or the client key of the one that there is, and nothing else.
pub(super) fn run(args: &SecretArgs) -> Ended {
    if !args.client {
        line(&generate()?)?;
        return Ok(Exit::Done);
    }
    let secret = secret_of_environment()?;
    if secret.is_none() {
        anstream::eprintln!(
            "no secret is given (STATOR_SECRET, STATOR_SECRET_FILE): this is the key of every \
             cluster that goes without one, which only loopback allows"
        );
    }
    let secret = Secret::new(secret.unwrap_or_default().into_bytes());
    line(&ClientKey::derive(&secret).expose())?;
    Ok(Exit::Done)
}
