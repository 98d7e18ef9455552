//! A fixed hash of a partition and a node, which gives each partition an order of all nodes of its
//! own (rendezvous hashing): a node that comes or goes never changes the order of the others.
//!
//! Every node computes it by itself and must get what the others get, so it may never change
//! between versions. It is not cryptographic: node ids are random, and nobody gains by one that
//! comes early.

use crate::identity::NodeId;
use crate::token::Partition;

/// Where `node` comes in the partition's own order of all nodes; lower is earlier.
///
/// The finaliser of `SplitMix64` (Steele, Lea, Flood, 2014) over both numbers.
pub(super) const fn rank(partition: Partition, node: NodeId) -> u64 {
    let salt = (partition.get() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bits = node.get() ^ salt;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
