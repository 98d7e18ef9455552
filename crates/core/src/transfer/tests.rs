mod algebra;
mod schedule;
mod toy;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::identity::{ClusterId, NodeId};
use crate::ring::{Member, Ring, Weight};
use crate::token::PartitionCount;

const P: Partition = Partition::new(0);

fn node(number: u64) -> NodeId {
    NodeId::new(number)
}

/// A ring of one partition with these owners.
fn ring(version: u64, owners: &[u64]) -> Arc<Ring> {
    let member =
        |n: &u64| Member { name: format!("n{n}"), zone: String::new(), weight: Weight::DEFAULT };
    let partitions = PartitionCount::new(1).expect("a power of two");
    let mut ring = Ring::found(ClusterId::new(7), partitions, 3, node(0), member(&0));
    ring.version = RingVersion(version);
    ring.members = (0..6).map(|number| (node(number), member(&number))).collect();
    ring.table = vec![owners.iter().map(|owner| node(*owner)).collect()];
    Arc::new(ring)
}

fn nobody() -> BTreeSet<NodeId> {
    BTreeSet::new()
}
