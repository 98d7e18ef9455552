//! What clients have stored, and the checker of what must never happen to it.

use std::sync::Arc;

use super::{World, Writer};
use crate::identity::NodeId;
use crate::ring::{Ring, RingVersion};
use crate::token::Partition;
use crate::view::View;

impl World {
    /// A client's write that comes to an owner: taken unless it is held.
    pub(in super::super) fn write(&mut self, node: NodeId, partition: Partition) -> bool {
        let Some(view) = self.nodes[&node].view.clone() else { return false };
        let Some(ring) = view.ring_as_member() else { return false };
        if !ring.owns(node, partition) || view.held.contains(&partition) {
            return false;
        }
        let moved = |(version, newer): (_, &Arc<Ring>)| {
            version > &(ring.cluster, ring.version)
                && newer.table[partition.index()] != ring.table[partition.index()]
        };
        assert!(!self.rings.iter().any(moved), "{node} takes what a newer ring has moved away");
        self.node(node).stored.insert(partition);
        true
    }

    /// The client whom this world fears most: it writes at once to whatever is no longer held.
    pub(super) fn write_what_was_let_go(&mut self, node: NodeId, before: Option<&View>) {
        if self.writer == Writer::Calm {
            return;
        }
        let let_go = before.map(|view| Arc::clone(&view.held)).unwrap_or_default();
        for &partition in &*let_go {
            self.write(node, partition);
        }
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
