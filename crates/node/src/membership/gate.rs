//! Whether the node has done what it must before it calls itself ready: every member's address was
//! tried once.
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

    /// Opens if every other member of the ring is among `tried`.
    pub(super) fn check(&self, view: &View, tried: &BTreeSet<NodeId>) {
        let Some(ring) = view.ring_as_member() else { return };
        if ring.members.keys().all(|node| *node == view.me || tried.contains(node)) {
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
        gate.check(&View::alone(me), &BTreeSet::from([peer]));
        assert!(!gate.is_open(), "no ring");
        let view = View { ring: Some(Arc::new(ring)), ..View::alone(me) };
        gate.check(&view, &BTreeSet::new());
        assert!(!gate.is_open(), "a member was not tried");
        gate.check(&view, &BTreeSet::from([peer]));
        assert!(gate.is_open());
        gate.check(&view, &BTreeSet::new());
        assert!(gate.is_open(), "stays open");
    }
}
