//! What the cluster can do without, as one node sees it: how many more nodes, or zones, may be lost.

use stator_core::identity::NodeId;
use stator_core::ring::{Ring, Tolerance, tolerance};
use stator_core::view::View;

/// What may be lost, and each partition still has a replica, or a majority of its replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endurance {
    /// One replica is left.
    pub(crate) data: Tolerance,
    /// A majority is left: reads and writes of the default quorum need no fallbacks.
    pub(crate) quorum: Tolerance,
}

impl Endurance {
    /// By the newest ring and by who is held to be down, as the members' states tell it: whoever is
    /// suspected at all.
    pub(crate) fn of(ring: &Ring, view: &View) -> Self {
        let is_up =
            |node: NodeId| !view.suspected.contains_key(&node) && !view.dead.contains(&node);
        let majority = ring.replicas / 2 + 1;
        Self { data: tolerance(ring, 1, is_up), quorum: tolerance(ring, majority, is_up) }
    }
}
