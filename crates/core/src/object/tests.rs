use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::context::Context;
use crate::identity::ActorId;
use crate::time::{Stamp, WallTime};
use crate::version::{Dot, VersionVector};

/// What happens to three replicas of one object, as production code would do it.
#[derive(Clone, Debug)]
enum Act {
    /// A client writes at a replica, with the context it holds or without one.
    Write { replica: usize, client: usize, with_context: bool, tombstone: bool },
    /// A client reads a replica.
    Read { replica: usize, client: usize },
    /// One replica's state reaches another.
    Send { from: usize, to: usize },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..3_usize, 0..3_usize, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
            |(replica, client, with_context, tombstone)| Act::Write {
                replica,
                client,
                with_context,
                tombstone
            }
        ),
        (0..3_usize, 0..3_usize).prop_map(|(replica, client)| Act::Read { replica, client }),
        (0..3_usize, 0..3_usize).prop_map(|(from, to)| Act::Send { from, to }),
    ]
}

fn value(text: &str) -> Content {
    let metadata = Metadata {
        content_type: Bytes::from_static(b"text/plain"),
        user: vec![(Bytes::from_static(b"by"), Bytes::copy_from_slice(text.as_bytes()))],
        expires_at: text.len().is_multiple_of(2).then(|| WallTime::from_millis(7)),
    };
    Content::Value(Value { bytes: Bytes::copy_from_slice(text.as_bytes()), metadata })
}

/// Replicas and clients, with the truth about what each write had superseded.
struct World {
    rule: ConflictRule,
    replicas: [ObjectState; 3],
    counters: [u64; 3],
    clients: [(Context, Vec<u64>); 3],
    /// For each write, the writes that its writer had truly seen.
    seen: Vec<Vec<u64>>,
}

impl World {
    fn new(rule: ConflictRule) -> Self {
        Self {
            rule,
            replicas: Default::default(),
            counters: [0; 3],
            clients: Default::default(),
            seen: Vec::new(),
        }
    }

    /// The writes whose values a state holds: a write's number is its value.
    fn held(state: &ObjectState) -> Vec<u64> {
        state.siblings().iter().map(Self::number).collect()
    }

    /// Stamps are unique in these tests, and one above the write's number.
    fn number(sibling: &Sibling) -> u64 {
        let Content::Value(value) = &sibling.content else {
            return sibling.stamp.to_bits() >> 20;
        };
        std::str::from_utf8(&value.bytes).expect("text").parse().expect("a number")
    }

    fn truth(&self, state: &ObjectState) -> Vec<u64> {
        let mut all = Self::held(state);
        for write in all.clone() {
            all.extend(&self.seen[write as usize]);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn write(&mut self, replica: usize, client: usize, with_context: bool, tombstone: bool) {
        let number = self.seen.len() as u64;
        let (context, truth) =
            if with_context { self.clients[client].clone() } else { Default::default() };
        self.counters[replica] += 1;
        let dot = Dot { actor: ActorId::new(replica as u64), counter: self.counters[replica] };
        let content = if tombstone { Content::Tombstone } else { value(&number.to_string()) };
        let stamp = Stamp::from_bits(number << 20);
        let state = &mut self.replicas[replica];
        state.write(self.rule, &context, Sibling { dot, stamp, content });
        self.seen.push(truth.clone());
        let context = context.after_put(dot, state);
        let mut seen = if state.siblings().len() == 1 {
            self.truth(&self.replicas[replica].clone())
        } else {
            truth
        };
        seen.push(number);
        self.clients[client] = (context, seen);
    }

    fn run(&mut self, acts: &[Act]) {
        for act in acts.iter().cloned() {
            match act {
                Act::Write { replica, client, with_context, tombstone } => {
                    self.write(replica, client, with_context, tombstone);
                }
                Act::Read { replica, client } => {
                    let state = self.replicas[replica].clone();
                    self.clients[client] = (Context::of(&state), self.truth(&state));
                }
                Act::Send { from, to } => {
                    let state = self.replicas[from].clone();
                    self.replicas[to] = std::mem::take(&mut self.replicas[to]).merge(state);
                }
            }
        }
    }

    fn converged(&self) -> ObjectState {
        let [a, b, c] = self.replicas.clone();
        a.merge(b).merge(c)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Rules 4 and 5; the traps "plain vector clocks", "sibling explosion" and "forged context" at
    /// the level of one object: a write is gone only if some writer had truly seen it, and is
    /// there only if no write that covers it is known.
    #[test]
    fn no_write_is_lost_and_none_comes_back(acts in prop::collection::vec(act(), 1..60)) {
        let mut world = World::new(ConflictRule::Siblings);
        world.run(&acts);
        let have = World::held(&world.converged());
        let superseded: Vec<u64> = world.seen.iter().flatten().copied().collect();
        for write in 0..world.seen.len() as u64 {
            prop_assert!(
                have.contains(&write) || superseded.contains(&write),
                "write {write} is lost: {have:?}"
            );
        }
    }

    /// A writer that reads before it writes leaves its value alone at its replica: a put discards
    /// exactly what its context covers.
    #[test]
    fn a_put_with_the_context_of_a_full_read_leaves_one_sibling(
        acts in prop::collection::vec(act(), 1..40), replica in 0..3_usize,
    ) {
        let mut world = World::new(ConflictRule::Siblings);
        world.run(&acts);
        world.run(&[
            Act::Read { replica, client: 0 },
            Act::Write { replica, client: 0, with_context: true, tombstone: false },
        ]);
        prop_assert_eq!(world.replicas[replica].siblings().len(), 1);
    }

    #[test]
    fn merge_is_commutative_associative_and_idempotent(
        acts in prop::collection::vec(act(), 1..60), lww in any::<bool>(),
    ) {
        let rule = if lww { ConflictRule::LastWriteWins } else { ConflictRule::Siblings };
        let mut world = World::new(rule);
        world.run(&acts);
        let [a, b, c] = world.replicas;
        prop_assert_eq!(a.clone().merge(b.clone()), b.clone().merge(a.clone()));
        prop_assert_eq!(
            a.clone().merge(b.clone()).merge(c.clone()),
            a.clone().merge(b.clone().merge(c.clone()))
        );
        prop_assert_eq!(a.clone().merge(a.clone()), a.clone());
        prop_assert_eq!(a.clone().merge(ObjectState::default()), a);
    }

    /// What a replica makes of cached versions: they say whose state a merge is.
    #[test]
    fn versions_merge_as_states_do(acts in prop::collection::vec(act(), 1..60), lww in any::<bool>()) {
        let rule = if lww { ConflictRule::LastWriteWins } else { ConflictRule::Siblings };
        let mut world = World::new(rule);
        world.run(&acts);
        let [a, b, _] = world.replicas;
        let (merged, versions) = (a.clone().merge(b.clone()), a.versions().merge(b.versions()));
        prop_assert_eq!(merged.versions(), versions.clone());
        prop_assert_eq!(a.supersedes(&b), versions == a.versions());
        prop_assert_eq!(b.supersedes(&a), versions == b.versions());
        prop_assert_eq!(a.versions().supersedes(&b.versions()), a.supersedes(&b));
        if versions == b.versions() {
            prop_assert_eq!(merged, b);
        } else if versions == a.versions() {
            prop_assert_eq!(merged, a);
        }
    }

    /// Rule 7: two versions never cover and outrank each other so that both vanish; the newest of
    /// all stays.
    #[test]
    fn last_write_wins_keeps_the_newest_of_all(acts in prop::collection::vec(act(), 1..60)) {
        let mut world = World::new(ConflictRule::LastWriteWins);
        world.run(&acts);
        let have = World::held(&world.converged());
        match world.seen.len() as u64 {
            0 => prop_assert!(have.is_empty()),
            writes => prop_assert_eq!(have, vec![writes - 1]),
        }
    }

    #[test]
    fn encoding_is_canonical(acts in prop::collection::vec(act(), 0..40)) {
        let mut world = World::new(ConflictRule::Siblings);
        world.run(&acts);
        let state = world.converged();
        let encoded = state.encode();
        let decoded = ObjectState::decode(&encoded).expect("what was encoded");
        prop_assert_eq!(&decoded, &state);
        prop_assert_eq!(decoded.encode(), encoded.clone());
        prop_assert_eq!(ObjectState::decode_versions(&encoded), Ok(state.versions()));
    }

    /// The trap "torn tail, bit rot" at the level of the decoder: no panic, and whatever is taken
    /// is canonical.
    #[test]
    fn damaged_encodings_are_refused_or_canonical(
        acts in prop::collection::vec(act(), 1..20), at in any::<prop::sample::Index>(), bits in 1_u8..,
    ) {
        let mut world = World::new(ConflictRule::Siblings);
        world.run(&acts);
        let mut encoded = world.converged().encode().to_vec();
        let at = at.index(encoded.len());
        encoded[at] ^= bits;
        let damaged = Bytes::from(encoded);
        let decoded = ObjectState::decode(&damaged);
        if let Ok(state) = &decoded {
            prop_assert_eq!(state.encode(), damaged.clone());
            prop_assert_eq!(ObjectState::decode_versions(&damaged), Ok(state.versions()));
        }
        let whole = world.converged().encode();
        prop_assert!(ObjectState::decode(&whole.slice(..at)).is_err(), "cut off at {}", at);
    }

    #[test]
    fn arbitrary_bytes_never_panic_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        if let Ok(state) = ObjectState::decode(&bytes) {
            prop_assert_eq!(state.encode(), bytes);
        }
    }
}

/// The trap "plain vector clocks": two clients write through one coordinator with one old context.
#[test]
fn two_writes_with_one_context_through_one_coordinator_are_siblings() {
    let mut world = World::new(ConflictRule::Siblings);
    world.run(&[
        Act::Write { replica: 0, client: 0, with_context: false, tombstone: false },
        Act::Read { replica: 0, client: 0 },
        Act::Read { replica: 0, client: 1 },
        Act::Write { replica: 0, client: 0, with_context: true, tombstone: false },
        Act::Write { replica: 0, client: 1, with_context: true, tombstone: false },
    ]);
    assert_eq!(World::held(&world.replicas[0]), [1, 2]);
}

/// The context of a put does not cover siblings that its writer was never shown.
#[test]
fn a_put_after_a_blind_put_replaces_only_its_own_sibling() {
    let mut world = World::new(ConflictRule::Siblings);
    world.run(&[
        Act::Write { replica: 0, client: 0, with_context: false, tombstone: false },
        Act::Write { replica: 0, client: 1, with_context: false, tombstone: false },
        Act::Write { replica: 0, client: 1, with_context: true, tombstone: false },
    ]);
    assert_eq!(World::held(&world.replicas[0]), [0, 2]);
}

/// A writer that goes on from its own put at a replica which has not seen it yet supersedes it all
/// the same once both meet, unless others wrote beside it.
#[test]
fn a_put_with_a_puts_context_at_another_replica_supersedes_it() {
    let mut world = World::new(ConflictRule::Siblings);
    world.run(&[
        Act::Write { replica: 0, client: 0, with_context: false, tombstone: false },
        Act::Write { replica: 1, client: 0, with_context: true, tombstone: false },
    ]);
    assert_eq!(World::held(&world.converged()), [1]);
}

/// The trap "sending deltas where the merge rule assumes whole states".
#[test]
fn a_state_without_one_of_its_live_siblings_would_lose_it() {
    let mut world = World::new(ConflictRule::Siblings);
    world.run(&[
        Act::Write { replica: 0, client: 0, with_context: false, tombstone: false },
        Act::Write { replica: 0, client: 1, with_context: false, tombstone: false },
    ]);
    let whole = world.replicas[0].clone();
    let mut delta = whole.clone();
    delta.siblings.remove(0);
    let merged = ObjectState::default().merge(whole.clone()).merge(delta);
    assert_ne!(merged, whole, "a delta is not a state: this is why states travel whole");
}

/// The trap "Merkle tree and TTL": expiry is part of the version and does not change its bytes.
#[test]
fn an_expired_value_is_not_live_and_hashes_as_before() {
    let mut world = World::new(ConflictRule::Siblings);
    for _ in 0..11 {
        world.run(&[
            Act::Read { replica: 0, client: 0 },
            Act::Write { replica: 0, client: 0, with_context: true, tombstone: false },
        ]);
    }
    let state = &world.replicas[0];
    let sibling = &state.siblings()[0];
    let digest = ObjectDigest::of_encoded(&state.encode());
    assert!(sibling.live(WallTime::from_millis(6)).is_some());
    assert!(sibling.live(WallTime::from_millis(7)).is_none());
    assert_eq!(ObjectDigest::of_encoded(&state.encode()), digest);
}

#[test]
fn names_are_bounded_inclusively() {
    let key = |len: usize| Key::new(vec![0; len].into());
    assert_eq!(key(0), Err(NameError::Empty { what: "key" }));
    assert!(key(1).is_ok() && key(Key::MAX_LEN).is_ok());
    let too_long = NameError::TooLong { what: "key", len: 65_537, max: 65_536 };
    assert_eq!(key(Key::MAX_LEN + 1), Err(too_long));
    let bucket = |text: &'static str| BucketName::new(text.into()).expect("a valid name");
    assert!(bucket("redis.0").is_redis_database() && bucket("redis.15").is_redis_database());
    assert!(!bucket("redis.16").is_redis_database() && !bucket("redis.").is_redis_database());
}

#[test]
fn names_are_shown_so_that_they_can_be_told_apart_and_read_back() {
    let bucket = BucketName::new(Bytes::from_static(b"50%")).expect("a valid name");
    let key = Key::new(Bytes::from_static(b"a b/\x00\xff")).expect("a valid name");
    let object = ObjectKey::new(bucket.clone(), key.clone());
    assert_eq!(object.to_string(), "50%25/a b/%00%FF");
    assert_eq!(format!("{bucket:?}"), "BucketName(50%25)");
    assert_eq!(format!("{key:?}"), "Key(a b/%00%FF)");
    assert_eq!(format!("{object:?}"), "ObjectKey(50%25/a b/%00%FF)");
    let digest = ObjectDigest::new([0xab; 16]);
    assert_eq!(digest.to_string(), "ab".repeat(16));
    assert_eq!(format!("{digest:?}"), format!("ObjectDigest({digest})"));
}

#[test]
fn a_state_says_its_rule_its_newest_stamp_and_whether_it_was_ever_written() {
    let unwritten = ObjectState::default();
    assert!(unwritten.is_unwritten());
    assert_eq!(unwritten.newest_stamp(), Stamp::default());
    let mut state = unwritten;
    for (counter, millis) in [(1, 70), (2, 90), (3, 80)] {
        state.write(ConflictRule::Siblings, &Context::default(), sibling(counter, millis));
    }
    assert!(!state.is_unwritten());
    assert_eq!(state.rule(), ConflictRule::Siblings);
    assert_eq!(state.newest_stamp(), Stamp::at(WallTime::from_millis(90)));
}

/// A replica that had not heard that the bucket is last-write-wins holds siblings; one that had
/// settles all of them.
#[test]
fn many_siblings_are_settled_once_the_rule_is_known() {
    let mut unaware = ObjectState::default();
    for (counter, millis) in [(1, 70), (2, 90), (3, 80)] {
        unaware.write(ConflictRule::Siblings, &Context::default(), sibling(counter, millis));
    }
    let mut aware = ObjectState::default();
    let mut older = sibling(1, 60);
    older.dot.actor = ActorId::new(8);
    aware.write(ConflictRule::LastWriteWins, &Context::default(), older);
    let settled = unaware.clone().merge(aware.clone());
    assert_eq!(settled.siblings(), [sibling(2, 90)]);
    assert_eq!(settled.rule(), ConflictRule::LastWriteWins);
    assert_eq!(aware.merge(unaware), settled);
}

/// A listing shows a state without its bytes, and with everything else.
#[test]
fn an_outline_lacks_the_bytes_of_values_and_nothing_else() {
    let mut state = ObjectState::default();
    let with = |counter, content| Sibling { content, ..sibling(counter, 70) };
    state.write(ConflictRule::Siblings, &Context::default(), with(1, value("apple")));
    state.write(ConflictRule::Siblings, &Context::default(), with(2, Content::Tombstone));
    let outline = state.clone().outline();
    assert_eq!(outline.vector(), state.vector());
    assert_eq!(outline.siblings()[1], state.siblings()[1]);
    let metadata = |state: &ObjectState| match &state.siblings()[0].content {
        Content::Value(value) => (value.bytes.len(), value.metadata.clone()),
        Content::Tombstone => panic!("it is a value"),
    };
    assert_eq!(metadata(&outline), (0, metadata(&state).1));
}

#[test]
fn bytes_after_a_state_are_refused() {
    let mut state = ObjectState::default();
    state.write(ConflictRule::Siblings, &Context::default(), sibling(1, 70));
    let longer = [&state.encode()[..], &[0]].concat();
    let refused = DecodeError::NotCanonical("bytes are left over");
    assert_eq!(ObjectState::decode(&longer.into()), Err(refused));
}

fn sibling(counter: u64, millis: u64) -> Sibling {
    let dot = Dot { actor: ActorId::new(7), counter };
    let stamp = Stamp::at(WallTime::from_millis(millis));
    Sibling { dot, stamp, content: Content::Tombstone }
}

/// States that no history of one cluster makes, but a damaged or a foreign one may: the answer is
/// still that of a merge.
#[test]
fn supersedes_says_what_a_merge_would() {
    let dot = |actor, counter| Dot { actor: ActorId::new(actor), counter };
    let sibling = |dot: Dot, stamp| Sibling {
        dot,
        stamp: Stamp::from_bits(stamp),
        content: Content::Tombstone,
    };
    let (a, b) = (dot(1, 1), dot(2, 1));
    let vectors = [&[a][..], &[b], &[a, b]];
    let siblings =
        [vec![], vec![sibling(a, 5)], vec![sibling(b, 6)], vec![sibling(a, 5), sibling(b, 6)]];
    let mut states = Vec::new();
    for rule in [ConflictRule::Siblings, ConflictRule::LastWriteWins] {
        for (dots, siblings) in
            vectors.iter().flat_map(|dots| siblings.iter().map(move |it| (dots, it)))
        {
            let vector =
                VersionVector::from_entries(dots.iter().map(|dot| (dot.actor, dot.counter)));
            let is_state = siblings.iter().all(|sibling| vector.covers(sibling.dot))
                && (rule == ConflictRule::Siblings || siblings.len() < 2);
            if is_state {
                states.push(ObjectState { rule, siblings: siblings.clone(), vector });
            }
        }
    }
    let mut superseded = 0;
    for ours in &states {
        for theirs in &states {
            let stays = ours.clone().merge(theirs.clone()) == *ours;
            assert_eq!(ours.supersedes(theirs), stays, "{ours:?} and {theirs:?}");
            superseded += usize::from(stays);
        }
    }
    assert!(superseded > states.len() && superseded < states.len() * states.len() / 2);
}
