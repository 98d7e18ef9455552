use std::time::Duration;

use bytes::Bytes;

use super::super::Looked;
use super::super::tests::{Disk, ONE, WAITER, mint, object, replica_with_cache};
use super::*;
use crate::context::Context;
use crate::object::{ConflictRule, Content, Metadata, Sibling, Value};
use crate::time::{Instant, Now, Stamp};
use crate::version::Dot;

const WHOLE: Partition = Partition::new(0);

fn value() -> Content {
    Content::Value(Value { bytes: Bytes::from_static(b"x"), metadata: Metadata::default() })
}

/// A state that has seen all of `gone`, and has one sibling of each of `siblings`.
fn state(
    gone: impl IntoIterator<Item = u64>,
    siblings: impl IntoIterator<Item = u64>,
    content: &Content,
) -> ObjectState {
    let mut state = ObjectState::default();
    let write = |state: &mut ObjectState, actor, seen: &Context| {
        let dot = Dot { actor: ActorId::new(actor), counter: 1 };
        let new = Sibling { dot, stamp: Stamp::default(), content: content.clone() };
        state.write(ConflictRule::Siblings, seen, new);
    };
    for actor in gone {
        let all = Context::of(&state);
        write(&mut state, actor, &all);
    }
    let all = Context::of(&state);
    siblings.into_iter().for_each(|actor| write(&mut state, actor, &all));
    state
}

fn tombstone(actor: u64) -> ObjectState {
    state([], [actor], &Content::Tombstone)
}

/// One replica, and a disk that has everything but what was just dropped.
struct Held {
    replica: Replica,
    disk: Disk,
    out: Effects,
    wall: WallTime,
}

impl Held {
    fn new() -> Self {
        let (disk, out) = (Disk::default(), Effects::new());
        Self { replica: replica_with_cache(1, 1 << 20), disk, out, wall: WallTime::default() }
    }

    fn store(&mut self, name: &str, state: &ObjectState) {
        self.buffer(name, state);
        let ticket = self.disk.carry_out(&mut self.out).expect("one batch");
        self.replica.synced(ticket);
    }

    fn buffer(&mut self, name: &str, state: &ObjectState) {
        let (key, state) = (object("carts", name.as_bytes()), EncodedState::of(state));
        self.replica.merge(&key, &state, WAITER, &self.disk, &mut self.out).expect("merged");
    }

    fn look(&mut self) {
        let instant = Instant::default().after(Duration::from_hours(1));
        let (now, interval) = (Now { instant, wall: self.wall }, Duration::ZERO);
        while self
            .replica
            .look(now, interval, u64::MAX, &self.disk, &mut self.out)
            .expect("looked")
            .0
            != Looked::Finished(WHOLE)
        {}
    }

    fn search(&self, after: Option<&StoreKey>) -> Candidates {
        self.replica.candidates(self.wall, ONE, WHOLE, after, &self.disk).expect("readable")
    }

    fn agree(&mut self, round: Round, candidates: &[Candidate]) -> Option<Agreement> {
        self.replica.agree(WHOLE, round, candidates, &self.disk, &mut self.out)
    }

    fn drop_collected(&mut self, candidates: &[Candidate]) -> Dropped {
        let live = BTreeSet::new();
        let (wall, disk) = (self.wall, &self.disk);
        self.replica.drop_collected(wall, WHOLE, candidates, &live, disk, &mut self.out)
    }
}

fn candidate(name: &str, state: &ObjectState) -> Candidate {
    let key = object("carts", name.as_bytes());
    Candidate { token: key.token(), sum: TreeSum::of(&key, EncodedState::of(state).digest()) }
}

fn expiring(actor: u64, millis: u64) -> ObjectState {
    let expires_at = Some(WallTime::from_millis(millis));
    let metadata = Metadata { expires_at, ..Metadata::default() };
    let content = Content::Value(Value { bytes: Bytes::from_static(b"x"), metadata });
    state([], [actor], &content)
}

/// By each replica's own clock: what has not expired here is not dropped here, whoever else thinks
/// so; what has is collected like a tombstone.
#[test]
fn an_expired_value_is_collected_like_a_tombstone_and_not_before() {
    let mut held = Held::new();
    let (early, late) = (expiring(3, 1000), expiring(4, 2000));
    let mut beside = expiring(5, 1000);
    beside = beside.merge(state([], [6], &value()));
    for (name, state) in [("early", &early), ("late", &late), ("beside", &beside)] {
        held.store(name, state);
    }
    held.look();
    assert_eq!(held.search(None).found, [], "nothing has expired");
    held.wall = WallTime::from_millis(1000);
    held.look();
    assert_eq!(held.replica.found(WHOLE).tombstones, 1);
    let candidates = [candidate("early", &early)];
    assert_eq!(held.search(None).found, candidates, "a living value beside it keeps an object");

    let agreed = held.agree(Round(1), &candidates).expect("it can tell");
    assert_eq!(agreed.same, [true]);
    held.wall = WallTime::from_millis(999);
    assert_eq!(held.drop_collected(&candidates), Dropped::default(), "a clock that is behind");
    held.wall = WallTime::from_millis(1000);
    assert_eq!(held.drop_collected(&candidates), Dropped { tombstones: 1, pruned: 0 });
    held.look();
    assert_eq!(held.search(None).found, [], "it is gone");
    let Held { mut replica, mut disk, mut out, .. } = held;
    let ticket = disk.carry_out(&mut out).expect("it was dropped");
    replica.synced(ticket);
    assert_eq!(replica.read(&object("carts", b"early"), &disk, &mut out), Ok(None), "for good");
}

#[test]
fn what_is_dead_and_what_can_be_pruned_of_a_long_vector_may_be_collected() {
    let long = LONG_VECTOR as u64 + 1;
    let mut held = Held::new();
    let (dead, prunable) = (tombstone(1), state(1..long, [50, 51], &value()));
    held.store("dead", &dead);
    held.store("prunable", &prunable);
    held.store("not long", &state(2..long, [50], &value()));
    held.store("all siblings", &state([], 1..=long, &value()));
    held.look();
    let found = held.search(None);
    let mut expected = [candidate("dead", &dead), candidate("prunable", &prunable)];
    expected.sort_by_key(|candidate| candidate.token);
    assert_eq!(found.found, expected);
    assert_eq!(found.next, None);
}

/// The id that is minted under here needs its entry: without it the next dot would not be fresh.
#[test]
fn a_vector_of_siblings_and_the_id_that_mints_here_is_left_alone() {
    let mut held = Held::new();
    let others = state([], 1..=LONG_VECTOR as u64, &value());
    held.store("mine", &others);
    let minted = mint(&mut held.replica, &mut held.disk, &object("carts", b"mine"), "x");
    let mut mine = minted.encoded.decode().expect("a state");
    let tombstone = Sibling { content: Content::Tombstone, ..mine.siblings()[0].clone() };
    // The dot that was minted here is replaced by a sibling of another.
    let dot = Dot { actor: ActorId::new(1), counter: 2 };
    let seen = Context { dots: vec![minted.dot], ..Context::default() };
    mine.write(ConflictRule::Siblings, &seen, Sibling { dot, content: value(), ..tombstone });
    assert_eq!(mine.vector().len(), LONG_VECTOR + 1);
    held.store("mine", &mine);
    held.look();
    assert_eq!(held.search(None).found, []);
}

/// A search reads every object: a look that has found nothing to collect spares it.
#[test]
fn a_partition_is_searched_only_where_a_look_has_found_something_and_once() {
    let mut held = Held::new();
    held.store("value", &state(2..=LONG_VECTOR as u64, [1], &value()));
    held.look();
    assert_eq!(held.search(None).bytes, 0, "its longest vector is not long");
    held.store("all siblings", &state([], 1..=LONG_VECTOR as u64 + 1, &value()));
    held.look();
    assert!(held.search(None).bytes > 0);
    held.replica.searched_in_vain(WHOLE);
    assert_eq!(held.search(None).bytes, 0, "until the next look");
    held.look();
    assert!(held.search(None).bytes > 0);
}

#[test]
fn a_round_takes_so_many_candidates_and_the_next_goes_on_after_them() {
    let mut held = Held::new();
    let dead = tombstone(1);
    for number in 0..=MAX_CANDIDATES {
        held.buffer(&number.to_string(), &dead);
    }
    held.look();
    let first = held.search(None);
    assert_eq!(first.found.len(), MAX_CANDIDATES);
    let second = held.search(first.next.as_ref());
    assert_eq!((second.found.len(), second.next), (1, None));
    assert!(!first.found.contains(&second.found[0]));
}

/// What all agree to is dropped by all: a yes for anything else would lose it.
#[test]
fn only_the_very_state_that_is_here_on_disk_is_agreed_to() {
    let mut held = Held::new();
    let (dead, newer) = (tombstone(1), tombstone(2));
    held.store("same", &dead);
    held.store("newer here", &newer);
    held.buffer("not on disk", &dead);
    let names = ["same", "newer here", "not on disk", "unknown"];
    let candidates = names.map(|name| candidate(name, &dead));
    let agreement = held.agree(Round(1), &candidates).expect("it can tell");
    assert_eq!(agreement.same, [true, false, false, false]);
}

#[test]
fn a_round_is_agreed_to_once_and_by_nobody_who_only_rose_to_it() {
    let mut held = Held::new();
    assert!(!held.replica.has_agreed(WHOLE, Round(1)));
    assert!(held.agree(Round(1), &[]).is_some());
    assert!(held.replica.has_agreed(WHOLE, Round(1)));
    assert!(held.agree(Round(1), &[]).is_none(), "it is not above the one that it is at");
    held.replica.rise(WHOLE, Round(2), &mut held.out);
    assert!(!held.replica.has_agreed(WHOLE, Round(2)));
    assert!(held.agree(Round(2), &[]).is_none());
}

/// Rule 1: something minted here may be among the tombstones, never among what is only pruned.
#[test]
fn dropped_tombstones_are_counted_and_retire_the_id_and_pruning_does_not() {
    let mut held = Held::new();
    mint(&mut held.replica, &mut held.disk, &object("carts", b"minted"), "x");
    let actor = held.replica.actor(WHOLE);
    assert!(actor.is_some());
    let (dead, prunable) = (tombstone(1), state(1..9, [50], &value()));
    for name in ["dead", "dead too", "stays"] {
        held.store(name, &dead);
    }
    held.store("prunable", &prunable);
    held.store("prunable too", &prunable);
    held.look();
    let pruned = ["prunable", "prunable too"].map(|name| candidate(name, &prunable));
    assert_eq!(held.drop_collected(&pruned), Dropped { tombstones: 0, pruned: 2 });
    assert_eq!(held.replica.actor(WHOLE), actor);
    let gone = ["dead", "dead too"].map(|name| candidate(name, &dead));
    assert_eq!(held.drop_collected(&gone), Dropped { tombstones: 2, pruned: 0 });
    assert_eq!(held.replica.actor(WHOLE), None);
    let found = held.replica.found(WHOLE);
    assert_eq!((found.tombstones, found.oldest_tombstone), (1, Some(Stamp::default().wall())));
    held.drop_collected(&[candidate("stays", &dead)]);
    let found = held.replica.found(WHOLE);
    assert_eq!((found.tombstones, found.oldest_tombstone), (0, None));
}
