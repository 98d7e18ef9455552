//! What the core asks of a local persistence engine (the paper, 5 and 4.9 of the course text).
//!
//! The core only ever reads here ([`ReadStore`]); what it wants written it says as an effect, one
//! [`Batch`] a turn, so that an object, its tree and its hint are recorded together or not at all.
//! The shell's one store writer commits and syncs batches with [`Store`].

use bytes::Bytes;

/// The named spaces of ordered keys that a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keyspace {
    /// Objects of partitions that the node is a replica of; keys begin with the token.
    Objects,
    /// Whole object states held for another node.
    Hints,
    /// The node's own records: which boot the store belongs to, bucket properties and the like.
    Meta,
}

impl Keyspace {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Objects, Self::Hints, Self::Meta];

    /// Its name on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Hints => "hints",
            Self::Meta => "meta",
        }
    }
}

/// The longest key a store takes, in bytes.
pub const MAX_STORE_KEY: usize = 2048;

/// One change within a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOp {
    /// Sets a key.
    Put {
        /// Where.
        keyspace: Keyspace,
        /// The key, at most [`MAX_STORE_KEY`] bytes.
        key: Bytes,
        /// The value, of any length.
        value: Bytes,
    },
    /// Removes a key, if it is there.
    Delete {
        /// Where.
        keyspace: Keyspace,
        /// The key.
        key: Bytes,
    },
}

/// Changes that are recorded together or not at all, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    ops: Vec<WriteOp>,
}

impl Batch {
    /// A batch that changes nothing.
    pub const fn new() -> Self {
        Self { ops: Vec::new() }
    }

    /// Sets a key.
    pub fn put(&mut self, keyspace: Keyspace, key: Bytes, value: Bytes) {
        self.ops.push(WriteOp::Put { keyspace, key, value });
    }

    /// Removes a key.
    pub fn delete(&mut self, keyspace: Keyspace, key: Bytes) {
        self.ops.push(WriteOp::Delete { keyspace, key });
    }

    /// Its changes, in order.
    pub fn ops(&self) -> &[WriteOp] {
        &self.ops
    }

    /// Its changes, in order, taken out.
    pub fn into_ops(self) -> Vec<WriteOp> {
        self.ops
    }

    /// Appends the changes of another batch.
    pub fn append(&mut self, mut other: Self) {
        self.ops.append(&mut other.ops);
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// How many changes it holds.
    pub fn len(&self) -> usize {
        self.ops.len()
    }
}

/// The keys of a scan: from `from` (inclusive) to `to` (inclusive as a prefix: a key that begins
/// with `to` still belongs), so that a range of tokens is named by its first and last token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that may come.
    pub from: Bytes,
    /// The last prefix that may come.
    pub to: Bytes,
}

impl KeyRange {
    /// Whether the range holds `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= &self.from[..] && (key <= &self.to[..] || key.starts_with(&self.to))
    }
}

/// One entry that a scan found.
#[derive(Clone, Debug)]
pub struct ScanItem {
    /// Its key.
    pub key: Bytes,
    /// Its value, or why it can't be read; one damaged entry does not end a scan.
    pub value: Result<Bytes, StoreError>,
}

/// What a store says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Bytes on disk (in memory, for the memory engine).
    pub disk_bytes: u64,
    /// Roughly how many objects are stored.
    pub approximate_objects: u64,
    /// Syncs since the store was opened.
    pub syncs: u64,
}

/// What went wrong in a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The stored bytes do not match their checksum. Never served, never spread.
    #[error("the value of key {key} in {keyspace} is damaged: its checksum does not match", keyspace = keyspace.name())]
    Corrupt {
        /// Where.
        keyspace: Keyspace,
        /// The key, in hex.
        key: String,
    },
    /// Stored bytes are damaged, and more than one value is concerned. Nothing is written any more;
    /// what can still be read is got out before the store is used again.
    #[error("part of the store can't be read, as on a damaged disk: {0}")]
    Damaged(String),
    /// The engine failed to read or write. A store that failed to write or to sync takes no more
    /// writes: the node must stop and recover from the log.
    #[error("the storage engine failed: {0}")]
    Engine(String),
    /// An earlier write or sync failed; nothing is taken any more.
    #[error("the store stopped after an earlier failure: {0}")]
    Poisoned(String),
}

/// Reading a store.
pub trait ReadStore {
    /// The value of `key`, if it is there.
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// The entries of `range` in key order, at most `limit` of them. To go on, scan again from
    /// just after the last key.
    fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError>;
}

/// A local persistence engine. Implementations are shared by all threads of a node; the store
/// writer alone calls `write`, `sync` and `drop_range`.
pub trait Store: ReadStore + Send + Sync {
    /// Applies all batches, visible to reads at once, each atomic in a crash. Not yet durable.
    fn write(&self, batches: Vec<Batch>) -> Result<(), StoreError>;

    /// Makes everything written before the call durable (fsync). After an error the store is
    /// poisoned.
    fn sync(&self) -> Result<(), StoreError>;

    /// Removes every key of the range. Durable after the next [`Self::sync`].
    fn drop_range(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError>;

    /// An error once the store has failed and takes no more writes.
    fn health(&self) -> Result<(), StoreError>;

    /// Figures about the store.
    fn stats(&self) -> StoreStats;
}

impl<S: ReadStore + ?Sized> ReadStore for std::sync::Arc<S> {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        (**self).get(keyspace, key)
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError> {
        (**self).scan(keyspace, range, limit)
    }
}
