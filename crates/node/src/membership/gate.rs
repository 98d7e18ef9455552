//! Whether the node has done what it must before it calls itself ready: every member's address was
//! tried once, and those that can be reached have reached this node in turn. Answers come on links
//! that the answering side dials, so that a request before that would wait in vain.
//!
//! Once open it stays open: a member that dies later, or joins later, is no reason to take a node
//! out of service.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stator_core::identity::NodeId;
use stator_core::view::View;

/// Shared with whoever asks whether the node is ready.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    /// Whether every member was tried.
    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Opens if every other member of the ring is among `tried`, and has dialled this node as well
    /// unless it is thought ill of.
    pub(super) fn check(
        &self,
        view: &View,
        tried: &BTreeSet<NodeId>,
        dialled_by: &BTreeSet<NodeId>,
    ) {
        let Some(ring) = view.ring_as_member() else { return };
        let reaches_us =
            |node: &NodeId| dialled_by.contains(node) || view.suspected.contains_key(node);
        let is_met = |node: &NodeId| *node == view.me || tried.contains(node) && reaches_us(node);
        if ring.members.keys().all(is_met) {
            self.0.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stator_core::identity::ClusterId;
    use stator_core::ring::{Member, Ring, Weight};
    use stator_core::token::PartitionCount;
    use stator_core::view::Suspicion;

    #[test]
    fn opens_when_every_other_member_was_tried_and_stays_open() {
        let (me, peer) = (NodeId::new(1), NodeId::new(2));
        let member = |name: &str| Member {
            name: name.to_owned(),
            zone: "z".to_owned(),
            weight: Weight::DEFAULT,
        };
        let partitions = PartitionCount::new(1).expect("a power of two");
        let mut ring = Ring::found(ClusterId::new(1), partitions, 3, me, member("n1"));
        ring.members.insert(peer, member("n2"));
        let gate = Gate::default();
        let (nobody, met) = (BTreeSet::new(), BTreeSet::from([peer]));
        gate.check(&View::alone(me), &met, &met);
        assert!(!gate.is_open(), "no ring");
        let view = View { ring: Some(Arc::new(ring)), ..View::alone(me) };
        gate.check(&view, &nobody, &met);
        assert!(!gate.is_open(), "a member was not tried");
        gate.check(&view, &met, &nobody);
        assert!(!gate.is_open(), "its answers have no way back");
        gate.check(&view, &met, &met);
        assert!(gate.is_open());
        gate.check(&view, &nobody, &nobody);
        assert!(gate.is_open(), "stays open");

        let gate = Gate::default();
        let suspected = Arc::new([(peer, Suspicion::Doubted)].into());
        gate.check(&View { suspected, ..view }, &met, &nobody);
        assert!(gate.is_open(), "one that can't be reached is not waited for");
    }
}
