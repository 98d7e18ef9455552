//! A shard's turn in a small world, and clients' calls on both sides of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use stator_core::effect::{Effect, Effects, Input, Timer};
use stator_core::message::ShardMessage;
use stator_core::object::Content;
use stator_core::request::{
    ClientReply, ClientRequest, ClientRequestId, Done, Operation, Outcome, Precedence, PutOrder,
};
use stator_core::time::{Deadline, Instant, Now, WallTime};

use super::cluster::Cluster;
use super::flight::Flight;
use super::scenario::Step;
use crate::client::Held;
use crate::event::Process;
use crate::history::{
    Asked, Begun, CallId, Fate, Reading, Seen, WriteKind, WriteNeeds, read_versions,
};
use crate::node::message_request;
use crate::payload::payload;
use crate::witness::{is_durable, mintings};

/// The wall clock, which stands still, in milliseconds since the epoch.
const WALL: WallTime = WallTime::from_millis(1_790_000_000_000);
/// The timeout of every call.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How many bytes every value has.
const VALUE_LEN: usize = 4;
/// The one key.
const KEY: usize = 0;

impl Cluster {
    /// A node's shard is told something; frames that can't be sent come back at once.
    pub(super) fn turn(&mut self, at: usize, input: Input, asked_for: Option<CallId>) {
        let mut inputs = VecDeque::from([(input, asked_for)]);
        while let Some((input, asked_for)) = inputs.pop_front() {
            let call = self.hosts[at].call_behind(&input, asked_for);
            let effects = self.step(at, input);
            self.look_on(at, call, &effects);
            for effect in effects {
                if let Some((peer, message)) = self.carry_out(at, effect) {
                    let to = self.setting.layout.nodes[peer];
                    inputs.push_back((Input::NotSent { to, message }, call));
                }
            }
        }
    }

    fn step(&mut self, at: usize, input: Input) -> Vec<Effect> {
        let now = Now { instant: self.now, wall: WALL };
        let host = self.host(at);
        let Some(shard) = &mut host.shard else { return Vec::new() };
        let mut out = Effects::new();
        shard.step(now, input, &host.disk, &mut out);
        out.drain().collect()
    }

    /// Learns which requests and which minted writes belong to the call.
    fn look_on(&mut self, at: usize, call: Option<CallId>, effects: &[Effect]) {
        for effect in effects {
            if let (Effect::SetTimer { timer: Timer::Deadline(request), .. }, Some(call)) =
                (effect, call)
            {
                self.host(at).requests.insert(request.to_bits(), call);
            }
        }
        let node = self.setting.layout.nodes[at];
        for minting in mintings(effects, node, Instant::default()) {
            let siblings = minting.beside.len();
            self.note(|| {
                let write = call.map_or_else(|| "?".to_owned(), |call| call.0.to_string());
                let dot = minting.mint.dot;
                format!("    n{} mints #{write} as {dot:?}: {siblings} siblings", at + 1)
            });
            self.history().minted(KEY, call, minting.mint, &minting.beside);
        }
    }

    /// Carries an effect out. Returns a frame that can't be sent, and to whom.
    fn carry_out(&mut self, at: usize, effect: Effect) -> Option<(usize, ShardMessage)> {
        match effect {
            Effect::Send { to, message } => {
                return self.send(at, self.setting.layout.place_of(to), message);
            }
            Effect::Reply { request, reply } => self.reply(at, CallId(request.0), reply),
            Effect::Write { batch, ticket } => self.host(at).disk.enqueue(0, ticket, batch),
            Effect::SetTimer { timer, .. } => self.set_timer(at, timer),
            // Every node knows the one ring, buckets keep their defaults, and the shard itself
            // remembers whom it suspects.
            Effect::Suspect(_)
            | Effect::NewerRing { .. }
            | Effect::BucketMade(_)
            | Effect::Moved(_)
            | Effect::Inspected { .. }
            | Effect::ObjectInspected { .. }
            | Effect::Observe(_) => {}
        }
        None
    }

    fn send(
        &mut self,
        at: usize,
        peer: usize,
        message: ShardMessage,
    ) -> Option<(usize, ShardMessage)> {
        let (request, asks) = message_request(&message);
        let host = &self.hosts[at];
        let call = if asks { host.requests.get(&request).copied() } else { None };
        let from = host.process();
        let Some(&boot) = host.connected.get(&peer) else { return Some((peer, message)) };
        let to = Process { node: peer, boot };
        if !self.hosts[peer].runs(to) {
            self.note(|| format!("    n{} sends to n{}, which is gone", at + 1, peer + 1));
            return None;
        }
        let flight = Flight::new(from, to, call, message);
        let place = self.flights.partition_point(|other| other.print <= flight.print);
        self.flights.insert(place, Arc::new(flight));
        None
    }

    /// A timer whose call has ended is pointless and not kept.
    fn set_timer(&mut self, at: usize, timer: Timer) {
        let (Timer::Deadline(request) | Timer::Hedge(request)) = timer else { return };
        let host = self.host(at);
        if let Some(&call) = host.requests.get(&request.to_bits()) {
            host.timers.insert(timer, call);
        }
    }

    /// A client goes one step on in its script.
    pub(super) fn call(&mut self, client: usize) {
        let caller = &mut self.callers[client];
        let step = self.setting.scenario.scripts[client][caller.begun];
        caller.begun += 1;
        let (node, held) = match step {
            Step::PutOver(node) => (node, caller.held.clone()),
            Step::Get(node) | Step::PutBlindly(node) | Step::Delete(node) => (node, None),
        };
        let call = CallId(self.history.calls.len() as u64);
        self.callers[client].waits = Some(call);
        let begun = self.begun(client, node);
        let quorum = self.setting.scenario.quorum;
        let key = self.setting.layout.keys[KEY].clone();
        let operation = match step {
            Step::Get(_) => Operation::Get { key, quorum },
            Step::Delete(_) => Operation::Delete { key, quorum },
            Step::PutBlindly(_) | Step::PutOver(_) => Operation::Put(PutOrder {
                key,
                context: held.as_ref().map(|held| held.context.clone()),
                value: payload(call, VALUE_LEN),
                quorum,
                precedence: Precedence::Newest,
            }),
        };
        let seen = held.map_or_else(Seen::default, |held| held.seen);
        self.note(|| format!("client {client} calls n{}: #{} {step:?}", node + 1, call.0));
        self.begin(begun, &operation, &seen);
        self.arrive(call, node, operation);
    }

    /// Who calls whom, and when. A history's clock goes on with each call that begins: that is all
    /// that the checkers compare.
    pub(super) fn begun(&self, client: usize, node: usize) -> Begun {
        let at = Instant::from_micros(2 * (self.history.calls.len() as u64 + 1));
        Begun { key: KEY, client, node, at }
    }

    fn ended(&self) -> Instant {
        Instant::from_micros(2 * self.history.calls.len() as u64 + 1)
    }

    /// Notes a call in the history.
    pub(super) fn begin(&mut self, begun: Begun, operation: &Operation, seen: &Seen) {
        let properties = self.setting.layout.properties(KEY);
        let existing = self.setting.layout.replicas(KEY);
        let (kind, asked) = match operation {
            Operation::Get { quorum, .. } => {
                let read =
                    properties.read_quorum(existing, quorum).expect("scripts ask for what can be");
                self.history().begin_get(begun, (read.r(), read.pr()), read.mode());
                return;
            }
            Operation::Put(order) if order.value == Content::Tombstone => {
                (WriteKind::Tombstone, &order.quorum)
            }
            Operation::Put(order) => (WriteKind::Value(VALUE_LEN), &order.quorum),
            Operation::Delete { quorum, .. } => (WriteKind::DeleteWhatIsRead, quorum),
            Operation::List(_) => return,
        };
        let write = properties.write_quorum(existing, asked).expect("scripts ask for what can be");
        let needs = WriteNeeds { w: write.w(), dw: write.dw(), pw: write.pw(), mode: write.mode() };
        self.history().begin_write(begun, kind, needs, seen);
    }

    /// A call reaches its node.
    pub(super) fn arrive(&mut self, call: CallId, node: usize, operation: Operation) {
        if !self.hosts[node].is_up() {
            self.conclude(call, Fate::Refused("the node takes no connections".to_owned()));
            return;
        }
        self.host(node).open.insert(call);
        let deadline = Deadline::after(self.now, TIMEOUT);
        let request = ClientRequest { id: ClientRequestId(call.0), operation, deadline };
        self.turn(node, Input::Client(request), None);
    }

    /// A node answers a call, and its client knows at once.
    fn reply(&mut self, at: usize, call: CallId, reply: ClientReply) {
        let host = self.host(at);
        host.forget(call);
        if !host.open.remove(&call) {
            self.history().answered_twice.push(call);
            return;
        }
        match reply {
            Ok(Done::Got(got)) => {
                let seen = self.read(call, &got.state);
                self.hold(call, got.context.map(|context| Held { context, seen }));
                self.conclude(call, Fate::Done);
            }
            Ok(Done::Written(reply)) => {
                let Some((_, place)) = self.history.write_of(call) else { return };
                self.count_disks(place);
                let seen = self.history.seen_by_writer(KEY, place);
                self.hold(call, Some(Held { context: reply.context, seen }));
                self.conclude(call, Fate::Done);
            }
            Ok(Done::Listed(_)) => self.conclude(call, Fate::Done),
            Err(error) => {
                let fate = match error.outcome() {
                    Outcome::Refused => Fate::Refused(error.to_string()),
                    Outcome::Indeterminate => Fate::Indeterminate(error.to_string()),
                };
                self.conclude(call, fate);
            }
        }
    }

    /// Looks at every disk when a write is acknowledged. More disks than it needed are not told
    /// apart, so that states differ only where a checker could tell.
    fn count_disks(&mut self, place: usize) {
        let write = &self.history.keys[KEY].writes[place];
        let Some(mint) = write.mints.first() else { return };
        let needed = write.needs.dw;
        let (name, dot) = (&self.setting.layout.keys[KEY], mint.dot);
        let disks = self.hosts.iter().filter(|host| is_durable(&host.disk, name, dot, &[])).count();
        self.history().keys[KEY].writes[place].durable_at_ack = Some(needed.min(disks as u8));
    }

    /// Notes what a get returned. Returns what it showed the client.
    fn read(&mut self, call: CallId, state: &stator_core::object::ObjectState) -> Seen {
        let &crate::history::Call { began, asked, .. } = self.history.call(call);
        let Asked::Get { r, mode, .. } = asked else { return Seen::default() };
        let versions = read_versions(&self.history, KEY, state);
        let vector_len = state.vector().len();
        let reading = Reading { call, began, r, mode, last: self.last, versions, vector_len };
        let seen = self.history.keys[KEY].seen_in(reading.writes());
        let history = Arc::clone(&self.history);
        self.note(|| {
            let name = |place: usize| format!("#{}", history.keys[KEY].writes[place].call.0);
            let shown: Vec<String> = reading.writes().map(name).collect();
            format!("    the get #{} returns [{}]", call.0, shown.join(", "))
        });
        drop(history);
        self.history().keys[KEY].readings.push(reading);
        seen
    }

    fn hold(&mut self, call: CallId, held: Option<Held>) {
        let caller = self.callers.iter_mut().find(|caller| caller.waits == Some(call));
        if let (Some(caller), Some(held)) = (caller, held) {
            caller.held = Some(held);
        }
    }

    /// A client knows how its call ended.
    pub(super) fn conclude(&mut self, call: CallId, fate: Fate) {
        self.note(|| match &fate {
            Fate::Refused(why) | Fate::Indeterminate(why) => {
                format!("    call #{} is {}: {why}", call.0, fate.name())
            }
            Fate::Done | Fate::Open => format!("    call #{} is {}", call.0, fate.name()),
        });
        let at = self.ended();
        self.history().end(call, at, fate);
        for caller in self.callers.iter_mut().filter(|caller| caller.waits == Some(call)) {
            caller.waits = None;
        }
    }
}
