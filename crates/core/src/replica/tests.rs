use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::context::Context;
use crate::effect::Effect;
use crate::message::RequestId;
use crate::object::{BucketName, ConflictRule, Content, Key, Metadata, Value};
use crate::observe::Observation;
use crate::quorum::QuorumOptions;
use crate::request::{ListOrder, ListPosition, Precedence};
use crate::store::{KeyRange, ScanItem, StoreError, WriteOp};
use crate::time::{Stamp, WallTime};
use crate::token::PartitionCount;

/// A store whose every entry is on disk, and any of which may be damaged.
#[derive(Default)]
pub(super) struct Disk {
    entries: BTreeMap<(Keyspace, Bytes), Bytes>,
    pub(super) damaged: Vec<Bytes>,
}

impl Disk {
    fn read(&self, key: &Bytes, value: &Bytes) -> Result<Bytes, StoreError> {
        if self.damaged.contains(key) {
            let key = format!("{key:?}");
            return Err(StoreError::Corrupt { keyspace: Keyspace::Objects, key });
        }
        Ok(value.clone())
    }

    pub(super) fn holds(&self, key: &Bytes) -> bool {
        self.entries.contains_key(&(Keyspace::Objects, key.clone()))
    }

    pub(super) fn carry_out(&mut self, out: &mut Effects) -> Option<Ticket> {
        let mut last = None;
        for effect in out.drain() {
            let Effect::Write { batch, ticket } = effect else { continue };
            for op in batch.into_ops() {
                match op {
                    WriteOp::Put { keyspace, key, value } => {
                        self.damaged.retain(|damaged| *damaged != key);
                        self.entries.insert((keyspace, key), value);
                    }
                    WriteOp::Delete { keyspace, key } => {
                        drop(self.entries.remove(&(keyspace, key)));
                    }
                }
            }
            last = Some(ticket);
        }
        last
    }
}

impl ReadStore for Disk {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let key = Bytes::copy_from_slice(key);
        let found = self.entries.get(&(keyspace, key.clone()));
        found.map(|value| self.read(&key, value)).transpose()
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<ScanItem>, StoreError> {
        let from = Bound::Included((keyspace, range.from.clone()));
        let found = self.entries.range((from, Bound::Unbounded));
        Ok(found
            .take_while(|((space, key), _)| *space == keyspace && range.contains(key))
            .take(limit)
            .map(|((_, key), value)| ScanItem { key: key.clone(), value: self.read(key, value) })
            .collect())
    }
}

pub(super) const ONE: PartitionCount = match PartitionCount::new(1) {
    Ok(count) => count,
    Err(_) => panic!("one is a power of two"),
};
pub(super) const WAITER: Waiter = Waiter::Coordinator(RequestId::new(0, 1));

pub(super) fn object(bucket: &str, key: &[u8]) -> ObjectKey {
    ObjectKey::new(
        BucketName::new(Bytes::copy_from_slice(bucket.as_bytes())).expect("a bucket"),
        Key::new(Bytes::copy_from_slice(key)).expect("a key"),
    )
}

pub(super) fn write<'a>(
    key: &'a ObjectKey,
    text: &str,
    context: Context,
    max_siblings: u32,
) -> Write<'a> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let value = Content::Value(Value { bytes, metadata: Metadata::default() });
    let rule = ConflictRule::Siblings;
    Write {
        key,
        partition: Partition::new(0),
        context,
        value,
        precedence: Precedence::Newest,
        rule,
        max_siblings,
    }
}

/// One that reads all that it is asked for.
pub(super) fn replica(seed: u8) -> Replica {
    replica_with_cache(seed, 0)
}

pub(super) fn replica_with_cache(seed: u8, cache_bytes: u64) -> Replica {
    let mut replica = Replica::new(Random::from_seed([seed; 32]), cache_bytes);
    replica.own(ONE, BTreeSet::from([Partition::new(0)]));
    replica
}

pub(super) fn mint(replica: &mut Replica, disk: &mut Disk, key: &ObjectKey, text: &str) -> Minted {
    let mut out = Effects::new();
    let minted = replica
        .mint(
            WallTime::default(),
            write(key, text, Context::default(), 100),
            WAITER,
            disk,
            &mut out,
        )
        .expect("nothing stands against it");
    if let Some(ticket) = disk.carry_out(&mut out) {
        replica.synced(ticket);
    }
    minted
}

proptest! {
    /// Every name is found under its own key, short or hashed, and keys begin with the token.
    #[test]
    fn records_name_their_object(
        bucket in prop::collection::vec(any::<u8>(), 1..1024),
        key in prop::collection::vec(any::<u8>(), 1..3000),
    ) {
        let named = ObjectKey::new(
            BucketName::new(bucket.into()).expect("a bucket"),
            Key::new(key.into()).expect("a key"),
        );
        let at = StoreKey::of(&named);
        prop_assert!(at.as_bytes().len() <= crate::store::MAX_STORE_KEY);
        prop_assert_eq!(&at.as_bytes()[..16], &named.token().to_be_bytes()[..]);
        let state = EncodedState::of(&ObjectState::default());
        let record = encode_record(&at, &named, &state);
        prop_assert_eq!(decode_record(&at, &record), Ok((named, state)));
    }

    #[test]
    fn arbitrary_records_never_panic(
        at in prop::collection::vec(any::<u8>(), 0..80),
        value in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let _ = decode_record(&StoreKey::from_bytes(at.into()), &value.into());
    }

    /// A listing page by page finds every key of its bucket once, in order, whatever is synced.
    #[test]
    fn pages_cover_a_bucket_exactly(count in 0_usize..60, limit in 1_u32..10, synced in 0_usize..60) {
        let mut replica = replica(1);
        let mut disk = Disk::default();
        let mut expected = Vec::new();
        for number in 0..count {
            let bucket = if number % 3 == 0 { "other" } else { "carts" };
            let key = object(bucket, format!("key {number}").as_bytes());
            if number < synced {
                mint(&mut replica, &mut disk, &key, "x");
            } else {
                let write = write(&key, "x", Context::default(), 100);
                let mut out = Effects::new();
                replica.mint(WallTime::default(), write, WAITER, &disk, &mut out).expect("minted");
            }
            if bucket == "carts" {
                expected.push(StoreKey::of(&key).as_bytes().clone());
            }
        }
        expected.sort();
        let mut order = ListOrder {
            bucket: BucketName::new("carts".into()).expect("a bucket"),
            partition: Partition::new(0),
            after: None,
            limit,
            quorum: QuorumOptions::default(),
        };
        let mut found = Vec::new();
        loop {
            let page = replica.list(ONE, &order, &disk).expect("a readable store");
            prop_assert!(page.entries.len() <= limit as usize);
            found.extend(page.entries.into_iter().map(|entry| entry.position.0));
            match page.next {
                Some(next) => order.after = Some(next),
                None => break,
            }
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_listing_goes_on_past_many_objects_of_other_buckets_in_bounded_pages() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    for number in 0..3000 {
        mint(&mut replica, &mut disk, &object("other", format!("{number}").as_bytes()), "x");
    }
    mint(&mut replica, &mut disk, &object("carts", b"only"), "x");
    let mut order = ListOrder {
        bucket: BucketName::new("carts".into()).expect("a bucket"),
        partition: Partition::new(0),
        after: None,
        limit: 10,
        quorum: QuorumOptions::default(),
    };
    let (mut pages, mut found) = (0, 0);
    loop {
        let page = replica.list(ONE, &order, &disk).expect("a readable store");
        pages += 1;
        found += page.entries.len();
        let Some(ListPosition(next)) = page.next else { break };
        order.after = Some(ListPosition(next));
    }
    assert_eq!(found, 1);
    assert!(pages > 2, "one page must not scan everything");
}

/// The trap "torn tail, bit rot" and rules 1 and 19: a damaged object is never served and takes
/// writes; what was minted for its partition is not minted under again; it is served again only
/// once its peers have healed it, and a restart does not forget that.
#[test]
fn a_damaged_object_is_not_served_takes_writes_and_retires_the_id() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    let key = object("carts", b"alice");
    let before = mint(&mut replica, &mut disk, &key, "apple").encoded;
    disk.damaged.push(StoreKey::of(&key).as_bytes().clone());
    let mut out = Effects::new();
    assert!(replica.read(&key, &disk, &mut out).is_err());
    let reported = |effect: &Effect| matches!(effect, Effect::Observe(Observation::Damaged { .. }));
    let effects: Vec<Effect> = out.drain().collect();
    assert_eq!(effects.iter().filter(|effect| reported(effect)).count(), 1);
    for effect in effects {
        out.push(effect);
    }
    disk.carry_out(&mut out);
    let pear = mint(&mut replica, &mut disk, &key, "pear").encoded.decode().expect("a state");
    let actor = |state: &ObjectState| state.siblings()[0].dot.actor;
    assert_ne!(actor(&before.decode().expect("a state")), actor(&pear));
    assert!(replica.read(&key, &disk, &mut out).is_err(), "the apple is missing");

    let mut restarted = self::replica(2);
    restarted.load_quarantine(&disk).expect("readable");
    assert!(restarted.read(&key, &disk, &mut out).is_err());
    assert_eq!(restarted.quarantined(Partition::new(0)).collect::<Vec<_>>(), [&key]);
    assert_eq!(restarted.quarantined_count(Partition::new(0)), 1);
    restarted.heal(&key, Some(&before), WAITER, &disk, &mut out).expect("healed");
    let healed = restarted.read(&key, &disk, &mut out).expect("readable").expect("there");
    assert_eq!(healed.decode().expect("a state").siblings().len(), 2);
    assert_eq!(restarted.damage().1, 1);
    disk.carry_out(&mut out);
    let mut again = self::replica(3);
    again.load_quarantine(&disk).expect("readable");
    assert_eq!(again.quarantined_count(Partition::new(0)), 0);
}

/// The trap "sibling explosion": the limit refuses a put that would add, never one that resolves.
#[test]
fn max_siblings_refuses_only_what_adds() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    let key = object("carts", b"alice");
    mint(&mut replica, &mut disk, &key, "apple");
    let two = mint(&mut replica, &mut disk, &key, "pear").encoded.decode().expect("a state");
    let mut out = Effects::new();
    let third = write(&key, "plum", Context::default(), 2);
    let refused = replica.mint(WallTime::default(), third, WAITER, &disk, &mut out);
    assert_eq!(refused.err(), Some(MintError::TooManySiblings { siblings: 3 }));
    let resolving = write(&key, "all", Context::of(&two), 1);
    assert!(replica.mint(WallTime::default(), resolving, WAITER, &disk, &mut out).is_ok());
}

/// Rule 7 and the trap "clock jumps": stamps go up though the wall clock goes back.
#[test]
fn stamps_are_above_everything_seen() {
    let mut replica = replica(1);
    let disk = Disk::default();
    let key = object("carts", b"alice");
    let mut out = Effects::new();
    let mut mint_at = |wall: u64, context: Context| {
        let minted = replica
            .mint(
                WallTime::from_millis(wall),
                write(&key, "x", context, 100),
                WAITER,
                &disk,
                &mut out,
            )
            .expect("minted");
        minted.context.stamp
    };
    let first = mint_at(1000, Context::default());
    let second = mint_at(10, Context::default());
    assert!(second > first);
    let ahead = Context { stamp: Stamp::at(WallTime::from_millis(5000)), ..Context::default() };
    assert!(mint_at(20, ahead.clone()) > ahead.stamp);
}

/// Acknowledged means on disk: who sends a state that is known but not yet synced waits for the
/// batch that carries it.
#[test]
fn a_known_state_is_acknowledged_when_its_own_batch_is_synced() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    let key = object("carts", b"alice");
    let mut out = Effects::new();
    let first = write(&key, "apple", Context::default(), 100);
    let minted = replica.mint(WallTime::default(), first, WAITER, &disk, &mut out).expect("minted");
    let other = Waiter::Coordinator(RequestId::new(0, 2));
    let pending = replica.merge(&key, &minted.encoded, other, &disk, &mut out);
    assert_eq!(pending, Ok(Durability::Pending));
    assert_eq!(replica.unsynced(), 1);
    let ticket = disk.carry_out(&mut out).expect("one batch");
    assert_eq!(replica.synced(ticket), [WAITER, other]);
    assert_eq!(replica.unsynced(), 0);
    let known = replica.merge(&key, &minted.encoded, other, &disk, &mut out);
    assert_eq!(known, Ok(Durability::OnDisk));
}

/// A limit that was lowered afterwards does not stand in the way of a put that adds nothing.
#[test]
fn max_siblings_is_inclusive_and_lets_what_does_not_add_pass() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    let key = object("carts", b"alice");
    let first = mint(&mut replica, &mut disk, &key, "apple").encoded.decode().expect("a state");
    let mut out = Effects::new();
    let second = write(&key, "pear", Context::default(), 2);
    assert!(replica.mint(WallTime::default(), second, WAITER, &disk, &mut out).is_ok());
    let replacing = write(&key, "plum", Context::of(&first), 1);
    let minted = replica.mint(WallTime::default(), replacing, WAITER, &disk, &mut out);
    let state = minted.expect("two siblings were and are").encoded.decode().expect("a state");
    assert_eq!(state.siblings().len(), 2);
}

#[test]
fn a_partition_holds_data_from_the_first_write_on() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    let two = PartitionCount::new(2).expect("a power of two");
    let key = object("carts", b"alice");
    let mine = two.partition_of(key.token());
    let other = Partition::new(1 - mine.get());
    assert_eq!(replica.holds_data(two, mine, &disk), Ok(false));
    let mut out = Effects::new();
    let first = write(&key, "apple", Context::default(), 100);
    replica.mint(WallTime::default(), first, WAITER, &disk, &mut out).expect("minted");
    assert_eq!(replica.holds_data(two, mine, &disk), Ok(true), "in the buffer");
    let ticket = disk.carry_out(&mut out).expect("one batch");
    replica.synced(ticket);
    assert_eq!(replica.holds_data(two, mine, &disk), Ok(true), "on disk");
    assert_eq!(replica.holds_data(two, other, &disk), Ok(false));
}

/// What is buffered beyond the last stored row of a page belongs to a later page, and what is both
/// stored and buffered is listed once, wherever the page ends.
#[test]
fn a_listing_of_stored_and_buffered_objects_misses_none_at_a_page_end() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    let mut keys: Vec<ObjectKey> =
        (0..1500).map(|number| object("carts", format!("key {number}").as_bytes())).collect();
    keys.sort_by_key(StoreKey::of);
    let (stored, fresh): (Vec<_>, Vec<_>) =
        keys.iter().enumerate().partition(|(place, _)| place % 5 != 4);
    for (_, key) in &stored {
        mint(&mut replica, &mut disk, key, "x");
    }
    let last_of_page = stored[1023];
    let mut out = Effects::new();
    for (_, key) in fresh.into_iter().chain([last_of_page, stored[7]]) {
        let write = write(key, "y", Context::default(), 100);
        replica.mint(WallTime::default(), write, WAITER, &disk, &mut out).expect("minted");
    }
    let mut order = ListOrder {
        bucket: BucketName::new("carts".into()).expect("a bucket"),
        partition: Partition::new(0),
        after: None,
        limit: 5000,
        quorum: QuorumOptions::default(),
    };
    let mut found = Vec::new();
    loop {
        let page = replica.list(ONE, &order, &disk).expect("a readable store");
        found.extend(page.entries.into_iter().map(|entry| entry.key));
        match page.next {
            Some(next) => order.after = Some(next),
            None => break,
        }
    }
    assert_eq!(found, keys);
}

/// The longest key that a store takes is spelled out; a longer one is hashed.
#[test]
fn a_record_is_spelled_out_as_far_as_a_store_takes_it() {
    let of_length = |len: usize| {
        let name = Key::new(vec![b'k'; len - 16 - 2 - 7].into()).expect("a key");
        let bucket = BucketName::new("buckets".into()).expect("a bucket");
        StoreKey::of(&ObjectKey::new(bucket, name)).as_bytes().clone()
    };
    for spelled in [64, crate::store::MAX_STORE_KEY] {
        assert_eq!(of_length(spelled).len(), spelled);
        assert_eq!(of_length(spelled)[16..18], [0, 7]);
    }
    let hashed = of_length(crate::store::MAX_STORE_KEY + 1);
    assert_eq!(hashed[16..18], [0xff, 0xff]);
    assert_eq!(hashed.len(), 16 + 2 + 32);
}

/// What is written beside objects (hints, what does not count) is neither before what was written
/// earlier nor told as synced before it, and hints are stamped above what replicas minted.
#[test]
fn what_is_written_beside_objects_goes_through_the_same_order() {
    let mut replica = replica(1);
    let disk = Disk::default();
    let key = object("carts", b"alice");
    let mut out = Effects::new();
    let first = write(&key, "apple", Context::default(), 100);
    replica.mint(WallTime::from_millis(5), first, WAITER, &disk, &mut out).expect("minted");
    let nobody = |number| Waiter::Coordinator(RequestId::new(0, number));
    let second = replica.journal_mut().write(Batch::new(), &mut out);
    replica.journal_mut().wait(second, nobody(2));
    let (journal, stamps) = replica.journal_and_stamps();
    assert_ne!(*stamps, Stamps::default());
    let third = journal.write(Batch::new(), &mut out);
    journal.wait(third, nobody(3));
    assert!(second < third);
    assert_eq!(replica.synced(second), [WAITER, nobody(2)]);
    assert_eq!(replica.synced(third), [nobody(3)]);
}

/// Nobody else has ever seen it and nothing was written since: healed, it is not there.
#[test]
fn a_damaged_object_that_nobody_else_has_seen_is_gone_once_healed() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    let key = object("carts", b"alice");
    mint(&mut replica, &mut disk, &key, "apple");
    let at = StoreKey::of(&key).as_bytes().clone();
    disk.damaged.push(at.clone());
    let mut out = Effects::new();
    assert!(replica.read(&key, &disk, &mut out).is_err());
    replica.heal(&key, None, WAITER, &disk, &mut out).expect("healed");
    disk.carry_out(&mut out);
    assert!(!disk.holds(&at));
    assert_eq!(replica.read(&key, &disk, &mut out), Ok(None));
}

#[test]
fn a_place_in_the_store_is_shown_in_hex() {
    let at = StoreKey::from_bytes(Bytes::from_static(&[0, 0xab]));
    assert_eq!(format!("{at:?}"), "StoreKey(00ab)");
}

/// Rule 1: what was written over a damaged object may be damaged as well before it is healed; the
/// id of that second write is retired too.
#[test]
fn an_object_that_is_damaged_again_before_it_is_healed_retires_the_id_again() {
    let mut replica = replica(1);
    let mut disk = Disk::default();
    let key = object("carts", b"alice");
    let at = StoreKey::of(&key).as_bytes().clone();
    let mut actors = BTreeSet::new();
    for text in ["apple", "pear", "plum"] {
        let minted = mint(&mut replica, &mut disk, &key, text).encoded.decode().expect("a state");
        actors.insert(minted.siblings()[0].dot.actor);
        disk.damaged.push(at.clone());
    }
    assert_eq!(actors.len(), 3);
}
