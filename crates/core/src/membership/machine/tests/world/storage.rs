//! What clients have stored, and the checker of what must never happen to it.

use std::sync::Arc;

use super::World;
use crate::identity::NodeId;
use crate::ring::RingVersion;
use crate::token::Partition;
use crate::view::View;

impl World {
    /// A client's write that comes to an owner: taken unless it is held.
    pub(in super::super) fn write(&mut self, node: NodeId, partition: Partition) -> bool {
        let Some(view) = self.nodes[&node].view.clone() else { return false };
        let owns = view.ring_as_member().is_some_and(|ring| ring.owns(node, partition));
        if !owns || view.held.contains(&partition) {
            return false;
        }
        self.node(node).stored.insert(partition);
        true
    }

    /// One ring for each version (rule 15), and none that moves what is stored.
    pub(super) fn check_ring(&mut self, view: &View) {
        let Some(ring) = &view.ring else { return };
        if let Some(known) = self.rings.get(&(ring.cluster, ring.version)) {
            assert_eq!(known, ring, "two rings with one number");
            return;
        }
        self.rings.insert((ring.cluster, ring.version), Arc::clone(ring));
        let before = (ring.cluster, RingVersion(ring.version.0 - 1));
        let Some(base) = self.rings.get(&before) else { return };
        for node in self.nodes.values() {
            for partition in &node.stored {
                let (old, new) = (&base.table[partition.index()], &ring.table[partition.index()]);
                assert_eq!(old, new, "{partition:?} was moved with what it stores");
            }
        }
    }
}
