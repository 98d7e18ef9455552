//! Bounds of each kind of request (N=3, R=2, W=2, values of 1 KiB), and why they are what they are.
//!
//! Bounds on bytes and allocations are what was counted when they were last lowered. A change that
//! needs more of something raises its bound in the same commit, and says there what is bought with
//! it and what `cargo bench --bench hot` says of the price. A change that needs less lowers it.

use bytes::Bytes;
use stator_core::context::SealedContext;
use stator_core::object::ObjectKey;

use crate::cluster::{CACHE_BYTES, Cluster, LAST_WRITE_WINS, SIBLINGS, VALUE, value};
use crate::counts::{Bounds, Counts};

/// How many objects are asked for, each in a state that is alike.
const OBJECTS: usize = 50;
const SIZE: u64 = VALUE as u64;

/// A put over an object, by a client that has read it, at a node that is one of its replicas.
const PUT: Bounds = Bounds {
    // The state goes to both other primaries, though one would be enough for W=2 (the paper, 4.5),
    // and each says once that it is on its disk. More is a round trip that a client waits for:
    // none is worth it.
    messages: &[("acknowledged", 2), ("write", 2)],
    // Twice the value, and of each of the four messages the key, a footing, a round, two versions:
    // a state that travels with more than one value is not what this put asked for.
    message_bytes_at_most: 2 * SIZE + 180,
    // One on each replica: object, tree and cache change together (rule 12). A second batch is a
    // second record in the journal, and perhaps a second sync.
    batches: 3,
    // The object's record and nothing else: trees are kept in memory. Whoever adds one to every put
    // adds a third to what the engine has to sort.
    changes: 3,
    // Of each replica the value and 69 bytes: token, name twice, versions, checksum. Every byte here
    // goes to the journal and to a table.
    written_bytes_at_most: 3 * (SIZE + 70),
    // What is there is superseded whole, and that is seen from its versions in the object cache
    // (`replica/cache.rs`) on all three. A look-up is 3 to 10 us of CPU, so that this is the dearest
    // bound to lose: what needs the state before a write has to find it there.
    look_ups: 0,
    // The deadline. With three nodes nobody is left to stand in for a slow one, so that there is no
    // timer for that. Timers are never taken back, so that each is paid for twice.
    timers: 1,
    // All three replicas and the request. They were 89 when counting began; none is needed for its
    // own sake. Those of more than 1 KiB are the dearest, since glibc keeps no list of them for each
    // thread. `cargo bench --bench hot -- shards` says what a put takes with them.
    step_allocations_at_most: 45,
    // None to encode into memory that is there, one to decode each state, which shares the
    // frame's bytes. More means that something is copied.
    codec_allocations_at_most: 2,
};

/// A put without a context where the last write wins.
const LAST_WRITE: Bounds = Bounds {
    // As counted. No context is opened.
    step_allocations_at_most: 45,
    ..PUT
};

/// The first put of an object.
const FIRST_PUT: Bounds = Bounds {
    // Nobody remembers what is not there: each replica has to look, once. The engine answers from
    // its filters. A second look-up on any replica is one too many.
    look_ups: 3,
    // Nothing is there to be decoded and compared.
    step_allocations_at_most: 38,
    ..PUT
};

/// A put at a node that is no replica of the object: one of them mints it (rule 2).
const FORWARDED_PUT: Bounds = Bounds {
    // Those of a put, and there and back between the door and the minting replica.
    messages: &[("acknowledged", 2), ("forward", 1), ("forward answered", 1), ("write", 2)],
    // The value travels once more. The next replica in turn may mint, so that a state names two.
    message_bytes_at_most: 3 * SIZE + 360,
    written_bytes_at_most: 3 * (SIZE + 76),
    // The door's deadline and the replica's own; and with a fourth node there is somebody to stand
    // in for a slow replica.
    timers: 3,
    // As a put, and what the door and the list of remembered puts take.
    step_allocations_at_most: 50,
    // One for each message that carries a value or a context.
    codec_allocations_at_most: 4,
    ..PUT
};

/// A get at a node that is one of the object's replicas.
const GET: Bounds = Bounds {
    // One other replica is asked, and only for a digest (rule 10). A whole state here would be
    // 1 KiB more on the wire, a third replica a third more work for everybody.
    messages: &[("digest", 1), ("read digest", 1)],
    // A key there, a digest back.
    message_bytes_at_most: 70,
    batches: 0,
    changes: 0,
    written_bytes_at_most: 0,
    // State and digest come from the object caches: a look-up means that they are not asked, or
    // forget too early.
    look_ups: 0,
    // The deadline, and when to ask the third replica.
    timers: 2,
    // Of all that has a part in it; a put says what an allocation is worth. Two are of the copy that
    // the cache gives out, in place of a look-up.
    step_allocations_at_most: 15,
    // Bucket and key of the question, and what they share.
    codec_allocations_at_most: 3,
};

/// A get at a node that is no replica.
const GET_ELSEWHERE: Bounds = Bounds {
    // One replica is asked for its state and one for a digest.
    messages: &[("digest", 1), ("read digest", 1), ("read state", 1), ("state", 1)],
    // The value travels once.
    message_bytes_at_most: SIZE + 160,
    // As a get, and what is remembered of a second question.
    step_allocations_at_most: 15,
    // As a get, the state, which shares its frame's bytes, and what the copy of the cache shares.
    codec_allocations_at_most: 5,
    ..GET
};

/// A put over an object that is cached nowhere.
const UNCACHED_PUT: Bounds = Bounds {
    // Once on every replica, for the versions. The state that is read is as good as cached.
    look_ups: 3,
    // As counted: two more on each replica, for what is read.
    step_allocations_at_most: 56,
    ..PUT
};

/// A get of an object that is cached nowhere.
const UNCACHED_GET: Bounds = Bounds {
    // The door for the state, and the other replica to make a digest of it.
    look_ups: 2,
    // As counted. The states that are read are cached, if there is room for any.
    step_allocations_at_most: 19,
    ..GET
};

/// A cluster, and objects that were put through node `door` once.
struct Stored {
    cluster: Cluster<Counts>,
    door: u64,
    objects: Vec<(ObjectKey, SealedContext)>,
}

impl Stored {
    /// Through a node that is a replica of all of them.
    fn at_replica(bucket: &[u8]) -> Self {
        Self::new(3, bucket, (1, true))
    }

    /// Through a node that is a replica of none.
    fn elsewhere(bucket: &[u8]) -> Self {
        Self::new(4, bucket, (4, false))
    }

    /// As [`Self::at_replica`], and cached nowhere.
    fn uncached(bucket: &[u8]) -> Self {
        Self::within(0, 3, bucket, (1, true))
    }

    fn new(nodes: u64, bucket: &[u8], place: (u64, bool)) -> Self {
        Self::within(CACHE_BYTES, nodes, bucket, place)
    }

    fn within(
        cache_bytes: u64,
        nodes: u64,
        bucket: &[u8],
        (door, is_replica): (u64, bool),
    ) -> Self {
        let mut cluster = Cluster::with_cache(cache_bytes, nodes, Counts::default());
        let stored = |number| {
            let key = cluster.key(bucket, number, (door, is_replica));
            let context = cluster.put(door, &key, value(number), None).context;
            (key, context)
        };
        let objects = (0..OBJECTS).map(stored).collect();
        cluster.watch.take();
        Self { cluster, door, objects }
    }

    /// What it costs to put each object again.
    fn puts(&mut self, context: impl Fn(&SealedContext) -> Option<SealedContext>) -> Vec<Counts> {
        let Self { cluster, door, objects } = self;
        let put = |(number, (key, before)): (usize, &(ObjectKey, SealedContext))| {
            let reply = cluster.put(*door, key, value(OBJECTS + number), context(before));
            assert_eq!((reply.answered.primaries, reply.answered.fallbacks), (2, 0));
            cluster.watch.take()
        };
        objects.iter().enumerate().map(put).collect()
    }

    /// What it costs to get each object; it is what was put last.
    fn gets(&mut self, value: impl Fn(usize) -> Bytes) -> Vec<Counts> {
        let Self { cluster, door, objects } = self;
        let get = |(number, (key, _)): (usize, &(ObjectKey, SealedContext))| {
            let reply = cluster.get(*door, key);
            let [sibling] = reply.state.siblings() else { panic!("one value: {reply:?}") };
            let found = sibling.live(stator_core::time::WallTime::default());
            assert_eq!(found.map(|value| &value.bytes), Some(&value(number)));
            cluster.watch.take()
        };
        objects.iter().enumerate().map(get).collect()
    }
}

#[test]
fn a_put_over_what_its_writer_has_seen_reads_nothing() {
    let mut stored = Stored::at_replica(SIBLINGS);
    PUT.hold("PUT in requests.rs", &stored.puts(|context| Some(context.clone())));
    GET.hold("GET in requests.rs", &stored.gets(|number| value(OBJECTS + number)));
}

#[test]
fn a_put_where_the_last_write_wins_needs_no_context_to_read_nothing() {
    let mut stored = Stored::at_replica(LAST_WRITE_WINS);
    LAST_WRITE.hold("LAST_WRITE in requests.rs", &stored.puts(|_| None));
    GET.hold("GET in requests.rs", &stored.gets(|number| value(OBJECTS + number)));
}

#[test]
fn a_first_put_looks_once_on_every_replica() {
    let mut cluster = Cluster::new(3, Counts::default());
    let put = |number| {
        let key = cluster.key(SIBLINGS, number, (1, true));
        cluster.watch.take();
        cluster.put(1, &key, value(number), None);
        cluster.watch.take()
    };
    let counts: Vec<Counts> = (0..OBJECTS).map(put).collect();
    FIRST_PUT.hold("FIRST_PUT in requests.rs", &counts);
}

#[test]
fn what_is_not_cached_is_looked_up_once_on_every_replica_that_is_asked() {
    let mut stored = Stored::uncached(SIBLINGS);
    let counts = stored.puts(|context| Some(context.clone()));
    UNCACHED_PUT.hold("UNCACHED_PUT in requests.rs", &counts);
    UNCACHED_GET
        .hold("UNCACHED_GET in requests.rs", &stored.gets(|number| value(OBJECTS + number)));
}

#[test]
fn a_put_elsewhere_is_forwarded_once() {
    let mut stored = Stored::elsewhere(SIBLINGS);
    let counts = stored.puts(|context| Some(context.clone()));
    FORWARDED_PUT.hold("FORWARDED_PUT in requests.rs", &counts);
}

#[test]
fn a_get_elsewhere_fetches_one_state() {
    let mut stored = Stored::elsewhere(SIBLINGS);
    GET_ELSEWHERE.hold("GET_ELSEWHERE in requests.rs", &stored.gets(value));
}
