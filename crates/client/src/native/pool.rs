//! Links by node: made when they are needed, one for each node, and made again when they break.
//!
//! One that could not be made is not tried again for a moment, so that requests go on to other nodes
//! at once while a node is down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stator_core::identity::NodeId;
use stator_wire::secret::ClientKey;
use tokio::sync::Mutex as AsyncMutex;

use super::link::{DialError, Link, dial};
use super::lock;

/// How long a node that could not be reached is left alone.
const LEFT_ALONE: Duration = Duration::from_millis(250);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(1);

/// The links of one client.
#[derive(Debug)]
pub(crate) struct Pool {
    key: ClientKey,
    slots: Mutex<HashMap<NodeId, Arc<Slot>>>,
}

#[derive(Debug, Default)]
struct Slot {
    link: Mutex<Option<Link>>,
    failed: Mutex<Option<(Instant, DialError)>>,
    /// Held by the one that dials.
    dialling: AsyncMutex<()>,
}

impl Slot {
    fn open_link(&self) -> Option<Link> {
        lock(&self.link).clone().filter(Link::is_open)
    }

    fn failed_lately(&self) -> Option<DialError> {
        let failed = lock(&self.failed);
        let (at, error) = failed.as_ref()?;
        (at.elapsed() < LEFT_ALONE).then(|| error.clone())
    }
}

impl Pool {
    /// No links yet.
    pub(crate) fn new(key: ClientKey) -> Self {
        Self { key, slots: Mutex::default() }
    }

    /// The key that links are made with.
    pub(crate) const fn key(&self) -> &ClientKey {
        &self.key
    }

    /// The link to a node, made now if there is none.
    pub(crate) async fn link(
        &self,
        node: NodeId,
        address: &str,
        within: Duration,
    ) -> Result<Link, DialError> {
        let slot = Arc::clone(lock(&self.slots).entry(node).or_default());
        if let Some(link) = slot.open_link() {
            return Ok(link);
        }
        let within = within.min(CONNECT);
        let turn = tokio::time::timeout(within, slot.dialling.lock()).await;
        let _turn = turn.map_err(|_| DialError::Unreachable("it is still dialled".to_owned()))?;
        if let Some(link) = slot.open_link() {
            return Ok(link);
        }
        if let Some(error) = slot.failed_lately() {
            return Err(error);
        }
        match dial(address, Some(node), &self.key, within).await {
            Ok((link, _)) => {
                *lock(&slot.link) = Some(link.clone());
                *lock(&slot.failed) = None;
                Ok(link)
            }
            Err(error) => {
                *lock(&slot.failed) = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Takes in a link that was made to learn who is there.
    pub(crate) fn adopt(&self, node: NodeId, link: Link) {
        let slot = Arc::clone(lock(&self.slots).entry(node).or_default());
        if slot.open_link().is_none() {
            *lock(&slot.link) = Some(link);
        }
    }

    /// Whether a node could not be reached a moment ago.
    pub(crate) fn is_left_alone(&self, node: NodeId) -> bool {
        let slot = lock(&self.slots).get(&node).cloned();
        slot.is_some_and(|slot| slot.open_link().is_none() && slot.failed_lately().is_some())
    }

    /// Links to nodes that left are let go.
    pub(crate) fn keep(&self, is_there: impl Fn(NodeId) -> bool) {
        lock(&self.slots).retain(|node, _| is_there(*node));
    }
}
