//! The cluster secret, and the keys of peer links that are derived from it.

use std::fmt;

/// Separates the keys of peer links from every other use of the cluster secret.
const LINK_KEY: &str = "stator 2026-11-24 peer link";

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

/// The secrets a node goes by: it dials with the current one and is dialled with any.
///
/// A secret is changed without downtime in three rounds over all nodes: first each accepts the new
/// one beside the current one, then each makes the new one its current and keeps the old one
/// beside it, then each drops the old one.
#[derive(Clone)]
pub struct Keyring {
    current: LinkKey,
    older: Vec<LinkKey>,
    secrets: Vec<Secret>,
}

impl Keyring {
    /// A keyring with one current secret and others that are accepted as well.
    pub fn new(current: &Secret, older: &[Secret]) -> Self {
        Self {
            current: LinkKey::derive(current),
            older: older.iter().map(LinkKey::derive).collect(),
            secrets: std::iter::once(current).chain(older).cloned().collect(),
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
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring(1 current, {} older)", self.older.len())
    }
}
