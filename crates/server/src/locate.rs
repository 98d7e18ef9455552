//! Where an object lives: its token, its partition and its preference list (the paper, 4.3), from
//! what this node knows; nobody else is asked.

use stator_core::identity::NodeId;
use stator_core::object::ObjectKey;
use stator_core::ring::{Ring, RingVersion};
use stator_core::token::{Partition, Token};
use stator_core::view::View;

/// A node of a preference list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) id: String,
    /// `up`, or `down` if the failure detector does not trust it.
    pub(crate) state: &'static str,
}

impl Place {
    fn of(view: &View, ring: &Ring, node: NodeId) -> Self {
        let id = node.to_string();
        let name = ring.members.get(&node).map_or(&id, |member| &member.name).clone();
        let state = if view.suspected.contains_key(&node) { "down" } else { "up" };
        Self { name, id, state }
    }
}

/// Where an object lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) token: Token,
    pub(crate) partition: Partition,
    pub(crate) ring: RingVersion,
    pub(crate) primaries: Vec<Place>,
    pub(crate) fallbacks: Vec<Place>,
}

impl Located {
    /// As a node with this view sees it; none if it knows no ring.
    pub(crate) fn of(view: &View, key: &ObjectKey) -> Option<Self> {
        let ring = view.ring.as_ref()?;
        let n = view.bucket(key.bucket()).fixed.n;
        let partition = ring.partition_of(key.token());
        let places = |nodes: &[NodeId]| -> Vec<Place> {
            nodes.iter().map(|&node| Place::of(view, ring, node)).collect()
        };
        Some(Self {
            token: key.token(),
            partition,
            ring: ring.version,
            primaries: places(ring.primaries(partition, n)),
            fallbacks: places(ring.fallbacks(partition, n)),
        })
    }
}
