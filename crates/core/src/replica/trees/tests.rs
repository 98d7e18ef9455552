use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::super::tests::{Disk, ONE, WAITER, object, write};
use super::super::{Looked, Replica, Write};
use super::*;
use crate::context::Context;
use crate::effect::Effects;
use crate::identity::{ActorId, BootNumber};
use crate::object::Content;
use crate::random::Random;
use crate::time::{Instant, Now, WallTime};
use crate::version::{Dot, VersionVector};

const WHOLE: Partition = Partition::new(0);
const HOUR: Duration = Duration::from_hours(1);

/// A replica, its disk, and batches that are not on it yet.
struct Bench {
    partitions: PartitionCount,
    replica: Replica,
    disk: Disk,
    out: Effects,
    boot: u8,
    now: Instant,
}

#[derive(Clone, Debug)]
enum Act {
    Put(u8),
    Merge(u8),
    Sync,
    Look,
    Restart,
    Stop,
    /// A stop, with a merge after the trees were saved.
    StopLate(u8),
    Damage(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0_u8..40).prop_map(Act::Put),
        3 => (0_u8..40).prop_map(Act::Merge),
        3 => Just(Act::Sync),
        4 => Just(Act::Look),
        1 => Just(Act::Restart),
        1 => Just(Act::Stop),
        1 => (0_u8..40).prop_map(Act::StopLate),
        1 => (0_u8..40).prop_map(Act::Damage),
    ]
}

fn fresh(boot: u8, partitions: PartitionCount) -> Replica {
    let mut replica = Replica::new(Random::from_seed([boot; 32]), 0);
    replica.own(partitions, partitions.all().collect());
    replica
}

fn key(number: u8) -> ObjectKey {
    object("carts", &[number])
}

impl Bench {
    /// Of a space that is one partition.
    fn new() -> Self {
        Self::of(ONE)
    }

    fn of(partitions: PartitionCount) -> Self {
        let (replica, disk, out) = (fresh(1, partitions), Disk::default(), Effects::new());
        Self { partitions, replica, disk, out, boot: 1, now: Instant::default() }
    }

    fn put(&mut self, number: u8) {
        let key = key(number);
        let write = write(&key, "x", Context::default(), 100);
        let wall = WallTime::default();
        self.replica.mint(wall, write, WAITER, &self.disk, &mut self.out).expect("minted");
    }

    /// A state of another replica arrives.
    fn merge(&mut self, number: u8) {
        let mut other = fresh(200, self.partitions);
        let (key, mut out) = (key(number), Effects::new());
        let write = write(&key, "y", Context::default(), 100);
        let disk = Disk::default();
        let minted = other.mint(WallTime::default(), write, WAITER, &disk, &mut out);
        let state = minted.expect("minted").encoded;
        self.replica.merge(&key, &state, WAITER, &self.disk, &mut self.out).expect("merged");
    }

    fn sync(&mut self) {
        if let Some(ticket) = self.disk.carry_out(&mut self.out) {
            self.replica.synced(ticket);
        }
    }

    fn look(&mut self) -> Looked {
        self.replica.clean_leaves(&self.disk);
        self.now = self.now.after(Duration::from_millis(1));
        let room = u64::MAX;
        let now = Now { instant: self.now, wall: WallTime::default() };
        self.replica.look(now, HOUR, room, &self.disk, &mut self.out).expect("readable").0
    }

    /// The process is gone, and with it what was not synced.
    fn restart(&mut self) {
        self.out = Effects::new();
        self.boot += 1;
        self.replica = fresh(self.boot, self.partitions);
        self.replica.load_quarantine(&self.disk).expect("readable");
        self.replica.load_trees(BootNumber(u64::from(self.boot)), &self.disk);
    }

    fn stop(&mut self) {
        self.save();
        self.sync();
        self.restart();
    }

    fn save(&mut self) {
        self.replica.save_trees(BootNumber(u64::from(self.boot)), &mut self.out);
    }

    fn do_it(&mut self, act: &Act) {
        match act {
            Act::Put(number) => self.put(*number),
            Act::Merge(number) => self.merge(*number),
            Act::Sync => self.sync(),
            Act::Look => drop(self.look()),
            Act::Restart => self.restart(),
            Act::Stop => self.stop(),
            Act::StopLate(number) => {
                self.save();
                self.merge(*number);
                self.sync();
                self.restart();
            }
            Act::Damage(number) => {
                let at = StoreKey::of(&key(*number)).as_bytes().clone();
                if self.disk.holds(&at) {
                    self.disk.damaged.push(at);
                }
            }
        }
    }

    /// The tree that the objects make, counted from nothing.
    fn truth(&self, partition: Partition) -> Tree {
        let (first, last) = self.partitions.range_of(partition);
        let mut tree = Tree::empty();
        let range = StoreKey::range(first, last);
        for row in self.replica.rows(&range, usize::MAX, &self.disk).expect("readable").rows {
            if let Ok((key, state)) = row.object {
                let leaf = LeafIndex::of(self.partitions, key.token());
                tree.replace(leaf, TreeSum::default(), TreeSum::of(&key, state.digest()));
            }
        }
        tree
    }
}

proptest! {
    /// The trap "Merkle tree drift": whatever is written, merged, synced, lost, damaged, stopped
    /// and looked at, in whatever order, a tree that is there is the tree of the objects.
    #[test]
    fn a_tree_is_never_other_than_its_objects(acts in prop::collection::vec(act(), 1..80)) {
        let mut bench = Bench::new();
        let mut unseen_damage = false;
        for act in &acts {
            bench.do_it(act);
            // Damage that nobody has met yet is found by the next full look.
            unseen_damage |= matches!(act, Act::Damage(_));
            if let Some(tree) = bench.replica.tree(WHOLE).filter(|_| !unseen_damage) {
                prop_assert_eq!(tree.root(), bench.truth(WHOLE).root());
            }
        }
        bench.now = bench.now.after(HOUR);
        while bench.look() == Looked::Partly {}
        bench.look();
        let tree = bench.replica.tree(WHOLE).map(Tree::root);
        prop_assert_eq!(tree, Some(bench.truth(WHOLE).root()));
    }
}

#[test]
fn a_look_goes_through_many_objects_in_steps_while_they_change() {
    let mut bench = Bench::new();
    for number in 0..2000_u32 {
        let key = object("carts", &number.to_be_bytes());
        let write = write(&key, "x", Context::default(), 100);
        let wall = WallTime::default();
        bench.replica.mint(wall, write, WAITER, &bench.disk, &mut bench.out).expect("minted");
    }
    bench.sync();
    assert!(bench.replica.tree(WHOLE).is_none());
    let mut steps = 0;
    while bench.look() == Looked::Partly {
        steps += 1;
        assert!(bench.replica.tree(WHOLE).is_none(), "half a tree says nothing");
        bench.put(steps);
        bench.merge(steps.wrapping_mul(7));
    }
    assert!(steps >= 7, "{steps} steps");
    assert_eq!(bench.replica.tree(WHOLE), Some(&bench.truth(WHOLE)));
}

#[test]
fn a_snapshot_is_read_after_a_clean_stop_and_ignored_after_a_crash() {
    let mut bench = Bench::new();
    bench.put(1);
    bench.sync();
    while bench.look() == Looked::Partly {}
    bench.stop();
    assert_eq!(bench.replica.tree(WHOLE), Some(&bench.truth(WHOLE)), "no look was needed");
    bench.put(2);
    bench.sync();
    bench.restart();
    assert_eq!(bench.replica.tree(WHOLE), None, "the snapshot is of an earlier start");
}

/// What changed between the saving and the end of the stop concerns its own partition alone.
#[test]
fn each_partition_is_saved_and_given_up_apart_from_the_others() {
    let two = PartitionCount::new(2).expect("a power of two");
    let mut bench = Bench::of(two);
    (0..10).for_each(|number| bench.put(number));
    bench.sync();
    while bench.look() != Looked::Nothing {}
    bench.stop();
    for partition in two.all() {
        assert_eq!(bench.replica.tree(partition), Some(&bench.truth(partition)));
    }
    bench.do_it(&Act::StopLate(3));
    let changed = two.partition_of(key(3).token());
    for partition in two.all() {
        let truth = bench.truth(partition);
        assert_eq!(bench.replica.tree(partition), (partition != changed).then_some(&truth));
    }
}

#[test]
fn a_tree_that_has_drifted_is_put_right_and_told_of() {
    let mut bench = Bench::new();
    bench.put(1);
    assert_eq!(bench.look(), Looked::Finished(WHOLE));
    assert_eq!(bench.look(), Looked::Nothing, "it was looked at just now");
    let kept = bench.replica.trees.kept.get_mut(&WHOLE).expect("a tree");
    let leaf = LeafIndex::new(5).expect("a leaf");
    kept.tree.replace(leaf, TreeSum::default(), TreeSum::from_bits(1));
    bench.now = bench.now.after(HOUR);
    assert_eq!(bench.look(), Looked::Drifted(WHOLE));
    assert_eq!(bench.replica.tree(WHOLE), Some(&bench.truth(WHOLE)));
}

/// Otherwise damage in the last partitions would never be found.
#[test]
fn where_a_look_at_all_takes_longer_than_the_interval_every_partition_has_its_turn() {
    let four = PartitionCount::new(4).expect("a power of two");
    let mut bench = Bench::of(four);
    let mut looked_at = Vec::new();
    for _ in 0..12 {
        bench.now = bench.now.after(Duration::from_secs(1));
        let interval = Duration::from_secs(2);
        let now = Now { instant: bench.now, wall: WallTime::default() };
        let looked = bench.replica.look(now, interval, u64::MAX, &bench.disk, &mut bench.out);
        let Ok((Looked::Finished(partition), _)) = looked else { continue };
        looked_at.push(partition.get());
    }
    assert_eq!(looked_at, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
}

/// Scrubbing: damage that no reader has met is found, once.
#[test]
fn a_look_finds_damage_and_leaves_it_out_of_the_tree() {
    let mut bench = Bench::new();
    (0..10).for_each(|number| bench.put(number));
    bench.sync();
    assert_eq!(bench.look(), Looked::Finished(WHOLE));
    let whole = bench.replica.tree(WHOLE).expect("a tree").root();
    bench.do_it(&Act::Damage(3));
    for _ in 0..2 {
        bench.now = bench.now.after(HOUR);
        assert_eq!(bench.look(), Looked::Finished(WHOLE), "damage is no drift");
        bench.look();
    }
    bench.sync();
    bench.now = bench.now.after(HOUR);
    assert_eq!(bench.look(), Looked::Finished(WHOLE));
    assert!(bench.out.drain().next().is_none(), "it is known, and nothing is to be written");
    assert_eq!(bench.replica.damage(), (1, 0));
    assert_eq!(bench.replica.quarantined(WHOLE).collect::<Vec<_>>(), [&key(3)]);
    assert_ne!(bench.replica.tree(WHOLE).expect("a tree").root(), whole);
}

/// Otherwise the new tree would say until the next look that the object is here.
#[test]
fn damage_that_a_reader_meets_behind_a_look_is_left_out_of_its_tree() {
    let mut bench = Bench::new();
    (0..=255).for_each(|number| bench.put(number));
    bench.sync();
    assert_eq!(bench.look(), Looked::Partly, "all of them are behind it");
    bench.do_it(&Act::Damage(7));
    assert!(bench.replica.read(&key(7), &bench.disk, &mut bench.out).is_err());
    assert_eq!(bench.look(), Looked::Finished(WHOLE));
    assert_eq!(bench.replica.tree(WHOLE), None, "one leaf is to be looked at again");
    bench.replica.clean_leaves(&bench.disk);
    assert_eq!(bench.replica.tree(WHOLE), Some(&bench.truth(WHOLE)));
}

/// A look tells what it has found; of a partition that is this shard's no more, nothing is kept.
#[test]
fn what_a_look_has_found_is_told_while_the_partition_is_owned() {
    let mut bench = Bench::new();
    assert!(bench.replica.lacks_trees());
    for (name, millis) in [(b"a", 3_000), (b"b", 5_000)] {
        let key = object("carts", name);
        let seen = Dot { actor: ActorId::new(9), counter: 1 };
        let vector = VersionVector::from_entries([(seen.actor, seen.counter)]);
        let context = Context { vector, ..Context::default() };
        let gone = Write { value: Content::Tombstone, ..write(&key, "", context, 100) };
        let wall = WallTime::from_millis(millis);
        bench.replica.mint(wall, gone, WAITER, &bench.disk, &mut bench.out).expect("minted");
    }
    bench.sync();
    assert_eq!(bench.look(), Looked::Finished(WHOLE));
    assert!(!bench.replica.lacks_trees());
    let oldest_tombstone = Some(WallTime::from_millis(3_000));
    let found = Found { tombstones: 2, oldest_tombstone, longest_vector: 2 };
    assert_eq!(bench.replica.found(WHOLE), found);
    bench.stop();
    let saved = Found { oldest_tombstone: None, ..found };
    assert_eq!(bench.replica.found(WHOLE), saved, "a clean stop saves all but the time");
    bench.replica.own(ONE, BTreeSet::new());
    assert_eq!(bench.replica.found(WHOLE), Found::default());
    bench.replica.own(ONE, BTreeSet::from([WHOLE]));
    assert!(bench.replica.lacks_trees());
}
