//! Clients' calls on their way to a node and back.

use std::time::Duration;

use stator_core::identity::NodeId;
use stator_core::object::Content;
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_core::request::{
    ClientReply, ClientRequest, ClientRequestId, Done, Operation, Outcome, Precedence, PutOrder,
    RequestError,
};
use stator_core::time::Deadline;

use super::{Life, World};
use crate::client::{Action, Held, Intent};
use crate::draw::Chance;
use crate::event::{Event, Process};
use crate::history::{
    Asked, Begun, CallId, Fate, Reading, Seen, WriteKind, WriteNeeds, read_versions,
};
use crate::node::{Node, Stop};
use crate::payload::payload;
use crate::witness::{durable_hint, durable_object, is_collected, knows};

/// How much longer than its timeout a client waits for a healthy node's answer.
const PATIENCE: Duration = Duration::from_secs(2);

impl World {
    pub(super) fn think(&mut self, client: usize) {
        if self.healing {
            return;
        }
        let mut intent = self.clients[client].next(&self.layout);
        if matches!(self.life, Life::Service | Life::Elastic) {
            intent.node = self.balanced(intent.node);
        }
        self.call(client, intent);
    }

    /// The node that a load balancer in front of the service would take for this one: the next
    /// that takes connections.
    fn balanced(&self, wanted: usize) -> usize {
        let all = (wanted..self.nodes.len()).chain(0..wanted);
        let takes_calls =
            |&node: &usize| self.nodes[node].is_up() && self.nodes[node].stop == Stop::NotAsked;
        all.into_iter().find(takes_calls).unwrap_or(wanted)
    }

    /// The next node from this one on that is a member of the ring.
    fn member_from(&self, wanted: usize) -> usize {
        let mut all = (wanted..self.nodes.len()).chain(0..wanted);
        let is_member =
            |&node: &usize| self.layout.ring.members.contains_key(&self.layout.nodes[node]);
        all.find(is_member).unwrap_or(wanted)
    }

    fn call(&mut self, client: usize, intent: Intent) -> CallId {
        let begun = Begun { key: intent.key, client, node: intent.node, at: self.now };
        let (call, operation) = self.operation(begun, intent.action, intent.quorum);
        self.history.exist(call, self.fewest_replicas(begun.key));
        let to_node = self.draw.duration(Duration::from_micros(50), Duration::from_millis(1));
        self.after(intent.timeout + PATIENCE, Event::Patience(call));
        // The node fills in the deadline by its own clock when the call arrives.
        let deadline = Deadline::after(stator_core::time::Instant::default(), intent.timeout);
        let request = ClientRequest { id: ClientRequestId(call.0), operation, deadline };
        self.after(to_node, Event::Arrive { call, node: begun.node, request: Box::new(request) });
        call
    }

    fn operation(
        &mut self,
        begun: Begun,
        action: Action,
        quorum: QuorumOptions,
    ) -> (CallId, Operation) {
        let key = self.layout.keys[begun.key].clone();
        let properties = self.layout.properties(begun.key);
        let existing = self.layout.replicas(begun.key);
        if let Action::Get = action {
            let read =
                properties.read_quorum(existing, &quorum).expect("clients ask for what can be");
            let call = self.history.begin_get(begun, (read.r(), read.pr()), read.mode());
            return (call, Operation::Get { key, quorum });
        }
        let write =
            properties.write_quorum(existing, &quorum).expect("clients ask for what can be");
        let needs = WriteNeeds { w: write.w(), dw: write.dw(), pw: write.pw(), mode: write.mode() };
        let (kind, held) = match action {
            Action::Put { len, held } => (WriteKind::Value(len), held),
            Action::Delete(held) => (WriteKind::Tombstone, Some(held)),
            Action::Get | Action::DeleteWhatIsRead => (WriteKind::DeleteWhatIsRead, None),
        };
        let (context, seen) = match held {
            Some(held) => (Some(held.context), held.seen),
            None => (None, Seen::default()),
        };
        let call = self.history.begin_write(begun, kind, needs, &seen);
        let value = match kind {
            WriteKind::Value(len) => payload(call, len),
            WriteKind::Tombstone => Content::Tombstone,
            WriteKind::DeleteWhatIsRead => return (call, Operation::Delete { key, quorum }),
        };
        (
            call,
            Operation::Put(PutOrder {
                key,
                context,
                value,
                quorum,
                precedence: Precedence::Newest,
            }),
        )
    }

    pub(super) fn arrive(&mut self, call: CallId, node: usize, mut request: ClientRequest) {
        if !self.nodes[node].is_up() || self.nodes[node].stop != Stop::NotAsked {
            let why = "the node takes no connections".to_owned();
            self.conclude(call, Fate::Refused(why));
            return;
        }
        let timeout = request.deadline.at().since(stator_core::time::Instant::default());
        request.deadline = Deadline::after(self.nodes[node].now(self.now).instant, timeout);
        let key = self.history.call(call).key;
        let shard = self.layout.shard_of(node, &self.layout.keys[key]);
        let at = self.nodes[node].process();
        self.nodes[node].open.insert(call);
        let input = stator_core::effect::Input::Client(request);
        self.after(Duration::ZERO, Event::turn(at, shard, input));
    }

    pub(super) fn reply(&mut self, at: Process, call: CallId, reply: ClientReply) {
        if !self.nodes[at.node].open.remove(&call) {
            self.history.answered_twice.push(call);
            return;
        }
        self.history.exist(call, self.fewest_replicas(self.history.call(call).key));
        let existing = self.history.call(call).existing;
        if let Ok(Done::Written(written)) = &reply {
            self.count_disks(call);
            if let Some((key, place)) = self.history.write_of(call) {
                let write = &mut self.history.keys[key].writes[place];
                write.existing_at_ack = existing;
                write.answers_at_ack = Some(written.answered.total());
                write.primaries_at_ack = Some(written.answered.primaries);
            }
        }
        match reply {
            Ok(Done::Got(ref got)) => {
                if let Asked::Get { r, pr, .. } = self.history.call(call).asked
                    && (got.answered.total() < r.min(existing)
                        || got.answered.primaries < pr.min(existing))
                {
                    let (n, of) = (got.answered.total(), got.answered.primaries);
                    let amiss = format!(
                        "the get #{} was answered by {n} nodes, {of} of them primaries: it needs r={r}, pr={pr}",
                        call.0
                    );
                    self.history.amiss.push(amiss);
                }
            }
            Err(RequestError::NotEnoughReplicas { .. }) => self.judge_refusal(at.node, call),
            Err(RequestError::Moving { .. }) => self.judge_moving(at.node, call),
            Err(RequestError::DiskReserve) if self.deletes(call) => {
                let refused = format!("the delete #{} was refused for want of disk", call.0);
                self.history.amiss.push(refused);
            }
            _ => {}
        }
        let back = self.draw.duration(Duration::from_micros(50), Duration::from_millis(1));
        let slowness = self.nodes[at.node].slowness;
        self.after(back + slowness, Event::Answer(call, Box::new(reply)));
    }

    fn deletes(&self, call: CallId) -> bool {
        let write = self.history.write_of(call);
        write.is_some_and(|(key, place)| {
            !matches!(self.history.keys[key].writes[place].kind, WriteKind::Value(_))
        })
    }

    /// Looks at every disk when a write is acknowledged, and counts the owners of which a copy is there.
    fn count_disks(&mut self, call: CallId) {
        let Some((key, place)) = self.history.write_of(call) else { return };
        let Some(mint) = self.history.keys[key].writes[place].mints.first() else { return };
        let (minted, owners) = (mint.at, self.owners(key));
        let history = &self.history.keys[key];
        let is_collected = is_collected(history, place);
        let knows = |state| knows(history, place, &state);
        // An owner's own disk, and those that hold a hint for it, are one copy: a hint goes home.
        let held_for = |&&owner: &&NodeId| {
            let own = &self.nodes[self.layout.place_of(owner)].disk;
            let hint = |node: &Node| durable_hint(&node.disk, &history.name, owner);
            is_collected
                || durable_object(own, &history.name).is_some_and(knows)
                || self.nodes.iter().filter_map(hint).any(knows)
        };
        // A copy that a fault destroyed since had been there.
        let destroyed = match self.victims.len() {
            0 => u8::from(self.struck_at >= minted && self.struck.is_some()),
            victims => victims as u8,
        };
        let disks = owners.iter().filter(held_for).count() as u8;
        self.history.keys[key].writes[place].durable_at_ack = Some(disks + destroyed);
        self.judge_awaited((key, place), disks);
    }

    pub(super) fn answer(&mut self, call: CallId, reply: ClientReply) {
        if self.history.call(call).fate != Fate::Open {
            return;
        }
        let client = self.history.call(call).client;
        let key = self.history.call(call).key;
        match reply {
            Ok(Done::Got(got)) => {
                let held = self.read(call, &got.state).zip(got.context);
                let held = held.map(|(seen, context)| Held { context, seen });
                if !self.last {
                    self.clients[client].got(key, held);
                }
                self.conclude(call, Fate::Done);
            }
            Ok(Done::Written(reply)) => {
                let Asked::Write(place) = self.history.call(call).asked else { return };
                let seen = self.history.seen_by_writer(key, place);
                self.clients[client].wrote(key, Held { context: reply.context, seen });
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

    /// Notes what a get returned; what it showed the client, if it was the object's.
    fn read(&mut self, call: CallId, state: &stator_core::object::ObjectState) -> Option<Seen> {
        let &crate::history::Call { key, began, asked, .. } = self.history.call(call);
        let Asked::Get { r, mode, .. } = asked else { return None };
        let versions = read_versions(&self.history, key, state);
        let vector_len = state.vector().len();
        let last = self.last;
        let reading = Reading { call, began, r, mode, last, versions, vector_len };
        let seen = self.history.keys[key].seen_in(reading.writes());
        self.history.keys[key].readings.push(reading);
        Some(seen)
    }

    pub(super) fn connection_lost(&mut self, call: CallId) {
        self.conclude(call, Fate::Indeterminate("the node died".to_owned()));
    }

    pub(super) fn patience(&mut self, call: CallId) {
        let asked = self.history.call(call);
        if asked.fate != Fate::Open {
            return;
        }
        let node = &self.nodes[asked.node];
        let healthy = node.is_up()
            && node.troubled_at < asked.began
            && node.paused_until.is_none()
            && node.slowness.is_zero();
        if healthy {
            self.history.unanswered.push(call);
        }
        self.conclude(call, Fate::Indeterminate("no answer came".to_owned()));
    }

    /// The client knows how its call ended, and goes on after a pause.
    fn conclude(&mut self, call: CallId, fate: Fate) {
        if self.history.call(call).fate != Fate::Open {
            return;
        }
        let client = self.history.call(call).client;
        let done = fate == Fate::Done;
        self.history.end(call, self.now, fate);
        if self.last {
            return;
        }
        if !done {
            self.clients[client].failed();
        }
        let pause = self.clients[client].pause();
        self.after(pause, Event::Think(client));
    }

    /// The last reads: every key, from all replicas, through some node.
    pub(super) fn read_all(&mut self) {
        self.last = true;
        let all = Some(Level::All);
        let quorum = QuorumOptions {
            r: all,
            pr: all,
            mode: Some(QuorumMode::Strict),
            ..QuorumOptions::default()
        };
        for key in 0..self.layout.keys.len() {
            let through_any = self.draw.happens(Chance::percent(50));
            let node = if through_any { self.draw.index(self.nodes.len()) } else { 0 };
            let node = if self.is_elastic() { self.member_from(node) } else { node };
            let timeout = Duration::from_secs(10);
            let call = self.call(0, Intent { key, node, action: Action::Get, quorum, timeout });
            self.history.last_reads.push(call);
            self.run_until(self.now.after(Duration::from_millis(5)));
        }
    }
}
