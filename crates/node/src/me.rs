//! What this node says of itself to others, and what it will not accept of them.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::view::View;
use stator_wire::hello::{Hello, Lane, ProtocolRange, Refusal, RefusalCode};
use stator_wire::secret::Keyring;

use crate::clock::Clock;

/// This node, as all its threads know it.
#[derive(Debug)]
pub(crate) struct Me {
    /// Its id.
    pub(crate) node: NodeId,
    /// Its label.
    pub(crate) name: String,
    /// This start.
    pub(crate) boot: BootNumber,
    /// The mark of this start.
    pub(crate) nonce: BootNonce,
    /// How many shards it has.
    pub(crate) shards: u8,
    /// The cluster's secrets.
    pub(crate) keyring: Keyring,
    /// Its clocks.
    pub(crate) clock: Clock,
    /// Its cluster, from the moment it has one; it never changes.
    pub(crate) cluster: OnceLock<ClusterId>,
    /// The cluster as membership published it last.
    pub(crate) view: ArcSwap<View>,
}

impl Me {
    /// The newest view.
    pub(crate) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// What it says when it meets a node on this lane.
    pub(crate) fn hello(&self, lane: Lane) -> Hello {
        let view = self.view.load();
        Hello {
            protocols: ProtocolRange::SPOKEN,
            node: self.node,
            cluster: self.cluster.get().copied(),
            boot: self.boot,
            nonce: self.nonce,
            name: self.name.clone(),
            lane,
            shards: self.shards,
            ring: view.ring.as_ref().map(|ring| ring.version).unwrap_or_default(),
        }
    }

    /// Whether a node that was met is this very process, met by way of its own address.
    pub(crate) fn is_me(&self, met: &Hello) -> bool {
        met.node == self.node && met.nonce == self.nonce
    }

    /// Whether it will talk to a node; the refusal is in words for that node's operator.
    pub(crate) fn judge(&self, theirs: &Hello) -> Result<(), Refusal> {
        if let (Some(&ours), Some(theirs)) = (self.cluster.get(), theirs.cluster)
            && ours != theirs
        {
            return Err(refusal(
                RefusalCode::ForeignCluster,
                format!(
                    "{} belongs to cluster {ours} and this node to cluster {theirs}: check the \
                     addresses given with --join, or start with an empty --data",
                    self.name
                ),
            ));
        }
        let view = self.view.load();
        if view.ring.as_ref().is_some_and(|ring| ring.removed.contains(&theirs.node)) {
            return Err(refusal(
                RefusalCode::Removed,
                format!(
                    "{} ({}) was removed from the cluster and may not come back under its id: \
                     stop it, move its data directory away, and join again as a new node",
                    theirs.name, theirs.node
                ),
            ));
        }
        Ok(())
    }
}

fn refusal(code: RefusalCode, text: String) -> Refusal {
    Refusal { code, text }
}

#[cfg(test)]
pub(crate) mod tests;
