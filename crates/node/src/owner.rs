//! Whose store it is: a record inside `store/` that names the node, the cluster and the start it
//! was last used in (rule 19), so that a store never runs under an identity that it does not
//! belong to.
//!
//! The node's identity remembers the last start in which the record was written. A store with an
//! earlier one is a copy from before, and a later one means that the identity is.

use std::path::PathBuf;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use stator_core::identity::{BootNumber, ClusterId, NodeId};
use stator_core::node::StoreStanding;
use stator_core::standing;
use stator_core::store::{Batch, Keyspace, ReadStore, Store, StoreError};

use crate::error::StartError;
use crate::identity::{DataDir, Identity};

const KEY: &[u8] = b"owner";
const FORMAT: u8 = 1;
const LEN: usize = 1 + 8 + 16 + 8;

/// The record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The node.
    pub(crate) node: NodeId,
    /// Its cluster; none before it has one. (On disk: 0.)
    pub(crate) cluster: Option<ClusterId>,
    /// The start.
    pub(crate) boot: BootNumber,
}

impl Owner {
    /// The batch that writes it.
    pub(crate) fn batch(&self) -> Batch {
        let mut record = BytesMut::with_capacity(LEN);
        record.put_u8(FORMAT);
        record.put_u64(self.node.get());
        record.put_u128(self.cluster.map_or(0, ClusterId::get));
        record.put_u64(self.boot.0);
        let mut batch = Batch::new();
        batch.put(Keyspace::Meta, Bytes::from_static(KEY), record.freeze());
        batch
    }

    fn read(store: &(impl ReadStore + ?Sized)) -> Result<Option<Self>, StoreError> {
        let Some(mut record) = store.get(Keyspace::Meta, KEY)? else { return Ok(None) };
        if record.len() != LEN || record.get_u8() != FORMAT {
            return Err(StoreError::Engine(
                "its owner record has a format that this version of Stator does not know"
                    .to_owned(),
            ));
        }
        let node = NodeId::new(record.get_u64());
        let cluster = Some(record.get_u128()).filter(|&bits| bits != 0).map(ClusterId::new);
        Ok(Some(Self { node, cluster, boot: BootNumber(record.get_u64()) }))
    }
}

/// What was there when a store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The store that this node used before.
    Ours,
    /// A store that was never used, for a node that had none before.
    New,
    /// A store that was never used, for a node that had one before: it has lost it.
    Lost,
}

impl Found {
    /// What the core is told of it.
    pub(crate) fn standing(self) -> StoreStanding {
        match self {
            Self::Ours | Self::New => StoreStanding::Kept,
            Self::Lost => StoreStanding::Lost,
        }
    }
}

/// Checks that the store belongs to the identity and marks it as used in this start, durably.
pub(crate) fn claim(
    data: &DataDir,
    identity: &mut Identity,
    store: &dyn Store,
) -> Result<Found, StartError> {
    let failed = |source| StartError::Store { path: data.store(), source };
    let found = match Owner::read(store).map_err(failed)? {
        Some(owner) => {
            check(data, identity, owner)?;
            Found::Ours
        }
        None if identity.had_store() => Found::Lost,
        None => Found::New,
    };
    let cluster = identity.cluster.as_ref().map(|(cluster, _)| *cluster);
    let owner = Owner { node: identity.node, cluster, boot: identity.boot };
    let mut batch = owner.batch();
    if found == Found::Lost
        && let Some((_, facts)) = identity.cluster.as_ref()
        && let Some(ring) = &facts.ring
    {
        let left = facts.change_under_way().map(|(_, left)| left.as_ref());
        // With the mark itself: a crash right after it must not make the store count as whole.
        standing::mark_lost(&mut batch, ring, left, identity.node);
    }
    store.write(vec![batch]).map_err(failed)?;
    store.sync().map_err(failed)?;
    identity.store_is_marked()?;
    Ok(found)
}

fn check(data: &DataDir, identity: &Identity, owner: Owner) -> Result<(), StartError> {
    let store: PathBuf = data.store();
    if owner.node != identity.node {
        let (theirs, ours) = (owner.node, identity.node);
        return Err(StartError::OtherNodesStore { store, identity: data.identity(), theirs, ours });
    }
    if let (Some(theirs), Some(ours)) =
        (owner.cluster, identity.cluster.as_ref().map(|(id, _)| *id))
        && theirs != ours
    {
        return Err(StartError::OtherClustersStore { store, theirs, ours });
    }
    if owner.boot < identity.store_boot {
        let (found, expected) = (owner.boot, identity.store_boot);
        return Err(StartError::OlderStore { store, found, expected });
    }
    // This start is already counted: the store can have seen at most the one before it.
    if owner.boot >= identity.boot {
        let found = BootNumber(identity.boot.0 - 1);
        let identity = data.identity();
        return Err(StartError::OlderIdentity { identity, found, expected: owner.boot });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
