//! How old the proof is that a node's replicas are as they should be: compared with the other
//! owners, and read in full. What has not come about since the node started is as old as that.

use std::collections::BTreeMap;
use std::time::Duration;

use stator_core::status::{Compared, PartitionStatus};
use stator_core::time::Instant;
use stator_core::token::Partition;

/// Of a node's replicas, those for which it was longest ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ages {
    /// Of the comparisons that fall to the node, since the oldest last one.
    pub(crate) comparison: Duration,
    /// Partitions with an owner that the node was to compare with and has not yet.
    pub(crate) outstanding: usize,
    /// Since the partition was read in full that this was longest ago for.
    pub(crate) scrub: Duration,
}

impl Ages {
    /// Of these replicas, when the node has been running for so long.
    pub(crate) fn of(replicas: &BTreeMap<Partition, PartitionStatus>, uptime: Duration) -> Self {
        let now = Instant::default().after(uptime);
        let mut ages = Self::default();
        for replica in replicas.values() {
            let compared = match replica.compared {
                Compared::ByOthers => Duration::ZERO,
                Compared::NotYet => {
                    ages.outstanding += 1;
                    uptime
                }
                Compared::Last(at) => now.since(at),
            };
            let scrubbed = replica.scrubbed.map_or(uptime, |at| now.since(at));
            ages.comparison = ages.comparison.max(compared);
            ages.scrub = ages.scrub.max(scrubbed);
        }
        ages
    }
}

#[cfg(test)]
mod tests {
    use stator_core::collection::Round;
    use stator_core::replica::Found;

    use super::*;

    fn replica(scrubbed: Option<u64>, compared: Compared) -> PartitionStatus {
        PartitionStatus {
            root: None,
            counts: true,
            actor: None,
            quarantined: 0,
            bytes: 0,
            round: Round::default(),
            found: Found::default(),
            scrubbed: scrubbed.map(at),
            compared,
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::default().after(Duration::from_secs(seconds))
    }

    fn ages(replicas: &[PartitionStatus]) -> Ages {
        let all = (0..).map(Partition::new).zip(replicas.iter().copied()).collect();
        Ages::of(&all, Duration::from_secs(100))
    }

    #[test]
    fn the_oldest_counts_and_what_never_was_is_as_old_as_the_start() {
        let found = ages(&[
            replica(Some(90), Compared::Last(at(95))),
            replica(Some(40), Compared::Last(at(70))),
            replica(Some(99), Compared::ByOthers),
        ]);
        let secs = Duration::from_secs;
        assert_eq!(found, Ages { comparison: secs(30), outstanding: 0, scrub: secs(60) });
        let found = ages(&[replica(None, Compared::NotYet), replica(Some(1), Compared::ByOthers)]);
        assert_eq!(found, Ages { comparison: secs(100), outstanding: 1, scrub: secs(100) });
        assert_eq!(ages(&[]), Ages::default());
    }
}
