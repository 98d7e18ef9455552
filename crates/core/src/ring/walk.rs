//! The fixed walk over all members that names a partition's fallbacks.
//!
//! The paper, 4.6: hints go to the nodes that follow the primaries. Partitions are placed by plan
//! here and not by position, so the walk is an order of its own for each partition, by a hash of
//! partition and node. It goes around the zones, beginning with those that hold the fewest of the
//! partition's replicas, so that a zone that fails as a whole never takes all fallbacks with it.
//! Two members of one zone keep their order whoever else joins or leaves.

use std::collections::BTreeMap;

use super::mix;
use crate::identity::NodeId;
use crate::ring::Ring;
use crate::token::Partition;

/// The first `2n` members of the partition's walk that are not among its replicas, however few of
/// those a bucket uses; all there are if that is fewer.
pub(super) fn fallbacks(ring: &Ring, partition: Partition, n: u8) -> Vec<NodeId> {
    let replicas = &ring.table[partition.index()];
    let mut in_zone: BTreeMap<&str, usize> = BTreeMap::new();
    for member in replicas.iter().filter_map(|node| ring.members.get(node)) {
        *in_zone.entry(&member.zone).or_default() += 1;
    }
    let mut others: Vec<(u64, NodeId, &str)> = ring
        .members
        .iter()
        .filter(|(node, _)| !replicas.contains(node))
        .map(|(node, member)| (mix::rank(partition, *node), *node, member.zone.as_str()))
        .collect();
    others.sort_unstable();
    let mut walk: Vec<(usize, NodeId)> = others
        .into_iter()
        .map(|(_, node, zone)| {
            let before = in_zone.entry(zone).or_default();
            *before += 1;
            (*before, node)
        })
        .collect();
    // Stable: within one round over the zones the hash decides.
    walk.sort_by_key(|(round, _)| *round);
    walk.truncate(2 * usize::from(n));
    walk.into_iter().map(|(_, node)| node).collect()
}

#[cfg(test)]
mod tests;
