//! What one node itself has of an object, nobody else asked: replicas laid side by side.

use serde::{Deserialize, Serialize};

use crate::error::ClientError;
use crate::object::ObjectName;
use crate::path::replica_path;
use crate::transport::{Call, Client};

/// A node's own copy of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaDocument {
    /// The node's name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The partition that the object is in.
    pub partition: u32,
    /// Whether the node is a replica of the partition.
    pub is_replica: bool,
    /// Whether its answers count in reads.
    pub counts: bool,
    /// Its collection round.
    #[serde(default)]
    pub round: u64,
    /// What it has; none if it has never seen the object.
    pub state: Option<StateDocument>,
    /// Why it can't read what it has.
    #[serde(default)]
    pub unreadable: Option<String>,
    /// Hints of the object that it holds for others.
    #[serde(default)]
    pub hints: Vec<HintDocument>,
}

/// The state of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDocument {
    /// Equal digests mean equal states.
    pub digest: String,
    /// Bytes of the whole state.
    pub bytes: u64,
    /// How its conflicts are settled: `siblings` or `lww`.
    pub conflicts: String,
    /// Which writes have been seen, by who minted them.
    pub vector: Vec<EntryDocument>,
    /// The versions, at most so many as are listed.
    pub siblings: Vec<VersionDocument>,
    /// How many versions there are.
    pub siblings_count: u64,
}

/// An entry of a version vector, or a dot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryDocument {
    /// Who minted.
    pub actor: String,
    /// How far.
    pub counter: u64,
}

/// One version of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDocument {
    /// The write that made it.
    pub dot: EntryDocument,
    /// When it was written, by the clock of the replica that minted it.
    pub written_at: String,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// When it expires, or expired.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// The stored `Content-Type`.
    #[serde(default)]
    pub content_type: Option<String>,
    /// How many bytes the value has.
    #[serde(default)]
    pub bytes: u64,
    /// The first of them in base64.
    #[serde(default)]
    pub value: Option<String>,
}

/// A hint of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HintDocument {
    /// The name of the node that it is for.
    #[serde(rename = "for")]
    pub owner: String,
    /// Its id.
    pub id: String,
    /// What is kept for it.
    pub state: StateDocument,
}

impl Client {
    /// What this node itself has of an object.
    pub async fn replica(&self, name: ObjectName<'_>) -> Result<ReplicaDocument, ClientError> {
        self.document(Call::get(replica_path(name.bucket, name.key))).await
    }
}
