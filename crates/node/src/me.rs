//! What this node says of itself to others, and what it will not accept of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::view::View;
use stator_wire::cipher::Cipher;
use stator_wire::client::{CLIENT_PROTOCOLS, Welcome};
use stator_wire::hello::{Hello, Lane, ProtocolRange, Refusal, RefusalCode};
use stator_wire::secret::Keyring;

use crate::clients::ClientDoor;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::trace::Traces;

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
    /// How it fails.
    pub(crate) failure: Failure,
    /// Where native clients go.
    pub(crate) clients: ClientDoor,
    /// Where spans of its requests go.
    pub(crate) traces: Traces,
    /// The newest start of each node that was met since this one started.
    pub(crate) met: Mutex<BTreeMap<NodeId, (BootNumber, BootNonce)>>,
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
            cipher: Cipher::fastest(),
        }
    }

    /// What it says to a client that it lets in.
    pub(crate) fn welcome(&self) -> Welcome {
        let hello = self.hello(Lane::Membership);
        let Hello { node, name, cluster, ring, cipher, .. } = hello;
        Welcome { protocols: CLIENT_PROTOCOLS, node, name, cluster, ring, cipher }
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
        self.judge_start(theirs)?;
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

    /// A node that was met and has proved itself: no other process may speak for its start.
    pub(crate) fn remember(&self, theirs: &Hello) {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = met.entry(theirs.node).or_insert((theirs.boot, theirs.nonce));
        if theirs.boot > newest.0 {
            *newest = (theirs.boot, theirs.nonce);
        }
    }

    /// The tripwire of rule 19, where it is quickest: two processes on copies of one identity both
    /// dial the same peers, and the later one is told so. (What peers must remember beyond their
    /// own starts, membership keeps durably.)
    fn judge_start(&self, theirs: &Hello) -> Result<(), Refusal> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(&(boot, nonce)) = met.get(&theirs.node) else { return Ok(()) };
        if theirs.boot < boot {
            return Err(refusal(
                RefusalCode::Identity,
                format!(
                    "{} ({}) comes with start {} of its identity and was met with start {}: an \
                     identity must never be restored from a copy; give the node an empty data \
                     directory and let it join anew",
                    theirs.name, theirs.node, theirs.boot.0, boot.0
                ),
            ));
        }
        if theirs.boot == boot && theirs.nonce != nonce {
            return Err(refusal(
                RefusalCode::Identity,
                format!(
                    "another process runs on a copy of the identity of {} ({}): stop one of the \
                     two, give it an empty data directory and let it join anew",
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
