//! What is known of stored objects without reading them.
//!
//! A write asks the state before it for its versions, hardly ever for its values: a state that
//! supersedes another takes its place whole (rules 4 and 5), and a tree needs a digest alone (rule
//! 12). A read asks for all of it. So a replica remembers of each object that was lately written or
//! read its versions and its digest, and the whole state if that is small, within bounded memory.
//! The rule: **what is cached is what reading the store would tell**. It is put in place by the step
//! that changes the state, and dropped where a state goes, is set aside, or is no more this node's.

mod circular;

use std::fmt;

use bytes::Bytes;

use super::StoreKey;
use crate::message::EncodedState;
use crate::object::{ObjectDigest, ObjectState};
use circular::{CircularLog, Header};

/// The largest state that is cached whole, in bytes. Of a larger one the versions are: they serve
/// every write, and reading it costs little beside sending it.
const WHOLE_BYTES: usize = 4 << 10;
/// A cache is cut into parts of about so many bytes, at most [`MOST_PARTS`]: when the index of one is
/// full, all of it moves to a larger one, which would hold up a shard with millions of objects.
const PART_BYTES: u64 = 1 << 20;
const MOST_PARTS: u64 = 256;

/// A stored object, as a write finds it in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cached {
    /// The state's digest.
    pub(super) digest: ObjectDigest,
    /// Bytes of the encoded state.
    pub(super) len: u64,
    /// The state without what its siblings hold.
    pub(super) versions: ObjectState,
}

/// What an object cache holds, and how often it had what was asked for, since the node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Bytes that cached objects take.
    pub bytes: u64,
    /// How often an object was asked for that was cached.
    pub hits: u64,
    /// How often one was read of the store.
    pub misses: u64,
}

impl CacheCounts {
    /// Adds those of another shard.
    pub const fn absorb(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.hits += other.hits;
        self.misses += other.misses;
    }
}

/// The cached objects of one shard: those that were written lately, or are asked for often. Each row
/// keeps the whole encoded state, or, if that is large, the encoded versions, which are shorter.
pub(super) struct ObjectCache {
    parts: Box<[CircularLog]>,
    /// What it may take, in bytes.
    bytes: u64,
    hits: u64,
    misses: u64,
}

impl ObjectCache {
    /// Empty, and of so many bytes at most; of 0 nothing is ever cached.
    pub(super) fn within(bytes: u64) -> Self {
        let parts = (bytes / PART_BYTES).clamp(1, MOST_PARTS);
        let part = |_| CircularLog::within(bytes / parts);
        Self { parts: (0..parts).map(part).collect(), bytes, hits: 0, misses: 0 }
    }

    /// What a write needs of the object's state; none also if that is not to be made out.
    pub(super) fn versions(&mut self, at: &StoreKey) -> Option<Cached> {
        let (Header { digest, len }, kept) = self.get(at)?;
        let versions = ObjectState::decode_versions(kept).ok()?;
        Some(Cached { digest, len: len.into(), versions })
    }

    /// The state's digest.
    pub(super) fn digest(&mut self, at: &StoreKey) -> Option<ObjectDigest> {
        Some(self.get(at)?.0.digest)
    }

    /// The whole state; none also if only its versions are cached.
    pub(super) fn state(&mut self, at: &StoreKey) -> Option<EncodedState> {
        let (header, kept) = self.get(at)?;
        let is_whole = kept.len() == header.len as usize;
        is_whole.then(|| EncodedState::from_bytes(Bytes::copy_from_slice(kept)))
    }

    fn get(&mut self, at: &StoreKey) -> Option<(Header, &[u8])> {
        let (part, hash) = self.place(at);
        let found = self.parts[part].get(hash, at.as_bytes());
        self.hits += u64::from(found.is_some());
        found
    }

    /// The object has this state from now on. Its versions are asked for if it is large.
    pub(super) fn insert(
        &mut self,
        at: &StoreKey,
        encoded: &EncodedState,
        digest: ObjectDigest,
        versions: impl FnOnce() -> Option<ObjectState>,
    ) {
        let (part, hash) = self.place(at);
        let (part, whole) = (&mut self.parts[part], encoded.as_bytes());
        let header = Header { digest, len: whole.len() as u32 };
        if whole.len() <= WHOLE_BYTES {
            part.insert(hash, at.as_bytes(), header, whole);
        } else if let Some(versions) = versions() {
            part.insert(hash, at.as_bytes(), header, &versions.encode());
        } else {
            part.remove(hash, at.as_bytes());
        }
    }

    /// Forgets an object.
    pub(super) fn remove(&mut self, at: &StoreKey) {
        let (part, hash) = self.place(at);
        self.parts[part].remove(hash, at.as_bytes());
    }

    /// An object that is not cached is read of the store.
    pub(super) const fn missed(&mut self) {
        self.misses += 1;
    }

    /// What is cached, and how often it helped.
    pub(super) fn counts(&self) -> CacheCounts {
        let bytes = self.parts.iter().map(CircularLog::taken).sum();
        CacheCounts { bytes, hits: self.hits, misses: self.misses }
    }

    /// The part that an object belongs to, and its hash there.
    fn place(&self, at: &StoreKey) -> (usize, u64) {
        let hash = hash_of(at.as_bytes());
        // An index takes a row's place in it from the low bits.
        ((hash >> 32) as usize % self.parts.len(), hash)
    }
}

/// Keys begin with a token, whose bits are spread evenly and the same in every run. The first half is
/// alike in a partition, so that the second one is what spreads.
fn hash_of(key: &[u8]) -> u64 {
    key.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |half| u64::from_be_bytes(*half))
}

/// A copy of a replica need not remember what it can read.
impl Clone for ObjectCache {
    fn clone(&self) -> Self {
        Self::within(self.bytes)
    }
}

impl fmt::Debug for ObjectCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectCache").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
