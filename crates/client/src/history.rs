//! A node's last ten minutes: what it did in each few seconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ClientError;
use crate::transport::{Call, Client};

/// A node's last minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryDocument {
    /// The node's name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// How many seconds a step is.
    pub step_seconds: u64,
    /// Steps, the oldest first; the last has just ended.
    pub steps: Vec<StepDocument>,
}

/// What a node did in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepDocument {
    /// Gets that it coordinated and answered.
    pub gets: u64,
    /// Gets that failed.
    pub gets_failed: u64,
    /// Puts and deletes that it coordinated and that were acknowledged.
    pub puts: u64,
    /// Those that were refused.
    pub puts_refused: u64,
    /// Those whose outcome is not known.
    pub puts_indeterminate: u64,
    /// Gets by how long they took: by the upper end of a class in microseconds, how many.
    pub get_micros: BTreeMap<u64, u64>,
    /// The same of puts.
    pub put_micros: BTreeMap<u64, u64>,
    /// States sent to replicas that a read found to be behind.
    pub read_repairs: u64,
    /// Reads that asked one replica more since another was slow.
    pub hedged: u64,
    /// Hints taken.
    pub hints_stored: u64,
    /// Hints sent home.
    pub hints_delivered: u64,
    /// Hints held at the end of the step.
    pub hints_held: u64,
    /// Objects that exchanges brought there or took to a peer.
    pub exchanged_objects: u64,
}

impl Client {
    /// What this node did in the last minutes.
    pub async fn history(&self) -> Result<HistoryDocument, ClientError> {
        self.document(Call::get("/v1/node/history".to_owned())).await
    }
}
