//! What a client holds between a get and a put: which versions it has seen, sealed.
//!
//! The paper, 4.4: the context is opaque and is used like a cookie to verify the validity of the
//! object in the put. Stator seals it with a keyed MAC (BLAKE3) bound to the bucket and the key, so
//! that a client can neither forge causality nor send the context of another object.

mod seal;

pub use seal::{ContextKey, Sealer};

use bytes::Bytes;

use crate::time::Stamp;
use crate::version::VersionVector;

/// What a writer had seen: the versions that its put replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The dots it covers.
    pub vector: VersionVector,
    /// The newest stamp among what it has seen (rule 7).
    pub stamp: Stamp,
}

/// A context as clients hold it: opaque bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SealedContext(pub Bytes);

/// Why a context can't be used. Nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Cut off, or not a context at all.
    #[error("the context is damaged: send back the whole Stator-Context of a get or a put, unchanged")]
    Malformed,
    /// Of a newer format than this node knows.
    #[error("the context has a format that this node does not know: is a newer version of Stator running?")]
    UnknownFormat,
    /// Sealed with a key that this cluster does not have.
    #[error("the context was sealed by another cluster, or with a secret that is no longer accepted: read the object again")]
    UnknownKey,
    /// Forged, damaged, or made for another bucket or key.
    #[error("the context does not belong to this object: send back the one that came with this bucket and key")]
    Forged,
}

#[cfg(test)]
mod tests;
