//! Where an object lives: its token, its partition, its preference list (the paper, 4.3).

use serde::{Deserialize, Serialize};

use crate::error::ClientError;
use crate::object::ObjectName;
use crate::path::locate_path;
use crate::transport::{Call, Client};

/// Where an object lives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocateDocument {
    /// The MD5 of bucket and key, in hex.
    pub token: String,
    /// The partition that the token falls into.
    pub partition: u32,
    /// The version of the ring that says so.
    pub ring_version: u64,
    /// The replicas' nodes, in order.
    pub primaries: Vec<LocatedNode>,
    /// Who takes over, in order.
    #[serde(default)]
    pub fallbacks: Vec<LocatedNode>,
}

/// A node of a preference list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocatedNode {
    /// Its name.
    pub name: String,
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Its state as the node asked sees it.
    #[serde(default)]
    pub state: String,
}

impl Client {
    /// Where an object lives, or would.
    pub async fn locate(&self, name: ObjectName<'_>) -> Result<LocateDocument, ClientError> {
        self.document(Call::get(locate_path(name.bucket, name.key))).await
    }
}
