//! How many more nodes, and how many more zones, may be lost before some partition has too few
//! replicas left.
//!
//! The trap "zones that protect nothing": three replicas in one rack look well until the rack is
//! lost, so an operator is told the worst case as a number. The partition that is worst off counts,
//! and of its replicas those are lost first whose zone has the most of them.

use std::collections::BTreeMap;

use crate::identity::NodeId;
use crate::ring::Ring;
use crate::token::Partition;

/// What a ring can do without, as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// Any so many nodes.
    pub nodes: u32,
    /// Any so many zones, with all their nodes.
    pub zones: u32,
    /// Partitions that have too few replicas already. Then the others are 0.
    pub short: u32,
}

/// What `ring` can do without if of each partition `needed` replicas must be left (all of them,
/// where it has fewer owners), and of its members only those are there that `is_up` names.
pub fn tolerance(ring: &Ring, needed: u8, is_up: impl Fn(NodeId) -> bool) -> Tolerance {
    let mut worst: Option<(usize, usize)> = None;
    let mut short = 0;
    for partition in ring.partitions.all() {
        let by_zone = up_by_zone(ring, partition, &is_up);
        let up: usize = by_zone.iter().sum();
        let needed = usize::from(needed).min(ring.table[partition.index()].len()).max(1);
        let Some(spare) = up.checked_sub(needed) else {
            short += 1;
            continue;
        };
        let zones = zones_to_spare(by_zone, spare);
        worst = Some(worst.map_or((spare, zones), |(a, b)| (a.min(spare), b.min(zones))));
    }
    let (nodes, zones) = worst.filter(|_| short == 0).unwrap_or_default();
    Tolerance { nodes: nodes as u32, zones: zones as u32, short }
}

/// How many replicas of a partition are up in each zone that has any.
fn up_by_zone(ring: &Ring, partition: Partition, is_up: impl Fn(NodeId) -> bool) -> Vec<usize> {
    let mut by_zone: BTreeMap<&str, usize> = BTreeMap::new();
    for node in ring.table[partition.index()].iter().filter(|node| is_up(**node)) {
        if let Some(member) = ring.members.get(node) {
            *by_zone.entry(&member.zone).or_default() += 1;
        }
    }
    by_zone.into_values().collect()
}

/// How many zones, the fullest first, hold no more than the replicas that can be spared.
fn zones_to_spare(mut by_zone: Vec<usize>, spare: usize) -> usize {
    by_zone.sort_unstable_by(|a, b| b.cmp(a));
    let mut lost = 0;
    let spared = by_zone.into_iter().take_while(|replicas| {
        lost += replicas;
        lost <= spare
    });
    spared.count()
}

#[cfg(test)]
mod tests;
