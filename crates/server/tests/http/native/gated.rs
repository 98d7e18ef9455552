//! A node that answers some requests only when it is told to.

use std::sync::Arc;
use std::time::Duration;

use stator_core::context::{ContextError, SealedContext};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminReply, AdminRequest};
use stator_core::object::ObjectKey;
use stator_core::request::{ClientReply, Operation};
use stator_core::status::NodeStatus;
use stator_core::view::View;
use stator_server::{Backend, Readiness, Reply};
use tokio::sync::Semaphore;

use crate::fake::Fake;

/// The node: requests for keys that begin with `slow` wait for a permit.
pub(super) struct Gated {
    pub(super) fake: Arc<Fake>,
    pub(super) gate: Semaphore,
}

impl Gated {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { fake: Fake::new(), gate: Semaphore::new(0) })
    }
}

impl Backend for Gated {
    fn request(&self, operation: Operation, timeout: Duration) -> Reply<'_, ClientReply> {
        let is_slow = match &operation {
            Operation::Get { key, .. } | Operation::Delete { key, .. } => {
                key.key().as_bytes().starts_with(b"slow")
            }
            _ => false,
        };
        let answer = self.fake.request(operation, timeout);
        Box::pin(async move {
            if is_slow {
                self.gate.acquire().await.expect("it stays open").forget();
            }
            answer.await
        })
    }

    fn has_seen(
        &self,
        key: &ObjectKey,
        found: Option<&SealedContext>,
        wanted: &SealedContext,
    ) -> Result<bool, ContextError> {
        self.fake.has_seen(key, found, wanted)
    }

    fn admin(&self, request: AdminRequest, timeout: Duration) -> Reply<'_, AdminReply> {
        self.fake.admin(request, timeout)
    }

    fn inspect(&self) -> Reply<'_, NodeStatus> {
        self.fake.inspect()
    }

    fn view(&self) -> Arc<View> {
        self.fake.view()
    }

    fn readiness(&self) -> Readiness {
        self.fake.readiness()
    }

    fn me(&self) -> NodeId {
        self.fake.me()
    }

    fn name(&self) -> &str {
        self.fake.name()
    }
}
