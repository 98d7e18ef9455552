//! What a client holds between a get and a put: which versions it has seen, sealed.
//!
//! The paper, 4.4: the context is opaque and is used like a cookie to verify the validity of the
//! object in the put. Stator seals it with a keyed MAC (BLAKE3) bound to the bucket and the key, so
//! that a client can neither forge causality nor send the context of another object.

mod seal;

pub use seal::{ContextKey, Sealer};

use bytes::Bytes;

use crate::object::ObjectState;
use crate::time::Stamp;
use crate::version::{Dot, VersionVector};

/// What a writer had seen: the versions that its put replaces.
///
/// The context of a get is the vector of everything it returned. The context of a *put* must not
/// cover siblings that its writer was never shown, and a vector can't name the writer's own dot
/// without also covering every earlier dot of that actor. So where a put leaves siblings beside it,
/// its context is the one it came with plus its own dot ([`Self::after_put`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Everything it covers and knows the fate of: what a write joins into the object's vector.
    pub vector: VersionVector,
    /// Single dots beyond the vector: dropped where they are siblings, and never joined, since
    /// nothing is known of the dots below them. Sorted, at most [`Self::MAX_DOTS`].
    pub dots: Vec<Dot>,
    /// The newest stamp among what it has seen (rule 7).
    pub stamp: Stamp,
}

impl Context {
    /// The most single dots a context carries. Past it the lowest is forgotten, which can only
    /// make a sibling that a later merge by the client removes.
    pub const MAX_DOTS: usize = 16;

    /// The context of a reader who was shown the whole of `state`.
    pub fn of(state: &ObjectState) -> Self {
        Self { vector: state.vector().clone(), dots: Vec::new(), stamp: state.newest_stamp() }
    }

    /// Whether a write with this context replaces the sibling that `dot` made.
    pub fn covers(&self, dot: Dot) -> bool {
        self.vector.covers(dot) || self.dots.binary_search(&dot).is_ok()
    }

    /// Whether who holds this has seen everything that `other` has.
    pub fn includes(&self, other: &Self) -> bool {
        // A single dot says nothing of those below it.
        self.vector.includes(&other.vector) && other.dots.iter().all(|dot| self.covers(*dot))
    }

    /// The context of a writer whose put made `dot` and left `state`.
    pub fn after_put(mut self, dot: Dot, state: &ObjectState) -> Self {
        if let [only] = state.siblings()
            && only.dot == dot
        {
            return Self::of(state);
        }
        self.stamp = self.stamp.max(state.stamp_of(dot));
        if let Err(at) = self.dots.binary_search(&dot) {
            self.dots.insert(at, dot);
        }
        if self.dots.len() > Self::MAX_DOTS {
            let forgotten = usize::from(self.dots[0] == dot);
            self.dots.remove(forgotten);
        }
        self
    }
}

/// A context as clients hold it: opaque bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SealedContext(pub Bytes);

/// Why a context can't be used. Nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Cut off, or not a context at all.
    #[error(
        "the context is damaged: send back the whole Stator-Context of a get or a put, unchanged"
    )]
    Malformed,
    /// Of a newer format than this node knows.
    #[error(
        "the context has a format that this node does not know: is a newer version of Stator running?"
    )]
    UnknownFormat,
    /// Sealed with a key that this cluster does not have.
    #[error(
        "the context was sealed by another cluster, or with a secret that is no longer accepted: read the object again"
    )]
    UnknownKey,
    /// Forged, damaged, or made for another bucket or key.
    #[error(
        "the context does not belong to this object: send back the one that came with this bucket and key"
    )]
    Forged,
}

#[cfg(test)]
mod tests;
