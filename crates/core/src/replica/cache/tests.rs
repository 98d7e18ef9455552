use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::tests::{Disk, ONE, WAITER, object, replica_with_cache, write};
use super::super::{Looked, Replica, Write};
use super::*;
use crate::context::Context;
use crate::effect::Effects;
use crate::merkle::LeafIndex;
use crate::object::{ConflictRule, ObjectKey};
use crate::request::Precedence;
use crate::time::{Now, WallTime};
use crate::token::Partition;

const CACHE_BYTES: u64 = 1 << 20;
const WHOLE: Partition = Partition::new(0);

/// What happens to one of a few objects.
#[derive(Clone, Debug)]
enum Act {
    /// A client writes, with what it has seen or without.
    Mint { key: usize, with_context: bool, last_write_wins: bool, above_seen: bool },
    /// The state that the other replica has comes.
    Merge { key: usize },
    /// The other replica mints.
    Elsewhere { key: usize, last_write_wins: bool },
    /// A reader asks for a digest.
    Digest { key: usize },
    /// What was written is on disk.
    Sync,
}

fn act() -> impl Strategy<Value = Act> {
    let key = || 0..3_usize;
    prop_oneof![
        4 => (key(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(key, with_context, last_write_wins, above_seen)| {
                Act::Mint { key, with_context, last_write_wins, above_seen }
            }
        ),
        3 => key().prop_map(|key| Act::Merge { key }),
        3 => (key(), any::<bool>())
            .prop_map(|(key, last_write_wins)| Act::Elsewhere { key, last_write_wins }),
        2 => key().prop_map(|key| Act::Digest { key }),
        4 => Just(Act::Sync),
    ]
}

/// A replica, its disk, and what is on its way there.
struct Side {
    replica: Replica,
    disk: Disk,
    out: Effects,
    remembers: bool,
}

impl Side {
    /// With a tree, so that writes change it.
    fn new(seed: u8, remembers: bool) -> Self {
        let (mut replica, disk, mut out) =
            (replica_with_cache(seed, CACHE_BYTES), Disk::default(), Effects::new());
        let looked = replica.look(Now::default(), Duration::MAX, 1, &disk, &mut out);
        assert_eq!(looked.expect("readable").0, Looked::Finished(WHOLE));
        Self { replica, disk, out, remembers }
    }

    fn mint(&mut self, write: Write<'_>) -> Option<Context> {
        self.forget();
        let Self { replica, disk, out, .. } = self;
        let minted = replica.mint(WallTime::from_millis(5), write, WAITER, disk, out);
        minted.ok().map(|minted| minted.context)
    }

    fn merge(&mut self, key: &ObjectKey, state: &EncodedState) {
        self.forget();
        let Self { replica, disk, out, .. } = self;
        replica.merge(key, state, WAITER, disk, out).expect("a state");
    }

    fn sync(&mut self) {
        if let Some(ticket) = self.disk.carry_out(&mut self.out) {
            self.replica.synced(ticket);
        }
    }

    fn forget(&mut self) {
        if !self.remembers {
            self.replica.cache = ObjectCache::within(CACHE_BYTES);
        }
    }

    fn state(&mut self, key: &ObjectKey) -> Option<EncodedState> {
        self.replica.read(key, &self.disk, &mut Effects::new()).expect("readable")
    }

    fn digest(&mut self, key: &ObjectKey) -> Option<ObjectDigest> {
        self.replica.read_digest(key, &self.disk, &mut Effects::new()).expect("readable")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A replica that caches objects does what one that reads everything does.
    #[test]
    fn what_is_remembered_is_what_would_be_read(acts in prop::collection::vec(act(), 1..60)) {
        let keys = [object("carts", b"a"), object("carts", b"b"), object("carts", b"c")];
        let (mut with, mut without) = (Side::new(1, true), Side::new(1, false));
        let mut elsewhere = Side::new(2, true);
        let mut contexts = [const { None }; 3];
        for (number, act) in acts.iter().enumerate() {
            let text = format!("{number} {}", "x".repeat(number));
            match *act {
                Act::Mint { key, with_context, last_write_wins, above_seen } => {
                    let context: Context = contexts[key].clone().filter(|_| with_context).unwrap_or_default();
                    let write = || {
                        let mut write = write(&keys[key], &text, context.clone(), 3);
                        if last_write_wins {
                            write.rule = ConflictRule::LastWriteWins;
                        }
                        if above_seen {
                            write.precedence = Precedence::AboveSeen;
                        }
                        write
                    };
                    let minted = with.mint(write());
                    prop_assert_eq!(&minted, &without.mint(write()));
                    contexts[key] = minted.or(contexts[key].take());
                }
                Act::Merge { key } => {
                    let Some(state) = elsewhere.state(&keys[key]) else { continue };
                    with.merge(&keys[key], &state);
                    without.merge(&keys[key], &state);
                }
                Act::Elsewhere { key, last_write_wins } => {
                    if let Some(state) = with.state(&keys[key]).filter(|_| number % 2 == 0) {
                        elsewhere.merge(&keys[key], &state);
                    }
                    let mut write = write(&keys[key], &text, Context::default(), 100);
                    if last_write_wins {
                        write.rule = ConflictRule::LastWriteWins;
                    }
                    elsewhere.mint(write);
                }
                Act::Digest { key } => {
                    let state = without.state(&keys[key]);
                    prop_assert_eq!(with.digest(&keys[key]), state.as_ref().map(EncodedState::digest));
                }
                Act::Sync => drop([&mut with, &mut without, &mut elsewhere].map(Side::sync)),
            }
            for key in &keys {
                prop_assert_eq!(with.state(key), without.state(key));
            }
        }
        let root = |side: &Side| side.replica.tree(WHOLE).expect("it was looked at").root();
        prop_assert_eq!(root(&with), root(&without));
        prop_assert_eq!(with.replica.bytes(WHOLE), without.replica.bytes(WHOLE));
    }
}

/// A leaf that is looked at again leaves out what is damaged, also what nobody had noticed.
#[test]
fn what_a_tree_does_not_count_is_not_remembered_as_counted() {
    let mut side = Side::new(1, true);
    let leaf = |key: &ObjectKey| LeafIndex::of(ONE, key.token());
    let first = object("carts", b"a");
    let beside = (0_u32..).map(|number| object("carts", &number.to_be_bytes()));
    let second = beside.into_iter().find(|key| leaf(key) == leaf(&first)).expect("there is one");
    let contexts = [&first, &second].map(|key| {
        let context = side.mint(write(key, "x", Context::default(), 100));
        side.sync();
        side.disk.damaged.push(StoreKey::of(key).as_bytes().clone());
        context.expect("minted")
    });
    side.replica.cache.remove(&StoreKey::of(&first));
    let read = side.replica.read(&first, &side.disk, &mut side.out);
    assert!(read.is_err(), "it is set aside");
    assert!(side.replica.clean_leaves(&side.disk));
    let [_, context] = contexts;
    side.mint(write(&second, "y", context, 100));
    side.replica.clean_leaves(&side.disk);
    side.sync();
    let there = side.replica.items(ONE, WHOLE, leaf(&first), &side.disk).expect("readable");
    let sum = there.iter().fold(0_u64, |sum, item| sum.wrapping_add(item.sum));
    let tree = side.replica.tree(WHOLE).expect("nothing is unclear");
    assert_eq!((there.len(), tree.leaf(leaf(&first)).short()), (1, sum));
}

#[test]
fn nothing_is_remembered_of_a_partition_that_is_given_up() {
    let mut side = Side::new(1, true);
    let key = object("carts", b"a");
    side.mint(write(&key, "x", Context::default(), 100));
    side.sync();
    side.replica.own(ONE, BTreeSet::new());
    let piece = side.replica.forget(WHOLE, None, 10, &side.disk).expect("readable");
    assert!(side.state(&key).is_some(), "it is still on the disk");
    side.replica.journal_mut().write(piece.batch, &mut side.out);
    side.sync();
    side.replica.own(ONE, BTreeSet::from([WHOLE]));
    assert_eq!(side.digest(&key), None);
}

/// The state of an object with one value of so many bytes, in both forms.
fn state(bytes: usize) -> (EncodedState, ObjectState) {
    let mut side = Side::new(1, true);
    let key = object("carts", b"a");
    side.mint(write(&key, &"x".repeat(bytes), Context::default(), 100));
    let encoded = side.state(&key).expect("it was written");
    let state = encoded.decode().expect("a state");
    (encoded, state)
}

#[test]
fn what_the_cache_takes_is_bounded() {
    const BYTES: u64 = 8 << 20;
    let (encoded, state) = state(10);
    let mut cache = ObjectCache::within(BYTES);
    for number in 0..200_000_u64 {
        let key = object("carts", &number.to_be_bytes());
        cache.insert(&StoreKey::of(&key), &encoded, encoded.digest(), || Some(state.versions()));
    }
    assert!(cache.counts().bytes <= BYTES);
    let at = |number: u64| StoreKey::of(&object("carts", &number.to_be_bytes()));
    let cached = (0..200_000).filter(|&number| cache.digest(&at(number)).is_some()).count();
    assert!(cached > 40_000, "{cached} are cached");
    assert!(cache.digest(&at(199_999)).is_some(), "the newest is");
}

/// Names whose tokens are the same can be made: MD5 is not what keeps two objects apart.
#[test]
fn objects_of_one_token_are_not_taken_for_one_another() {
    let of = |last| StoreKey::from_bytes(Bytes::from([&[7; 40][..], last].concat()));
    let (one, other, longer) = (of(b"a"), of(b"b"), of(b"ab"));
    let (mut cache, (encoded, state)) = (ObjectCache::within(CACHE_BYTES), state(10));
    cache.insert(&one, &encoded, encoded.digest(), || Some(state.versions()));
    assert_eq!(cache.state(&one), Some(encoded.clone()));
    assert_eq!((cache.state(&other), cache.digest(&longer)), (None, None));
    cache.insert(&longer, &encoded, encoded.digest(), || Some(state.versions()));
    assert!(cache.state(&one).is_some() && cache.state(&longer).is_some());
    cache.remove(&longer);
    assert!(cache.state(&one).is_some() && cache.state(&longer).is_none());
}

#[test]
fn a_cache_of_no_bytes_caches_nothing() {
    let (encoded, state) = state(10);
    let mut cache = ObjectCache::within(0);
    let at = StoreKey::of(&object("carts", b"a"));
    cache.insert(&at, &encoded, encoded.digest(), || Some(state.versions()));
    assert_eq!(cache.digest(&at), None);
}

/// Whatever was in an object's place before: larger, smaller, or much smaller.
#[test]
fn a_small_state_is_cached_whole_and_the_versions_of_a_large_one() {
    let mut cache = ObjectCache::within(CACHE_BYTES);
    let at = StoreKey::of(&object("carts", b"a"));
    for bytes in [10, WHOLE_BYTES + 1, 1000, 990, 11, 20, WHOLE_BYTES * 20, 0] {
        let (encoded, state) = state(bytes);
        cache.insert(&at, &encoded, encoded.digest(), || Some(state.versions()));
        let whole = (bytes < WHOLE_BYTES).then(|| encoded.clone());
        assert_eq!(cache.state(&at), whole, "{bytes}");
        let cached = cache.versions(&at).expect("it is cached");
        let len = encoded.as_bytes().len() as u64;
        assert_eq!((cached.digest, cached.len), (encoded.digest(), len));
        assert_eq!(cached.versions, state.versions());
    }
}

/// What was read is cached, and is not read again.
#[test]
fn what_is_asked_for_twice_is_read_once() {
    let mut side = Side::new(1, true);
    let key = object("carts", b"a");
    side.mint(write(&key, "x", Context::default(), 100));
    side.sync();
    side.replica.cache = ObjectCache::within(CACHE_BYTES);
    let first = side.state(&key);
    // Were it read, it would be found to be damaged.
    side.disk.damaged.push(StoreKey::of(&key).as_bytes().clone());
    assert_eq!(side.state(&key), first);
    assert_eq!(side.digest(&key), first.map(|state| state.digest()));
}

/// A scrub finds damage of an object that is cached: from then on it is as good as absent.
#[test]
fn nothing_is_remembered_of_an_object_that_is_set_aside() {
    let mut side = Side::new(1, true);
    let key = object("carts", b"a");
    side.mint(write(&key, "x", Context::default(), 100));
    side.sync();
    side.replica.pretend_damaged(&key, &mut side.out);
    assert_eq!(side.replica.cache.digest(&StoreKey::of(&key)), None);
}
