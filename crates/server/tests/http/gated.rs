//! A node that answers only as often as it is let, and notes how much it was asked at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stator_core::context::{ContextError, SealedContext};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminReply, AdminRequest};
use stator_core::object::ObjectKey;
use stator_core::request::{ClientReply, Operation};
use stator_core::status::NodeStatus;
use stator_core::view::View;
use stator_node::NodeStats;
use stator_server::{Backend, Readiness, Reply};
use tokio::sync::{Semaphore, watch};

use crate::fake::Fake;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The node. A request waits for a permit of the gate before it is carried out.
pub(crate) struct Gated {
    pub(crate) gate: Semaphore,
    fake: Arc<Fake>,
    waits: fn(&Operation) -> bool,
    begun: watch::Sender<Vec<String>>,
    under_way: watch::Sender<usize>,
    most: AtomicUsize,
}

impl Gated {
    /// Every request waits.
    pub(crate) fn before(fake: Arc<Fake>) -> Arc<Self> {
        Self::for_those(fake, |_| true)
    }

    /// Requests wait for which this holds.
    pub(crate) fn for_those(fake: Arc<Fake>, waits: fn(&Operation) -> bool) -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(0),
            fake,
            waits,
            begun: watch::Sender::default(),
            under_way: watch::Sender::default(),
            most: AtomicUsize::new(0),
        })
    }

    /// Waits until so many requests have begun; what all were.
    pub(crate) async fn begun(&self, count: usize) -> Vec<String> {
        let mut begun = self.begun.subscribe();
        let waiting = begun.wait_for(|begun| begun.len() >= count);
        let begun = tokio::time::timeout(PATIENCE, waiting).await;
        begun.expect("they begin").expect("the node is there").clone()
    }

    /// Waits until so many requests are under way at a time.
    pub(crate) async fn asked(&self, count: usize) {
        let mut under_way = self.under_way.subscribe();
        let waiting = under_way.wait_for(|under_way| *under_way >= count);
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("they are asked")
            .expect("it is there");
    }

    /// The most that were under way at a time, since that was last forgotten.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    pub(crate) fn forget_most(&self) {
        self.most.store(0, Ordering::SeqCst);
    }
}

/// What a request is for, in a word and its key.
fn shown(operation: &Operation) -> String {
    let name = |key: &ObjectKey| String::from_utf8_lossy(key.key().as_bytes()).into_owned();
    match operation {
        Operation::Get { key, .. } => format!("get {}", name(key)),
        Operation::Delete { key, .. } => format!("delete {}", name(key)),
        Operation::Put(put) => format!("put {}", name(&put.key)),
        Operation::List(_) => "list".to_owned(),
    }
}

impl Backend for Gated {
    fn request(&self, operation: Operation, timeout: Duration) -> Reply<'_, ClientReply> {
        Box::pin(async move {
            self.under_way.send_modify(|count| *count += 1);
            self.most.fetch_max(*self.under_way.borrow(), Ordering::SeqCst);
            self.begun.send_modify(|begun| begun.push(shown(&operation)));
            if (self.waits)(&operation) {
                self.gate.acquire().await.expect("it stays open").forget();
            }
            let reply = self.fake.request(operation, timeout).await;
            self.under_way.send_modify(|count| *count -= 1);
            reply
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

    fn stats(&self) -> NodeStats {
        self.fake.stats()
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
