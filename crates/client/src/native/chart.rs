//! The ring as the client knows it: who has which key, and where they are. A client's chart may be
//! old. That costs a step and nothing else, since every node carries out every request.

use std::collections::{BTreeMap, BTreeSet};

use stator_core::identity::NodeId;
use stator_core::object::{BucketName, ObjectKey};
use stator_core::ring::{Ring, RingVersion};
use stator_wire::client::{NodeAddresses, RingPicture};

/// What one node said of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chart {
    ring: Option<Ring>,
    nodes: BTreeMap<NodeId, NodeAddresses>,
    suspected: BTreeSet<NodeId>,
    replicas: BTreeMap<BucketName, u8>,
}

/// The nodes for a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preference {
    /// Its primaries, in order.
    pub(crate) primaries: Vec<NodeId>,
    /// Those who stand in for them, and then all others.
    pub(crate) others: Vec<NodeId>,
}

impl From<RingPicture> for Chart {
    fn from(picture: RingPicture) -> Self {
        let RingPicture { ring, nodes, suspected, replicas } = picture;
        Self { ring, nodes, suspected, replicas }
    }
}

impl Chart {
    /// Which ring it shows; 0 for none.
    pub(crate) fn version(&self) -> RingVersion {
        self.ring.as_ref().map_or(RingVersion(0), |ring| ring.version)
    }

    /// Where a node is.
    pub(crate) fn address(&self, node: NodeId) -> Option<&str> {
        self.nodes.get(&node).map(|addresses| addresses.native.as_str())
    }

    /// Every node there is, and where.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeId, &NodeAddresses)> {
        self.nodes.iter().map(|(node, addresses)| (*node, addresses))
    }

    /// Whether the node that drew the chart did not count on this one.
    pub(crate) fn suspects(&self, node: NodeId) -> bool {
        self.suspected.contains(&node)
    }

    /// The nodes for a key.
    pub(crate) fn preference(&self, key: &ObjectKey) -> Preference {
        let known = |node: &NodeId| self.nodes.contains_key(node);
        let Some(ring) = &self.ring else {
            return Preference {
                primaries: Vec::new(),
                others: self.nodes.keys().copied().collect(),
            };
        };
        let partition = ring.partition_of(key.token());
        let n = self.replicas.get(key.bucket()).copied().unwrap_or(ring.replicas);
        let primaries: Vec<NodeId> =
            ring.primaries(partition, n).iter().copied().filter(known).collect();
        let mut others = ring.fallbacks(partition, n).to_vec();
        others.extend(self.nodes.keys().copied());
        let mut met: BTreeSet<NodeId> = primaries.iter().copied().collect();
        others.retain(|node| known(node) && met.insert(*node));
        Preference { primaries, others }
    }
}

#[cfg(test)]
impl Chart {
    pub(crate) fn suspecting(mut self, node: NodeId) -> Self {
        self.suspected.insert(node);
        self
    }
}

#[cfg(test)]
pub(crate) mod tests;
