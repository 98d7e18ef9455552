//! How many hints are held, for whom and of which partitions, without reading them.

use std::collections::{BTreeMap, BTreeSet};

use super::record::{Hint, HintKey};
use super::shelf::Page;
use crate::identity::NodeId;
use crate::status::HeldHints;
use crate::token::Partition;

/// Counts by partition and owner. What was there when the node started is counted later, a part of
/// a partition at a time, in the order of its keys: beyond where that has got nothing is counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    counted: BTreeSet<Partition>,
    /// How far partitions are counted that are not counted as a whole.
    reached: BTreeMap<Partition, HintKey>,
    held: BTreeMap<(Partition, NodeId), HeldHints>,
    total: HeldHints,
}

impl Ledger {
    /// A hint has come (`before` is none), gone (`after` is none) or changed.
    pub(super) fn replaced(
        &mut self,
        partition: Partition,
        at: &HintKey,
        before: Option<&Hint>,
        after: Option<&Hint>,
    ) {
        let reached = self.reached.get(&partition).is_some_and(|reached| at <= reached);
        if !reached && !self.is_counted(partition) {
            return;
        }
        if let Some(hint) = before {
            let place = (partition, hint.owner);
            let empty = self.held.get_mut(&place).is_some_and(|held| take_away(held, hint));
            take_away(&mut self.total, hint);
            if empty {
                self.held.remove(&place);
            }
        }
        if let Some(hint) = after {
            self.add(partition, hint);
        }
    }

    fn add(&mut self, partition: Partition, hint: &Hint) {
        add(self.held.entry((partition, hint.owner)).or_default(), hint);
        add(&mut self.total, hint);
    }

    /// Counts the hints that follow those counted before.
    pub(super) fn count(&mut self, partition: Partition, page: &Page) {
        if self.is_counted(partition) {
            return;
        }
        for (_, hint) in &page.hints {
            self.add(partition, hint);
        }
        if let Some(next) = &page.next {
            self.reached.insert(partition, next.clone());
        } else {
            self.reached.remove(&partition);
            self.counted.insert(partition);
        }
    }

    /// After which hint of a partition counting goes on; none if it has not begun.
    pub(super) fn reached(&self, partition: Partition) -> Option<&HintKey> {
        self.reached.get(&partition)
    }

    pub(super) fn is_counted(&self, partition: Partition) -> bool {
        self.counted.contains(&partition)
    }

    pub(super) fn holds(&self, partition: Partition) -> bool {
        let all = (partition, NodeId::new(0))..=(partition, NodeId::new(u64::MAX));
        self.held.range(all).next().is_some()
    }

    pub(super) fn total(&self) -> HeldHints {
        self.total
    }

    pub(super) fn partitions_for(&self, owner: NodeId) -> Vec<Partition> {
        self.held.keys().filter(|(_, of)| *of == owner).map(|(partition, _)| *partition).collect()
    }

    pub(super) fn by_owner(&self) -> BTreeMap<NodeId, HeldHints> {
        let mut owners: BTreeMap<NodeId, HeldHints> = BTreeMap::new();
        for ((_, owner), held) in &self.held {
            let sum = owners.entry(*owner).or_default();
            sum.objects += held.objects;
            sum.bytes += held.bytes;
            sum.oldest = sum.oldest.into_iter().chain(held.oldest).min();
        }
        owners
    }
}

fn add(held: &mut HeldHints, hint: &Hint) {
    held.objects += 1;
    held.bytes += hint.state.as_bytes().len() as u64;
    held.oldest = Some(held.oldest.map_or(hint.stored, |oldest| oldest.min(hint.stored)));
}

/// Returns whether none is left. The oldest stays a bound from below until then.
fn take_away(held: &mut HeldHints, hint: &Hint) -> bool {
    held.objects = held.objects.saturating_sub(1);
    held.bytes = held.bytes.saturating_sub(hint.state.as_bytes().len() as u64);
    if held.objects == 0 {
        *held = HeldHints::default();
    }
    held.objects == 0
}
