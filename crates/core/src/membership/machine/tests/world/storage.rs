//! The shards of a node: they pull, hand over and tidy up in no time, and say so; and the checker of
//! what must hold of every view.

use std::sync::Arc;

use super::{Event, SHARDS, World};
use crate::identity::NodeId;
use crate::ring::RingVersion;
use crate::token::Partition;
use crate::transfer::{MoveLevel, Progress};
use crate::view::View;

impl World {
    /// What a node's shards make of a view, told a little later.
    pub(super) fn shards_see(&mut self, node: NodeId, view: &View) {
        let Some(ring) = &view.ring else { return };
        let (boot, version) = (self.nodes[&node].directory.boot, ring.version);
        let moving = view.transition.as_ref().filter(|_| !self.idle.contains(&node));
        for shard in 0..SHARDS {
            let mut progress = Progress { ring: version, ..Progress::default() };
            progress.hints_in_place = moving.is_none_or(|moving| moving.is_over());
            let moves = moving.into_iter().flat_map(|moving| moving.moving());
            for (partition, level) in moves.filter(|(p, _)| is_of(*p, shard)) {
                let Some(moving) = moving else { continue };
                if moving.new_owners(partition).contains(&node) {
                    progress.confirmed.insert(partition);
                }
                if level == MoveLevel::New && moving.leaves(node, partition) {
                    progress.handed_over.insert(partition);
                }
            }
            self.later(node, Event::ShardMoved { boot, shard, progress }, 3);
        }
    }

    /// One ring for each version (rule 15), which follows only what is settled; and levels that
    /// never go down (rule 17).
    pub(super) fn check_view(&mut self, node: NodeId, view: &View) {
        let Some(ring) = &view.ring else { return };
        let known = self.rings.entry((ring.cluster, ring.version));
        assert_eq!(known.or_insert_with(|| Arc::clone(ring)), ring, "two rings with one number");
        if ring.version > RingVersion(1) {
            let left = self.facts(node).change.left.as_ref().map(|left| left.version.next());
            assert_eq!(left, Some(ring.version), "{node} does not know which ring was left");
        }
        let Some(now) = &view.transition else { return };
        let levels = self.levels.entry((node, ring.version)).or_default();
        for (partition, level) in now.moving() {
            let before = levels.insert(partition, level).unwrap_or(MoveLevel::Old);
            assert!(before <= level, "{node}: {partition:?} goes from {before:?} to {level:?}");
        }
    }
}

fn is_of(partition: Partition, shard: u8) -> bool {
    partition.get() % u32::from(SHARDS) == u32::from(shard)
}
