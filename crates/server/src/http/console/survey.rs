//! What only the other nodes know: each is asked for it by the interface that anybody may ask, at
//! the address that gossip brought, all at the same time and within a short time.
//!
//! A node that can't be asked is told of as such and never holds up the others. One that is held to
//! be down is not asked. What all say is kept for a moment, so that many readers ask no more than one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stator_client::{
    Client, ClientError, Detail, HistoryDocument, NodeDocument, ObjectName, ReplicaDocument,
    StalenessDocument, StalenessQuery,
};
use stator_core::membership::admin::{
    AdminDone, AdminRequest, ClusterStatus, MemberState, MemberStatus,
};
use stator_core::object::ObjectKey;
use tokio::time::{Instant, timeout};

use super::super::front::Front;
use super::super::problem::{Intent, Problem};
use super::super::{history, json, node, replica, staleness};

/// How long a node may take to tell of itself.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long what it said is good for.
const GOOD_FOR: Duration = Duration::from_millis(900);
/// So many nodes are asked at the same time.
const AT_ONCE: usize = 16;

/// What all said.
pub(super) struct Survey {
    asked: Instant,
    /// In the order of names, as in the cluster's status.
    pub(super) nodes: Vec<Surveyed>,
}

/// A node, and what it says of itself.
pub(super) struct Surveyed {
    pub(super) member: MemberStatus,
    /// Or why it could not be asked.
    pub(super) said: Result<Said, String>,
}

/// What a node says of itself.
pub(super) struct Said {
    pub(super) node: NodeDocument,
    pub(super) history: HistoryDocument,
    /// None from one that runs a version which does not estimate it.
    pub(super) staleness: Option<StalenessDocument>,
}

/// The cluster as this node sees it.
pub(super) async fn cluster(front: &Front) -> Result<ClusterStatus, Problem> {
    match front.administer(AdminRequest::Status, PATIENCE).await? {
        AdminDone::Status(found) => Ok(found),
        _ => Err(Problem::mismatched(Intent::Read)),
    }
}

/// Asks all nodes how they are, unless that was done just now.
pub(super) async fn all(front: &Front) -> Result<Arc<Survey>, Problem> {
    let mut last = front.console.survey.lock().await;
    if let Some(last) = last.as_ref().filter(|survey| survey.asked.elapsed() < GOOD_FOR) {
        return Ok(Arc::clone(last));
    }
    let members = cluster(front).await?.members;
    front
        .console
        .keep_clients(|address| members.iter().any(|member| member.addresses.http == address));
    let asked = stream::iter(members).map(async |member: MemberStatus| {
        let said = condition(front, &member).await;
        Surveyed { member, said }
    });
    let nodes = asked.buffered(AT_ONCE).collect().await;
    let survey = Arc::new(Survey { asked: Instant::now(), nodes });
    *last = Some(Arc::clone(&survey));
    Ok(survey)
}

async fn condition(front: &Front, member: &MemberStatus) -> Result<Said, String> {
    if member.id == front.backend.me() {
        let node = as_told(&node::told(front, node::Listed::No).await);
        let staleness = as_told(&*staleness::told(front).await);
        let history = as_told(&history::told(front));
        return Ok(Said { node, history, staleness: Some(staleness) });
    }
    ask(front, member, async |client| {
        let (node, history) = tokio::try_join!(client.node(Detail::Sums), client.history())?;
        let staleness = client.staleness(&StalenessQuery::default()).await.ok();
        Ok((node.id.clone(), Said { node, history, staleness }))
    })
    .await
}

/// Asks a node for its condition with each of its partitions.
pub(super) async fn partitions(
    front: &Front,
    member: &MemberStatus,
) -> Result<NodeDocument, String> {
    if member.id == front.backend.me() {
        return Ok(as_told(&node::told(front, node::Listed::Yes).await));
    }
    ask(front, member, async |client| {
        let node = client.node(Detail::Partitions).await?;
        Ok((node.id.clone(), node))
    })
    .await
}

/// Asks a node what it itself has of an object.
pub(super) async fn replica(
    front: &Front,
    member: &MemberStatus,
    key: &ObjectKey,
) -> Result<ReplicaDocument, String> {
    if member.id == front.backend.me() {
        let told = replica::told(front, key.clone()).await;
        return told.map(|told| as_told(&told)).map_err(|problem| problem.detail().to_owned());
    }
    let (bucket, name) = (key.bucket().as_bytes(), key.key().as_bytes());
    ask(front, member, async |client| {
        let replica = client.replica(ObjectName { bucket, key: name }).await?;
        Ok((replica.id.clone(), replica))
    })
    .await
}

/// Asks another node something that it answers with its id.
async fn ask<T>(
    front: &Front,
    member: &MemberStatus,
    question: impl AsyncFnOnce(Client) -> Result<(String, T), ClientError>,
) -> Result<T, String> {
    let address = &member.addresses.http;
    if member.state == MemberState::Down {
        return Err("it is held to be down".to_owned());
    }
    if address.is_empty() {
        return Err("its HTTP address is not known".to_owned());
    }
    let client = front.console.client(address).map_err(|error| error.to_string())?;
    match timeout(PATIENCE, question(client)).await {
        Ok(Ok((id, said))) if id == member.id.to_string() => Ok(said),
        Ok(Ok(_)) => Err(format!("at {address} another node answers")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    }
}

/// A document of this node as others read it: all nodes are shown by the same code.
fn as_told<T: DeserializeOwned>(document: &impl Serialize) -> T {
    serde_json::from_slice(&json::text(document)).expect("documents are read as they are written")
}
