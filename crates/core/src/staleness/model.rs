//! The model: writes and reads drawn as the coordinators carry them out, and how late each write
//! comes to the read that follows it.

use std::time::Duration;

use super::{Law, WriteDelays};
use crate::quorum::{
    ImpossibleQuorum, Level, QuorumOptions, ReadQuorum, ReplicaCount, WriteQuorum,
};
use crate::random::Random;

/// Writes drawn for an estimate: one in a thousand is known to about a fifth then.
const WRITES: usize = 30_000;

/// What is asked about: replicas, and how many of them a read and a write wait for. Can be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Setting {
    n: u8,
    r: u8,
    w: u8,
    dw: u8,
}

impl Setting {
    /// So many replicas, of which a read asks `r` and a write waits for `w`, with `dw` of those on
    /// disk (all, if it is not said).
    pub fn new(n: u8, r: u8, w: u8, dw: Option<u8>) -> Result<Self, ImpossibleQuorum> {
        let asked = QuorumOptions {
            r: Some(Level::Count(r)),
            w: Some(Level::Count(w)),
            dw: dw.map(Level::Count),
            ..QuorumOptions::default()
        };
        Self::of(n, &asked)
    }

    /// So many replicas, and what a request says of quorums; what it leaves open is as usual.
    pub fn of(n: u8, asked: &QuorumOptions) -> Result<Self, ImpossibleQuorum> {
        let count = ReplicaCount { wanted: n, existing: n };
        let read = ReadQuorum::resolve(count, asked, &QuorumOptions::default())?;
        let write = WriteQuorum::resolve(count, asked, &QuorumOptions::default())?;
        Ok(Self { n, r: read.r(), w: write.w(), dw: write.dw() })
    }

    /// Those that most are asked about, for so many replicas: one answer to each, one to reads and
    /// most to writes, the other way round, and most to both.
    pub fn common(n: u8) -> Vec<Self> {
        let most = n / 2 + 1;
        let mut all: Vec<Self> = [(1, 1), (1, most), (most, 1), (most, most)]
            .into_iter()
            .filter_map(|(r, w)| Self::new(n, r, w, None).ok())
            .collect();
        all.dedup();
        all
    }

    /// Replicas.
    pub const fn n(self) -> u8 {
        self.n
    }

    /// Replicas that a read asks.
    pub const fn r(self) -> u8 {
        self.r
    }

    /// Copies that a write waits for.
    pub const fn w(self) -> u8 {
        self.w
    }

    /// Of those, on disk.
    pub const fn dw(self) -> u8 {
        self.dw
    }
}

/// What one node's writes follow.
#[derive(Clone, Debug)]
pub struct Laws {
    own_sync: Law,
    replicas: Vec<ReplicaLaws>,
    /// Puts that were watched.
    watched: u32,
}

#[derive(Clone, Debug)]
struct ReplicaLaws {
    way: Law,
    sync: Law,
}

/// One copy of a write that was drawn, in microseconds since the write began.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    /// When a read finds it.
    visible: f64,
    /// When it is acknowledged as received.
    received: f64,
    /// When it is acknowledged as on disk.
    durable: f64,
    /// How long a read takes to come here.
    read: f64,
}

impl Laws {
    /// From what was watched; none while no put was watched to its end at any replica.
    pub fn of(seen: &WriteDelays) -> Option<Self> {
        let laws = seen.replicas.values().filter_map(|replica| {
            let way = Law::of_one_way(&replica.trips)?;
            Some(ReplicaLaws { way, sync: Law::of(&replica.syncs)? })
        });
        let replicas: Vec<ReplicaLaws> = laws.collect();
        if replicas.is_empty() {
            return None;
        }
        let watched = seen.own_syncs.count();
        Some(Self { own_sync: Law::of(&seen.own_syncs)?, replicas, watched })
    }

    /// How many puts these laws are of.
    pub const fn watched(&self) -> u32 {
        self.watched
    }

    /// How stale reads are that go through another one of `members` nodes than the write did.
    pub fn estimate(&self, setting: Setting, members: usize, random: &mut Random) -> Estimate {
        let (mut copies, mut asked) = (Vec::new(), Vec::new());
        let mut late: Vec<f64> = Vec::new();
        for _ in 0..WRITES {
            self.draw_write(setting, random, &mut copies);
            let acknowledged = acknowledged_at(setting, &copies);
            let reader = draw_readers(setting, members, random, &mut asked);
            let late_at = |&place: &usize| {
                let copy: Drawn = copies[place];
                let way = if Some(place) == reader { 0.0 } else { copy.read };
                copy.visible - acknowledged - way
            };
            let latest_fresh = asked.iter().map(late_at).fold(f64::INFINITY, f64::min);
            if latest_fresh > 0.0 {
                late.push(latest_fresh);
            }
        }
        late.sort_unstable_by(f64::total_cmp);
        Estimate { late }
    }

    /// A write that begins here: this node's copy comes first.
    fn draw_write(&self, setting: Setting, random: &mut Random, copies: &mut Vec<Drawn>) {
        copies.clear();
        copies.push(Drawn {
            visible: f64::NEG_INFINITY,
            received: 0.0,
            durable: self.own_sync.draw(random),
            read: 0.0,
        });
        let first = random.below(self.replicas.len() as u32) as usize;
        for other in 0..usize::from(setting.n) - 1 {
            // Of more replicas than were measured, some are drawn twice.
            let laws = &self.replicas[(first + other) % self.replicas.len()];
            let visible = laws.way.draw(random);
            copies.push(Drawn {
                visible,
                received: visible + laws.way.draw(random),
                durable: visible + laws.sync.draw(random) + laws.way.draw(random),
                read: laws.way.draw(random),
            });
        }
    }
}

/// When a put is answered: w copies are acknowledged, as received where that is enough
/// ([`crate::message::AckWish`]), and dw of them as on disk.
fn acknowledged_at(setting: Setting, copies: &[Drawn]) -> f64 {
    let early = setting.dw < setting.w;
    let counted = |copy: &Drawn| if early { copy.received } else { copy.durable };
    let enough = smallest(setting.w, copies.iter().map(counted));
    let on_disk = smallest(setting.dw, copies.iter().map(|copy| copy.durable));
    enough.max(on_disk)
}

/// The `nth` smallest, from 1; 0 for none.
fn smallest(nth: u8, of: impl Iterator<Item = f64>) -> f64 {
    let Some(before) = nth.checked_sub(1) else { return 0.0 };
    let mut all: Vec<f64> = of.collect();
    *all.select_nth_unstable_by(usize::from(before), f64::total_cmp).1
}

/// Whom a get asks that comes to another node than the write did ([`crate::coordinator::get`]): that
/// node first if it is a replica, whose place is returned then, and others by lot. The write's
/// coordinator has the place 0.
fn draw_readers(
    setting: Setting,
    members: usize,
    random: &mut Random,
    asked: &mut Vec<usize>,
) -> Option<usize> {
    let n = usize::from(setting.n);
    asked.clear();
    asked.extend(0..n);
    let doors = members.max(n) - 1;
    let door = 1 + random.below(doors as u32) as usize;
    let reader = (door < n).then_some(door);
    if reader.is_some() {
        asked.swap(0, door);
    }
    for place in usize::from(reader.is_some())..usize::from(setting.r) {
        let other = place + random.below((n - place) as u32) as usize;
        asked.swap(place, other);
    }
    asked.truncate(usize::from(setting.r));
    reader
}

/// How stale reads are in one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Of the writes that were drawn, for how many microseconds after their acknowledgement a read
    /// may still miss them; those that no read misses are left out.
    late: Vec<f64>,
}

impl Estimate {
    /// The probability that a get which begins `after` a write was acknowledged does not see it.
    pub fn stale(&self, after: Duration) -> f64 {
        let micros = after.as_secs_f64() * 1e6;
        let fresh = self.late.partition_point(|late| *late <= micros);
        (self.late.len() - fresh) as f64 / WRITES as f64
    }

    /// How long after its acknowledgement a write is seen by this share of gets.
    pub fn seen_by(&self, share: f64) -> Duration {
        let missed = ((1.0 - share.clamp(0.0, 1.0)) * WRITES as f64).floor() as usize;
        let place = self.late.len().checked_sub(missed + 1);
        place.map_or(Duration::ZERO, |place| {
            Duration::from_nanos((self.late[place] * 1e3).ceil() as u64)
        })
    }
}
