//! The ids under which this shard mints, one for each partition's replica (rule 1).

use std::collections::BTreeMap;

use crate::identity::ActorId;
use crate::random::Random;
use crate::token::Partition;
use crate::version::Dot;

/// Draws an id for a partition when it first mints there, and counts its dots. Nothing of this is
/// durable: after a restart all ids are fresh, so what a crash forgot can't be minted again.
#[derive(Clone, Debug)]
pub(super) struct Actors {
    random: Random,
    minting: BTreeMap<Partition, Dot>,
}

impl Actors {
    pub(super) fn new(random: Random) -> Self {
        Self { random, minting: BTreeMap::new() }
    }

    /// The next dot of the partition's replica.
    pub(super) fn mint(&mut self, partition: Partition) -> Dot {
        let random = &mut self.random;
        let last = self
            .minting
            .entry(partition)
            .or_insert_with(|| Dot { actor: ActorId::new(random.bits()), counter: 0 });
        last.counter += 1;
        *last
    }

    /// The id under which the partition's replica mints; none before it has minted anything.
    pub(super) fn of(&self, partition: Partition) -> Option<ActorId> {
        self.minting.get(&partition).map(|last| last.actor)
    }

    /// Gives up the partition's id for good: something minted under it was dropped, quarantined or
    /// lost. The next mint draws a new one.
    pub(super) fn retire(&mut self, partition: Partition) {
        self.minting.remove(&partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_of_one_partition_count_up_and_ids_differ_between_partitions_and_starts() {
        let mut first = Actors::new(Random::from_seed([1; 32]));
        let a = first.mint(Partition::new(0));
        let b = first.mint(Partition::new(0));
        let other = first.mint(Partition::new(1));
        assert_eq!((a.actor, a.counter + 1), (b.actor, b.counter));
        assert_ne!(a.actor, other.actor);
        let mut next_start = Actors::new(Random::from_seed([2; 32]));
        assert_ne!(next_start.mint(Partition::new(0)).actor, a.actor);
    }

    #[test]
    fn a_retired_id_never_mints_again() {
        let mut actors = Actors::new(Random::from_seed([3; 32]));
        let before = actors.mint(Partition::new(7));
        assert_eq!(actors.of(Partition::new(7)), Some(before.actor));
        actors.retire(Partition::new(7));
        let after = actors.mint(Partition::new(7));
        assert_ne!(before.actor, after.actor);
        assert_eq!(after.counter, 1);
    }
}
