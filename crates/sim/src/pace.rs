//! How often rounds of collection come in a run, what is made to meet them, and how often a node
//! reads its disk.
//!
//! In production a partition is searched every half minute, and few frames of a cluster cross the
//! few milliseconds of a round. In most seeds rounds therefore come far more often here, tombstones
//! are found soon after they were written, every second client deletes, states arrive once more
//! long after they were sent, and nodes die, or lose their stores, in the middle of a round.

use std::time::Duration;

use stator_core::collection::COLLECT_EVERY;
use stator_core::node::LOOK_AT_MOST;

use crate::draw::{Chance, Draw};

/// Bytes for all objects that a run has.
const ENOUGH: u64 = 1 << 20;

/// How fast collection goes in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How often a partition is searched for what may be collected.
    pub collect_every: Duration,
    /// How often a node looks at every object, which counts tombstones.
    pub look_every: Duration,
    /// How many bytes one step of that reads at most: in a short run partitions are small.
    pub look_at_most: u64,
    /// What a shard may cache, in bytes: the less, the more is read of disks, damaged or not.
    pub cache_bytes: u64,
    /// What comes beside, if rounds are to meet anything.
    pub pressure: Option<Pressure>,
}

/// What is made to meet rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressure {
    /// A frame that carries a state arrives once more, long after.
    pub late_double: Chance,
    /// The mean time between two nodes that die in the middle of a round.
    pub crash_every: Duration,
}

impl Pace {
    /// That of production, with looks that a short run has some of.
    pub const USUAL: Self = Self {
        collect_every: COLLECT_EVERY,
        look_every: Duration::from_mins(1),
        look_at_most: LOOK_AT_MOST,
        cache_bytes: ENOUGH,
        pressure: None,
    };

    /// That of a seed.
    pub fn drawn(draw: &mut Draw) -> Self {
        // Of a draw beside the others, so that a seed stays what it was in all else.
        let cache_bytes = *draw.child("cache").pick(&[0, 8 << 10, ENOUGH]);
        if draw.happens(Chance::percent(40)) {
            return Self { cache_bytes, ..Self::USUAL };
        }
        let pressure = Pressure {
            late_double: Chance::percent(*draw.pick(&[1, 5, 20])),
            crash_every: Duration::from_secs(*draw.pick(&[10, 30, 90])),
        };
        Self {
            collect_every: Duration::from_secs(*draw.pick(&[1, 3, 10])),
            look_every: Duration::from_secs(*draw.pick(&[3, 10])),
            look_at_most: *draw.pick(&[1, LOOK_AT_MOST]),
            cache_bytes,
            pressure: Some(pressure),
        }
    }
}
