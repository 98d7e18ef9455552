//! A shard's turn: what it is told, what comes of it, and what the world learns by looking on.

use std::time::Duration;

use stator_core::effect::{Effect, Effects, Input};
use stator_core::identity::NodeId;
use stator_core::membership::effect::MembershipInput;
use stator_core::message::{ExchangeAnswer, ExchangeAsk, Purpose, ShardMessage};
use stator_core::object::ObjectKey;
use stator_core::observe::Observation;

use super::World;
use super::rounds::{has_agreed, is_of_a_round};
use crate::disk::Writer;
use crate::draw::Chance;
use crate::event::{Event, Process, show_message};
use crate::faults::FaultKind;
use crate::history::{CallId, WriteKind};
use crate::network::Direction;
use crate::node::{Namer, message_request, request_of};
use crate::tracer::Concern;
use crate::witness::{collected, mintings};

impl World {
    pub(super) fn is_current(&self, at: Process) -> bool {
        self.nodes[at.node].is_up() && self.nodes[at.node].boot == at.boot
    }

    /// The call that a turn is about, if it is about one.
    pub(super) fn call_behind(
        &self,
        at: Process,
        input: &Input,
        from: Option<Process>,
    ) -> Option<CallId> {
        if let Input::Client(request) = input {
            return Some(CallId(request.id.0));
        }
        let (namer, request) = request_of(input)?;
        let named_by = match namer {
            Namer::Me => at,
            Namer::Peer(_) => from?,
        };
        self.requests.get(&(named_by, request)).copied()
    }

    pub(super) fn take_turn(
        &mut self,
        at: Process,
        shard: u8,
        input: Input,
        from: Option<Process>,
    ) {
        if !self.is_current(at) {
            return;
        }
        let call = self.call_behind(at, &input, from);
        if let (Input::Client(request), Some(call)) = (&input, call) {
            self.deadlines.insert(call, request.deadline);
        }
        let mut out = Effects::new();
        let watched = self.watch(at.node, shard, &input);
        let brought = self.brought(&input);
        let node = &mut self.nodes[at.node];
        let now = node.now(self.now);
        node.shards[usize::from(shard)].step(now, input, &node.disk, &mut out);
        let effects: Vec<Effect> = out.drain().collect();
        self.look_on(at, call, &effects);
        self.note_collected(at, &effects);
        self.judge_turn(at, &watched, &effects);
        self.judge_rounds(at, shard, brought, &effects);
        if self.lurking.contains(&FaultKind::CrashInRound) && is_of_a_round(&effects) {
            return self.die_in_round(at, shard, call, effects);
        }
        let is_idle = self.nodes[at.node].open.is_empty();
        if is_idle && has_agreed(&effects) && self.lurking.remove(&FaultKind::Restart) {
            self.faults.count(FaultKind::Restart);
            self.after(Duration::ZERO, Event::Stop(at));
        }
        let doom = if effects.is_empty() { None } else { self.nodes[at.node].doomed.take() };
        let carried_out = doom.map_or(effects.len(), |most| most % effects.len());
        for effect in effects.into_iter().take(carried_out) {
            self.carry_out(at, shard, call, effect);
        }
        if doom.is_some() {
            self.faults.count(FaultKind::CrashInTurn);
            self.crash(at.node);
        }
    }

    /// A node dies in the middle of a step of a round of collection, or loses its store there; or
    /// whoever agrees next is restarted by an operator.
    fn die_in_round(&mut self, at: Process, shard: u8, call: Option<CallId>, effects: Vec<Effect>) {
        self.lurking.remove(&FaultKind::CrashInRound);
        let mut draw = self.draw.child(&format!("round at {}", self.now.as_micros()));
        if self.faults.is_on(FaultKind::Restart) && draw.happens(Chance::percent(50)) {
            self.lurking.insert(FaultKind::Restart);
            return effects.into_iter().for_each(|effect| self.carry_out(at, shard, call, effect));
        }
        self.faults.count(FaultKind::CrashInRound);
        let most = self.draw.below(effects.len() as u64 + 1) as usize;
        for effect in effects.into_iter().take(most) {
            self.carry_out(at, shard, call, effect);
        }
        let loses = self.faults.is_on(FaultKind::DiskWipe)
            && self.draw.happens(Chance::percent(50))
            && self.lose_store(at.node);
        if loses {
            self.faults.count(FaultKind::DiskWipe);
        } else {
            self.crash(at.node);
        }
    }

    fn carry_out(&mut self, at: Process, shard: u8, call: Option<CallId>, effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.send(at, shard, call, to, message),
            Effect::Reply { request, reply } => self.reply(at, CallId(request.0), reply),
            Effect::Write { batch, ticket } => {
                self.nodes[at.node].disk.enqueue(shard, ticket, batch);
                self.start_writer(at);
            }
            Effect::SetTimer { at: when, timer } => {
                let when = self.nodes[at.node].world_time(when).max(self.now);
                let turn = Event::turn(at, shard, Input::Timer(timer));
                self.queue.push(when, turn);
            }
            Effect::Suspect(peer) => {
                let peer = self.layout.place_of(peer);
                self.doubt(at.node, peer);
            }
            Effect::Observe(Observation::Collected { dropped, pruned, .. }) => {
                let collections = &mut self.history.collections;
                collections.rounds += 1;
                collections.dropped += u64::from(dropped);
                collections.pruned += u64::from(pruned);
            }
            // Where there is no membership, every node knows the one ring and all buckets.
            Effect::NewerRing { at: peer, version } => {
                self.tell_membership(at.node, MembershipInput::NewerRing { at: peer, version });
            }
            Effect::BucketMade(bucket) => {
                self.tell_membership(at.node, MembershipInput::BucketMade(bucket));
            }
            Effect::Moved(progress) => {
                self.tell_membership(at.node, MembershipInput::ShardMoved { shard, progress });
            }
            Effect::Inspected { .. } | Effect::ObjectInspected { .. } | Effect::Observe(_) => {}
        }
    }

    fn send(
        &mut self,
        at: Process,
        shard: u8,
        call: Option<CallId>,
        to: NodeId,
        message: ShardMessage,
    ) {
        let peer = self.layout.place_of(to);
        let (request, asks) = message_request(&message);
        let call = call.or_else(|| match &message {
            ShardMessage::ForwardPut { order, remaining, .. } => self
                .delete_with_deadline(at, &order.key, *remaining)
                .or_else(|| self.delete_that_read(at, &order.key)),
            _ => None,
        });
        if matches!(message, ShardMessage::ForwardPut { .. }) {
            self.forwarded.extend(call);
        }
        if let Some(call) = call
            && asks
        {
            self.requests.insert((at, request), call);
        }
        let Some(&boot) = self.nodes[at.node].connected.get(&peer) else {
            let turn = Event::turn(at, shard, Input::NotSent { to, message });
            self.after(Duration::ZERO, turn);
            return;
        };
        if !is_a_check(&message) {
            self.frames += 1;
        }
        let way = Direction { from: at.node, to: peer };
        let mut slowness = self.nodes[at.node].slowness;
        if matches!(message, ShardMessage::Replicate { purpose: Purpose::Hint { .. }, .. }) {
            slowness += self.network.slow_hint(&mut self.faults);
        }
        let arrivals = self.network.arrivals(self.now, way, &mut self.faults);
        self.remark_sent(call, way, &message, arrivals.len());
        let from = self.layout.nodes[at.node];
        let shard = self.nodes[peer].shard_for(&self.layout, &message);
        let mut arrivals = arrivals;
        if matches!(message, ShardMessage::Replicate { .. }) {
            arrivals.extend(self.network.late_double(self.now, &mut self.faults));
        }
        for arrival in arrivals {
            let input = Input::Peer { from, message: message.clone() };
            let to = Process { node: peer, boot };
            let turn = Event::Turn { at: to, shard, input: Box::new(input), from: Some(at) };
            self.queue.push(arrival.after(slowness), turn);
        }
    }

    fn remark_sent(
        &mut self,
        call: Option<CallId>,
        way: Direction,
        message: &ShardMessage,
        copies: usize,
    ) {
        let concern =
            call.map_or(Concern::Nobody, |call| Concern::Key(self.history.call(call).key));
        if copies == 1 || !self.tracer.wants(concern) {
            return;
        }
        let what = if copies == 0 { "is lost" } else { "will arrive twice" };
        self.tracer.remark(self.now, concern, || {
            format!("n{} to n{}: {} {what}", way.from + 1, way.to + 1, Shown(message))
        });
    }

    /// Learns which call each minted write belongs to, and in what state it was minted.
    fn look_on(&mut self, at: Process, call: Option<CallId>, effects: &[Effect]) {
        for minting in mintings(effects, self.layout.nodes[at.node], self.now) {
            let place = self.layout.keys.iter().position(|name| *name == minting.key);
            let Some(place) = place else { continue };
            let call = call.or_else(|| self.delete_that_read(at, &minting.key));
            let (dot, siblings) = (minting.mint.dot, minting.beside.len());
            let is_there = minting.mint.stamp.is_some();
            if let Some((call, stamp)) = call.zip(minting.mint.stamp) {
                self.judge_stamp(at, place, call, stamp);
            }
            self.history.minted(place, call, minting.mint, &minting.beside);
            self.note_minted(at.node, place, dot);
            self.judge_mint(at, place, call, (is_there, siblings));
            self.tracer.remark(self.now, Concern::Key(place), || {
                let write = call.map_or_else(|| "?".to_owned(), |call| call.0.to_string());
                format!("n{} mints #{write} as {dot:?}: {siblings} siblings", at.node + 1)
            });
        }
    }

    /// Learns which tombstones are dropped.
    fn note_collected(&mut self, at: Process, effects: &[Effect]) {
        for (name, dots) in collected(effects, &self.nodes[at.node].disk) {
            let place = self.layout.keys.iter().position(|key| *key == name);
            let Some(place) = place else { continue };
            self.history.collected(place, self.now, &dots);
            self.tracer.remark(self.now, Concern::Key(place), || {
                format!("n{} collects {dots:?}", at.node + 1)
            });
        }
    }

    /// A delete that has read goes on to write in whatever turn its read ends, also when a broken
    /// connection ends it. Where that ends several, they go on in the order of their calls: one that
    /// was forwarded already is not meant.
    fn delete_that_read(&self, at: Process, name: &ObjectKey) -> Option<CallId> {
        let all = self.open_deletes(at, name);
        let next = all.iter().find(|call| !self.forwarded.contains(call));
        next.or(all.first()).copied()
    }

    /// The one that has so much time left, among deletes that may have read: of several whose reads
    /// wait for different replicas, a broken connection may end any.
    fn delete_with_deadline(
        &self,
        at: Process,
        name: &ObjectKey,
        remaining: Duration,
    ) -> Option<CallId> {
        let now = self.nodes[at.node].now(self.now);
        let deadline = now.instant.after(remaining);
        let has_it = |call: &CallId| self.deadlines.get(call).is_some_and(|of| of.at() == deadline);
        self.open_deletes(at, name).into_iter().find(has_it)
    }

    /// Deletes of an object under way at a node that nobody has minted yet.
    fn open_deletes(&self, at: Process, name: &ObjectKey) -> Vec<CallId> {
        let Some(key) = self.layout.keys.iter().position(|key| key == name) else {
            return Vec::new();
        };
        let is_one = |&call: &CallId| {
            self.history.write_of(call).is_some_and(|(of, place)| {
                let write = &self.history.keys[of].writes[place];
                of == key && write.kind == WriteKind::DeleteWhatIsRead && write.mints.is_empty()
            })
        };
        self.nodes[at.node].open.iter().copied().filter(is_one).collect()
    }

    pub(super) fn start_writer(&mut self, at: Process) {
        let node = &mut self.nodes[at.node];
        if !node.disk.has_work() {
            return;
        }
        node.disk.begin_commit();
        let slowness = node.disk_slowness;
        let took = self.draw.duration(Duration::from_micros(20), Duration::from_micros(200));
        self.after(took + slowness / 4, Event::Committed(at));
    }

    pub(super) fn committed(&mut self, at: Process) {
        if !self.is_current(at) || self.nodes[at.node].disk.writer() != Writer::Committing {
            return;
        }
        self.nodes[at.node].disk.commit();
        if self.lurking.remove(&FaultKind::CrashBeforeSync) {
            self.faults.count(FaultKind::CrashBeforeSync);
            self.crash(at.node);
            return;
        }
        let slowness = self.nodes[at.node].disk_slowness;
        let took = self.draw.duration(Duration::from_micros(200), Duration::from_millis(4));
        self.after(took + slowness, Event::Synced(at));
    }

    pub(super) fn synced(&mut self, at: Process) {
        if !self.is_current(at) || self.nodes[at.node].disk.writer() != Writer::Syncing {
            return;
        }
        for (shard, ticket) in self.nodes[at.node].disk.sync() {
            let turn = Event::turn(at, shard, Input::Synced(ticket));
            self.after(Duration::ZERO, turn);
        }
        self.start_writer(at);
    }
}

/// Replicas compare their trees for ever: what finds no difference is no unrest.
fn is_a_check(message: &ShardMessage) -> bool {
    matches!(
        message,
        ShardMessage::Collect { .. }
            | ShardMessage::Collected { .. }
            | ShardMessage::Exchange { ask: ExchangeAsk::Root(_), .. }
            | ShardMessage::ExchangeAnswered {
                answer: ExchangeAnswer::Same | ExchangeAnswer::NotReady,
                ..
            }
    )
}

struct Shown<'a>(&'a ShardMessage);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        show_message(self.0, f)
    }
}
