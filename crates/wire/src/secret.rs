//! The cluster secret, and the keys that are derived from it: that of peer links, and that of clients.
//!
//! The rule: every key is derived one way, under a name of its own. Who holds the client key can make
//! neither the secret nor the key of peer links of it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Separates the keys of peer links from every other use of the cluster secret.
const LINK_KEY: &str = "stator 2026-11-24 peer link";
/// Separates the key of clients from every other use of the cluster secret.
const CLIENT_KEY: &str = "stator 2026-11-27 client link";

/// What all nodes of a cluster know and nobody else does. May be empty, for clusters on loopback
/// that were given none. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// The secret with these bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes, to derive keys from.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is no secret at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Secret(empty)" } else { "Secret(…)" })
    }
}

/// The key of peer links that a secret stands for.
#[derive(Clone)]
pub(crate) struct LinkKey([u8; 32]);

impl LinkKey {
    fn derive(secret: &Secret) -> Self {
        Self(blake3::derive_key(LINK_KEY, secret.expose()))
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What a client shows to speak to nodes natively. It opens no link between nodes. Never shown by
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKey([u8; 32]);

/// Text that is no client key. It does not show the text, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "that is no client key: it has 43 letters, digits, dashes and underscores; print one with `stator secret --client`"
)]
pub struct InvalidClientKey;

impl ClientKey {
    /// The client key of a cluster with this secret.
    pub fn derive(secret: &Secret) -> Self {
        Self(blake3::derive_key(CLIENT_KEY, secret.expose()))
    }

    /// As text, in base64url: what `stator secret --client` prints.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for ClientKey {
    type Err = InvalidClientKey;

    fn from_str(text: &str) -> Result<Self, InvalidClientKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| InvalidClientKey)?;
        bytes.try_into().map(Self).map_err(|_| InvalidClientKey)
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientKey(…)")
    }
}

/// The secrets a node goes by: it dials with the current one and is dialled with any.
///
/// A secret is changed without downtime in three rounds over all nodes: first each accepts the new
/// one beside the current one, then each makes the new one its current and keeps the old one
/// beside it, then each drops the old one.
#[derive(Clone)]
pub struct Keyring {
    current: LinkKey,
    older: Vec<LinkKey>,
    clients: Vec<ClientKey>,
    secrets: Vec<Secret>,
}

impl Keyring {
    /// A keyring with one current secret and others that are accepted as well.
    pub fn new(current: &Secret, older: &[Secret]) -> Self {
        let secrets: Vec<Secret> = std::iter::once(current).chain(older).cloned().collect();
        Self {
            current: LinkKey::derive(current),
            older: older.iter().map(LinkKey::derive).collect(),
            clients: secrets.iter().map(ClientKey::derive).collect(),
            secrets,
        }
    }

    /// The secrets themselves, the current one first, to derive other keys from.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.iter()
    }

    pub(crate) const fn current(&self) -> &LinkKey {
        &self.current
    }

    pub(crate) fn accepted(&self) -> impl Iterator<Item = &LinkKey> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// The keys of clients: of every secret that is accepted.
    pub(crate) fn clients(&self) -> impl Iterator<Item = &ClientKey> {
        self.clients.iter()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring(1 current, {} older)", self.older.len())
    }
}

#[cfg(test)]
mod tests;
