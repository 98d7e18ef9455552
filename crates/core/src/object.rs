//! An object: what it is called, and its replicated state.
//!
//! The paper, 4.4. The state of an object is its siblings plus a version vector that says which
//! writes of it have been seen; it always travels and is stored whole (rule 3).

pub(crate) mod codec;
mod digest;
mod merge;
mod name;
mod prune;
mod state;

pub use codec::{DecodeError, FORMAT};
pub use digest::ObjectDigest;
pub use name::{BucketName, Key, NameError, ObjectKey};
pub use state::{ConflictRule, Content, Metadata, NewValue, ObjectState, Sibling, Value};

#[cfg(test)]
mod tests;
