//! When which pair of replicas is compared: at once after a return, then every minute by one of the
//! two, and soon again after an exchange that was broken off.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::identity::NodeId;
use crate::random::Random;
use crate::ring::Ring;
use crate::time::Instant;
use crate::token::Partition;

/// How often two replicas are compared while nothing happens, give or take a quarter.
pub const EXCHANGE_EVERY: Duration = Duration::from_mins(1);
/// When an exchange that was broken off is tried again, give or take a quarter.
pub const TRY_AGAIN: Duration = Duration::from_secs(5);
/// What is to be done at once is spread over this long, in random order, so that the owners of a
/// partition do not all turn to the same one.
const AT_ONCE: Duration = Duration::from_millis(500);
/// The most exchanges that one shard has begun and not ended.
pub const MOST_EXCHANGES: usize = 4;

/// A partition and another owner of it.
pub type Pair = (Partition, NodeId);

/// Which pairs are to be compared when.
#[derive(Clone, Debug)]
pub struct Schedule {
    random: Random,
    due: BTreeMap<Pair, Instant>,
    queue: BTreeSet<(Instant, Pair)>,
    /// When each pair was last found alike, or made so.
    alike: BTreeMap<Pair, Instant>,
}

impl Schedule {
    /// Nothing to do yet.
    pub const fn new(random: Random) -> Self {
        Self { random, due: BTreeMap::new(), queue: BTreeSet::new(), alike: BTreeMap::new() }
    }

    /// A pair is to be compared as soon as there is room.
    pub fn at_once(&mut self, now: Instant, pair: Pair) {
        let spread = self.below(AT_ONCE);
        self.no_later_than(now.after(spread), pair);
    }

    /// A pair is to be compared at `at`, or earlier if that was planned before.
    pub fn no_later_than(&mut self, at: Instant, pair: Pair) {
        if self.due.get(&pair).is_none_or(|&due| at < due) {
            self.set(at, pair);
        }
    }

    /// A pair is to be compared after about so long.
    pub fn after(&mut self, now: Instant, about: Duration, pair: Pair) {
        let jitter = self.below(about / 2);
        self.no_later_than(now.after(about * 3 / 4 + jitter), pair);
    }

    fn set(&mut self, at: Instant, pair: Pair) {
        if let Some(before) = self.due.insert(pair, at) {
            self.queue.remove(&(before, pair));
        }
        self.queue.insert((at, pair));
    }

    /// The next pair that is due, taken off the schedule.
    pub fn next(&mut self, now: Instant) -> Option<Pair> {
        let &(at, pair) = self.queue.first().filter(|(at, _)| *at <= now)?;
        self.queue.remove(&(at, pair));
        self.due.remove(&pair);
        Some(pair)
    }

    /// A pair was found alike, or made so.
    pub fn found_alike(&mut self, now: Instant, pair: Pair) {
        self.alike.insert(pair, now);
    }

    /// When a pair was last found alike, or made so; none if that was not since the node started.
    pub fn last_alike(&self, pair: Pair) -> Option<Instant> {
        self.alike.get(&pair).copied()
    }

    /// Forgets pairs that there are no longer.
    pub fn keep(&mut self, still: impl Fn(&Pair) -> bool) {
        self.due.retain(|pair, _| still(pair));
        self.alike.retain(|pair, _| still(pair));
        let due = &self.due;
        self.queue.retain(|(_, pair)| due.contains_key(pair));
    }

    fn below(&mut self, duration: Duration) -> Duration {
        Duration::from_millis(u64::from(self.random.below(duration.as_millis() as u32 + 1)))
    }
}

/// The shard of a node with `shards` of them that a partition belongs to.
pub const fn shard_of(partition: Partition, shards: u8) -> u8 {
    (partition.get() % (shards as u32)) as u8
}

/// Which of two owners begins the exchanges of every minute: each does for half of the partitions.
pub fn begins(me: NodeId, (partition, peer): Pair) -> bool {
    (partition.get() % 2 == 0) == (me < peer)
}

/// The pairs of one owner's shard, in partition order.
pub fn pairs(ring: &Ring, me: NodeId, (shard, shards): (u8, u8)) -> impl Iterator<Item = Pair> {
    ring.partitions
        .all()
        .filter(move |&partition| shard_of(partition, shards) == shard && ring.owns(me, partition))
        .flat_map(move |partition| {
            let others = ring.table[partition.index()].iter().filter(move |&&other| other != me);
            others.map(move |&other| (partition, other))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Pair = (Partition::new(0), NodeId::new(1));
    const B: Pair = (Partition::new(1), NodeId::new(1));

    fn at(secs: u64) -> Instant {
        Instant::default().after(Duration::from_secs(secs))
    }

    fn schedule() -> Schedule {
        Schedule::new(Random::from_seed([1; 32]))
    }

    #[test]
    fn what_is_due_comes_once_and_the_earlier_time_holds() {
        let mut schedule = schedule();
        schedule.no_later_than(at(60), A);
        schedule.no_later_than(at(30), B);
        schedule.no_later_than(at(10), A);
        schedule.no_later_than(at(90), A);
        assert_eq!(schedule.next(at(9)), None);
        assert_eq!(schedule.next(at(10)), Some(A));
        assert_eq!(schedule.next(at(29)), None);
        assert_eq!(schedule.next(at(100)), Some(B));
        assert_eq!(schedule.next(at(100)), None, "each was taken once");
    }

    #[test]
    fn a_pair_that_is_no_more_is_forgotten() {
        let mut schedule = schedule();
        schedule.at_once(at(0), A);
        schedule.at_once(at(0), B);
        schedule.found_alike(at(1), A);
        schedule.found_alike(at(2), B);
        schedule.keep(|pair| *pair == B);
        assert_eq!(schedule.next(at(1)), Some(B));
        assert_eq!(schedule.next(at(1)), None);
        assert_eq!((schedule.last_alike(A), schedule.last_alike(B)), (None, Some(at(2))));
    }

    #[test]
    fn of_two_owners_one_begins_and_each_does_for_half_of_the_partitions() {
        let (one, two) = (NodeId::new(1), NodeId::new(2));
        let begun = (0..100).map(Partition::new).filter(|&p| begins(one, (p, two))).count();
        assert_eq!(begun, 50);
        for partition in (0..100).map(Partition::new) {
            assert_ne!(begins(one, (partition, two)), begins(two, (partition, one)));
        }
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        let mut schedule = schedule();
        for number in 0..200 {
            schedule.after(at(0), EXCHANGE_EVERY, (Partition::new(number), NodeId::new(1)));
        }
        assert!(schedule.queue.iter().all(|(due, _)| *due >= at(45) && *due <= at(75)));
        let times: BTreeSet<Instant> = schedule.queue.iter().map(|(due, _)| *due).collect();
        assert!(times.len() > 100, "they are spread");
    }
}
