//! What a front door needs of the node behind it: the seam between the two, so that a door can be
//! driven in tests without a cluster.

mod node;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use stator_core::context::{ContextError, SealedContext};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminReply, AdminRequest};
use stator_core::object::ObjectKey;
use stator_core::request::{ClientReply, Operation};
use stator_core::status::{NodeStatus, OwnCopy};
use stator_core::view::View;
use stator_node::{NodeStats, TopKeys};
use tokio::runtime::Handle;

/// How long a request for data waits if it does not say.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// An answer that is on its way.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether a node serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is a member, its store is open and every member's address was tried once.
    Ready,
    /// Not yet, or not any more; the text says what is missing.
    NotReady(String),
}

/// A node, as its front doors see it.
///
/// Dropping an answer that has not come gives up waiting for it and takes nothing back: a write
/// that was sent goes on.
pub trait Backend: Send + Sync + 'static {
    /// Hands an operation to the shard of its key; answered within `timeout`.
    fn request(&self, operation: Operation, timeout: Duration) -> Reply<'_, ClientReply>;

    /// Whether a context of an object has seen all that another has.
    fn has_seen(
        &self,
        key: &ObjectKey,
        found: Option<&SealedContext>,
        wanted: &SealedContext,
    ) -> Result<bool, ContextError>;

    /// Hands an operator's request to membership; answered within `timeout`.
    fn admin(&self, request: AdminRequest, timeout: Duration) -> Reply<'_, AdminReply>;

    /// The condition of the node's shards.
    fn inspect(&self) -> Reply<'_, NodeStatus>;

    /// What the node itself has of an object, nobody else asked; none where it can't be told.
    fn own_copy(&self, key: ObjectKey) -> Reply<'_, Option<OwnCopy>> {
        let _ = key;
        Box::pin(std::future::ready(None))
    }

    /// The busiest keys, at most so many by each measure; none where nothing is counted.
    fn top(&self, most: usize) -> TopKeys {
        let _ = most;
        TopKeys::default()
    }

    /// What the node counts of its own doing; nothing where nothing is counted.
    fn stats(&self) -> NodeStats {
        NodeStats::default()
    }

    /// Where the next connection is best served; none where it makes no difference.
    fn runtime(&self) -> Option<Handle> {
        None
    }

    /// The cluster as the node sees it now.
    fn view(&self) -> Arc<View>;

    /// Whether the node serves.
    fn readiness(&self) -> Readiness;

    /// The node's id.
    fn me(&self) -> NodeId;

    /// The node's name.
    fn name(&self) -> &str;
}

impl<B: Backend + ?Sized> Backend for Arc<B> {
    fn request(&self, operation: Operation, timeout: Duration) -> Reply<'_, ClientReply> {
        (**self).request(operation, timeout)
    }

    fn has_seen(
        &self,
        key: &ObjectKey,
        found: Option<&SealedContext>,
        wanted: &SealedContext,
    ) -> Result<bool, ContextError> {
        (**self).has_seen(key, found, wanted)
    }

    fn admin(&self, request: AdminRequest, timeout: Duration) -> Reply<'_, AdminReply> {
        (**self).admin(request, timeout)
    }

    fn inspect(&self) -> Reply<'_, NodeStatus> {
        (**self).inspect()
    }

    fn own_copy(&self, key: ObjectKey) -> Reply<'_, Option<OwnCopy>> {
        (**self).own_copy(key)
    }

    fn top(&self, most: usize) -> TopKeys {
        (**self).top(most)
    }

    fn stats(&self) -> NodeStats {
        (**self).stats()
    }

    fn runtime(&self) -> Option<Handle> {
        (**self).runtime()
    }

    fn view(&self) -> Arc<View> {
        (**self).view()
    }

    fn readiness(&self) -> Readiness {
        (**self).readiness()
    }

    fn me(&self) -> NodeId {
        (**self).me()
    }

    fn name(&self) -> &str {
        (**self).name()
    }
}
