//! A shard's turn: what it is told, what comes of it, and what the world learns by looking on.

use std::time::Duration;

use stator_core::effect::{Effect, Effects, Input};
use stator_core::hints::Hint;
use stator_core::identity::NodeId;
use stator_core::message::{ExchangeAnswer, ExchangeAsk, ReadAnswer, ShardMessage};
use stator_core::object::ObjectKey;
use stator_core::observe::Observation;

use super::World;
use crate::disk::Writer;
use crate::event::{Event, Process, show_message};
use crate::faults::FaultKind;
use crate::history::{CallId, WriteKind};
use crate::network::Direction;
use crate::node::{Namer, message_request, request_of};
use crate::tracer::Concern;
use crate::witness::{durable_object, has_seen, hint_on, hints_written, is_on, mintings};

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
        let mut out = Effects::new();
        let watched = self.watch(at.node, shard, &input);
        let node = &mut self.nodes[at.node];
        let now = node.now(self.now);
        node.shards[usize::from(shard)].step(now, input, &node.disk, &mut out);
        let effects: Vec<Effect> = out.drain().collect();
        self.look_on(at, call, &effects);
        self.judge_turn(at, &watched, &effects);
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
                self.suspect(at.node, peer);
            }
            // Every node knows the one ring of this stage, and buckets keep their defaults.
            Effect::NewerRing { .. }
            | Effect::BucketMade(_)
            | Effect::Held { .. }
            | Effect::Inspected { .. }
            | Effect::Observe(_) => {}
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
            ShardMessage::ForwardPut { order, .. } => self.delete_that_read(at, &order.key),
            _ => None,
        });
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
        let slowness = self.nodes[at.node].slowness;
        let arrivals = self.network.arrivals(self.now, way, &mut self.faults);
        self.remark_sent(call, way, &message, arrivals.len());
        let from = self.layout.nodes[at.node];
        let shard = self.nodes[peer].shard_for(&self.layout, &message);
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
        let drifts = effects.iter().filter_map(|effect| match effect {
            Effect::Observe(Observation::TreeDrifted(partition)) => Some(partition.get()),
            _ => None,
        });
        for partition in drifts {
            let amiss = format!("the tree of partition {partition} drifted at n{}", at.node + 1);
            self.history.amiss.push(amiss);
        }
        for minting in mintings(effects, self.layout.nodes[at.node], self.now) {
            let place = self.layout.keys.iter().position(|name| *name == minting.key);
            let Some(place) = place else { continue };
            let call = call.or_else(|| self.delete_that_read(at, &minting.key));
            let (dot, siblings) = (minting.mint.dot, minting.beside.len());
            let is_there = minting.mint.stamp.is_some();
            self.history.minted(place, call, minting.mint, &minting.beside);
            self.judge_mint(at, place, call, (is_there, siblings));
            self.tracer.remark(self.now, Concern::Key(place), || {
                let write = call.map_or_else(|| "?".to_owned(), |call| call.0.to_string());
                format!("n{} mints #{write} as {dot:?}: {siblings} siblings", at.node + 1)
            });
        }
    }

    /// What is to be known before a turn, to judge it.
    fn watch(&self, node: usize, shard: u8, input: &Input) -> Watched {
        let all_on_disk = self.nodes[node].shards[usize::from(shard)].unsynced() == 0;
        let asked = match input {
            Input::Peer { message: ShardMessage::Read { key, .. }, .. } if all_on_disk => Some(key),
            _ => None,
        };
        let has_what_is_read = asked.is_some_and(|name| {
            let owners = self.owners_of(name);
            let is_owner = owners.contains(&self.layout.nodes[node]);
            is_on(&self.nodes[node].disk, name, is_owner, &owners)
        });
        Watched { all_on_disk, has_what_is_read }
    }

    /// What no turn may do: deny to a reader what is on the disk, forget in a hint what it held, or
    /// delete a hint that its owner has not.
    fn judge_turn(&mut self, at: Process, watched: &Watched, effects: &[Effect]) {
        let mut amiss = Vec::new();
        let disk = &self.nodes[at.node].disk;
        if watched.has_what_is_read && effects.iter().any(denies) {
            amiss.push("told a reader that it has nothing of an object that is on its disk");
        }
        if watched.all_on_disk {
            let forgets = |hint: Hint| {
                let before = hint_on(disk, &hint.key, hint.owner);
                let after = hint.state.decode().ok();
                before.zip(after).is_some_and(|(before, after)| !has_seen(&after, &before))
            };
            if hints_written(effects).any(forgets) {
                amiss.push("put a state in a hint that had not seen what the hint held");
            }
        }
        for effect in effects {
            let Effect::Observe(Observation::HintDelivered { key, owner }) = effect else {
                continue;
            };
            let place = self.layout.place_of(*owner);
            let Some(hint) = hint_on(disk, key, *owner) else { continue };
            // What a fault has destroyed since had been there.
            let has_it = self.struck == Some(place)
                || durable_object(&self.nodes[place].disk, key)
                    .is_some_and(|state| has_seen(&state, &hint));
            if !has_it {
                amiss.push("deleted a hint that its owner does not have on disk");
            }
        }
        let said = amiss.into_iter().map(|what| format!("n{} {what}", at.node + 1));
        self.history.amiss.extend(said);
    }

    /// What a replica must not mint: a sibling above its bucket's bound, by a writer who has seen
    /// nothing that it could replace; a version that is older than what it has; and a value, while
    /// it says that only the disk's reserve is left.
    fn judge_mint(
        &mut self,
        at: Process,
        key: usize,
        call: Option<CallId>,
        (is_there, siblings): (bool, usize),
    ) {
        let Some((_, place)) = call.and_then(|call| self.history.write_of(call)) else { return };
        let write = &self.history.keys[key].writes[place];
        let is_value = matches!(write.kind, WriteKind::Value(_));
        let is_blind = is_value && write.may.iter().next().is_none();
        let most = self.layout.properties(key).mutable.max_siblings as usize;
        let name = write.call.0;
        if is_blind && siblings > most {
            let amiss = format!("the put #{name} made {siblings} siblings, of {most} allowed");
            self.history.amiss.push(amiss);
        }
        if !is_there {
            let amiss = format!("the write #{name} is not in the state that it was minted into");
            self.history.amiss.push(amiss);
        }
        let node = &self.nodes[at.node];
        let reserved =
            node.disk_reserved && node.shards.iter().all(|shard| shard.condition().disk_reserved);
        if is_value && reserved {
            let amiss = format!("the put #{name} was minted into the reserve of a disk");
            self.history.amiss.push(amiss);
        }
    }

    /// A delete that has read goes on to write in whatever turn its read ends, also when a broken
    /// connection ends it.
    fn delete_that_read(&self, at: Process, name: &ObjectKey) -> Option<CallId> {
        let key = self.layout.keys.iter().position(|key| key == name)?;
        let mut open = self.nodes[at.node].open.iter().copied();
        open.find(|&call| {
            self.history.write_of(call).is_some_and(|(of, place)| {
                let write = &self.history.keys[of].writes[place];
                of == key && write.kind == WriteKind::DeleteWhatIsRead && write.mints.is_empty()
            })
        })
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
        if std::mem::take(&mut self.crash_at_commit) {
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
        ShardMessage::Exchange { ask: ExchangeAsk::Root(_), .. }
            | ShardMessage::ExchangeAnswered {
                answer: ExchangeAnswer::Same | ExchangeAnswer::NotReady,
                ..
            }
    )
}

/// What was so before a turn.
struct Watched {
    /// Whether everything that the shard knows is on disk.
    all_on_disk: bool,
    /// Whether the turn is about a read of something that is.
    has_what_is_read: bool,
}

/// Whether a reader is told that there is nothing.
fn denies(effect: &Effect) -> bool {
    let Effect::Send { message: ShardMessage::ReadAnswered { answer, .. }, .. } = effect else {
        return false;
    };
    matches!(answer, ReadAnswer::State(None) | ReadAnswer::Digest(None))
}

struct Shown<'a>(&'a ShardMessage);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        show_message(self.0, f)
    }
}
