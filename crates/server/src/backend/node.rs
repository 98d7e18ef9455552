//! The real node behind the seam.

use std::sync::Arc;
use std::time::Duration;

use stator_core::context::{ContextError, SealedContext};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminReply, AdminRequest};
use stator_core::object::ObjectKey;
use stator_core::request::{ClientReply, Operation};
use stator_core::status::{NodeStatus, OwnCopy};
use stator_core::view::View;
use stator_node::{NodeHandle, NodeStats, TopKeys};
use tokio::runtime::Handle;

use super::{Backend, Readiness, Reply};

impl Backend for NodeHandle {
    fn request(&self, operation: Operation, timeout: Duration) -> Reply<'_, ClientReply> {
        Box::pin(NodeHandle::request(self, operation, timeout))
    }

    fn has_seen(
        &self,
        key: &ObjectKey,
        found: Option<&SealedContext>,
        wanted: &SealedContext,
    ) -> Result<bool, ContextError> {
        NodeHandle::has_seen(self, key, found, wanted)
    }

    fn admin(&self, request: AdminRequest, timeout: Duration) -> Reply<'_, AdminReply> {
        Box::pin(NodeHandle::admin(self, request, timeout))
    }

    fn inspect(&self) -> Reply<'_, NodeStatus> {
        Box::pin(NodeHandle::inspect(self))
    }

    fn own_copy(&self, key: ObjectKey) -> Reply<'_, Option<OwnCopy>> {
        Box::pin(NodeHandle::own_copy(self, key))
    }

    fn top(&self, most: usize) -> TopKeys {
        NodeHandle::top(self, most)
    }

    fn stats(&self) -> NodeStats {
        NodeHandle::stats(self)
    }

    fn runtime(&self) -> Option<Handle> {
        NodeHandle::shard_runtime(self)
    }

    fn view(&self) -> Arc<View> {
        NodeHandle::view(self)
    }

    fn readiness(&self) -> Readiness {
        match NodeHandle::readiness(self) {
            stator_node::Readiness::Ready => Readiness::Ready,
            stator_node::Readiness::NotReady(missing) => Readiness::NotReady(missing),
        }
    }

    fn me(&self) -> NodeId {
        NodeHandle::me(self)
    }

    fn name(&self) -> &str {
        NodeHandle::name(self)
    }
}
