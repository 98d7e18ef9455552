//! A hand-cranked cluster: production shards, links that deliver when told to, disks that sync when
//! told to.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::budget::BytesPerSecond;
use crate::collection::{COLLECT_EVERY, CollectAnswer, Round};
use crate::context::{ContextKey, SealedContext, Sealer};
use crate::effect::{DiskRoom, Effect, Effects, Input, Ticket, Timer};
use crate::identity::{BootNumber, ClusterId, NodeId};
use crate::message::{
    Completeness, EncodedState, ExchangeAnswer, ExchangeAsk, Purpose, ReadAnswer, RequestId,
    ShardMessage,
};

use crate::node::{HintLimits, LOOK_AT_MOST, Shard, ShardConfig, StoreStanding};
use crate::object::{BucketName, Content, Key, Metadata, ObjectKey, ObjectState, Value};
use crate::observe::Observation;
use crate::quorum::{QuorumMode, QuorumOptions};
use crate::random::Random;
use crate::request::{
    Answered, ClientReply, ClientRequest, ClientRequestId, Done, ListOrder, Operation, Precedence,
    PutOrder,
};
use crate::ring::{Member, Ring, RingVersion, Weight};
use crate::status::{InspectId, OwnCopy};
use crate::store::{Batch, KeyRange, Keyspace, ReadStore, ScanItem, StoreError, WriteOp};
use crate::time::{Deadline, Instant, Now, WallTime};
use crate::token::{Partition, PartitionCount};
use crate::transfer::{MoveLevel, Transition};
use crate::view::View;

/// A disk: what is synced, and batches that are not.
#[derive(Default)]
struct Disk {
    synced: BTreeMap<(Keyspace, Bytes), Bytes>,
    unsynced: VecDeque<(Ticket, Batch)>,
    /// Hints that scans have read in the present step, and the most in any step.
    hints_read: Cell<usize>,
    most_hints_read: Cell<usize>,
    all_hints_read: Cell<usize>,
}

impl Disk {
    fn count_hints_read(&self, read: usize) {
        self.all_hints_read.set(self.all_hints_read.get() + read);
        self.hints_read.set(self.hints_read.get() + read);
        self.most_hints_read.set(self.most_hints_read.get().max(self.hints_read.get()));
    }
}

impl ReadStore for Disk {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.synced.get(&(keyspace, Bytes::copy_from_slice(key))).cloned())
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError> {
        let from = Bound::Included((keyspace, range.from.clone()));
        let found: Vec<ScanItem> = self
            .synced
            .range((from, Bound::Unbounded))
            .take_while(|((space, key), _)| *space == keyspace && range.contains(key))
            .take(limit)
            .map(|((_, key), value)| ScanItem { key: key.clone(), value: Ok(value.clone()) })
            .collect();
        if keyspace == Keyspace::Hints {
            self.count_hints_read(found.len());
        }
        Ok(found)
    }
}

struct Node {
    shard: Shard,
    disk: Disk,
    starts: u8,
    timers: Vec<(Instant, Timer)>,
}

#[derive(Default)]
pub(super) struct Rig {
    nodes: BTreeMap<NodeId, Node>,
    ring: Option<Arc<Ring>>,
    links: BTreeMap<(NodeId, NodeId), VecDeque<ShardMessage>>,
    down: Vec<NodeId>,
    now: Instant,
    trace: Vec<String>,
    contexts: BTreeMap<String, SealedContext>,
    keep_as: BTreeMap<ClientRequestId, String>,
    next_client: u64,
    /// The most hints that a node started from now on holds.
    most_hints: Option<u64>,
}

fn name(node: NodeId) -> String {
    format!("n{}", node.get())
}

fn node(name: &str) -> NodeId {
    NodeId::new(name.trim_start_matches('n').parse().expect("a node like n1"))
}

fn object(name: &str) -> ObjectKey {
    let (bucket, key) = name.split_once('/').expect("an object like bucket/key");
    ObjectKey::new(
        BucketName::new(Bytes::copy_from_slice(bucket.as_bytes())).expect("a bucket"),
        Key::new(Bytes::copy_from_slice(key.as_bytes())).expect("a key"),
    )
}

fn show(state: &ObjectState) -> String {
    if state.is_unwritten() {
        return "nothing".to_owned();
    }
    let mut shown: Vec<String> = state
        .siblings()
        .iter()
        .map(|sibling| match &sibling.content {
            Content::Value(value) => String::from_utf8_lossy(&value.bytes).into_owned(),
            Content::Tombstone => "deleted".to_owned(),
        })
        .collect();
    shown.sort();
    shown.join(" | ")
}

impl Rig {
    pub(super) fn take_trace(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
    }

    /// The most hints that any step of a node has read by scans.
    pub(super) fn most_hints_read(&self, which: &str) -> usize {
        self.nodes[&node(which)].disk.most_hints_read.get()
    }

    /// All hints that a node's scans have read.
    pub(super) fn all_hints_read(&self, which: &str) -> usize {
        self.nodes[&node(which)].disk.all_hints_read.get()
    }

    pub(super) fn command(&mut self, words: &[&str]) {
        match words {
            ["nodes", count] => self.found(count.parse().expect("how many nodes"), 3),
            ["nodes", count, "replicas", replicas] => self.found(
                count.parse().expect("how many nodes"),
                replicas.parse().expect("how many replicas"),
            ),
            ["hints", most] => self.most_hints = Some(most.parse().expect("how many hints")),
            ["put", at, key, value, options @ ..] => {
                let bytes = Bytes::copy_from_slice(value.as_bytes());
                let value = Value { bytes, metadata: Metadata::default() };
                self.put(node(at), key, Content::Value(value), options);
            }
            ["delete", at, key, options @ ..] if options.iter().any(|o| o.starts_with("ctx=")) => {
                self.put(node(at), key, Content::Tombstone, options);
            }
            ["delete", at, key, options @ ..] => {
                let quorum = quorum(options);
                self.ask(node(at), Operation::Delete { key: object(key), quorum }, options);
            }
            ["get", at, key, options @ ..] => {
                let quorum = quorum(options);
                self.ask(node(at), Operation::Get { key: object(key), quorum }, options);
            }
            ["list", at, bucket, options @ ..] => {
                let bucket = BucketName::new(Bytes::copy_from_slice(bucket.as_bytes()));
                let order = ListOrder {
                    bucket: bucket.expect("a bucket"),
                    partition: Partition::new(0),
                    after: None,
                    limit: 100,
                    quorum: quorum(options),
                };
                self.ask(node(at), Operation::List(order), options);
            }
            ["deliver", link @ ..] => self.deliver(link.first().copied()),
            ["drop", link] => {
                let dropped = self.links.remove(&parse_link(link)).unwrap_or_default();
                self.trace.push(format!("{} lost on {link}", dropped.len()));
            }
            ["repeat", link] => {
                let link = parse_link(link);
                let again = self.links.get(&link).cloned().unwrap_or_default();
                self.deliver(Some(&format!("{}>{}", name(link.0), name(link.1))));
                self.links.entry(link).or_default().extend(again);
            }
            ["sync", which @ ..] => self.sync(which.first().map(|which| node(which))),
            ["down", which] => self.down(node(which)),
            ["up", which] => self.up(node(which)),
            ["restart", which] => self.restart(node(which)),
            ["patrol", which] => self.step(node(which), Input::Timer(Timer::Patrol)),
            ["status", which] => self.step(node(which), Input::Inspect(InspectId(0))),
            ["own", which, key] => {
                let key = object(key);
                self.step(node(which), Input::InspectObject { id: InspectId(0), key });
            }
            ["started", which] => self.step(node(which), Input::Started),
            ["lose", which] => self.lose(node(which)),
            ["ring", which, owners @ ..] => {
                let mut ring = Ring::clone(self.ring.as_ref().expect("a cluster"));
                ring.version = ring.version.next();
                ring.table = vec![owners.iter().map(|owner| node(owner)).collect()];
                let view = View { ring: Some(Arc::new(ring)), ..View::alone(node(which)) };
                self.step(node(which), Input::View(Arc::new(view)));
            }
            ["move", which, level, owners @ ..] => {
                let view = self.moving(node(which), level, owners);
                self.step(node(which), Input::View(Arc::new(view)));
            }
            ["round", which, number] => {
                let round = Round(number.parse().expect("a round"));
                let (request, partition) = (RequestId::new(0, 0), Partition::new(0));
                let answer = CollectAnswer::Round;
                let message = ShardMessage::Collected { request, partition, round, answer };
                self.step(node(which), Input::Peer { from: node(which), message });
            }
            ["disk", which, room] => {
                let room = match *room {
                    "reserve" => DiskRoom::Reserve,
                    "enough" => DiskRoom::Enough,
                    other => panic!("no such room: {other}"),
                };
                self.step(node(which), Input::Disk(room));
            }
            ["wait", millis] => self.wait(millis.parse().expect("milliseconds")),
            other => panic!("no such command: {other:?}"),
        }
    }

    /// What a node sees of the move of the only partition to these owners.
    fn moving(&self, which: NodeId, level: &str, owners: &[&str]) -> View {
        let from = self.ring.clone().expect("a cluster");
        let mut to = Ring::clone(&from);
        to.version = to.version.next();
        to.table = vec![owners.iter().map(|owner| node(owner)).collect()];
        let to = Arc::new(to);
        let mut transition = Transition::begin(from, Arc::clone(&to)).expect("it moves");
        let level = match level {
            "both" => MoveLevel::Both,
            "read-new" => MoveLevel::ReadNew,
            "new" => MoveLevel::New,
            other => panic!("no such level: {other}"),
        };
        transition.lift(Partition::new(0), level);
        let transition = Some(Arc::new(transition));
        View { ring: Some(to), transition, ..View::alone(which) }
    }

    fn found(&mut self, count: u64, replicas: u8) {
        let ids: Vec<NodeId> = (1..=count).map(NodeId::new).collect();
        let member =
            |id: NodeId| Member { name: name(id), zone: "z".to_owned(), weight: Weight::DEFAULT };
        let partitions = PartitionCount::new(1).expect("a power of two");
        let mut ring = Ring::found(ClusterId::new(1), partitions, replicas, ids[0], member(ids[0]));
        ring.version = RingVersion(2);
        ring.members = ids.iter().map(|&id| (id, member(id))).collect();
        ring.table = vec![ids.iter().copied().take(usize::from(replicas)).collect()];
        self.ring = Some(Arc::new(ring));
        for &id in &ids {
            let shard = self.new_shard(id, 0, StoreStanding::Kept);
            let fresh = Node { shard, disk: Disk::default(), starts: 0, timers: Vec::new() };
            self.nodes.insert(id, fresh);
        }
        self.connect_all();
    }

    fn new_shard(&self, id: NodeId, starts: u8, store: StoreStanding) -> Shard {
        let view = View { ring: self.ring.clone(), ..View::alone(id) };
        let key = ContextKey::derive(b"secret", ClusterId::new(1));
        let config = ShardConfig {
            me: id,
            shard: 0,
            shards: 1,
            sealer: Sealer::new(key, Vec::new()),
            boot: BootNumber(u64::from(starts)),
            store,
            hint_limits: HintLimits {
                objects: self.most_hints.unwrap_or(HintLimits::default().objects),
                ..HintLimits::default()
            },
            cache_bytes: 1 << 20,
            scrub_interval: Duration::from_hours(1),
            look_at_most: LOOK_AT_MOST,
            collect_every: COLLECT_EVERY,
            background: BytesPerSecond::DEFAULT_CEILING,
            max_requests: 100,
        };
        let mut seed = [starts; 32];
        seed[0] = id.get() as u8;
        Shard::new(config, Random::from_seed(seed), Arc::new(view))
    }

    fn connect_all(&mut self) {
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        for &a in &ids {
            for &b in ids.iter().filter(|&&b| b != a) {
                if !self.down.contains(&a) && !self.down.contains(&b) {
                    self.step(a, Input::LinkUp(b));
                }
            }
        }
    }

    fn put(&mut self, at: NodeId, key: &str, value: Content, options: &[&str]) {
        let context = options.iter().find_map(|o| o.strip_prefix("ctx=")).map(|name| {
            self.contexts.get(name).unwrap_or_else(|| panic!("no context {name}")).clone()
        });
        let order = PutOrder {
            key: object(key),
            context,
            value,
            quorum: quorum(options),
            precedence: Precedence::Newest,
        };
        self.ask(at, Operation::Put(order), options);
    }

    fn ask(&mut self, at: NodeId, operation: Operation, options: &[&str]) {
        self.next_client += 1;
        let id = ClientRequestId(self.next_client);
        if let Some(position) = options.iter().position(|o| *o == "as") {
            self.keep_as.insert(id, options[position + 1].to_owned());
        }
        let deadline = Deadline::after(self.now, Duration::from_secs(2));
        self.step(at, Input::Client(ClientRequest { id, operation, deadline }));
    }

    fn step(&mut self, id: NodeId, input: Input) {
        let now =
            Now { instant: self.now, wall: WallTime::from_millis(self.now.as_micros() / 1000) };
        let mut out = Effects::new();
        let node = self.nodes.get_mut(&id).expect("a node of the script");
        node.disk.hints_read.set(0);
        node.shard.step(now, input, &node.disk, &mut out);
        for effect in out.drain() {
            self.carry_out(id, effect);
        }
    }

    fn carry_out(&mut self, id: NodeId, effect: Effect) {
        match effect {
            Effect::Send { to, message } => {
                self.trace.push(format!("{} > {}: {}", name(id), name(to), brief(&message)));
                if self.down.contains(&to) || self.down.contains(&id) {
                    self.step(id, Input::NotSent { to, message });
                } else {
                    self.links.entry((id, to)).or_default().push_back(message);
                }
            }
            Effect::Reply { request, reply } => self.on_reply(id, request, reply),
            Effect::Write { batch, ticket } => {
                let node = self.nodes.get_mut(&id).expect("a node of the script");
                node.disk.unsynced.push_back((ticket, batch));
            }
            Effect::SetTimer { at, timer } => {
                self.nodes.get_mut(&id).expect("a node of the script").timers.push((at, timer));
            }
            Effect::ObjectInspected { copy, .. } => self.on_copy(id, &copy.expect("a ring")),
            Effect::Inspected { status, .. } => {
                let hints: Vec<String> = status
                    .hints
                    .iter()
                    .map(|(owner, held)| format!("{} for {}", held.objects, name(*owner)))
                    .collect();
                self.trace.push(format!("{} holds hints: [{}]", name(id), hints.join(", ")));
            }
            Effect::Suspect(peer) => {
                self.trace.push(format!("{} suspects {}", name(id), name(peer)));
            }
            Effect::NewerRing { at, version } => {
                let version = version.0;
                self.trace.push(format!("{} asks {} for ring {version}", name(id), name(at)));
            }
            Effect::Observe(Observation::Refilled(partition)) => {
                let partition = partition.get();
                self.trace.push(format!("{} counts again in partition {partition}", name(id)));
            }
            Effect::BucketMade(_) | Effect::Moved(_) | Effect::Observe(_) => {}
        }
    }

    fn on_copy(&mut self, id: NodeId, copy: &OwnCopy) {
        let decoded = |state: &EncodedState| show(&state.decode().expect("it was stored"));
        let state = copy.state.as_ref().expect("it can be read");
        let own = state.as_ref().map_or_else(|| "nothing".to_owned(), decoded);
        let hints = copy.hints.as_ref().expect("they can be read");
        let hints =
            hints.iter().map(|(owner, state)| format!("{} for {}", decoded(state), name(*owner)));
        let hints: Vec<String> = hints.collect();
        let role = if copy.is_replica { "replica" } else { "no replica" };
        self.trace.push(format!(
            "{} ({role}) itself has: {own}; hints: [{}]",
            name(id),
            hints.join(", ")
        ));
    }

    fn on_reply(&mut self, id: NodeId, request: ClientRequestId, reply: ClientReply) {
        let keep = self.keep_as.remove(&request);
        let (told, context) = match reply {
            Ok(Done::Got(got)) => {
                let told = format!("{} ({} answered)", show(&got.state), by_role(got.answered));
                (told, got.context)
            }
            Ok(Done::Written(put)) => {
                let a = put.answered;
                (format!("acked={} durable={}", by_role(a), a.durable), Some(put.context))
            }
            Ok(Done::Listed(page)) => {
                let keys: Vec<String> = page
                    .entries
                    .iter()
                    .map(|entry| {
                        format!("{} ({} siblings)", entry.key, entry.outline.siblings().len())
                    })
                    .collect();
                (keys.join(", "), None)
            }
            Err(error) => (format!("{:?}: {error}", error.outcome()), None),
        };
        self.trace.push(format!("{} tells its client: {told}", name(id)));
        if let (Some(keep), Some(context)) = (keep, context) {
            self.contexts.insert(keep, context);
        }
    }

    fn deliver(&mut self, link: Option<&str>) {
        let only = link.map(parse_link);
        loop {
            let next = self
                .links
                .iter()
                .find(|(link, queue)| !queue.is_empty() && only.is_none_or(|only| only == **link))
                .map(|(link, _)| *link);
            let Some((from, to)) = next else { return };
            let message = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front);
            let Some(message) = message else { return };
            self.step(to, Input::Peer { from, message });
        }
    }

    fn sync(&mut self, only: Option<NodeId>) {
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        for id in ids.into_iter().filter(|id| only.is_none_or(|only| only == *id)) {
            let node = self.nodes.get_mut(&id).expect("a node of the script");
            let mut last = None;
            while let Some((ticket, batch)) = node.disk.unsynced.pop_front() {
                for op in batch.into_ops() {
                    match op {
                        WriteOp::Put { keyspace, key, value } => {
                            node.disk.synced.insert((keyspace, key), value);
                        }
                        WriteOp::Delete { keyspace, key } => {
                            node.disk.synced.remove(&(keyspace, key));
                        }
                    }
                }
                last = Some(ticket);
            }
            if let Some(ticket) = last {
                self.trace.push(format!("{} is synced", name(id)));
                self.step(id, Input::Synced(ticket));
            }
        }
    }

    fn down(&mut self, id: NodeId) {
        self.down.push(id);
        self.links.retain(|(from, to), _| *from != id && *to != id);
        let others: Vec<NodeId> = self.nodes.keys().copied().filter(|other| *other != id).collect();
        for other in others {
            self.step(other, Input::LinkDown(id));
            self.step(id, Input::LinkDown(other));
        }
    }

    fn up(&mut self, id: NodeId) {
        self.down.retain(|down| *down != id);
        self.connect_all();
    }

    fn restart(&mut self, id: NodeId) {
        if !self.down.contains(&id) {
            self.down(id);
        }
        let starts = self.nodes[&id].starts + 1;
        let shard = self.new_shard(id, starts, StoreStanding::Kept);
        let node = self.nodes.get_mut(&id).expect("a node of the script");
        node.shard = shard;
        node.starts = starts;
        node.timers.clear();
        let lost = node.disk.unsynced.len();
        node.disk.unsynced.clear();
        self.trace.push(format!("{} starts again; {lost} unsynced batches are lost", name(id)));
        self.up(id);
    }

    /// As a restart, with an empty store.
    fn lose(&mut self, id: NodeId) {
        self.down(id);
        let starts = self.nodes[&id].starts + 1;
        let shard = self.new_shard(id, starts, StoreStanding::Lost);
        let fresh = Node { shard, disk: Disk::default(), starts, timers: Vec::new() };
        self.nodes.insert(id, fresh);
        self.trace.push(format!("{} starts again with an empty store", name(id)));
        self.step(id, Input::Started);
        self.up(id);
    }

    fn wait(&mut self, millis: u64) {
        let until = self.now.after(Duration::from_millis(millis));
        loop {
            let due = self
                .nodes
                .iter()
                .flat_map(|(id, node)| node.timers.iter().map(|(at, timer)| (*at, *id, *timer)))
                .filter(|(at, ..)| *at <= until)
                .min();
            let Some((at, id, timer)) = due else { break };
            let node = self.nodes.get_mut(&id).expect("a node of the script");
            node.timers.retain(|entry| *entry != (at, timer));
            self.now = self.now.max(at);
            self.step(id, Input::Timer(timer));
        }
        self.now = until;
    }
}

fn parse_link(link: &str) -> (NodeId, NodeId) {
    let (from, to) = link.split_once('>').expect("a link like n1>n2");
    (node(from), node(to))
}

fn quorum(options: &[&str]) -> QuorumOptions {
    const KNOWN: [&str; 6] = ["r=", "pr=", "w=", "pw=", "dw=", "ctx="];
    let named = options.split(|option| *option == "as").next().unwrap_or_default();
    for option in named {
        let known = *option == "strict" || KNOWN.iter().any(|known| option.starts_with(known));
        assert!(known, "no such option: {option}");
    }
    let level = |name: &str| {
        let value = options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.parse().expect("a level"))
    };
    QuorumOptions {
        r: level("r"),
        pr: level("pr"),
        w: level("w"),
        pw: level("pw"),
        dw: level("dw"),
        node_confirms: None,
        mode: options.contains(&"strict").then_some(QuorumMode::Strict),
    }
}

/// How many answered, with the fallbacks among them named.
fn by_role(answered: Answered) -> String {
    match answered.fallbacks {
        0 => answered.total().to_string(),
        some => format!("{} (fallbacks: {some})", answered.total()),
    }
}

fn brief(message: &ShardMessage) -> String {
    let decoded = |state: &crate::message::EncodedState| show(&state.decode().expect("a state"));
    match message {
        ShardMessage::Replicate { state, purpose, .. } => match purpose {
            Purpose::Write => format!("keep {}", decoded(state)),
            Purpose::Hint { owner } => format!("keep {} for {}", decoded(state), name(*owner)),
            Purpose::Repair => format!("merge {}", decoded(state)),
        },
        ShardMessage::Replicated { stage, .. } => format!("{stage:?}"),
        ShardMessage::Read { wish, .. } => format!("read {wish:?}"),
        ShardMessage::ReadAnswered { answer, .. } => match answer {
            ReadAnswer::State(Some(state)) => format!("state {}", decoded(state)),
            ReadAnswer::Digest(Some(_)) => "digest".to_owned(),
            ReadAnswer::State(None) | ReadAnswer::Digest(None) => "nothing here".to_owned(),
            ReadAnswer::Unknown => "unknown".to_owned(),
            ReadAnswer::Behind(at) => {
                format!("you are behind: {:?} of ring {}", at.level, at.ring.0)
            }
        },
        ShardMessage::ForwardPut { .. } => "coordinate this put".to_owned(),
        ShardMessage::PutAnswered { result, .. } => match result {
            Ok(_) => "the put is acknowledged".to_owned(),
            Err(error) => format!("the put is {:?}", error.outcome()),
        },
        ShardMessage::List { .. } => "list".to_owned(),
        ShardMessage::Exchange { ask, .. } => format!("compare {}", brief_ask(ask)),
        ShardMessage::ExchangeAnswered { answer, has, .. } => {
            let standing = match has {
                Completeness::Whole => "",
                Completeness::Damaged => ", damaged ones left out",
                Completeness::Lost => ", uncounted",
            };
            format!("{}{standing}", brief_answer(answer))
        }
        ShardMessage::Collect { ask, .. } => format!("{ask:?}"),
        ShardMessage::Collected { answer, .. } => format!("{answer:?}"),
        ShardMessage::Listed { page, .. } => {
            format!("{} keys", page.as_ref().map_or(0, |page| page.entries.len()))
        }
    }
}

fn brief_ask(ask: &ExchangeAsk) -> String {
    match ask {
        ExchangeAsk::Root(_) => "roots".to_owned(),
        ExchangeAsk::Leaves(branches) => format!("{} branches", branches.iter().count()),
        ExchangeAsk::Items(leaves) => format!("{} leaves", leaves.len()),
        ExchangeAsk::States(tokens) => format!("{} objects", tokens.len()),
    }
}

fn brief_answer(answer: &ExchangeAnswer) -> String {
    match answer {
        ExchangeAnswer::NotReady => "not ready".to_owned(),
        ExchangeAnswer::Same => "the same".to_owned(),
        ExchangeAnswer::Branches(_) => "these branches".to_owned(),
        ExchangeAnswer::Leaves(_) => "these leaves".to_owned(),
        ExchangeAnswer::Items(items) => format!("{} items", items.len()),
        ExchangeAnswer::States { states, .. } => {
            let states = states.iter().map(|(_, state)| show(&state.decode().expect("a state")));
            format!("states {}", states.collect::<Vec<_>>().join(", "))
        }
    }
}
