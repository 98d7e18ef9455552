//! Planning the ring that follows: balance within one partition of the ideal, fewest moves.
//!
//! The paper, 6.2 (strategy 3); rule 14. In turn: the changes are taken into the list of members
//! (`changes`), each member's ideal number of replicas is computed (`ideals`), who holds which
//! partition is found with the fewest moves (`assign`), and each partition's replicas are put in
//! order (`order`). What comes first when not all can be had: distinct nodes, then distinct zones,
//! then balance, then few moves.

use std::collections::{BTreeMap, BTreeSet};

use super::assign::{Before, assign};
use super::changes::{Membership, take_in};
use super::grounds::Grounds;
use super::order::{Draft, Shift, draft, place_extra, zones_of};
use super::warnings::warnings;
use crate::identity::NodeId;
use crate::membership::facts::StagedChange;
use crate::ring::{Ring, RingVersion, Walks};
use crate::token::Partition;

/// A staged change and the node it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// For whom.
    pub node: NodeId,
    /// What.
    pub change: StagedChange,
}

/// One replica that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Of which partition.
    pub partition: Partition,
    /// The node that gets a replica it did not have.
    pub to: NodeId,
    /// The node that gives one up for it; none if the partition gains a replica.
    pub from: Option<NodeId>,
}

/// What committing the staged changes would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The ring that would follow.
    pub ring: Ring,
    /// The changes it takes in.
    pub changes: Vec<Change>,
    /// The replicas that would move.
    pub moves: Vec<Move>,
    /// What the operator should know before committing (zones that protect nothing, and the like).
    pub warnings: Vec<String>,
}

impl Plan {
    /// The version that committing it would create.
    pub const fn version(&self) -> RingVersion {
        self.ring.version
    }
}

/// Why staged changes can't be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Two members would have one name.
    #[error(
        "two members would be called {0}: names must differ, start one of them with another --name"
    )]
    DuplicateName(String),
    /// A change for a node that is no member, or a join of one that is.
    #[error("{0}")]
    InvalidChange(String),
    /// Nobody would be left.
    #[error("no member would be left: a cluster's last node can't leave it")]
    NoMembers,
}

/// Plans the ring that follows `ring` when `changes` are taken in.
///
/// The result depends on nothing but the arguments, so all nodes that know the same plan the same.
/// A change for a node that it can't be taken in for is an error, and then nothing is.
pub fn plan(ring: &Ring, changes: &[Change]) -> Result<Plan, PlanError> {
    let membership = take_in(ring, changes)?;
    let grounds = Grounds::new(ring, &membership);
    let before =
        Before { sites: &grounds.sites, ideals: &grounds.ideals, holders: &grounds.holders };
    let assigned = assign(before, grounds.demand);
    let drafts = order(ring, &membership, &grounds, &assigned);
    let moves = drafts.iter().flat_map(|draft| draft.moves.iter().cloned()).collect();
    let mut warnings = warnings(&membership.members, ring.replicas, &grounds);
    warnings.extend(membership.returned.iter().map(|name| {
        format!(
            "{name} comes back with an empty directory: what nobody else had is lost, and should \
             another process run as {name} after all, it is taken for dead"
        )
    }));
    let ring = Ring {
        cluster: ring.cluster,
        version: ring.version.next(),
        replicas: ring.replicas,
        partitions: ring.partitions,
        members: membership.members,
        removed: membership.removed,
        dead: membership.dead,
        forced: ring.forced.clone(),
        table: drafts.into_iter().map(|draft| draft.list).collect(),
        walks: Walks::default(),
    };
    Ok(Plan { ring, changes: changes.to_vec(), moves, warnings })
}

/// Puts every partition's holders in order and notes what moved.
fn order(
    ring: &Ring,
    membership: &Membership,
    grounds: &Grounds,
    assigned: &[Vec<usize>],
) -> Vec<Draft> {
    let zones = zones_of(&ring.members, &membership.members);
    let mut totals: BTreeMap<NodeId, u64> = BTreeMap::new();
    let mut drafts = Vec::with_capacity(assigned.len());
    for (partition, holders) in ring.partitions.all().zip(assigned) {
        let after: BTreeSet<NodeId> =
            holders.iter().map(|site| grounds.sites[*site].node).collect();
        for node in &after {
            *totals.entry(*node).or_insert(0) += 1;
        }
        let shift = Shift { partition, before: &ring.table[partition.index()], after: &after };
        drafts.push(draft(shift, &membership.replaced, &zones));
    }
    place_extra(&mut drafts, &totals, grounds.demand.copies.cast_signed());
    drafts
}

#[cfg(test)]
mod tests;
