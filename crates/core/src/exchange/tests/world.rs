//! Whole shards that own one partition together, with disks, links that lose and repeat messages,
//! and a clock that jumps from timer to timer.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::budget::BytesPerSecond;
use crate::collection::COLLECT_EVERY;
use crate::context::{ContextKey, Sealer};
use crate::effect::{Effect, Effects, Input, Ticket, Timer};
use crate::identity::{ActorId, BootNumber, ClusterId, NodeId};
use crate::message::{EncodedState, ExchangeAnswer, ExchangeAsk, ShardMessage};
use crate::node::{HintLimits, LOOK_AT_MOST, Shard, ShardConfig, StoreStanding};
use crate::object::{
    BucketName, ConflictRule, Content, Key, Metadata, ObjectKey, ObjectState, Sibling, Value,
};
use crate::observe::Observation;
use crate::random::Random;
use crate::replica::{StoreKey, encode_record};
use crate::ring::{Member, Ring, RingVersion, Weight};
use crate::standing::mark_lost;
use crate::status::ShardStatus;
use crate::store::{Batch, KeyRange, Keyspace, ReadStore, ScanItem, StoreError, WriteOp};
use crate::time::{Instant, Now, Stamp, WallTime};
use crate::token::{Partition, PartitionCount};
use crate::transfer::{MoveLevel, Progress, Transition};
use crate::version::Dot;
use crate::view::View;

/// What is on a disk, and what is on its way there.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) synced: BTreeMap<(Keyspace, Bytes), Bytes>,
    unsynced: VecDeque<(Ticket, Batch)>,
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
        Ok(self
            .synced
            .range((from, Bound::Unbounded))
            .take_while(|((space, key), _)| *space == keyspace && range.contains(key))
            .take(limit)
            .map(|((_, key), value)| ScanItem { key: key.clone(), value: Ok(value.clone()) })
            .collect())
    }
}

impl Disk {
    /// What a shell writes, and syncs, before the shard starts.
    pub(crate) fn write_now(&mut self, batch: Batch) {
        self.unsynced.push_back((Ticket::default(), batch));
        self.sync();
    }

    fn sync(&mut self) -> Option<Ticket> {
        let mut last = None;
        for (ticket, batch) in self.unsynced.drain(..) {
            for op in batch.into_ops() {
                match op {
                    WriteOp::Put { keyspace, key, value } => {
                        self.synced.insert((keyspace, key), value);
                    }
                    WriteOp::Delete { keyspace, key } => {
                        self.synced.remove(&(keyspace, key));
                    }
                }
            }
            last = Some(ticket);
        }
        last
    }

    fn rows(&self, keyspace: Keyspace) -> BTreeMap<Bytes, Bytes> {
        let rows = self.synced.iter().filter(|((space, _), _)| *space == keyspace);
        rows.map(|((_, key), value)| (key.clone(), value.clone())).collect()
    }
}

struct Node {
    shard: Shard,
    disk: Disk,
    starts: u8,
    timers: Vec<(Instant, Timer)>,
    /// What it said last of its part in a change of the ring.
    progress: Progress,
}

/// Of a hundred messages, how many are lost and how many come twice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) lost: u32,
    pub(crate) twice: u32,
}

/// The nodes, numbered from 1.
pub(crate) struct World {
    nodes: BTreeMap<NodeId, Node>,
    ring: Arc<Ring>,
    /// What nodes know of a change of the ring, if they do.
    moving: BTreeMap<NodeId, View>,
    pub(crate) now: Instant,
    flying: Vec<(NodeId, NodeId, ShardMessage)>,
    random: Random,
    pub(crate) weather: Weather,
    /// The ceiling of each node's background work, for nodes that start from now on.
    background: BytesPerSecond,
    /// Everything that was sent.
    pub(crate) sent: Vec<(NodeId, NodeId, ShardMessage)>,
    pub(crate) observed: Vec<(NodeId, Observation)>,
}

pub(crate) fn node(number: u64) -> NodeId {
    NodeId::new(number)
}

pub(crate) fn object(name: &str) -> ObjectKey {
    ObjectKey::new(
        BucketName::new("b".into()).expect("a bucket"),
        Key::new(Bytes::copy_from_slice(name.as_bytes())).expect("a key"),
    )
}

/// A state that one write under `actor` made.
pub(crate) fn written(actor: u64, bytes: Bytes) -> ObjectState {
    let mut state = ObjectState::default();
    let content = Content::Value(Value { bytes, metadata: Metadata::default() });
    let dot = Dot { actor: ActorId::new(actor), counter: 1 };
    let new = Sibling { dot, stamp: Stamp::default(), content };
    state.write(ConflictRule::Siblings, &crate::context::Context::default(), new);
    state
}

impl World {
    /// So many owners of one partition, none of them started.
    pub(crate) fn new(owners: u64, seed: u64) -> Self {
        Self::with_ceiling(owners, seed, BytesPerSecond::DEFAULT_CEILING)
    }

    /// As [`Self::new`]; background work of each may spend so much.
    pub(crate) fn with_ceiling(owners: u64, seed: u64, background: BytesPerSecond) -> Self {
        let ids: Vec<NodeId> = (1..=owners).map(node).collect();
        let member = |id: NodeId| Member {
            name: format!("n{}", id.get()),
            zone: "z".to_owned(),
            weight: Weight::DEFAULT,
        };
        let one = PartitionCount::new(1).expect("a power of two");
        let mut ring = Ring::found(ClusterId::new(1), one, 3, ids[0], member(ids[0]));
        ring.version = RingVersion(2);
        ring.members = ids.iter().map(|&id| (id, member(id))).collect();
        ring.table = vec![ids.clone()];
        let mut world = Self {
            nodes: BTreeMap::new(),
            ring: Arc::new(ring),
            moving: BTreeMap::new(),
            now: Instant::from_micros(1),
            flying: Vec::new(),
            random: Random::from_seed(*blake3::hash(&seed.to_be_bytes()).as_bytes()),
            weather: Weather::default(),
            background,
            sent: Vec::new(),
            observed: Vec::new(),
        };
        for id in ids {
            let shard = world.shard(id, 0, StoreStanding::Kept);
            let fresh = Node {
                shard,
                disk: Disk::default(),
                starts: 0,
                timers: Vec::new(),
                progress: Progress::default(),
            };
            world.nodes.insert(id, fresh);
        }
        world
    }

    /// So many nodes, of which the first three own the partition.
    pub(crate) fn with_others(nodes: u64, seed: u64) -> Self {
        let mut world = Self::new(nodes, seed);
        let mut ring = Ring::clone(&world.ring);
        ring.table = vec![(1..=3).map(node).collect()];
        world.ring = Arc::new(ring);
        for id in (1..=nodes).map(node) {
            let shard = world.shard(id, 0, StoreStanding::Kept);
            world.nodes.get_mut(&id).expect("a node").shard = shard;
        }
        world
    }

    /// A node learns that the partition moves to these owners, or that it is further with that.
    pub(crate) fn learn(&mut self, id: NodeId, owners: &[u64], level: MoveLevel) {
        let mut ring = Ring::clone(&self.ring);
        ring.version = ring.version.next();
        ring.table = vec![owners.iter().copied().map(node).collect()];
        let ring = Arc::new(ring);
        let begun = Transition::begin(Arc::clone(&self.ring), Arc::clone(&ring));
        let mut transition = begun.expect("it moves");
        transition.lift(Partition::new(0), level);
        let transition = Some(Arc::new(transition));
        let view = View { ring: Some(ring), transition, ..View::alone(id) };
        self.moving.insert(id, view.clone());
        self.step(id, Input::View(Arc::new(view)));
    }

    /// Whether a node has confirmed the partition.
    pub(crate) fn has_confirmed(&self, id: NodeId) -> bool {
        self.nodes[&id].progress.confirmed.contains(&Partition::new(0))
    }

    fn shard(&self, me: NodeId, starts: u8, store: StoreStanding) -> Shard {
        let key = ContextKey::derive(b"secret", ClusterId::new(1));
        let config = ShardConfig {
            me,
            shard: 0,
            shards: 1,
            sealer: Sealer::new(key, Vec::new()),
            boot: BootNumber(u64::from(starts)),
            store,
            hint_limits: HintLimits::default(),
            cache_bytes: 1 << 20,
            scrub_interval: Duration::from_hours(1),
            look_at_most: LOOK_AT_MOST,
            collect_every: COLLECT_EVERY,
            background: self.background,
            max_requests: 100,
        };
        let old = || View { ring: Some(Arc::clone(&self.ring)), ..View::alone(me) };
        let view = self.moving.get(&me).cloned().unwrap_or_else(old);
        let mut seed = [starts; 32];
        seed[0] = me.get() as u8;
        Shard::new(config, Random::from_seed(seed), Arc::new(view))
    }

    /// Puts a state onto the disk of a node that has not started.
    pub(crate) fn store(&mut self, at: NodeId, key: &ObjectKey, state: &EncodedState) {
        let place = StoreKey::of(key);
        let record = encode_record(&place, key, state);
        let disk = &mut self.nodes.get_mut(&at).expect("a node").disk;
        disk.synced.insert((Keyspace::Objects, place.as_bytes().clone()), record);
    }

    /// Starts every node and connects all of them.
    pub(crate) fn start(&mut self) {
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        for &id in &ids {
            self.step(id, Input::Started);
        }
        // Long enough for every tree to be built.
        for _ in 0..100 * ids.len() {
            self.turn();
        }
        for &id in &ids {
            self.connect(id);
        }
    }

    fn connect(&mut self, id: NodeId) {
        let others: Vec<NodeId> = self.nodes.keys().copied().filter(|other| *other != id).collect();
        for other in others {
            self.step(id, Input::LinkUp(other));
            self.step(other, Input::LinkUp(id));
        }
    }

    /// All connections of a node break.
    pub(crate) fn cut(&mut self, id: NodeId) {
        self.flying.retain(|(from, to, _)| *from != id && *to != id);
        let others: Vec<NodeId> = self.nodes.keys().copied().filter(|other| *other != id).collect();
        for other in others {
            self.step(id, Input::LinkDown(other));
            self.step(other, Input::LinkDown(id));
        }
    }

    /// A node is killed and starts again; what was not synced is lost, or everything.
    pub(crate) fn restart(&mut self, id: NodeId, standing: StoreStanding) {
        self.cut(id);
        let starts = self.nodes[&id].starts + 1;
        let shard = self.shard(id, starts, standing);
        let node = self.nodes.get_mut(&id).expect("a node");
        (node.shard, node.starts) = (shard, starts);
        node.timers.clear();
        node.disk.unsynced.clear();
        if standing == StoreStanding::Lost {
            node.disk.synced.clear();
            let mut batch = Batch::new();
            mark_lost(&mut batch, &self.ring, None, id);
            node.disk.write_now(batch);
        }
        self.step(id, Input::Started);
        self.connect(id);
    }

    pub(crate) fn step(&mut self, id: NodeId, input: Input) {
        let wall = WallTime::from_millis(self.now.as_micros() / 1000);
        let mut out = Effects::new();
        let node = self.nodes.get_mut(&id).expect("a node");
        node.shard.step(Now { instant: self.now, wall }, input, &node.disk, &mut out);
        for effect in out.drain() {
            match effect {
                Effect::Send { to, message } => {
                    self.sent.push((id, to, message.clone()));
                    if self.ring.members.contains_key(&to) {
                        self.flying.push((id, to, message));
                    }
                }
                Effect::Write { batch, ticket } => node.disk.unsynced.push_back((ticket, batch)),
                Effect::SetTimer { at, timer } => node.timers.push((at, timer)),
                Effect::Moved(progress) => node.progress = progress,
                Effect::Observe(observation) => self.observed.push((id, observation)),
                _ => {}
            }
        }
    }

    /// Delivers a message, syncs a disk, or moves on to the next timer.
    pub(crate) fn turn(&mut self) {
        let dirty: Vec<NodeId> = self
            .nodes
            .iter()
            .filter(|(_, node)| !node.disk.unsynced.is_empty())
            .map(|(id, _)| *id)
            .collect();
        let choices = (self.flying.len() + dirty.len()) as u32;
        if choices == 0 {
            return self.next_timer();
        }
        let choice = self.random.below(choices) as usize;
        match choice.checked_sub(self.flying.len()) {
            Some(disk) => self.sync(dirty[disk]),
            None => self.deliver(choice),
        }
    }

    fn sync(&mut self, id: NodeId) {
        let node = self.nodes.get_mut(&id).expect("a node");
        if let Some(ticket) = node.disk.sync() {
            self.step(id, Input::Synced(ticket));
        }
    }

    fn deliver(&mut self, index: usize) {
        let (from, to, message) = self.flying.swap_remove(index);
        let fate = self.random.below(100);
        if fate < self.weather.lost {
            return;
        }
        if fate < self.weather.lost + self.weather.twice {
            self.flying.push((from, to, message.clone()));
        }
        self.step(to, Input::Peer { from, message });
    }

    fn next_timer(&mut self) {
        let due = self
            .nodes
            .iter()
            .flat_map(|(id, node)| node.timers.iter().map(|(at, timer)| (*at, *id, *timer)))
            .min();
        let Some((at, id, timer)) = due else { return };
        let node = self.nodes.get_mut(&id).expect("a node");
        node.timers.retain(|entry| *entry != (at, timer));
        self.now = self.now.max(at);
        self.step(id, Input::Timer(timer));
    }

    /// Goes on until something has happened; says whether it did within `patience`.
    pub(crate) fn until(&mut self, patience: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now.after(patience);
        while !done(self) {
            if self.now >= end {
                return false;
            }
            self.turn();
        }
        true
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.until(time, |_| false);
    }

    /// Goes on until this moment, and no further.
    pub(crate) fn run_to(&mut self, at: Instant) {
        let due = |world: &Self| {
            let timers = world.nodes.values().flat_map(|node| &node.timers);
            timers.map(|(at, _)| *at).min().is_some_and(|first| first <= at)
        };
        while !self.flying.is_empty()
            || self.nodes.values().any(|node| !node.disk.unsynced.is_empty())
            || due(self)
        {
            self.turn();
        }
        self.now = self.now.max(at);
    }

    /// A node's condition.
    pub(crate) fn condition(&self, id: NodeId) -> ShardStatus {
        self.nodes[&id].shard.condition()
    }

    /// What is on a node's disk once everything written has got there.
    pub(crate) fn objects(&mut self, id: NodeId) -> BTreeMap<Bytes, Bytes> {
        self.sync(id);
        self.nodes[&id].disk.rows(Keyspace::Objects)
    }

    /// The node's own records on its disk.
    pub(crate) fn records(&self, id: NodeId) -> BTreeMap<Bytes, Bytes> {
        self.nodes[&id].disk.rows(Keyspace::Meta)
    }

    /// Exchanges that have ended, and how many objects each healed.
    pub(crate) fn exchanges(&self) -> Vec<(NodeId, Option<u64>)> {
        let ended = self.observed.iter().filter_map(|(at, observation)| match observation {
            Observation::Exchanged { healed, .. } => Some((*at, *healed)),
            _ => None,
        });
        ended.collect()
    }
}

/// Roughly the bytes of a message on the wire.
pub(crate) fn size(message: &ShardMessage) -> usize {
    let state = |key: &ObjectKey, state: &EncodedState| {
        key.bucket().as_bytes().len() + key.key().as_bytes().len() + state.as_bytes().len() + 8
    };
    32 + match message {
        ShardMessage::Exchange { ask, .. } => match ask {
            ExchangeAsk::Root(_) => 16,
            ExchangeAsk::Leaves(_) => 8,
            ExchangeAsk::Items(leaves) => 2 * leaves.len(),
            ExchangeAsk::States(tokens) => 16 * tokens.len(),
        },
        ShardMessage::ExchangeAnswered { answer, .. } => match answer {
            ExchangeAnswer::NotReady | ExchangeAnswer::Same => 0,
            ExchangeAnswer::Branches(sums) | ExchangeAnswer::Leaves(sums) => 16 * sums.len(),
            ExchangeAnswer::Items(items) => 24 * items.len(),
            ExchangeAnswer::States { states, .. } => {
                states.iter().map(|(key, bytes)| state(key, bytes)).sum()
            }
        },
        ShardMessage::Replicate { key, state: bytes, .. } => state(key, bytes),
        _ => 8,
    }
}
