use std::ops::Bound;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::context::Context;
use crate::effect::Ticket;
use crate::identity::ActorId;
use crate::message::RequestId;
use crate::object::{BucketName, ConflictRule, Content, Key, Metadata, Value};
use crate::replica::{MintError, Minted, Stamps, Write};
use crate::request::Precedence;
use crate::store::{KeyRange, Keyspace, ScanItem, StoreError, WriteOp};

const ALICE: NodeId = NodeId::new(1);
const BOB: NodeId = NodeId::new(2);
const WAITER: Waiter = Waiter::Coordinator(RequestId::new(0, 1));

/// A disk: what is synced, and batches that are not.
#[derive(Default)]
struct Disk {
    synced: BTreeMap<Bytes, Bytes>,
    waiting: Vec<(Ticket, crate::store::Batch)>,
}

impl Disk {
    fn collect(&mut self, out: &mut Effects) {
        for effect in out.drain() {
            if let Effect::Write { batch, ticket } = effect {
                self.waiting.push((ticket, batch));
            }
        }
    }

    fn sync(&mut self) -> Option<Ticket> {
        let last = self.waiting.last().map(|(ticket, _)| *ticket);
        for (_, batch) in self.waiting.drain(..) {
            for op in batch.into_ops() {
                match op {
                    WriteOp::Put { key, value, .. } => drop(self.synced.insert(key, value)),
                    WriteOp::Delete { key, .. } => drop(self.synced.remove(&key)),
                }
            }
        }
        last
    }
}

impl ReadStore for Disk {
    fn get(&self, _: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.synced.get(key).cloned())
    }

    fn scan(
        &self,
        _: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError> {
        let from = (Bound::Included(range.from.clone()), Bound::Unbounded);
        let found = self.synced.range(from).take_while(|(key, _)| range.contains(key)).take(limit);
        Ok(found
            .map(|(key, value)| ScanItem { key: key.clone(), value: Ok(value.clone()) })
            .collect())
    }
}

/// A node that holds hints, and its disk.
struct Fallback {
    hints: Hints,
    journal: Journal,
    stamps: Stamps,
    disk: Disk,
    out: Effects,
    starts: u8,
}

const ALL: PartitionCount = match PartitionCount::new(1) {
    Ok(count) => count,
    Err(_) => panic!("one is a power of two"),
};
const WHOLE: Partition = Partition::new(0);

impl Fallback {
    fn new(limits: HintLimits) -> Self {
        let mut fallback = Self {
            hints: Hints::new(Random::from_seed([0; 32]), limits),
            journal: Journal::default(),
            stamps: Stamps::default(),
            disk: Disk::default(),
            out: Effects::new(),
            starts: 0,
        };
        fallback.count();
        fallback
    }

    fn count(&mut self) {
        while !self.hints.is_counted(WHOLE) {
            self.hints.count(ALL, WHOLE, 2, &self.disk).expect("a readable disk");
        }
    }

    fn restart(&mut self) {
        self.starts += 1;
        self.disk.waiting.clear();
        self.out = Effects::new();
        self.journal = Journal::default();
        self.hints = Hints::new(Random::from_seed([self.starts; 32]), HintLimits::default());
    }

    fn sync(&mut self) {
        self.disk.collect(&mut self.out);
        if let Some(ticket) = self.disk.sync() {
            self.hints.synced(ticket);
        }
    }

    fn take(
        &mut self,
        owner: NodeId,
        key: &ObjectKey,
        state: &EncodedState,
    ) -> Result<Durability, HintRefused> {
        let new = NewHint { owner, key, partition: WHOLE, state };
        let Self { hints, journal, disk, out, .. } = self;
        let mut desk = Desk { wall: WallTime::from_millis(5), journal, store: &*disk, out };
        hints.take(&new, WAITER, &mut desk)
    }

    fn mint(&mut self, key: &ObjectKey, text: &str, context: Context) -> Result<Minted, MintError> {
        let value = Value { bytes: Bytes::from(text.to_owned()), metadata: Metadata::default() };
        let write = Write {
            key,
            partition: WHOLE,
            context,
            value: Content::Value(value),
            precedence: Precedence::Newest,
            rule: ConflictRule::Siblings,
            max_siblings: 3,
        };
        let Self { hints, journal, disk, out, stamps, .. } = self;
        let mut desk = Desk { wall: WallTime::from_millis(5), journal, store: &*disk, out };
        hints.mint(ALICE, write, WAITER, stamps, &mut desk)
    }

    fn deliver(&mut self, owner: NodeId, key: &ObjectKey, digest: ObjectDigest) -> bool {
        let Self { hints, journal, disk, out, .. } = self;
        let mut desk = Desk { wall: WallTime::from_millis(5), journal, store: &*disk, out };
        hints.delivered(owner, key, WHOLE, digest, &mut desk)
    }

    fn held(&self, owner: NodeId) -> u64 {
        self.hints.held().get(&owner).map_or(0, |held| held.objects)
    }

    fn read(&self, key: &ObjectKey) -> Option<EncodedState> {
        self.hints.read(key, &self.disk).expect("readable")
    }
}

fn object(name: &str) -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"carts")).expect("a name");
    ObjectKey::new(bucket, Key::new(Bytes::from(name.to_owned())).expect("a name"))
}

fn state(fallback_seed: u8, text: &str) -> EncodedState {
    let mut other = Fallback::new(HintLimits::default());
    other.hints = Hints::new(Random::from_seed([fallback_seed; 32]), HintLimits::default());
    other.mint(&object("any"), text, Context::default()).expect("minted").encoded
}

fn actor_of(minted: &Minted, text: &str) -> ActorId {
    let state = minted.encoded.decode().expect("a state");
    let of = state.siblings().iter().find(|sibling| match &sibling.content {
        Content::Value(value) => value.bytes == text.as_bytes(),
        Content::Tombstone => false,
    });
    of.expect("what was written").dot.actor
}

#[test]
fn a_hint_is_read_merged_for_all_its_owners_and_only_what_is_synced_survives() {
    let mut node = Fallback::new(HintLimits::default());
    let key = object("cart");
    let (apple, pear) = (state(101, "apple"), state(102, "pear"));
    assert_eq!(node.take(ALICE, &key, &apple), Ok(Durability::Pending));
    assert_eq!(node.take(ALICE, &key, &apple), Ok(Durability::Pending), "known, not yet on disk");
    node.sync();
    assert_eq!(node.take(ALICE, &key, &apple), Ok(Durability::OnDisk));
    assert_eq!(node.take(BOB, &key, &pear), Ok(Durability::Pending));
    let both = node.read(&key).expect("held").decode().expect("a state");
    assert_eq!(both.siblings().len(), 2);
    assert_eq!((node.held(ALICE), node.held(BOB)), (1, 1));
    node.restart();
    assert!(node.hints.may_hold(ALL, WHOLE), "nobody has counted yet");
    node.count();
    assert_eq!((node.held(ALICE), node.held(BOB)), (1, 0), "what was not synced is gone");
    assert_eq!(node.read(&key), Some(apple));
}

/// Rule 11: deleted only if unchanged since it was sent, and gone only once that is durable.
#[test]
fn a_hint_that_changed_while_it_was_under_way_stays() {
    let mut node = Fallback::new(HintLimits::default());
    let key = object("cart");
    let (apple, pear) = (state(101, "apple"), state(102, "pear"));
    node.take(ALICE, &key, &apple).expect("taken");
    let sent = apple.digest();
    node.take(ALICE, &key, &pear).expect("taken");
    assert!(!node.deliver(ALICE, &key, sent), "the owner lacks the pear");
    let now = node.read(&key).expect("still held");
    node.sync();
    assert!(node.deliver(ALICE, &key, now.digest()));
    assert_eq!(node.read(&key), None);
    assert_eq!(node.held(ALICE), 0);
    assert!(node.hints.may_hold(ALL, WHOLE), "its deletion is not on disk");
    node.sync();
    assert!(!node.hints.may_hold(ALL, WHOLE));
    assert!(!node.deliver(ALICE, &key, now.digest()), "an acknowledgement that comes twice");
}

/// Rule 1: an id belongs to one hint and dies with it, and with the process.
#[test]
fn every_hint_is_minted_into_under_an_id_of_its_own_that_never_comes_back() {
    let mut node = Fallback::new(HintLimits::default());
    let (one, two) = (object("one"), object("two"));
    let first = node.mint(&one, "a", Context::default()).expect("minted");
    let again = node.mint(&one, "b", first.context.clone()).expect("minted");
    assert_eq!(actor_of(&first, "a"), actor_of(&again, "b"), "while the hint lives");
    let other = node.mint(&two, "c", Context::default()).expect("minted");
    assert_ne!(actor_of(&other, "c"), actor_of(&again, "b"));
    assert!(node.deliver(ALICE, &one, again.encoded.digest()));
    let after = node.mint(&one, "d", Context::default()).expect("minted");
    assert_ne!(actor_of(&after, "d"), actor_of(&again, "b"), "the hint had gone");
    node.sync();
    node.restart();
    node.count();
    let restarted = node.mint(&one, "e", Context::default()).expect("minted");
    assert_ne!(actor_of(&restarted, "e"), actor_of(&after, "d"), "the process had gone");
    let siblings = restarted.encoded.decode().expect("a state").siblings().len();
    assert_eq!(siblings, 2, "it was minted over what the hint held");
}

#[test]
fn a_put_into_a_hint_reads_what_is_kept_for_others_too_and_obeys_max_siblings() {
    let mut node = Fallback::new(HintLimits::default());
    let key = object("cart");
    node.take(BOB, &key, &state(101, "apple")).expect("taken");
    node.take(BOB, &key, &state(102, "pear")).expect("taken");
    let third = node.mint(&key, "plum", Context::default()).expect("minted");
    let whole = third.encoded.decode().expect("a state");
    assert_eq!(whole.siblings().len(), 3);
    let fourth = node.mint(&key, "fig", Context::default());
    assert_eq!(fourth.err(), Some(MintError::TooManySiblings { siblings: 4 }));
    assert!(node.mint(&key, "all", Context::of(&whole)).is_ok());
}

/// The trap "a hint that is dropped because its store is full": a new one is refused instead, and
/// one that is held still takes what is merged into it.
#[test]
fn past_the_limits_new_hints_are_refused_and_none_is_dropped() {
    let mut node = Fallback::new(HintLimits { bytes: 1 << 20, objects: 1 });
    let (one, two) = (object("one"), object("two"));
    let apple = state(101, "apple");
    assert!(node.take(ALICE, &one, &apple).is_ok());
    assert_eq!(node.take(ALICE, &two, &apple), Err(HintRefused::Full));
    assert_eq!(node.mint(&two, "x", Context::default()).err(), Some(MintError::HintsFull));
    assert!(node.take(ALICE, &one, &state(102, "pear")).is_ok());
    assert!(node.deliver(ALICE, &one, node.read(&one).expect("held").digest()));
    assert!(node.take(ALICE, &two, &apple).is_ok());
    let mut small = Fallback::new(HintLimits { bytes: 10, objects: 10 });
    assert_eq!(small.take(ALICE, &one, &apple), Err(HintRefused::Full));
}

proptest! {
    /// Hints come and go while those of the start are counted, a few at a time: each counts once.
    #[test]
    fn what_changes_while_hints_are_counted_is_counted_once(
        before in prop::collection::btree_set((0_u64..3, 0_usize..12), 0..20),
        acts in prop::collection::vec((0_u8..5, 0_u64..3, 0_usize..12), 1..40),
    ) {
        let mut node = Fallback::new(HintLimits::default());
        let mut expected: BTreeMap<(NodeId, usize), EncodedState> = BTreeMap::new();
        let mut change = |node: &mut Fallback, act: u8, owner: u64, number: usize| {
            let (owner, key) = (NodeId::new(owner), object(&number.to_string()));
            if act == 0 {
                let state = state(100 + number as u8, "x");
                node.take(owner, &key, &state).expect("taken");
                expected.insert((owner, number), state);
            } else if let Some(state) = expected.remove(&(owner, number)) {
                assert!(node.deliver(owner, &key, state.digest()));
            }
            expected.len() as u64
        };
        for (owner, number) in before {
            change(&mut node, 0, owner, number);
        }
        node.sync();
        node.restart();
        let mut held = node.disk.synced.len() as u64;
        for (act, owner, number) in acts {
            match act {
                0 | 1 => held = change(&mut node, act, owner, number),
                2 => node.sync(),
                _ => drop(node.hints.count(ALL, WHOLE, 2, &node.disk).expect("readable")),
            }
        }
        node.count();
        prop_assert_eq!((0..3).map(|owner| node.held(NodeId::new(owner))).sum::<u64>(), held);
        prop_assert_eq!(node.hints.may_hold(ALL, WHOLE), held > 0 || node.hints.unsynced() > 0);
    }

    /// Counts, pages and reads agree with what was taken and delivered, whatever is synced.
    #[test]
    fn the_ledger_and_the_pages_say_what_is_held(
        acts in prop::collection::vec((0_u8..4, 0_u64..3, 0_usize..12), 1..60),
        limit in 1_usize..6,
    ) {
        let mut node = Fallback::new(HintLimits::default());
        let mut expected: BTreeMap<(NodeId, ObjectKey), EncodedState> = BTreeMap::new();
        for (act, owner, number) in acts {
            let (owner, key) = (NodeId::new(owner), object(&number.to_string()));
            match act {
                0 | 1 => {
                    let state = state(100 + number as u8, "x");
                    node.take(owner, &key, &state).expect("taken");
                    expected.insert((owner, key), state);
                }
                2 => {
                    if let Some(state) = expected.remove(&(owner, key.clone())) {
                        prop_assert!(node.deliver(owner, &key, state.digest()));
                    }
                }
                _ => node.sync(),
            }
        }
        let mut found = BTreeMap::new();
        let mut after = None;
        loop {
            let page = node.hints.page(ALL.range_of(WHOLE), after.as_ref(), limit, &node.disk);
            let page = page.expect("readable");
            for (_, hint) in page.hints {
                let twice = found.insert((hint.owner, hint.key), hint.state);
                prop_assert!(twice.is_none());
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        prop_assert_eq!(&found, &expected);
        for owner in (0..3).map(NodeId::new) {
            let of_owner = expected.keys().filter(|(of, _)| *of == owner).count() as u64;
            prop_assert_eq!(node.held(owner), of_owner);
        }
        node.sync();
        let held = node.hints.held();
        node.restart();
        node.count();
        prop_assert_eq!(node.hints.held(), held);
    }
}

/// Rule 19: what can't be read is not "nothing here", which would count as an answer.
#[test]
fn a_damaged_hint_is_neither_served_nor_taken_for_none() {
    let mut node = Fallback::new(HintLimits::default());
    let (one, two) = (object("one"), object("two"));
    node.take(ALICE, &one, &state(101, "apple")).expect("taken");
    node.take(BOB, &one, &state(102, "pear")).expect("taken");
    node.take(ALICE, &two, &state(103, "plum")).expect("taken");
    node.sync();
    let at = HintKey::of(ALICE, &one);
    node.disk.synced.insert(at.as_bytes().clone(), Bytes::from_static(b"rot"));
    assert!(node.hints.read(&one, &node.disk).is_err(), "what is left is not all of it");
    assert!(matches!(node.mint(&one, "x", Context::default()), Err(MintError::Unreadable(_))));
    assert!(node.hints.read(&two, &node.disk).is_ok(), "others are served");
    let page = node.hints.page(ALL.range_of(WHOLE), None, 10, &node.disk).expect("readable");
    assert_eq!(page.hints.len(), 2, "it holds up nobody's way home");
}
