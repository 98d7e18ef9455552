//! The way into a node for front doors: requests to the shard of their key, operators' requests to
//! membership.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use stator_core::context::{ContextError, SealedContext};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminError, AdminReply, AdminRequest};
use stator_core::object::ObjectKey;
use stator_core::request::{ClientReply, Done, Operation, RequestError};
use stator_core::ring::Ring;
use stator_core::status::{NodeStatus, OwnCopy};
use stator_core::store::Store;
use stator_core::time::{Deadline, Instant};
use stator_core::view::View;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{timeout, timeout_at};

use crate::failure::Failure;
use crate::me::Me;
use crate::membership::{AdminCall, Gate, MembershipMailbox};
use crate::shard::{ClientCall, ShardEvent, Shards, Stages, of_partition, sealer};
use crate::slow::{Finished, SlowLog};
use crate::stats::{Asked, Came, Counters, Door, DoorCounters, NodeStats, WriterCounters};
use crate::store_writer::{ShardIndex, WriteQueue};
use crate::top::{self, Top, TopKeys};

/// How long past its deadline an answer is waited for: the core answers by the deadline, so that
/// only a thread that hangs is later.
const GRACE: Duration = Duration::from_secs(1);

/// Whether a node serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It does.
    Ready,
    /// It does not, for this reason.
    NotReady(String),
}

/// A node, as its front doors hold it. Cheap to clone.
#[derive(Clone)]
pub struct NodeHandle {
    shared: Arc<Shared>,
    door: Door,
}

/// What all handles of a node share.
pub(crate) struct Shared {
    pub(crate) me: Arc<Me>,
    pub(crate) shards: Arc<Shards>,
    pub(crate) membership: MembershipMailbox,
    /// Front doors may keep a handle for longer than the store is open.
    pub(crate) store: Weak<dyn Store>,
    pub(crate) gate: Gate,
    pub(crate) counters: NodeCounters,
    pub(crate) writes: WriteQueue,
    pub(crate) slow: SlowLog,
    pub(crate) failure: Failure,
    pub(crate) in_flight: InFlight,
    pub(crate) top: Top,
    /// Counts the connections that front doors have asked a runtime for.
    pub(crate) turns: AtomicUsize,
}

/// Everything that a node counts, by who counts it.
#[derive(Debug)]
pub(crate) struct NodeCounters {
    /// In the order of the shards.
    pub(crate) shards: Arc<[Arc<Counters>]>,
    pub(crate) membership: Arc<Counters>,
    pub(crate) writer: Arc<WriterCounters>,
    pub(crate) doors: DoorCounters,
}

impl fmt::Debug for NodeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeHandle").field("me", &self.shared.me.node).finish_non_exhaustive()
    }
}

impl NodeHandle {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), door: Door::default() }
    }

    /// The same way in, with requests counted as this front door's.
    pub fn through(&self, door: Door) -> Self {
        Self { shared: Arc::clone(&self.shared), door }
    }

    /// Carries out a request, which is handed on at once. The answer comes within `timeout`, which is
    /// cut to [`Deadline::MAX_TIMEOUT`]; what it says of a write holds (rule 9).
    pub fn request(
        &self,
        operation: Operation,
        timeout_after: Duration,
    ) -> impl Future<Output = ClientReply> + Send + '_ {
        let began = self.shared.me.clock.instant();
        let asked = Asked::of(&operation);
        let counted = top::Request::of(&operation);
        // Not a part of the future, which is small without it.
        let handed_on = self.hand_on(operation, timeout_after);
        async move {
            let carried_out = match handed_on {
                Ok(handed_on) => self.answered(handed_on, counted.as_ref()).await,
                Err(error) => Err(error),
            };
            let (reply, stages) = match carried_out {
                Ok((reply, stages)) => (reply, Some(stages)),
                Err(error) => (Err(error), None),
            };
            self.finished(asked, counted.as_ref(), began, &reply, stages);
            reply
        }
    }

    /// Hands a request to the shard of its key.
    fn hand_on(
        &self,
        operation: Operation,
        timeout_after: Duration,
    ) -> Result<HandedOn<'_>, RequestError> {
        let shared = &self.shared;
        let guard = shared.in_flight.enter().ok_or(RequestError::Overloaded)?;
        if shared.failure.happened() {
            return Err(RequestError::Overloaded);
        }
        let deadline = Deadline::after(shared.me.clock.instant(), timeout_after);
        let is_write = matches!(operation, Operation::Put(_) | Operation::Delete { .. });
        let ShardIndex(shard) = self.shard_of(&operation)?;
        let mailbox =
            shared.shards.mailboxes().get(usize::from(shard)).ok_or(RequestError::NotMember)?;
        let (reply, answer) = oneshot::channel();
        mailbox.calls.try_send(ClientCall { operation, deadline, reply }).map_err(|error| {
            match error {
                mpsc::error::TrySendError::Full(_) => RequestError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => RequestError::NotMember,
            }
        })?;
        Ok(HandedOn { answer, deadline, shard, is_write, _guard: guard })
    }

    /// Waits for what the shard says, and how the request got there.
    async fn answered(
        &self,
        handed_on: HandedOn<'_>,
        counted: Option<&top::Request>,
    ) -> Result<(ClientReply, Stages), RequestError> {
        let shared = &self.shared;
        let longest = handed_on.deadline.remaining(shared.me.clock.instant()) + GRACE;
        let answered = match timeout(longest, handed_on.answer).await {
            Ok(Ok(answered)) => Ok(answered),
            // The shard hangs or has ended: nobody knows what became of it.
            _ if handed_on.is_write => Err(RequestError::Indeterminate { needed: 1, acked: 0 }),
            _ => Err(RequestError::ReadTimeout { needed: 1, answered: 0 }),
        };
        if let Some(counted) = counted {
            let now = shared.me.clock.instant();
            shared.top.count(handed_on.shard, counted, done(&answered), now);
        }
        answered
    }

    /// Counts a request that was answered, and logs it if it was slow.
    fn finished(
        &self,
        asked: Asked,
        counted: Option<&top::Request>,
        began: Instant,
        reply: &ClientReply,
        stages: Option<Stages>,
    ) {
        let shared = &self.shared;
        let now = shared.me.clock.now();
        let came = Came::of(reply, now.wall);
        let took = now.instant.since(began);
        shared.counters.doors.answered(self.door, asked, came, took);
        let finished = Finished { door: self.door, asked, came, began, ended: now.instant, stages };
        let key = counted.map(top::Request::key);
        shared.me.traces.finished(&shared.me, &finished, key);
        if shared.slow.is_slow(took) {
            shared.counters.doors.slow(self.door);
            shared.slow.log(&finished, key);
        }
    }

    /// The busiest keys among those that this node's front doors were asked for, at most so many by
    /// each measure.
    pub fn top(&self, most: usize) -> TopKeys {
        self.shared.top.keys(most, self.shared.me.clock.instant())
    }

    /// Whether a context of an object has seen all that another has, which was sealed for the same
    /// object.
    pub fn has_seen(
        &self,
        key: &ObjectKey,
        found: Option<&SealedContext>,
        wanted: &SealedContext,
    ) -> Result<bool, ContextError> {
        let me = &self.shared.me;
        let Some(cluster) = me.cluster.get() else { return Err(ContextError::UnknownKey) };
        let sealer = sealer(&me.keyring, *cluster);
        let wanted = sealer.open(key, wanted)?;
        let found = found.map(|found| sealer.open(key, found)).transpose()?.unwrap_or_default();
        Ok(found.includes(&wanted))
    }

    /// Carries out an operator's request. The answer comes within `timeout`, which is cut to
    /// [`Deadline::MAX_TIMEOUT`].
    pub async fn admin(&self, request: AdminRequest, timeout_after: Duration) -> AdminReply {
        let shared = &self.shared;
        let (reply, answer) = oneshot::channel();
        let call = AdminCall { request, timeout: timeout_after, reply };
        let asked = async {
            if !shared.membership.admin(call).await {
                return None;
            }
            answer.await.ok()
        };
        let longest = timeout_after.min(Deadline::MAX_TIMEOUT) + GRACE;
        match timeout(longest, asked).await {
            Ok(Some(reply)) => reply,
            _ => Err(AdminError::Unreachable { names: vec![shared.me.name.clone()] }),
        }
    }

    /// The runtime on one shard's thread, on each in its turn; none before shards run. A front door
    /// that serves a connection there reaches that shard without waking another thread. The shard
    /// does nothing while a task of the door does: what computes for long belongs elsewhere.
    pub fn shard_runtime(&self) -> Option<Handle> {
        let runtimes = self.shared.shards.runtimes();
        let turn = self.shared.turns.fetch_add(1, Ordering::Relaxed);
        runtimes.get(turn.checked_rem(runtimes.len())?).cloned()
    }

    /// The node's condition. Shards that do not answer in time are counted as silent: a node that
    /// is hard pressed still tells what it can.
    pub async fn inspect(&self) -> NodeStatus {
        let mut asked = Vec::new();
        for mailbox in self.shared.shards.mailboxes() {
            let (reply, answer) = oneshot::channel();
            if mailbox.events.try_send(ShardEvent::Inspect(reply)).is_ok() {
                asked.push(answer);
            }
        }
        let until = tokio::time::Instant::now() + GRACE;
        let mut found = Vec::new();
        for answer in asked {
            if let Ok(Ok(status)) = timeout_at(until, answer).await {
                found.push(status);
            }
        }
        NodeStatus::of(self.shared.me.shards, found)
    }

    /// What this node itself has of an object; none if it knows no ring, or is too busy to say.
    pub async fn own_copy(&self, key: ObjectKey) -> Option<OwnCopy> {
        let view = self.shared.me.view.load();
        let partition = view.ring.as_deref()?.partition_of(key.token());
        let ShardIndex(shard) = of_partition(partition, self.shared.me.shards);
        let mailbox = self.shared.shards.mailboxes().get(usize::from(shard))?;
        let (reply, answer) = oneshot::channel();
        mailbox.events.try_send(ShardEvent::InspectObject(Box::new(key), reply)).ok()?;
        timeout(GRACE, answer).await.ok()?.ok()?
    }

    /// The cluster as this node sees it now. Never waits.
    pub fn view(&self) -> Arc<View> {
        self.shared.me.view()
    }

    /// Whether the node serves: it is a member of the ring, its store is open, and every member's
    /// address was tried once. Transfers and dead peers do not unset it.
    pub fn readiness(&self) -> Readiness {
        let shared = &self.shared;
        let not_ready = |reason: &str| Readiness::NotReady(reason.to_owned());
        if shared.failure.happened() {
            return not_ready("the node has failed and is about to stop: see its log");
        }
        if shared.in_flight.is_closed() {
            return not_ready("the node is stopping");
        }
        let view = shared.me.view.load();
        if view.ring_as_member().is_none() {
            return not_ready(
                "the node is not a member of a ring: plan and commit its join on a member",
            );
        }
        if !shared.gate.is_open() {
            return not_ready("not every member's address was tried yet");
        }
        Readiness::Ready
    }

    /// This node.
    pub fn me(&self) -> NodeId {
        self.shared.me.node
    }

    /// Its label.
    pub fn name(&self) -> &str {
        &self.shared.me.name
    }

    /// Its figures. Once the node has stopped the store's are zero.
    pub fn stats(&self) -> NodeStats {
        let shared = &self.shared;
        let mut stats = NodeStats {
            store: shared.store.upgrade().map(|store| store.stats()).unwrap_or_default(),
            uptime: shared.me.clock.uptime(),
            in_flight: shared.in_flight.count() as u64,
            writes_queued: shared.writes.len() as u64,
            ..NodeStats::default()
        };
        let counters = &shared.counters;
        stats.tell(&counters.doors, &counters.writer);
        for each in counters.shards.iter().chain([&counters.membership]) {
            each.add_to(&mut stats);
        }
        let mailboxes = shared.shards.mailboxes().iter();
        let queues = mailboxes.zip(counters.shards.iter()).map(|(mailbox, counters)| {
            counters.queues(waiting(&mailbox.calls), waiting(&mailbox.events))
        });
        stats.queues = queues.collect();
        stats
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn shard_of(&self, operation: &Operation) -> Result<ShardIndex, RequestError> {
        let shared = &self.shared;
        let view = shared.me.view.load();
        let ring: &Ring = view.ring.as_deref().ok_or(RequestError::NotMember)?;
        let partition = match operation {
            Operation::Get { key, .. } | Operation::Delete { key, .. } => {
                ring.partition_of(key.token())
            }
            Operation::Put(order) => ring.partition_of(order.key.token()),
            Operation::List(order) => order.partition,
        };
        Ok(of_partition(partition, shared.me.shards))
    }
}

/// A request that a shard has.
struct HandedOn<'a> {
    answer: oneshot::Receiver<(ClientReply, Stages)>,
    deadline: Deadline,
    shard: u8,
    is_write: bool,
    _guard: InFlightGuard<'a>,
}

/// What was done for a request, if anything was.
fn done(answered: &Result<(ClientReply, Stages), RequestError>) -> Option<&Done> {
    answered.as_ref().ok()?.0.as_ref().ok()
}

/// How much waits in a channel.
fn waiting<T>(channel: &mpsc::Sender<T>) -> usize {
    channel.max_capacity() - channel.capacity()
}

/// Requests of front doors that are under way, so that a node which stops can let them finish.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    count: AtomicUsize,
    closed: AtomicBool,
    left: Notify,
}

impl InFlight {
    /// One more; none once closed.
    fn enter(&self) -> Option<InFlightGuard<'_>> {
        self.count.fetch_add(1, Ordering::SeqCst);
        let guard = InFlightGuard(self);
        (!self.is_closed()).then_some(guard)
    }

    /// Lets no more in and waits until all have left.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        loop {
            let left = self.left.notified();
            if self.count() == 0 {
                return;
            }
            left.await;
        }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

struct InFlightGuard<'a>(&'a InFlight);

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.is_closed() {
            self.0.left.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn close_waits_for_those_inside_and_lets_nobody_in() {
        let gate = InFlight::default();
        let inside = gate.enter().expect("open");
        let mut closing = std::pin::pin!(gate.close());
        assert!(timeout(Duration::from_millis(20), &mut closing).await.is_err(), "one is inside");
        assert!(gate.enter().is_none());
        drop(inside);
        assert!(timeout(Duration::from_secs(5), closing).await.is_ok(), "all have left");
    }
}
