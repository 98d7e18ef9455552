//! A shard's turns: take in everything that is ready, step the core for each, then flush: one
//! write for each peer that has something coming, one job for the store writer.
//!
//! Nothing in a turn waits. What the core wants done and can't be done at once (a peer that is not
//! connected) comes back to it as an input of the same turn.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use stator_core::effect::{Effect, Effects, Input, Ticket, Timer};
use stator_core::message::ShardMessage;
use stator_core::node::Shard;
use stator_core::request::{ClientReply, ClientRequest, ClientRequestId};
use stator_core::status::{InspectId, OwnCopy, ShardStatus};
use stator_core::store::Batch;
use stator_core::time::{Instant, Now};
use stator_wire::hello::Lane;
use stator_wire::proto;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::alarm::Alarm;
use super::reader::{Reader, Readers};
use super::thread::Setup;
use super::timers::Timers;
use super::traffic::Traffic;
use super::unsynced::Unsynced;
use super::{ClientCall, Mail, ShardEvent, Stages};
use crate::disk::DiskGauge;
use crate::inbox::Inbox;
use crate::links::{LinkEvent, Links};
use crate::store_writer::Job;
use crate::trace::ShardTracer;
use stator_core::identity::NodeId;

/// Inputs that wait for a turn past which no more is read from peers.
const INBOX: usize = 4096;
/// Of each source, at most so much in one turn, so that none starves another.
const PER_TURN: usize = 1024;
/// Bytes under way to the disk past which no more is read from peers.
const UNSYNCED_LIMIT: usize = 128 * 1024 * 1024;
/// How long a shard that stops waits for the disk.
const LAST_SYNC: Duration = Duration::from_secs(5);

/// A front door that waits for an answer.
struct Waits {
    reply: oneshot::Sender<(ClientReply, Stages)>,
    taken: Instant,
}

/// The shard's one long task.
pub(super) struct CoreLoop {
    setup: Setup,
    core: Shard,
    mail: Mail,
    inbox: Arc<Inbox<Input>>,
    links: Links,
    readers: Readers,
    timers: Timers,
    alarm: Alarm,
    unsynced: Unsynced,
    /// This turn's batches, and the ticket of the last.
    batches: Vec<Batch>,
    ticket: Ticket,
    /// Front doors that wait for an answer.
    waiting: HashMap<ClientRequestId, Waits>,
    next_client: u64,
    effects: Effects,
    /// What background work has sent.
    traffic: Traffic,
    tracer: ShardTracer,
    /// Those who asked how the shard is.
    inspections: HashMap<InspectId, oneshot::Sender<ShardStatus>>,
    /// Those who asked what the shard has of an object.
    looks: HashMap<InspectId, oneshot::Sender<Option<OwnCopy>>>,
    /// Inputs that this turn itself has made.
    returned: VecDeque<Input>,
}

impl CoreLoop {
    pub(super) fn new(setup: Setup, mail: Mail) -> Self {
        let inbox = Arc::new(Inbox::new(INBOX));
        let on_event = {
            let inbox = Arc::clone(&inbox);
            Arc::new(move |event| match event {
                LinkEvent::Up(introduction) => inbox.push(Input::LinkUp(introduction.node)),
                LinkEvent::Down(peer) => inbox.push(Input::LinkDown(peer)),
                LinkEvent::Unreachable(_) => {}
            })
        };
        let lane = Lane::Shard(setup.index.0);
        let tracer = ShardTracer::new(&setup.me);
        Self {
            core: Shard::new(setup.config.clone(), setup.random.clone(), setup.me.view()),
            links: Links::new(Arc::clone(&setup.me), lane, on_event),
            setup,
            mail,
            inbox,
            readers: Readers::default(),
            timers: Timers::default(),
            alarm: Alarm::new(),
            unsynced: Unsynced::default(),
            batches: Vec::new(),
            ticket: Ticket::default(),
            waiting: HashMap::new(),
            next_client: 0,
            effects: Effects::new(),
            traffic: Traffic::default(),
            tracer,
            returned: VecDeque::from([Input::Started]),
            inspections: HashMap::new(),
            looks: HashMap::new(),
        }
    }

    /// Takes turns until the node stops or fails.
    pub(super) async fn run(mut self) {
        let mut shutdown = self.setup.shutdown.watch();
        let failure = self.setup.failure.clone();
        tokio::select! {
            biased;
            _ = failure.wait() => return,
            () = shutdown.begun() => {}
            () = self.take_turns() => {}
        }
        self.readers.stop();
        // The last thing that changes: from here on only what is on its way to the disk counts.
        self.returned.push_back(Input::Stopping);
        self.turn();
        // What was taken in is synced and acknowledged before the thread ends.
        let _ = timeout(LAST_SYNC, async {
            while !self.unsynced.is_empty() {
                self.wait().await;
                self.turn();
            }
        })
        .await;
    }

    async fn take_turns(&mut self) {
        loop {
            if self.is_idle() {
                self.wait().await;
            } else {
                // More is ready already: let the sockets' tasks have their turn too.
                tokio::task::yield_now().await;
            }
            self.turn();
        }
    }

    fn is_idle(&self) -> bool {
        self.inbox.is_empty() && self.mail.events.is_empty() && self.mail.calls.is_empty()
    }

    /// Waits until something is ready; what arrived by mail is put where the turn finds it.
    async fn wait(&mut self) {
        let next = self.timers.wake_at(|timer| self.core.awaits(timer));
        let next = next.map(|at| self.setup.me.clock.wake_at(at));
        tokio::select! {
            biased;
            () = self.inbox.pushed() => {}
            Some(event) = self.mail.events.recv() => self.take_event(event),
            Some(call) = self.mail.calls.recv() => self.take_call(call),
            () = self.alarm.rings(next) => {}
        }
    }

    fn turn(&mut self) {
        let now = self.setup.me.clock.now();
        self.step_returned(now);
        for _ in 0..PER_TURN {
            let Ok(event) = self.mail.events.try_recv() else { break };
            self.take_event(event);
            self.step_returned(now);
        }
        for _ in 0..INBOX {
            let Some(input) = self.inbox.pop() else { break };
            self.step(now, input);
        }
        for _ in 0..PER_TURN {
            let Ok(call) = self.mail.calls.try_recv() else { break };
            self.take_call(call);
            self.step_returned(now);
        }
        self.step_timers(now);
        self.flush();
    }

    fn step_timers(&mut self, now: Now) {
        while let Some(timer) = self.timers.pop_due(now.instant) {
            if timer == Timer::Patrol {
                self.look_at_the_disk(now);
            }
            self.step(now, Input::Timer(timer));
        }
    }

    /// A store that failed in a read must stop the node also while nobody writes.
    fn look_at_the_disk(&mut self, now: Now) {
        if let Err(error) = self.setup.store.health() {
            self.setup.failure.store_failed(&error);
        }
        if let Some(room) = self.setup.disk.as_mut().and_then(DiskGauge::look) {
            self.step(now, Input::Disk(room));
        }
    }

    fn step_returned(&mut self, now: Now) {
        while let Some(input) = self.returned.pop_front() {
            self.step_one(now, input);
        }
    }

    fn step(&mut self, now: Now, input: Input) {
        self.step_one(now, input);
        self.step_returned(now);
    }

    fn step_one(&mut self, now: Now, input: Input) {
        if let Input::Synced(ticket) = input {
            self.unsynced.synced(ticket);
        }
        self.tracer.takes(&input);
        let mut effects = std::mem::take(&mut self.effects);
        self.core.step(now, input, &self.setup.store, &mut effects);
        for effect in effects.drain() {
            self.apply(effect);
        }
        self.effects = effects;
    }

    fn take_event(&mut self, event: ShardEvent) {
        match event {
            ShardEvent::Input(input) => self.returned.push_back(*input),
            ShardEvent::Peers(addresses) => self.links.keep(&addresses),
            ShardEvent::Accepted(accepted) => {
                self.links.heard_of(accepted.from);
                let reader = Reader {
                    me: Arc::clone(&self.setup.me),
                    shard: self.setup.index,
                    inbox: Arc::clone(&self.inbox),
                    shards: Arc::clone(&self.setup.shards),
                };
                self.readers.read(*accepted, reader);
            }
            ShardEvent::Inspect(reply) => {
                let (messages, links) = (self.inbox.len(), self.links.connected());
                self.setup.counters.waiting(messages, self.unsynced.bytes(), links);
                self.next_client += 1;
                let id = InspectId(self.next_client);
                self.inspections.insert(id, reply);
                self.returned.push_back(Input::Inspect(id));
            }
            ShardEvent::InspectObject(key, reply) => {
                self.next_client += 1;
                let id = InspectId(self.next_client);
                self.looks.insert(id, reply);
                self.returned.push_back(Input::InspectObject { id, key: *key });
            }
        }
    }

    fn take_call(&mut self, call: ClientCall) {
        if call.reply.is_closed() {
            return;
        }
        self.next_client += 1;
        let id = ClientRequestId(self.next_client);
        let taken = self.setup.me.clock.instant();
        self.waiting.insert(id, Waits { reply: call.reply, taken });
        let (operation, deadline) = (call.operation, call.deadline);
        self.returned.push_back(Input::Client(ClientRequest { id, operation, deadline }));
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.send(to, message),
            Effect::Reply { request, reply } => {
                let trace = self.tracer.replies(request, &reply);
                if let Some(Waits { reply: waits, taken }) = self.waiting.remove(&request) {
                    let stages = Stages { taken, answered: self.setup.me.clock.instant(), trace };
                    // The front door may have gone away; the work is done all the same.
                    let _ = waits.send((reply, stages));
                }
            }
            Effect::Write { batch, ticket } => {
                self.unsynced.add(ticket, &batch);
                self.tracer.writes(ticket);
                self.batches.push(batch);
                self.ticket = ticket;
            }
            Effect::SetTimer { at, timer } => self.set_timer(at, timer),
            Effect::Suspect(peer) => self.setup.membership.suspect(peer),
            Effect::NewerRing { at, version } => self.setup.membership.newer_ring(at, version),
            Effect::BucketMade(bucket) => self.setup.membership.bucket_made(bucket),
            Effect::Moved(progress) => {
                self.setup.membership.shard_moved(self.setup.index.0, progress);
            }
            Effect::Inspected { id, mut status } => {
                self.traffic.tell(&mut status.upkeep);
                if let Some(waits) = self.inspections.remove(&id) {
                    // Who asked may have gone away.
                    let _ = waits.send(*status);
                }
            }
            Effect::ObjectInspected { id, copy } => {
                if let Some(waits) = self.looks.remove(&id) {
                    let _ = waits.send(copy.map(|copy| *copy));
                }
            }
            Effect::Observe(observation) => self.setup.counters.observe(&observation),
        }
    }

    fn set_timer(&mut self, at: Instant, timer: Timer) {
        self.tracer.sets(timer);
        self.timers.set(at, timer);
    }

    /// Queues a message; one that can't be queued comes back at once as not sent.
    fn send(&mut self, to: NodeId, message: ShardMessage) {
        self.tracer.sends(to, &message);
        let mut bytes = 0;
        let queued = self.links.send(to, |out| {
            let before = out.len();
            proto::encode_shard(&message, out);
            bytes = out.len() - before;
        });
        if let Err(reason) = queued {
            self.setup.counters.not_sent();
            tracing::trace!(peer = %to, ?reason, "not sent");
            self.returned.push_back(Input::NotSent { to, message });
        } else {
            self.traffic.sent(&message, bytes);
        }
    }

    fn flush(&mut self) {
        self.links.flush();
        if !self.batches.is_empty() {
            let batches = std::mem::take(&mut self.batches);
            self.setup.writes.push(Job { waits: Some((self.setup.index, self.ticket)), batches });
        }
        self.inbox.turned(self.unsynced.bytes() >= UNSYNCED_LIMIT);
    }
}
