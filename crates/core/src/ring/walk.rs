//! The fixed walk over all members that names a partition's fallbacks.
//!
//! The paper, 4.6: hints go to the nodes that follow the primaries. Partitions are placed by plan
//! here and not by position, so the walk is an order of its own for each partition, by a hash of
//! partition and node. It goes around the zones, beginning with those that hold the fewest of the
//! partition's replicas, so that a zone that fails as a whole never takes all fallbacks with it.
//! Two members of one zone keep their order whoever else joins or leaves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use super::mix;
use crate::identity::NodeId;
use crate::ring::Ring;
use crate::token::Partition;

/// A ring's walks, each made when it is first asked for: every request asks for one. A copy of a
/// ring makes its own, since it may be changed before it is used.
#[derive(Default)]
pub struct Walks(OnceLock<Box<[Walk]>>);

type Walk = OnceLock<Box<[NodeId]>>;

impl Walks {
    /// The first `2n` members of the partition's walk that are not among its replicas, however few of
    /// those a bucket uses; all there are if that is fewer.
    pub(super) fn fallbacks<'a>(
        &'a self,
        ring: &Ring,
        partition: Partition,
        n: u8,
    ) -> &'a [NodeId] {
        let none_yet = || ring.table.iter().map(|_| Walk::new()).collect();
        let walk = self.0.get_or_init(none_yet)[partition.index()].get_or_init(|| {
            let mut walk = walk(ring, partition);
            walk.truncate(2 * usize::from(ring.replicas));
            walk.into()
        });
        &walk[..walk.len().min(2 * usize::from(n))]
    }
}

impl Clone for Walks {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// They follow from the rest of the ring.
impl PartialEq for Walks {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Walks {}

impl fmt::Debug for Walks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Walks")
    }
}

/// The partition's whole walk over the members that are not among its replicas.
fn walk(ring: &Ring, partition: Partition) -> Vec<NodeId> {
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
    walk.into_iter().map(|(_, node)| node).collect()
}

#[cfg(test)]
mod tests;
