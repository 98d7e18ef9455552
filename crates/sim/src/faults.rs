//! Which faults a run has, how strong they are, and how often each was injected.
//!
//! Swarm testing: every seed draws its own subset of the faults and the strength of each, so that
//! some runs see one fault alone and others many together. The adversary's limit: faults destroy
//! at most dw - 1 durable copies of a write between two times at which all primaries held it; a
//! crash loses only what was not synced, and `world/destroy.rs` holds back what would destroy more.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::draw::{Chance, Draw};
use crate::pace::Pressure;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A frame takes far longer than usual.
    HeavyTail,
    /// A frame is lost, without the connection noticing.
    Loss,
    /// A frame arrives twice.
    Duplication,
    /// A frame is overtaken by later ones.
    Reordering,
    /// The nodes fall into two groups that can't reach each other.
    FullPartition,
    /// A few pairs of nodes can't reach each other, although others reach both.
    PartialPartition,
    /// A node's frames to some others are lost, while theirs arrive.
    OneWayPartition,
    /// The connection of two nodes breaks and comes back, again and again.
    Flapping,
    /// A node answers slowly for a while.
    SlowNode,
    /// A node's process stands still for a while (SIGSTOP) and goes on.
    Pause,
    /// A node dies at any point and is started again.
    Crash,
    /// A node dies between the commit of a batch and its sync.
    CrashBeforeSync,
    /// A node dies in the middle of a turn: some of its effects were carried out.
    CrashInTurn,
    /// All nodes die at once.
    PowerFailure,
    /// A crash loses committed batches that were not synced.
    LostTail,
    /// A crash leaves half of a batch behind.
    TornTail,
    /// A disk takes long over commits and syncs.
    SlowDisk,
    /// Wall clocks differ from node to node.
    ClockSkew,
    /// A wall clock jumps, either way.
    ClockJump,
    /// A node takes a healthy peer for dead.
    FalseSuspicion,
    /// An operator restarts a node cleanly: it stops after all it has written is synced.
    Restart,
    /// A disk loses everything.
    DiskWipe,
    /// A disk is put back to an older backup.
    OldBackup,
    /// A stored object's bytes change.
    CorruptObject,
    /// A disk takes no more writes.
    DiskFull,
    /// Nodes join, leave and are replaced.
    RingChange,
    /// A node dies, and what it stores of a partition can't be read any more: its next start keeps
    /// the rest.
    DamagedBlock,
    /// A frame that carries a state arrives once more, long after.
    LateDouble,
    /// A node dies in the middle of a round of collection, and may lose its store then.
    CrashInRound,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::HeavyTail,
        Self::Loss,
        Self::Duplication,
        Self::Reordering,
        Self::FullPartition,
        Self::PartialPartition,
        Self::OneWayPartition,
        Self::Flapping,
        Self::SlowNode,
        Self::Pause,
        Self::Crash,
        Self::CrashBeforeSync,
        Self::CrashInTurn,
        Self::PowerFailure,
        Self::LostTail,
        Self::TornTail,
        Self::SlowDisk,
        Self::ClockSkew,
        Self::ClockJump,
        Self::FalseSuspicion,
        Self::Restart,
        Self::DiskWipe,
        Self::OldBackup,
        Self::CorruptObject,
        Self::DiskFull,
        Self::RingChange,
        Self::DamagedBlock,
        Self::LateDouble,
        Self::CrashInRound,
    ];

    /// Its name in summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeavyTail => "heavy_tail",
            Self::Loss => "loss",
            Self::Duplication => "duplication",
            Self::Reordering => "reordering",
            Self::FullPartition => "full_partition",
            Self::PartialPartition => "partial_partition",
            Self::OneWayPartition => "one_way_partition",
            Self::Flapping => "flapping",
            Self::SlowNode => "slow_node",
            Self::Pause => "pause",
            Self::Crash => "crash",
            Self::CrashBeforeSync => "crash_before_sync",
            Self::CrashInTurn => "crash_in_turn",
            Self::PowerFailure => "power_failure",
            Self::LostTail => "lost_tail",
            Self::TornTail => "torn_tail",
            Self::SlowDisk => "slow_disk",
            Self::ClockSkew => "clock_skew",
            Self::ClockJump => "clock_jump",
            Self::FalseSuspicion => "false_suspicion",
            Self::Restart => "restart",
            Self::DiskWipe => "disk_wipe",
            Self::OldBackup => "old_backup",
            Self::CorruptObject => "corrupt_object",
            Self::DiskFull => "disk_full",
            Self::RingChange => "ring_change",
            Self::DamagedBlock => "damaged_block",
            Self::LateDouble => "late_double",
            Self::CrashInRound => "crash_in_round",
        }
    }

    /// Whether it belongs to a life of its own, and is not drawn in others.
    pub const fn comes_with_operators(self) -> bool {
        matches!(self, Self::RingChange)
    }

    /// Whether it was added later, and draws apart: the seeds that are kept are to draw what they drew.
    const fn draws_apart(self) -> bool {
        matches!(self, Self::DamagedBlock)
    }

    /// Whether it damages a part of what is stored: that is left to lives in which nothing moves.
    pub const fn damages(self) -> bool {
        matches!(self, Self::OldBackup | Self::CorruptObject | Self::DamagedBlock)
    }

    /// Whether it comes with the pace of collection, and is not drawn by itself.
    const fn comes_with_rounds(self) -> bool {
        matches!(self, Self::LateDouble | Self::CrashInRound)
    }

    /// How often it strikes in a cluster where it is on, if it strikes by itself; the others
    /// happen to frames, to disks and in crashes.
    const fn mean_interval(self) -> Option<Duration> {
        let seconds = match self {
            Self::FalseSuspicion | Self::CorruptObject => 15,
            Self::Crash | Self::CrashBeforeSync | Self::CrashInTurn => 25,
            Self::SlowNode | Self::SlowDisk | Self::Pause | Self::ClockJump => 30,
            Self::PartialPartition | Self::OneWayPartition | Self::Flapping => 40,
            Self::FullPartition
            | Self::Restart
            | Self::DiskWipe
            | Self::OldBackup
            | Self::DamagedBlock
            | Self::DiskFull => 60,
            Self::PowerFailure => 180,
            _ => return None,
        };
        Some(Duration::from_secs(seconds))
    }
}

/// What happens to frames, by chance.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The quickest a frame arrives.
    pub delay_least: Duration,
    /// The slowest, in quiet weather.
    pub delay_most: Duration,
    /// Far slower.
    pub heavy_tail: Chance,
    /// Lost.
    pub loss: Chance,
    /// Twice.
    pub duplication: Chance,
    /// Overtaken.
    pub reordering: Chance,
    /// Once more long after, if it carries a state.
    pub late_double: Chance,
}

/// The faults of one run.
#[derive(Clone, Debug)]
pub struct Faults {
    /// What happens to frames.
    pub weather: Weather,
    /// How far apart wall clocks are, either way.
    pub clock_skew: Duration,
    intervals: BTreeMap<FaultKind, Duration>,
    on: BTreeMap<FaultKind, u64>,
    longest_cut: Duration,
    outage: (Duration, Duration),
}

impl Faults {
    /// The faults that a seed draws.
    pub fn drawn(draw: &mut Draw) -> Self {
        let mut later = draw.child("faults added later");
        let share = Chance::percent(*draw.pick(&[0, 15, 35, 60, 100]));
        let mut on = BTreeMap::new();
        for kind in FaultKind::ALL.into_iter().filter(|kind| !kind.comes_with_rounds()) {
            let draw = if kind.draws_apart() { &mut later } else { &mut *draw };
            let drawn = draw.happens(share);
            if drawn && !kind.comes_with_operators() {
                on.insert(kind, 0);
            }
        }
        let mut intervals = BTreeMap::new();
        for (&kind, mean) in on.keys().filter_map(|kind| Some((kind, kind.mean_interval()?))) {
            let draw = if kind.draws_apart() { &mut later } else { &mut *draw };
            intervals.insert(kind, mean.mul_f64(*draw.pick(&[0.3, 1.0, 1.0, 3.0])));
        }
        let mut chance = |kind, choices: &[u32]| {
            let drawn = Chance(*draw.pick(choices));
            if on.contains_key(&kind) { drawn } else { Chance::NEVER }
        };
        let weather = Weather {
            heavy_tail: chance(FaultKind::HeavyTail, &[1_000, 10_000, 50_000]),
            loss: chance(FaultKind::Loss, &[1_000, 10_000, 100_000]),
            duplication: chance(FaultKind::Duplication, &[1_000, 20_000, 100_000]),
            reordering: chance(FaultKind::Reordering, &[5_000, 50_000, 200_000]),
            late_double: Chance::NEVER,
            delay_least: Duration::from_micros(100),
            delay_most: Duration::from_micros(*draw.pick(&[300, 1_000, 5_000, 50_000])),
        };
        let skew = Duration::from_millis(*draw.pick(&[5, 500, 60_000]));
        let clock_skew = if on.contains_key(&FaultKind::ClockSkew) { skew } else { Duration::ZERO };
        Self {
            weather,
            clock_skew,
            intervals,
            on,
            longest_cut: Duration::from_secs(30),
            outage: (Duration::from_millis(200), Duration::from_secs(30)),
        }
    }

    /// These faults, and those that are made to meet rounds of collection.
    #[must_use]
    pub fn and_in_rounds(mut self, pressure: &Pressure) -> Self {
        self.on.extend([(FaultKind::LateDouble, 0), (FaultKind::CrashInRound, 0)]);
        self.weather.late_double = pressure.late_double;
        self.intervals.insert(FaultKind::CrashInRound, pressure.crash_every);
        self
    }

    /// These faults but for those that damage a part of what is stored, and operators who change the
    /// ring.
    #[must_use]
    pub fn and_changes(mut self) -> Self {
        self.on.retain(|kind, _| !kind.damages());
        self.intervals.retain(|kind, _| !kind.damages());
        self.on.insert(FaultKind::RingChange, 0);
        self.intervals.insert(FaultKind::RingChange, Duration::from_secs(15));
        self
    }

    /// These faults, and those that destroy copies, again and again.
    #[must_use]
    pub fn and_losses(mut self) -> Self {
        for kind in [FaultKind::DiskWipe, FaultKind::DamagedBlock, FaultKind::CorruptObject] {
            self.on.entry(kind).or_default();
            self.intervals.insert(kind, Duration::from_secs(10));
        }
        self
    }

    /// What five machines and the network between them do to a service (the paper, 2 and 6: disks,
    /// machines, routes and whole sites fail all the time), and more often than most will see it:
    /// mean times for the whole cluster.
    pub fn of_a_service() -> Self {
        let minutes = |kind| {
            Some(match kind {
                FaultKind::SlowNode | FaultKind::SlowDisk | FaultKind::Pause => 60,
                FaultKind::Crash => 120,
                FaultKind::PartialPartition | FaultKind::OneWayPartition => 240,
                FaultKind::Flapping | FaultKind::FullPartition | FaultKind::Restart => 480,
                FaultKind::CorruptObject => 24 * 60,
                FaultKind::DiskWipe | FaultKind::DamagedBlock | FaultKind::DiskFull => 3 * 24 * 60,
                _ => return None,
            })
        };
        let interval = |kind| Some((kind, Duration::from_secs(60 * minutes(kind)?)));
        let intervals: BTreeMap<_, _> = FaultKind::ALL.into_iter().filter_map(interval).collect();
        let weather = Weather {
            delay_least: Duration::from_micros(100),
            delay_most: Duration::from_millis(1),
            heavy_tail: Chance(1_000),
            loss: Chance(100),
            duplication: Chance::NEVER,
            reordering: Chance(1_000),
            late_double: Chance::NEVER,
        };
        let by_chance = [
            FaultKind::HeavyTail,
            FaultKind::Loss,
            FaultKind::Reordering,
            FaultKind::LostTail,
            FaultKind::TornTail,
            FaultKind::ClockSkew,
        ];
        Self {
            on: intervals.keys().copied().chain(by_chance).map(|kind| (kind, 0)).collect(),
            weather,
            clock_skew: Duration::from_millis(5),
            intervals,
            longest_cut: Duration::from_mins(5),
            outage: (Duration::from_secs(20), Duration::from_hours(2)),
        }
    }

    /// No faults at all.
    pub fn none() -> Self {
        let weather = Weather {
            delay_least: Duration::from_micros(100),
            delay_most: Duration::from_millis(1),
            heavy_tail: Chance::NEVER,
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            reordering: Chance::NEVER,
            late_double: Chance::NEVER,
        };
        Self {
            weather,
            clock_skew: Duration::ZERO,
            intervals: BTreeMap::new(),
            on: BTreeMap::new(),
            longest_cut: Duration::ZERO,
            outage: (Duration::ZERO, Duration::ZERO),
        }
    }

    /// The longest that a direction of the network is cut. A frame that it holds is delivered no
    /// later than this and the frame's own delay, which the healing at the end waits for.
    pub const fn longest_cut(&self) -> Duration {
        self.longest_cut
    }

    /// For how long at least and at most a node that has died stays away.
    pub const fn outage(&self) -> (Duration, Duration) {
        self.outage
    }

    /// Whether this run has a fault.
    pub fn is_on(&self, kind: FaultKind) -> bool {
        self.on.contains_key(&kind)
    }

    /// The faults that strike by themselves, with the mean time between two strikes.
    pub fn strikes(&self) -> &BTreeMap<FaultKind, Duration> {
        &self.intervals
    }

    /// Counts a fault that happened.
    pub fn count(&mut self, kind: FaultKind) {
        *self.on.entry(kind).or_default() += 1;
    }

    /// How often each fault of this run has happened.
    pub const fn counts(&self) -> &BTreeMap<FaultKind, u64> {
        &self.on
    }

    /// From now on frames fare well: everything heals.
    pub fn calm_down(&mut self) {
        self.weather = Self::none().weather;
        self.intervals.clear();
    }
}
