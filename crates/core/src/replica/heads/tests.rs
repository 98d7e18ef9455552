use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::tests::{Disk, ONE, WAITER, object, replica, write};
use super::super::{Looked, Replica, Write};
use super::*;
use crate::context::Context;
use crate::effect::Effects;
use crate::merkle::LeafIndex;
use crate::object::{ConflictRule, ObjectKey};
use crate::request::Precedence;
use crate::time::{Now, WallTime};
use crate::token::Partition;

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
        let (mut replica, disk, mut out) = (replica(seed), Disk::default(), Effects::new());
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
            self.replica.heads.clear();
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

    /// A replica that remembers heads does what one that reads everything does.
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
    let piece = side.replica.forget(WHOLE, None, 10, &side.disk).expect("readable");
    side.replica.journal_mut().write(piece.batch, &mut side.out);
    side.sync();
    side.replica.own(ONE, BTreeSet::from([WHOLE]));
    assert_eq!(side.digest(&key), None);
}

#[test]
fn what_heads_take_is_bounded() {
    let (state, mut heads) = (ObjectState::default(), Heads::of_one_shard(4));
    let encoded = EncodedState::of(&state);
    let head = Head::of(&encoded, encoded.digest(), &state);
    for number in 0..200_000_u64 {
        let key = object("carts", &number.to_be_bytes());
        heads.insert(StoreKey::of(&key), head.clone());
    }
    assert!(heads.0.weight() <= NODE_BYTES / 4);
    assert!(heads.0.len() > 40_000, "{} are remembered", heads.0.len());
    let long = StoreKey::from_bytes(Bytes::from(vec![7; 300]));
    heads.insert(long.clone(), head);
    assert!(heads.get(&long).is_some());
}
