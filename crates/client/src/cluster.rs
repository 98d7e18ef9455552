//! The cluster: its members, and the staged way of changing them (the paper, 4.8.1: only an
//! operator's explicit commit changes the ring).

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ClientError;
use crate::transport::{Call, Client};

/// A commit asks a majority of the members and every node whose data would move.
const COMMIT: Duration = Duration::from_secs(30);

/// The cluster as one node sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterDocument {
    /// The newest ring that the node knows; 0 if none.
    #[serde(default)]
    pub ring_version: u64,
    /// Members, and nodes that want to join.
    pub members: Vec<MemberDocument>,
    /// Ring versions that an operator forced without the members' majority.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forced_versions: Vec<u64>,
    /// A change of the ring that is under way.
    #[serde(default)]
    pub transition: Option<TransitionDocument>,
    /// What it can do without; none if the node that was asked does not say.
    #[serde(default)]
    pub endures: Option<EnduresDocument>,
}

/// What a cluster can do without, as one node sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnduresDocument {
    /// And each partition still has a replica that is up.
    pub data: LossesDocument,
    /// And each partition still has a majority of its replicas.
    pub quorum: LossesDocument,
}

/// So much more may be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossesDocument {
    /// Any so many nodes.
    pub nodes: u32,
    /// Any so many zones, with all their nodes.
    pub zones: u32,
    /// Partitions that have too few replicas already.
    #[serde(default)]
    pub partitions_short: u32,
}

/// One node of a cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberDocument {
    /// Its label.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Where its peers reach it.
    #[serde(default)]
    pub address: String,
    /// Where it serves HTTP.
    #[serde(default)]
    pub http: String,
    /// What fails together with it.
    #[serde(default)]
    pub zone: String,
    /// Its capacity beside that of others.
    #[serde(default)]
    pub weight: u32,
    /// `up`, `down`, `joining`, …
    pub state: String,
    /// Suspicion by phi accrual.
    #[serde(default)]
    pub phi: f64,
    /// The fraction of all replicas that it owns, 0 to 1.
    #[serde(default)]
    pub share: f64,
    /// Hinted replicas that it holds for others; none where the node that was asked can't know.
    #[serde(default)]
    pub hints: Option<u64>,
    /// The newest ring that it is known to know; 0 if none.
    #[serde(default)]
    pub ring_version: u64,
}

/// A change of the ring that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransitionDocument {
    /// The ring that is being moved to.
    pub version: u64,
    /// Partitions that move.
    #[serde(default)]
    pub partitions: u64,
    /// Those of them that are not handed over yet.
    #[serde(default)]
    pub partitions_left: u64,
    /// Whom it waits for.
    #[serde(default)]
    pub waits_for: Vec<String>,
    /// Bytes not yet handed over.
    #[serde(default)]
    pub bytes_left: u64,
}

/// What committing everything staged would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanDocument {
    /// The version to name when committing.
    pub version: u64,
    /// The staged changes.
    #[serde(default)]
    pub changes: Vec<PlanChange>,
    /// The replicas that would move.
    #[serde(default)]
    pub moves: Vec<PlanMove>,
    /// Partitions that get other replicas.
    #[serde(default)]
    pub partitions: u64,
    /// Bytes that move, as the node that was asked estimates them.
    #[serde(default)]
    pub bytes: u64,
    /// How long that takes at least, in seconds.
    #[serde(default)]
    pub seconds: u64,
    /// The members' shares before and after.
    #[serde(default)]
    pub members: Vec<PlanMember>,
    /// What to know before committing.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A staged change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanChange {
    /// `join`, `leave`, `replace`, `weight`, `zone`, `remove`.
    pub kind: String,
    /// For whom.
    pub node: String,
    /// What else the server says of it.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

/// A replica that would move.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanMove {
    /// Of which partition.
    pub partition: u32,
    /// Who gets it.
    pub to: String,
    /// Who gives it up; none if the partition gains a replica.
    #[serde(default)]
    pub from: Option<String>,
    /// What else the server says of it.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

/// A member's share before and after, as fractions of all replicas.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanMember {
    /// Its name.
    pub name: String,
    /// Before.
    pub share_before: f64,
    /// After.
    pub share_after: f64,
}

/// A change to stage. Nodes are named by name or id.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum StageRequest {
    /// The node hands its partitions over and leaves.
    Leave {
        /// Which.
        node: String,
    },
    /// The node's places go to another.
    Replace {
        /// Which.
        node: String,
        /// By whom.
        by: String,
    },
    /// The node is dead and is taken off the ring.
    Remove {
        /// Which.
        node: String,
    },
    /// Its weight changes.
    Weight {
        /// Which.
        node: String,
        /// To what.
        weight: u32,
    },
    /// Its zone changes.
    Zone {
        /// Which.
        node: String,
        /// To what.
        zone: String,
    },
}

/// The answer to a commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Committed {
    /// What the server said, if anything.
    #[serde(flatten)]
    pub document: serde_json::Map<String, Value>,
}

impl Client {
    /// The cluster as this node sees it.
    pub async fn cluster(&self) -> Result<ClusterDocument, ClientError> {
        self.document(Call::get("/v1/cluster".to_owned())).await
    }

    /// Stages a change; nothing moves before a commit.
    pub async fn stage(&self, change: &StageRequest) -> Result<(), ClientError> {
        let body = serde_json::to_value(change)
            .map_err(|error| ClientError::Invalid(error.to_string()))?;
        self.accepted(self.administration("stage", &body)?).await.map(drop)
    }

    /// What committing everything staged would do.
    pub async fn plan(&self) -> Result<PlanDocument, ClientError> {
        self.document(Call::get("/v1/cluster/plan".to_owned())).await
    }

    /// Commits what is staged, if `version` is still what the plan shows.
    pub async fn commit(&self, version: u64) -> Result<Committed, ClientError> {
        let call = self.administration("commit", &json!({ "version": version }))?.within(COMMIT);
        let answer = self.accepted(call).await?;
        let document = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok(Committed { document })
    }

    /// Takes all members off the ring that can't be reached, although they are a majority.
    pub async fn recover(&self) -> Result<Committed, ClientError> {
        let call = self.administration("recover", &json!({ "force": true }))?.within(COMMIT);
        let answer = self.accepted(call).await?;
        let document = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok(Committed { document })
    }

    /// Forgets everything staged.
    pub async fn discard(&self) -> Result<(), ClientError> {
        self.accepted(self.administration("discard", &json!({}))?).await.map(drop)
    }

    fn administration(&self, what: &str, body: &Value) -> Result<Call, ClientError> {
        let path = format!("/v1/cluster/{what}");
        let mut call = Call::write(Method::POST, path, Bytes::from(body.to_string()));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.authorized(call)
    }
}
