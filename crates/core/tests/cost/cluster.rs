//! Production's shards, one for each node, with only the wire's codec between them, and disks in
//! memory. Time stands still once the cluster is founded, so that nothing but requests is done.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use stator_core::bucket::{BucketFact, BucketProperties};
use stator_core::budget::BytesPerSecond;
use stator_core::collection::COLLECT_EVERY;
use stator_core::context::{ContextKey, SealedContext, Sealer};
use stator_core::effect::{Effect, Effects, Input, Ticket, Timer};
use stator_core::identity::{BootNumber, ClusterId, NodeId};
use stator_core::message::ShardMessage;
use stator_core::node::{HintLimits, LOOK_AT_MOST, Shard, ShardConfig, StoreStanding};
use stator_core::object::{BucketName, Content, Key, Metadata, ObjectKey, Value};
use stator_core::quorum::QuorumOptions;
use stator_core::random::Random;
use stator_core::request::{
    ClientReply, ClientRequest, ClientRequestId, Done, GetReply, Operation, Precedence, PutOrder,
    PutReply,
};
use stator_core::ring::{Member, Ring, Weight};
use stator_core::store::{Batch, KeyRange, Keyspace, ReadStore, ScanItem, StoreError, WriteOp};
use stator_core::time::{Deadline, Instant, Now, Stamp, WallTime};
use stator_core::token::PartitionCount;
use stator_core::view::View;
use stator_wire::proto;

/// What people store who keep versions apart.
pub(crate) const SIBLINGS: &[u8] = b"carts";
/// A database of the Redis protocol, in which the last write wins.
pub(crate) const LAST_WRITE_WINS: &[u8] = b"redis.0";
/// Bytes of a value.
pub(crate) const VALUE: usize = 1024;
/// Enough to cache all objects of a test.
pub(crate) const CACHE_BYTES: u64 = 1 << 20;

const PARTITIONS: u32 = 16;
/// Long enough for all that shards do when they start: every partition has its tree.
const SETTLING: Duration = Duration::from_secs(20);

/// Somebody who looks on. What is not looked at costs nothing.
pub(crate) trait Watch {
    /// A shard takes a step.
    fn step(&mut self, work: impl FnOnce()) {
        work();
    }
    /// A message is encoded, or decoded.
    fn codec(&mut self, work: impl FnOnce()) {
        work();
    }
    /// A message has so many bytes on its way.
    fn sent(&mut self, _message: &ShardMessage, _bytes: usize) {}
    /// A batch goes to a disk.
    fn written(&mut self, _batch: &Batch) {}
    /// Objects were looked up on a disk so many times.
    fn looked_up(&mut self, _times: u64) {}
    /// A timer is set.
    fn timer(&mut self, _timer: Timer) {}
}

#[derive(Default)]
struct Disk {
    spaces: BTreeMap<Keyspace, BTreeMap<Bytes, Bytes>>,
    look_ups: Cell<u64>,
}

impl ReadStore for Disk {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.look_ups.set(self.look_ups.get() + 1);
        Ok(self.spaces.get(&keyspace).and_then(|space| space.get(key)).cloned())
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError> {
        let Some(space) = self.spaces.get(&keyspace) else { return Ok(Vec::new()) };
        let from = (Bound::Included(range.from.clone()), Bound::Unbounded);
        let found = space.range(from).take_while(|(key, _)| range.contains(key)).take(limit);
        let item = |(key, value): (&Bytes, &Bytes)| {
            let value = Ok(value.clone());
            ScanItem { key: key.clone(), value }
        };
        Ok(found.map(item).collect())
    }
}

impl Disk {
    fn write(&mut self, batch: Batch) {
        for op in batch.into_ops() {
            match op {
                WriteOp::Put { keyspace, key, value } => {
                    self.spaces.entry(keyspace).or_default().insert(key, value);
                }
                WriteOp::Delete { keyspace, key } => {
                    self.spaces.entry(keyspace).or_default().remove(&key);
                }
            }
        }
    }
}

struct Node {
    shard: Shard,
    disk: Disk,
    unsynced: VecDeque<(Ticket, Batch)>,
}

/// The cluster, and who looks on.
pub(crate) struct Cluster<W> {
    pub(crate) watch: W,
    nodes: BTreeMap<NodeId, Node>,
    ring: Arc<Ring>,
    on_their_way: VecDeque<(NodeId, NodeId, Bytes)>,
    /// None once time stands still.
    timers: Option<BTreeSet<(Instant, NodeId, Timer)>>,
    now: Instant,
    effects: Effects,
    encoded: BytesMut,
    requests: u64,
    reply: Option<ClientReply>,
}

impl<W: Watch> Cluster<W> {
    /// A cluster of so many nodes, three replicas of each partition, that has settled.
    pub(crate) fn new(nodes: u64, watch: W) -> Self {
        Self::with_cache(CACHE_BYTES, nodes, watch)
    }

    /// The same; each node caches objects within so many bytes.
    pub(crate) fn with_cache(cache_bytes: u64, nodes: u64, watch: W) -> Self {
        let ids: Vec<NodeId> = (1..=nodes).map(NodeId::new).collect();
        let ring = Arc::new(ring(&ids));
        let mut cluster = Self {
            watch,
            nodes: ids.iter().map(|&id| (id, node(id, &ring, cache_bytes))).collect(),
            ring,
            on_their_way: VecDeque::new(),
            timers: Some(BTreeSet::new()),
            now: Instant::default(),
            effects: Effects::new(),
            encoded: BytesMut::with_capacity(64 << 10),
            requests: 0,
            reply: None,
        };
        for &id in &ids {
            cluster.step(id, Input::Started);
            for &peer in ids.iter().filter(|&&peer| peer != id) {
                cluster.step(id, Input::LinkUp(peer));
            }
        }
        cluster.pass(SETTLING);
        cluster.timers = None;
        cluster
    }

    /// An object of which this node is a replica, or is none.
    pub(crate) fn key(
        &self,
        bucket: &[u8],
        number: usize,
        (node, is_replica): (u64, bool),
    ) -> ObjectKey {
        let bucket = BucketName::new(Bytes::copy_from_slice(bucket)).expect("a name");
        let keys = (0..).map(|more| format!("key-{number}-{more}"));
        let mut keys = keys
            .map(|key| ObjectKey::new(bucket.clone(), Key::new(Bytes::from(key)).expect("a name")));
        let wanted = |key: &ObjectKey| {
            let partition = self.ring.partition_of(key.token());
            self.ring.owns(NodeId::new(node), partition) == is_replica
        };
        keys.find(wanted).expect("one of many keys")
    }

    /// A client's put through this node, and all that comes of it.
    pub(crate) fn put(
        &mut self,
        door: u64,
        key: &ObjectKey,
        value: Bytes,
        context: Option<SealedContext>,
    ) -> PutReply {
        let order = PutOrder {
            key: key.clone(),
            context,
            value: Content::Value(Value { bytes: value, metadata: Metadata::default() }),
            quorum: QuorumOptions::default(),
            precedence: Precedence::Newest,
        };
        match self.request(door, Operation::Put(order)) {
            Done::Written(reply) => reply,
            other => panic!("a put was answered with {other:?}"),
        }
    }

    /// A client's get through this node, and all that comes of it.
    pub(crate) fn get(&mut self, door: u64, key: &ObjectKey) -> GetReply {
        let operation = Operation::Get { key: key.clone(), quorum: QuorumOptions::default() };
        match self.request(door, operation) {
            Done::Got(reply) => reply,
            other => panic!("a get was answered with {other:?}"),
        }
    }

    fn request(&mut self, door: u64, operation: Operation) -> Done {
        self.requests += 1;
        let id = ClientRequestId(self.requests);
        let deadline = Deadline::after(self.now, Duration::from_secs(2));
        self.step(NodeId::new(door), Input::Client(ClientRequest { id, operation, deadline }));
        self.settle();
        self.reply.take().expect("a reply").expect("carried out")
    }

    /// Until no message is on its way and everything is on disk.
    fn settle(&mut self) {
        loop {
            while let Some((from, to, bytes)) = self.on_their_way.pop_front() {
                let mut message = None;
                self.watch.codec(|| message = proto::decode_shard(bytes).ok());
                let message = message.expect("what an encoder wrote");
                self.step(to, Input::Peer { from, message });
            }
            let unsynced = self.nodes.iter().find(|(_, node)| !node.unsynced.is_empty());
            let Some((&id, _)) = unsynced else { return };
            let Some(node) = self.nodes.get_mut(&id) else { return };
            let mut synced = Ticket::default();
            while let Some((ticket, batch)) = node.unsynced.pop_front() {
                node.disk.write(batch);
                synced = ticket;
            }
            self.step(id, Input::Synced(synced));
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now.after(time);
        self.settle();
        while let Some((at, id, timer)) = self.timers.as_mut().and_then(BTreeSet::pop_first) {
            if at > until {
                break;
            }
            self.now = self.now.max(at);
            self.step(id, Input::Timer(timer));
            self.settle();
        }
        self.now = until;
    }

    fn step(&mut self, id: NodeId, input: Input) {
        let wall = WallTime::from_millis(1_790_000_000_000 + self.now.as_micros() / 1000);
        let now = Now { instant: self.now, wall };
        let mut effects = std::mem::take(&mut self.effects);
        let Node { shard, disk, .. } = self.nodes.get_mut(&id).expect("a node of the ring");
        self.watch.step(|| shard.step(now, input, &*disk, &mut effects));
        self.watch.looked_up(disk.look_ups.take());
        for effect in effects.drain() {
            self.carry_out(id, effect);
        }
        self.effects = effects;
    }

    fn carry_out(&mut self, id: NodeId, effect: Effect) {
        match effect {
            Effect::Send { to, message } => {
                self.watch.codec(|| proto::encode_shard(&message, &mut self.encoded));
                self.watch.sent(&message, self.encoded.len());
                self.on_their_way.push_back((id, to, Bytes::copy_from_slice(&self.encoded)));
                self.encoded.clear();
            }
            Effect::Reply { reply, .. } => self.reply = Some(reply),
            Effect::Write { batch, ticket } => {
                self.watch.written(&batch);
                let node = self.nodes.get_mut(&id).expect("a node of the ring");
                node.unsynced.push_back((ticket, batch));
            }
            Effect::SetTimer { at, timer } => {
                self.watch.timer(timer);
                if let Some(timers) = &mut self.timers {
                    timers.insert((at, id, timer));
                }
            }
            Effect::Observe(_) | Effect::Moved(_) => {}
            other => panic!("all is well and known, and yet {other:?}"),
        }
    }
}

/// A value that no other put stores.
pub(crate) fn value(number: usize) -> Bytes {
    let mut bytes = vec![b'x'; VALUE];
    bytes[..size_of::<usize>()].copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

fn ring(ids: &[NodeId]) -> Ring {
    let member = |id: NodeId| Member {
        name: format!("n{}", id.get()),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
    };
    let partitions = PartitionCount::new(PARTITIONS).expect("a power of two");
    let mut ring = Ring::found(ClusterId::new(1), partitions, 3, ids[0], member(ids[0]));
    ring.version = ring.version.next();
    ring.members = ids.iter().map(|&id| (id, member(id))).collect();
    let owners = |first: usize| ids.iter().copied().cycle().skip(first % ids.len()).take(3);
    ring.table = (0..PARTITIONS as usize).map(|first| owners(first).collect()).collect();
    ring
}

fn node(id: NodeId, ring: &Arc<Ring>, cache_bytes: u64) -> Node {
    let made = |name: &[u8]| {
        let name = BucketName::new(Bytes::copy_from_slice(name)).expect("a name");
        let BucketProperties { fixed, mutable } = BucketProperties::defaults(&name, 3);
        let by = (Stamp::default(), NodeId::new(1));
        (name, BucketFact { fixed, made: by, mutable, changed: by })
    };
    let buckets = Arc::new(BTreeMap::from([made(SIBLINGS), made(LAST_WRITE_WINS)]));
    let view = View { ring: Some(Arc::clone(ring)), buckets, ..View::alone(id) };
    let config = ShardConfig {
        me: id,
        shard: 0,
        shards: 1,
        sealer: Sealer::new(ContextKey::derive(b"secret", ring.cluster), Vec::new()),
        boot: BootNumber(1),
        store: StoreStanding::Kept,
        hint_limits: HintLimits::default(),
        cache_bytes,
        scrub_interval: Duration::from_hours(1),
        look_at_most: LOOK_AT_MOST,
        collect_every: COLLECT_EVERY,
        background: BytesPerSecond::DEFAULT_CEILING,
        max_requests: 1000,
    };
    let random = Random::from_seed([id.get() as u8; 32]);
    let shard = Shard::new(config, random, Arc::new(view));
    Node { shard, disk: Disk::default(), unsynced: VecDeque::new() }
}
