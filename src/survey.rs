//! What every member of a cluster says of itself: the members as one node knows them, and then each
//! of them asked, since only a node itself knows what it holds.
//!
//! A node that can't be asked is told of as such; it never spoils what the others say.

use std::time::Duration;

use futures_util::future::join_all;
use stator_client::{
    Client, ClientError, ClusterDocument, Detail, Endpoint, MemberDocument, NodeDocument,
};
use tokio::time::timeout;

/// How long a node may take to tell of itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// What all say.
pub(crate) struct Survey {
    /// The cluster, as the node that was asked first sees it.
    pub(crate) cluster: ClusterDocument,
    /// Each of its members and of those that want to join, in the same order.
    pub(crate) nodes: Vec<Surveyed>,
}

/// A node, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Surveyed {
    /// The node, as another one sees it.
    pub(crate) member: MemberDocument,
    /// Its condition; or why it could not be asked.
    pub(crate) said: Result<NodeDocument, String>,
}

/// Asks one node for the members, and then all of them at the same time.
pub(crate) async fn ask_all(first: &Client, detail: Detail) -> Result<Survey, ClientError> {
    let cluster = first.cluster().await?;
    // It is asked where it was found: what it tells others of its address may not hold from here.
    let own = ask(first, detail).await;
    let asked = cluster.members.iter().map(async |member| {
        let said = match &own {
            Ok(own) if own.id == member.id => Ok(own.clone()),
            _ => ask_member(member, detail).await,
        };
        Surveyed { member: member.clone(), said }
    });
    let nodes = join_all(asked).await;
    Ok(Survey { cluster, nodes })
}

async fn ask_member(member: &MemberDocument, detail: Detail) -> Result<NodeDocument, String> {
    if member.http.is_empty() {
        return Err("its HTTP address is not known".to_owned());
    }
    let endpoint: Endpoint = member.http.parse().map_err(|error| format!("{error}"))?;
    let said = ask(&Client::new(endpoint), detail).await?;
    if said.id == member.id {
        return Ok(said);
    }
    Err(format!("at {} another node answers: {} ({})", member.http, said.name, said.id))
}

async fn ask(client: &Client, detail: Detail) -> Result<NodeDocument, String> {
    match timeout(PATIENCE, client.node(detail)).await {
        Ok(Ok(said)) => Ok(said),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => {
            Err(format!("{} did not answer within {} s", client.endpoint(), PATIENCE.as_secs()))
        }
    }
}
