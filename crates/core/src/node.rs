//! One shard of a node: routes what happens to the machines, and nothing else.
//!
//! The paper, 5. A shard owns the replicas of its partitions and coordinates requests for them. It
//! is stepped by one caller at a time: [`Shard::step`] takes what happened, with the time, and
//! says what is to be done. It never blocks, reads a clock or touches a socket.

mod collect;
mod condition;
mod confirm;
mod handoff;
mod handover;
mod keep;
mod patrol;
mod serve;
mod slices;
mod upkeep;

pub use condition::LOOK_AT_MOST;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::budget::{Budget, BytesPerSecond};
use crate::context::Sealer;
use crate::coordinator::forwarded::{Admission, ForwardedPuts, REMEMBER_FORWARDED};
use crate::coordinator::peers::Peers;
use crate::coordinator::start::{start_client, start_put};
use crate::coordinator::{DeleteOrder, Event, Frame, Machine, PutOrigin, Step, Turn};
use crate::delivery::Deliveries;
use crate::effect::{DiskRoom, Effect, Effects, Input, Ticket, Timer};
use crate::exchange::Schedule;
use crate::hints::Hints;
use crate::identity::{BootNumber, NodeId};
use crate::message::{RequestId, RequestIds, ShardMessage};
use crate::object::Content;
use crate::random::Random;
use crate::replica::{Replica, Waiter};
use crate::request::{ClientRequest, Precedence, PutOrder, RequestError};
use crate::ring::{Ring, RingVersion};
use crate::staleness::Watch;
use crate::standing::Standing;
use crate::status::{ShardStatus, UpkeepCounts};
use crate::store::ReadStore;
use crate::time::{Deadline, Now};
use crate::transfer::{Confirming, Handing};
use crate::upkeep::{MOST_TASKS, Task, TaskEvent};
use crate::view::View;

/// How a shard is set up.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// This node.
    pub me: NodeId,
    /// Which shard of the node this is, from 0.
    pub shard: u8,
    /// How many shards the node has: partition p belongs to shard `p mod shards`.
    pub shards: u8,
    /// Seals and opens contexts.
    pub sealer: Sealer,
    /// This start's number: says whose trees' snapshots are current.
    pub boot: BootNumber,
    /// What became of the store since the node last ran.
    pub store: StoreStanding,
    /// Bounds on hints held by this shard.
    pub hint_limits: HintLimits,
    /// What this shard may take to remember objects that were lately written or read, in bytes.
    pub cache_bytes: u64,
    /// How often every object is read in full, to verify its checksum and its tree.
    pub scrub_interval: Duration,
    /// How many bytes of objects one step of that reads at most, the first object whatever its size.
    pub look_at_most: u64,
    /// How often a partition is searched for what may be collected (rule 13).
    pub collect_every: Duration,
    /// What background work may spend at most (rule 20).
    pub background: BytesPerSecond,
    /// The most client and forwarded requests under way at once; past it, requests are refused.
    pub max_requests: usize,
}

/// What became of a node's store since it last ran (rule 19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreStanding {
    /// It is the one that the node had, or the node never had one.
    #[default]
    Kept,
    /// It was lost, or set aside because it was an older copy: this one began empty.
    Lost,
}

/// How many hints a shard may hold for other nodes. Past a bound new hints are refused, never
/// dropped: what was acknowledged stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HintLimits {
    /// Bytes of states.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
}

impl Default for HintLimits {
    fn default() -> Self {
        Self { bytes: 4 << 30, objects: 4_000_000 }
    }
}

/// One shard of a node.
#[derive(Clone, Debug)]
pub struct Shard {
    config: ShardConfig,
    view: Arc<View>,
    replica: Replica,
    peers: Peers,
    watch: Watch,
    /// Boxed: a message takes one out and puts it back.
    machines: BTreeMap<RequestId, Box<Machine>>,
    forwarded: ForwardedPuts,
    hints: Hints,
    hints_home: BTreeMap<NodeId, handoff::Place>,
    /// Whether the hints that were here at the start are counted.
    hints_counted: bool,
    deliveries: Deliveries,
    budget: Budget,
    slices: slices::Slices,
    ids: RequestIds,
    disk: DiskRoom,
    tasks: BTreeMap<RequestId, Task>,
    schedule: Schedule,
    collections: collect::Collections,
    standing: Standing,
    confirming: Confirming,
    handing: Handing,
    /// The ring for which it was said that hints are where they belong.
    in_place_for: Option<RingVersion>,
    counts: UpkeepCounts,
    /// Whether the store can be read.
    started: bool,
    /// Whether the node stops: nothing changes any more.
    stopping: bool,
}

impl Shard {
    /// A shard that has just started, with fresh actor ids (rule 1).
    pub fn new(config: ShardConfig, random: Random, view: Arc<View>) -> Self {
        let mut shard = Self {
            replica: Replica::new(random.child("actor ids"), config.cache_bytes),
            peers: Peers::default(),
            watch: Watch::default(),
            machines: BTreeMap::new(),
            forwarded: ForwardedPuts::default(),
            hints_home: BTreeMap::new(),
            hints_counted: false,
            hints: Hints::new(random.child("hints"), config.hint_limits),
            deliveries: Deliveries::default(),
            budget: Budget::new(config.background),
            slices: slices::Slices::default(),
            ids: RequestIds::new(config.shard, random.child("request ids").bits()),
            disk: DiskRoom::default(),
            started: false,
            stopping: false,
            tasks: BTreeMap::new(),
            schedule: Schedule::new(random.child("exchanges")),
            collections: collect::Collections::default(),
            standing: Standing::default(),
            confirming: Confirming::default(),
            handing: Handing::default(),
            in_place_for: None,
            counts: UpkeepCounts::default(),
            config,
            view,
        };
        shard.own_partitions();
        shard
    }

    /// Takes in what happened and says what is to be done. Reads of the store are synchronous;
    /// writes are effects.
    pub fn step(&mut self, now: Now, input: Input, store: &impl ReadStore, out: &mut Effects) {
        match input {
            Input::Client(request) => self.on_client(now, request, store, out),
            Input::Peer { from, message } => {
                self.peers.heard(from);
                self.on_peer(now, from, message, store, out);
            }
            Input::NotSent { to, message } => {
                if let Some(request) = asks(&message)
                    && !self.not_delivered(now, request, to, store, out)
                {
                    self.advance(now, request, Event::NotSent(to), store, out);
                    self.advance_task(now, request, TaskEvent::NotSent(to), store, out);
                    self.advance_asker(now, request, TaskEvent::NotSent(to), store, out);
                }
            }
            Input::Started => self.on_started(now, store, out),
            Input::Disk(room) => self.disk = room,
            Input::Inspect(id) => {
                let status = Box::new(self.status());
                out.push(Effect::Inspected { id, status });
            }
            Input::InspectObject { id, key } => {
                let copy = self.own_copy(&key, store, out).map(Box::new);
                out.push(Effect::ObjectInspected { id, copy });
            }
            Input::Stopping => self.stop(out),
            Input::LinkUp(peer) => {
                self.peers.link_up(peer);
                self.peer_returned(now, peer);
                self.ask_for_rounds(|owner| owner == peer, out);
                self.send_hints_to(now, peer, store, out);
            }
            Input::LinkDown(peer) => {
                self.peers.link_down(peer);
                for delivery in self.deliveries.lost(peer) {
                    self.delivery_ended(now, &delivery, Err(()), store, out);
                }
                let under_way: Vec<RequestId> = self.machines.keys().copied().collect();
                for request in under_way {
                    self.advance(now, request, Event::LinkDown(peer), store, out);
                }
                self.advance_all_tasks(now, &TaskEvent::LinkDown(peer), store, out);
            }
            Input::Synced(ticket) => self.on_synced(now, ticket, store, out),
            Input::Timer(timer) => self.on_timer(now, timer, store, out),
            Input::View(view) => self.on_view(now, view, store, out),
        }
        self.settle_budget(now, out);
    }

    /// Whether anything would come of a timer that was set: that of a request or a task which has
    /// ended may as well be forgotten.
    pub fn awaits(&self, timer: Timer) -> bool {
        match timer {
            Timer::Deadline(id) => self.machines.contains_key(&id) || self.tasks.contains_key(&id),
            Timer::Hedge(id) => self.machines.contains_key(&id),
            Timer::Patrol | Timer::Budget | Timer::ForgetForwarded => true,
        }
    }

    /// How many requests are under way.
    pub fn requests(&self) -> usize {
        self.machines.len()
    }

    /// The shard's condition, as [`Input::Inspect`] asks for it.
    pub fn condition(&self) -> ShardStatus {
        self.status()
    }

    /// How many states wait for the disk.
    pub fn unsynced(&self) -> usize {
        self.replica.unsynced() + self.hints.unsynced()
    }

    /// The ring, if this node may take part in it.
    fn ring(&self) -> Result<Arc<Ring>, RequestError> {
        self.view.ring_as_coordinator().cloned().ok_or(RequestError::NotMember)
    }

    fn turn<'a, S: ReadStore>(
        &'a mut self,
        now: Now,
        store: &'a S,
        out: &'a mut Effects,
    ) -> Turn<'a, S> {
        Turn {
            now,
            view: &self.view,
            replica: &mut self.replica,
            peers: &mut self.peers,
            watch: &mut self.watch,
            hints: &mut self.hints,
            deliveries: &mut self.deliveries,
            budget: &mut self.budget,
            ids: &mut self.ids,
            disk: self.disk,
            standing: &self.standing,
            counts: &mut self.counts,
            sealer: &self.config.sealer,
            store,
            out,
        }
    }

    fn on_client(
        &mut self,
        now: Now,
        request: ClientRequest,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let (client, deadline) = (request.id, request.deadline);
        let started = self.admit(now, deadline).and_then(|(frame, ring)| {
            let (machine, step) =
                start_client(frame, request, &ring, &mut self.turn(now, store, out))?;
            self.settle(now, frame.id, machine, step, store, out);
            Ok(())
        });
        if let Err(error) = started {
            out.push(Effect::Reply { request: client, reply: Err(error) });
        }
    }

    /// Whether a new request may start now, and under which name.
    fn admit(&mut self, now: Now, deadline: Deadline) -> Result<(Frame, Arc<Ring>), RequestError> {
        if deadline.expired(now.instant) {
            return Err(RequestError::Expired);
        }
        if self.stopping || self.machines.len() >= self.config.max_requests {
            return Err(RequestError::Overloaded);
        }
        let ring = self.ring()?;
        let id = self.ids.next();
        Ok((Frame { id, began: now.instant, deadline }, ring))
    }

    fn start_put(
        &mut self,
        now: Now,
        origin: PutOrigin,
        order: PutOrder,
        deadline: Deadline,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let started = self.admit(now, deadline).and_then(|(frame, ring)| {
            let (machine, step) =
                start_put(frame, origin, order, &ring, &mut self.turn(now, store, out))?;
            self.settle(now, frame.id, machine, step, store, out);
            Ok(())
        });
        if let Err(error) = started {
            origin.reply(Err(error), &mut self.turn(now, store, out));
        }
    }

    /// Something happened to a request that may be under way.
    fn advance(
        &mut self,
        now: Now,
        request: RequestId,
        event: Event,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        // What is under way is ended by its own events even if this node has left the ring since.
        let Some(ring) = self.view.ring.clone() else { return };
        let Some(mut machine) = self.machines.remove(&request) else { return };
        let step = machine.on(event, &ring, &mut self.turn(now, store, out));
        self.settle(now, request, machine, step, store, out);
    }

    /// Keeps a machine that waits on, and goes on with a delete that has read.
    fn settle(
        &mut self,
        now: Now,
        request: RequestId,
        machine: impl Into<Box<Machine>>,
        step: Step,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        match step {
            Step::Finished => {}
            Step::Renamed(id, step) => self.settle(now, id, machine, *step, store, out),
            Step::Repairing(repair) => {
                if self.tasks.len() < MOST_TASKS {
                    self.tasks.insert(request, Task::Repair(repair));
                }
            }
            Step::Waiting => {
                self.machines.insert(request, machine.into());
            }
            Step::ReadForDelete(DeleteOrder { client, key, quorum, deadline }, context) => {
                let (value, precedence) = (Content::Tombstone, Precedence::Newest);
                let order = PutOrder { key, context, value, quorum, precedence };
                self.start_put(now, PutOrigin::Client(client), order, deadline, store, out);
            }
        }
    }

    fn on_synced(&mut self, now: Now, ticket: Ticket, store: &impl ReadStore, out: &mut Effects) {
        self.hints.synced(ticket);
        self.tell_agreements(ticket, out);
        self.moves_synced(ticket, out);
        for waiter in self.replica.synced(ticket) {
            match waiter {
                Waiter::Peer { node, request, partition, kept_for, since } => {
                    let round = self.replica.round(partition);
                    let held = now.instant.since(since);
                    serve::acknowledge(node, request, (round, kept_for), held, out);
                }
                Waiter::Coordinator(request) => {
                    self.watch.synced(now.instant, request);
                    self.advance(now, request, Event::Synced, store, out);
                    self.advance_task(now, request, TaskEvent::Synced, store, out);
                }
            }
        }
    }

    fn on_timer(&mut self, now: Now, timer: Timer, store: &impl ReadStore, out: &mut Effects) {
        match timer {
            Timer::Deadline(request) => {
                self.advance(now, request, Event::Deadline, store, out);
                self.advance_task(now, request, TaskEvent::Deadline, store, out);
            }
            Timer::Hedge(request) => self.advance(now, request, Event::Hedge, store, out),
            // What was saved of the trees has to stay true.
            Timer::Patrol | Timer::Budget if self.stopping => {}
            Timer::Patrol => self.on_patrol(now, store, out),
            Timer::Budget => self.on_budget(now, store, out),
            Timer::ForgetForwarded => {
                if let Some(at) = self.forwarded.forget(now.instant) {
                    out.push(Effect::SetTimer { at, timer: Timer::ForgetForwarded });
                }
            }
        }
    }

    /// A put that another node forwards here; one that comes again is not minted again.
    fn on_forwarded(
        &mut self,
        now: Now,
        (from, request): (NodeId, RequestId),
        order: PutOrder,
        deadline: Deadline,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let origin = PutOrigin::Forwarded { node: from, request };
        match self.forwarded.admit(now.instant, from, request) {
            Admission::Repeated => {}
            Admission::Full => {
                origin.reply(Err(RequestError::Overloaded), &mut self.turn(now, store, out));
            }
            Admission::New => {
                if self.forwarded.is_first() {
                    let at = now.instant.after(REMEMBER_FORWARDED);
                    out.push(Effect::SetTimer { at, timer: Timer::ForgetForwarded });
                }
                self.start_put(now, origin, order, deadline, store, out);
            }
        }
    }
}

/// The request that a message was sent for by this shard; none for answers.
const fn asks(message: &ShardMessage) -> Option<RequestId> {
    match message {
        ShardMessage::Replicate { request, .. }
        | ShardMessage::Read { request, .. }
        | ShardMessage::ForwardPut { request, .. }
        | ShardMessage::List { request, .. }
        | ShardMessage::Exchange { request, .. }
        | ShardMessage::Collect { request, .. } => Some(*request),
        ShardMessage::Replicated { .. }
        | ShardMessage::ReadAnswered { .. }
        | ShardMessage::PutAnswered { .. }
        | ShardMessage::Listed { .. }
        | ShardMessage::ExchangeAnswered { .. }
        | ShardMessage::Collected { .. } => None,
    }
}

#[cfg(test)]
mod tests;
