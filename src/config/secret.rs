//! The cluster secret: where it is read from, and what is refused.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use stator_wire::secret::ClientKey;

use crate::cli::ServeArgs;
use crate::config::{Layers, SECRET_FILE, Source};
use crate::failure::Failure;

/// Separates administration from every other use of the cluster secret.
const ADMIN_TOKEN: &str = "stator 2026-11-24 admin token";
/// A secret file is a few lines; what is longer is some other file.
const FILE_MAX: u64 = 64 * 1024;

/// The cluster's secrets, and who gave them.
pub(crate) struct SecretSource {
    /// The one that this node goes by; none if nobody gave one.
    pub(crate) current: Option<String>,
    /// Others that it accepts.
    pub(crate) older: Vec<String>,
    /// Who gave them.
    pub(crate) source: Source,
}

impl SecretSource {
    /// Reads the secret from the first layer that has one.
    pub(crate) fn read(layers: &Layers) -> Result<Self, Failure> {
        let text = layers.variable("STATOR_SECRET");
        let named = layers.variable("STATOR_SECRET_FILE");
        if text.is_some() && named.is_some() {
            return Err(Failure::usage("STATOR_SECRET and STATOR_SECRET_FILE are both set")
                .try_next("unset one of them"));
        }
        if let Some(text) = text {
            return parse(text, Source::Variable("STATOR_SECRET".into()));
        }
        if let Some(path) = named {
            return of_file(Path::new(path), Source::Variable("STATOR_SECRET_FILE".into()));
        }
        if let Some((file, path)) = layers.of_settings_file(SECRET_FILE) {
            return of_file(&relative_to(file, path), Source::File(file.to_owned()));
        }
        Ok(Self { current: None, older: Vec::new(), source: Source::Default })
    }
}

/// A path in the settings file counts from where that file lies.
fn relative_to(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}

fn of_file(path: &Path, source: Source) -> Result<SecretSource, Failure> {
    parse(&private_text(path, "secret")?, source)
}

/// The text of a file that nobody but its owner can read.
fn private_text(path: &Path, what: &str) -> Result<String, Failure> {
    let flag = if what == "secret" { "" } else { "--client " };
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("the {what} file {} can't be read: {error}", path.display()))
            .try_next(format!(
                "make one with: (umask 077; stator secret {flag}> {})",
                path.display()
            ))
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    let mode = metadata.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Failure::usage(format!(
            "the {what} file {} can be read by others than its owner (mode {:03o})",
            path.display(),
            mode & 0o777
        ))
        .try_next(format!("chmod 600 {}", path.display())));
    }
    if metadata.len() > FILE_MAX {
        return Err(Failure::usage(format!(
            "{} has {} bytes: that is no {what} file",
            path.display(),
            metadata.len()
        )));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// The first line is the current secret, each further one is an older one still accepted.
fn parse(text: &str, source: Source) -> Result<SecretSource, Failure> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
    let Some(current) = lines.next() else {
        return Err(Failure::usage(format!("the cluster secret is empty ({source})"))
            .try_next("make one with `stator secret`"));
    };
    let older: Vec<String> = lines.collect();
    if let Some(short) = older.iter().chain([&current]).find(|secret| secret.len() < 16) {
        return Err(Failure::usage(format!(
            "a cluster secret has {} characters ({source}): fewer than 16 can be guessed",
            short.len()
        ))
        .try_next("make one with `stator secret`"));
    }
    Ok(SecretSource { current: Some(current), older, source })
}

/// What must be shown to administer a cluster off loopback: made from its secret, so that the
/// secret itself never travels.
pub(crate) fn admin_token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(blake3::derive_key(ADMIN_TOKEN, secret.as_bytes()))
}

/// The same for a command that administers, if its environment has the cluster's secret.
pub(crate) fn admin_token_of_environment() -> Result<Option<String>, Failure> {
    Ok(secret_of_environment()?.as_deref().map(admin_token))
}

/// The cluster's secret, if the environment of a command has it.
pub(crate) fn secret_of_environment() -> Result<Option<String>, Failure> {
    let layers = Layers::read(&ServeArgs::default(), std::env::vars_os())?;
    Ok(SecretSource::read(&layers)?.current)
}

/// The key by which a command speaks to nodes natively, if its environment has one
/// (`STATOR_CLIENT_KEY`, or a file that `STATOR_CLIENT_KEY_FILE` names).
pub(crate) fn client_key_of_environment() -> Result<Option<ClientKey>, Failure> {
    let (text, file) = ("STATOR_CLIENT_KEY", "STATOR_CLIENT_KEY_FILE");
    let layers = Layers::read(&ServeArgs::default(), std::env::vars_os())?;
    let (named, given) = match (layers.variable(text), layers.variable(file)) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage(format!("{text} and {file} are both set"))
                .try_next("unset one of them"));
        }
        (Some(given), None) => (text, given.to_owned()),
        (None, Some(path)) => (file, private_text(Path::new(path), "client key")?),
        (None, None) => return Ok(None),
    };
    let key = given.parse().map_err(|error| Failure::usage(format!("{named}: {error}")))?;
    Ok(Some(key))
}

/// A new secret: 32 random bytes as base64url.
pub(crate) fn generate() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Failure::new(format!("the system gives no randomness: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests;
