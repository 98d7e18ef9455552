//! What is known of stored objects without reading them.
//!
//! A write asks the state before it for its versions, hardly ever for its values: a state that
//! supersedes another takes its place whole (rules 4 and 5), and a tree needs a digest alone (rule
//! 12). So a replica remembers the head of each object that was written lately, within bounded
//! memory. The rule: **a head is what reading the store would tell**. It is put in place by the step
//! that changes the state, and dropped where a state goes, is set aside, or is no more this node's.

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};

use super::StoreKey;
use crate::message::EncodedState;
use crate::object::{ObjectDigest, ObjectState};

/// What the heads of all shards of a node may take, in bytes.
const NODE_BYTES: u64 = 32 << 20;
/// What a head takes beside its key and its versions, in bytes.
const BESIDE_BYTES: u64 = 128;

/// A stored state, less what its siblings hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    digest: ObjectDigest,
    len: u32,
    versions: Box<[u8]>,
}

impl Head {
    /// The head of a state, which is given in both forms.
    pub(super) fn of(encoded: &EncodedState, digest: ObjectDigest, state: &ObjectState) -> Self {
        let versions = state.versions().encode();
        Self { digest, len: encoded.as_bytes().len() as u32, versions: versions[..].into() }
    }

    /// The state's digest.
    pub(super) const fn digest(&self) -> ObjectDigest {
        self.digest
    }

    /// Bytes of the encoded state.
    pub(super) const fn len(&self) -> u64 {
        self.len as u64
    }

    /// The state without what its siblings hold; none if that is not to be made out.
    pub(super) fn versions(&self) -> Option<ObjectState> {
        ObjectState::decode(&Bytes::copy_from_slice(&self.versions)).ok()
    }
}

/// The heads of one shard's objects: those that were written lately, or are asked for often.
pub(super) struct Heads(Cache<StoreKey, Head, ByBytes, ByToken>);

impl Heads {
    /// None yet, and within one shard's part of the node's memory for them.
    pub(super) fn of_one_shard(shards: u8) -> Self {
        let bytes = NODE_BYTES / u64::from(shards.max(1));
        let expected = bytes / (2 * BESIDE_BYTES);
        Self::within(expected as usize, bytes)
    }

    fn within(expected: usize, bytes: u64) -> Self {
        let lifecycle = DefaultLifecycle::default();
        Self(Cache::with(expected, bytes, ByBytes, ByToken::default(), lifecycle))
    }

    pub(super) fn get(&mut self, at: &StoreKey) -> Option<&Head> {
        self.0.get(at)
    }

    pub(super) fn insert(&mut self, at: StoreKey, head: Head) {
        self.0.insert(at, head);
    }

    pub(super) fn remove(&mut self, at: &StoreKey) {
        self.0.remove(at);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// A copy of a replica need not remember what it can read.
impl Clone for Heads {
    fn clone(&self) -> Self {
        Self::within(0, self.0.capacity())
    }
}

impl fmt::Debug for Heads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heads")
    }
}

/// How much of the budget a head takes.
#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<StoreKey, Head> for ByBytes {
    fn weight(&self, at: &StoreKey, head: &Head) -> u64 {
        (at.as_bytes().len() + head.versions.len()) as u64 + BESIDE_BYTES
    }
}

/// Keys begin with a token, which is spread evenly and the same in every run.
type ByToken = BuildHasherDefault<TokenHasher>;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk::<8>() {
            self.0 = u64::from_be_bytes(*first);
        }
    }
}

impl Hash for StoreKey {
    /// The second half of the token: the first is alike in a partition.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes().get(8..16).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
