//! What every member of a cluster says of itself: the members as one node knows them, and then each
//! of them asked, since only a node itself knows what it holds.
//!
//! A node that can't be asked is told of as such; it never spoils what the others say.

use std::time::Duration;

use futures_util::future::join_all;
use stator_client::{
    Client, ClientError, ClusterDocument, Detail, Endpoint, MemberDocument, NodeDocument,
    StalenessDocument,
};
use tokio::time::timeout;

/// How long a node may take to tell of itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// What all say.
pub(crate) struct Survey<T = NodeDocument> {
    /// The cluster, as the node that was asked first sees it.
    pub(crate) cluster: ClusterDocument,
    /// Each of its members and of those that want to join, in the same order.
    pub(crate) nodes: Vec<Surveyed<T>>,
}

/// A node, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Surveyed<T = NodeDocument> {
    /// The node, as another one sees it.
    pub(crate) member: MemberDocument,
    /// Its condition, or what else was asked; or why it could not be asked.
    pub(crate) said: Result<T, String>,
}

/// What a node says with its id, so that nobody is taken for another.
pub(crate) trait Identified: Clone {
    /// The node's id.
    fn id(&self) -> &str;
}

impl Identified for NodeDocument {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for StalenessDocument {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Asks one node for the members, and then all of them for their condition.
pub(crate) async fn ask_all(first: &Client, detail: Detail) -> Result<Survey, ClientError> {
    ask_each(first, async |client: Client| client.node(detail).await).await
}

/// Asks one node for the members, and then all of them the same question at the same time.
pub(crate) async fn ask_each<T: Identified>(
    first: &Client,
    question: impl AsyncFn(Client) -> Result<T, ClientError>,
) -> Result<Survey<T>, ClientError> {
    let cluster = first.cluster().await?;
    // It is asked where it was found: what it tells others of its address may not hold from here.
    let own = ask(first.clone(), &question).await;
    let asked = cluster.members.iter().map(async |member| {
        let said = match &own {
            Ok(own) if own.id() == member.id => Ok(own.clone()),
            _ => ask_member(member, &question).await,
        };
        Surveyed { member: member.clone(), said }
    });
    let nodes = join_all(asked).await;
    Ok(Survey { cluster, nodes })
}

async fn ask_member<T: Identified>(
    member: &MemberDocument,
    question: &impl AsyncFn(Client) -> Result<T, ClientError>,
) -> Result<T, String> {
    if member.http.is_empty() {
        return Err("its HTTP address is not known".to_owned());
    }
    let endpoint: Endpoint = member.http.parse().map_err(|error| format!("{error}"))?;
    let said = ask(Client::new(endpoint), question).await?;
    if said.id() == member.id {
        return Ok(said);
    }
    Err(format!("at {} another node answers ({})", member.http, said.id()))
}

async fn ask<T>(
    client: Client,
    question: &impl AsyncFn(Client) -> Result<T, ClientError>,
) -> Result<T, String> {
    let endpoint = client.endpoint().clone();
    match timeout(PATIENCE, question(client)).await {
        Ok(Ok(said)) => Ok(said),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("{endpoint} did not answer within {} s", PATIENCE.as_secs())),
    }
}
