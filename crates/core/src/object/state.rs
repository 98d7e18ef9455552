//! The replicated state of an object: siblings and the vector of what was seen.

use bytes::Bytes;

use crate::time::{Stamp, WallTime};
use crate::version::{Dot, VersionVector};

/// How concurrent versions of an object are settled (rule 7). Part of the state itself, so that a
/// replica which has not heard of a bucket's properties merges as all others do. Where two states
/// differ in it, last-write-wins is the one that holds, since that choice is made when a bucket is
/// made and never taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictRule {
    /// Keep every concurrent version; the application merges them.
    #[default]
    Siblings,
    /// Keep the version with the highest (stamp, actor).
    LastWriteWins,
}

/// What a client stores beside the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// The `Content-Type`, as given; empty if none was.
    pub content_type: Bytes,
    /// User metadata (`Stator-Meta-*`): names in lower case, sorted, each once.
    pub user: Vec<(Bytes, Bytes)>,
    /// When the value expires by the wall clock; absolute, replicated and hashed.
    pub expires_at: Option<WallTime>,
}

/// A stored value with its metadata.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    /// The bytes, shared with the frame or record that they came in.
    pub bytes: Bytes,
    /// What stands beside them.
    pub metadata: Metadata,
}

/// What a client asks to be stored: a value, or nothing (a delete).
pub type NewValue = Content;

/// What one version of an object holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// A value.
    Value(Value),
    /// A delete, remembered until every primary is known to have it (rule 13).
    Tombstone,
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sibling {
    /// The write that made it.
    pub dot: Dot,
    /// When it was written, by the minting replica's hybrid clock; decides in last-write-wins
    /// buckets and is only shown elsewhere.
    pub stamp: Stamp,
    /// What it holds.
    pub content: Content,
}

impl Sibling {
    /// The value at wall-clock time `at`: none for a tombstone and for what has expired by then.
    pub fn live(&self, at: WallTime) -> Option<&Value> {
        let Content::Value(value) = &self.content else { return None };
        match value.metadata.expires_at {
            Some(expiry) if expiry <= at => None,
            _ => Some(value),
        }
    }
}

/// The whole replicated state of one object (rule 3). The default is the state of an object that
/// nobody has ever written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectState {
    pub(super) rule: ConflictRule,
    /// Sorted by dot, each dot once, every dot covered by the vector.
    pub(super) siblings: Vec<Sibling>,
    pub(super) vector: VersionVector,
}

impl ObjectState {
    /// How its conflicts are settled.
    pub fn rule(&self) -> ConflictRule {
        self.rule
    }

    /// Its versions, sorted by dot.
    pub fn siblings(&self) -> &[Sibling] {
        &self.siblings
    }

    /// Which writes of the object it has seen.
    pub fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// Whether nobody has ever written the object, as far as this state knows.
    pub fn is_unwritten(&self) -> bool {
        self.vector.is_empty()
    }

    /// The stamp of the sibling that `dot` made; the lowest of all stamps if it is no sibling.
    pub fn stamp_of(&self, dot: Dot) -> Stamp {
        self.siblings
            .binary_search_by_key(&dot, |sibling| sibling.dot)
            .map_or_else(|_| Stamp::default(), |at| self.siblings[at].stamp)
    }

    /// The state with every value's bytes left out: what a listing needs of it.
    pub fn outline(mut self) -> Self {
        for sibling in &mut self.siblings {
            if let Content::Value(value) = &mut sibling.content {
                value.bytes = Bytes::new();
            }
        }
        self
    }

    /// The state with nothing but its versions: dots, stamps and the vector. Rules 4 and 5 look at
    /// nothing else, so that what they make of versions are the versions of what they make of states.
    pub fn versions(&self) -> Self {
        let bare = |sibling: &Sibling| Sibling { content: Content::Tombstone, ..sibling.clone() };
        let siblings = self.siblings.iter().map(bare).collect();
        Self { rule: self.rule, siblings, vector: self.vector.clone() }
    }

    /// The highest stamp among its siblings; the lowest of all stamps if it has none.
    pub fn newest_stamp(&self) -> Stamp {
        self.siblings.iter().map(|sibling| sibling.stamp).max().unwrap_or_default()
    }
}
