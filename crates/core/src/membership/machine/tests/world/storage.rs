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
    /// What a node's shards make of the view that they see: it is told a little later.
    pub(super) fn shards_see(&mut self, node: NodeId) {
        let boot = self.nodes[&node].directory.boot;
        for shard in 0..SHARDS {
            self.later(node, Event::ShardMoved { boot, shard }, 3);
        }
    }

    /// What a shard has done, which is all that there is to do by the view that it sees.
    pub(super) fn progress_of(&self, node: NodeId, shard: u8) -> Progress {
        let view = self.nodes[&node].view.as_ref();
        let Some((view, ring)) = view.and_then(|view| Some((view, view.ring.as_ref()?))) else {
            return Progress::default();
        };
        let mut progress = Progress { ring: ring.version, ..Progress::default() };
        let moving = view.transition.as_ref().filter(|_| !self.idle.contains(&node));
        if self.idle.contains(&node) {
            return progress;
        }
        let is_through = |moving: &std::sync::Arc<crate::transfer::Transition>| {
            moving.moving().all(|(_, level)| level == MoveLevel::New)
        };
        progress.hints_in_place = moving.is_none_or(is_through);
        let Some(moving) = moving else { return progress };
        for (partition, level) in moving.moving().filter(|(p, _)| is_of(*p, shard)) {
            if moving.new_owners(partition).contains(&node) {
                progress.confirmed.insert(partition);
            }
            if level == MoveLevel::New && moving.leaves(node, partition) {
                progress.handed_over.insert(partition);
            }
        }
        progress
    }

    /// One ring for each version (rule 15), which follows only what is settled; and levels that
    /// never go down (rule 17).
    pub(super) fn check_view(&mut self, node: NodeId, view: &View) {
        let Some(ring) = &view.ring else { return };
        let known = self.rings.entry((ring.cluster, ring.version));
        assert_eq!(known.or_insert_with(|| Arc::clone(ring)), ring, "two rings with one number");
        let facts = self.facts(node);
        if ring.version > RingVersion(1)
            && facts.ring.as_ref().is_some_and(|newest| newest.version == ring.version)
        {
            let left = facts.change.left.as_ref().map(|left| left.version.next());
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
