//! What a shard holds and how it is: its partitions and their trees, looked through a little at a
//! time, and the condition that it tells of when it is asked.

use std::collections::BTreeSet;

use super::{Shard, StoreStanding};
use crate::effect::{DiskRoom, Effect, Effects};
use crate::exchange::begins;
use crate::object::ObjectKey;
use crate::observe::Observation;
use crate::replica::Looked;
use crate::status::{Compared, OwnCopy, PartitionStatus, ShardStatus, UpkeepCounts};
use crate::store::ReadStore;
use crate::time::Now;
use crate::token::Partition;

/// How many bytes of objects one step of a full look reads at most, in production.
pub const LOOK_AT_MOST: u64 = 4 << 20;

impl Shard {
    /// The replica learns which partitions are this shard's, by the newest ring.
    pub(super) fn own_partitions(&mut self) {
        let Some(ring) = self.view.ring.clone() else { return };
        self.watch.keep(|node| ring.members.contains_key(&node));
        let owned: BTreeSet<Partition> = self.kept_partitions().collect();
        self.replica.own(ring.partitions, owned);
    }

    /// The partitions that this shard has a copy of: not those that it has handed over.
    fn kept_partitions(&self) -> impl Iterator<Item = Partition> {
        let ring = self.view.ring.as_ref().map(|ring| ring.version);
        let given_up =
            move |p: &Partition| Some(self.handing.ring()) == ring && self.handing.has_given_up(*p);
        self.owned_partitions().filter(move |partition| !given_up(partition))
    }

    /// Reads what the start before this one has left: objects set aside, and trees. What can't be
    /// read now is found again by looking.
    pub(super) fn load_trees(&mut self, store: &impl ReadStore) {
        let _ = self.replica.load_quarantine(store);
        if self.config.store == StoreStanding::Kept {
            self.replica.load_trees(self.config.boot, store);
        }
    }

    /// No more work is begun: the trees are saved for the next start, and whoever might still merge
    /// something in the background is let go.
    pub(super) fn stop(&mut self, out: &mut Effects) {
        self.stopping = true;
        self.tasks.clear();
        self.replica.save_trees(self.config.boot, out);
    }

    /// Looks at some objects, if a look is under way or due. Returns whether there is more to do.
    pub(super) fn look(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) -> bool {
        self.replica.clean_leaves(store);
        let interval = self.config.scrub_interval;
        if !self.budget.allows(now.instant) {
            return false;
        }
        let room = self.budget.room(now.instant).min(self.config.look_at_most);
        let looked = self.replica.look(now, interval, room, store, out);
        match looked.map(|(looked, bytes)| {
            self.budget.spend(now.instant, bytes);
            looked
        }) {
            Ok(Looked::Nothing) | Err(_) => false,
            Ok(Looked::Partly) => true,
            Ok(Looked::Finished(_)) => self.replica.lacks_trees(),
            Ok(Looked::Drifted(partition)) => {
                self.counts.tree_drifts += 1;
                out.push(Effect::Observe(Observation::TreeDrifted(partition)));
                self.replica.lacks_trees()
            }
        }
    }

    /// When the replica was last known to be as the other owners have it.
    fn compared(&self, partition: Partition) -> Compared {
        let me = self.config.me;
        let owners = self.view.ring.iter().flat_map(|ring| &ring.table[partition.index()]);
        let own = owners.map(|&owner| (partition, owner)).filter(|pair| pair.1 != me);
        own.filter(|&pair| begins(me, pair)).fold(Compared::ByOthers, |so_far, pair| {
            match (so_far, self.schedule.last_alike(pair)) {
                (Compared::NotYet, _) | (_, None) => Compared::NotYet,
                (Compared::Last(earlier), Some(at)) => Compared::Last(earlier.min(at)),
                (Compared::ByOthers, Some(at)) => Compared::Last(at),
            }
        })
    }

    /// What this node has of an object; none if it knows no ring.
    pub(super) fn own_copy(
        &mut self,
        key: &ObjectKey,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Option<OwnCopy> {
        let ring = self.view.ring.clone()?;
        let partition = ring.partition_of(key.token());
        let state = self.replica.read(key, store, out);
        Some(OwnCopy {
            partition,
            is_replica: self.view.keeps(&ring, partition),
            counts: self.standing.counts(partition),
            round: self.replica.round(partition),
            state: state.map_err(|unreadable| unreadable.0),
            hints: self.hints.by_owner(key, store).map_err(|unreadable| unreadable.0),
        })
    }

    /// The shard's condition.
    pub(super) fn status(&self) -> ShardStatus {
        let partitions = self.kept_partitions().map(|partition| {
            let found = self.replica.found(partition);
            let status = PartitionStatus {
                root: self.replica.tree(partition).map(crate::merkle::Tree::root),
                counts: self.standing.counts(partition),
                actor: self.replica.actor(partition),
                bytes: self.replica.bytes(partition),
                quarantined: self.replica.quarantined_count(partition) as u32,
                round: self.replica.round(partition),
                found,
                scrubbed: self.replica.looked_at(partition),
                compared: self.compared(partition),
            };
            (partition, status)
        });
        let (damaged, refilled_objects) = self.replica.damage();
        ShardStatus {
            partitions: partitions.collect(),
            hints: self.hints.held(),
            counting_hints: !self.hints_counted,
            upkeep: UpkeepCounts {
                damaged,
                refilled_objects,
                budgeted_bytes: self.budget.spent(),
                ..self.counts
            },
            budget: self.budget.allowance().get(),
            disk_reserved: self.disk == DiskRoom::Reserve,
            writes: self.watch.seen().clone(),
            cache: self.replica.cache_counts(),
        }
    }
}
