//! Staged changes taken into the list of members.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Change, PlanError};
use crate::identity::NodeId;
use crate::membership::facts::StagedChange;
use crate::ring::{Member, Ring};

/// The members as they will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// The members.
    pub(super) members: BTreeMap<NodeId, Member>,
    /// Those who may not come back.
    pub(super) removed: BTreeSet<NodeId>,
    /// Those of them that were declared dead.
    pub(super) dead: BTreeSet<NodeId>,
    /// Nodes that were replaced, each with the one that gets its places.
    pub(super) replaced: BTreeMap<NodeId, NodeId>,
    /// Names of those of them that have come back under another id, having lost what they knew.
    pub(super) returned: Vec<String>,
}

/// How a member goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Departure {
    Gone,
    ReplacedBy(NodeId),
}

/// Takes the changes in, whatever their order: joins first, then what changes members, then who
/// goes.
///
/// A replacement that is not joining by itself takes over the old member's name, zone and weight.
/// One that is joining keeps its own name and zone and takes over the weight unless one is staged
/// for it: who replaces a machine has no reason to move other machines' data. One that joins under
/// the old member's own name is that member, come back without its directory.
pub(super) fn take_in(ring: &Ring, changes: &[Change]) -> Result<Membership, PlanError> {
    let mut members = ring.members.clone();
    let joining = join(ring, changes, &mut members)?;
    let weighed = adjust(changes, &mut members)?;
    let departures = departures(ring, changes)?;
    let mut replaced = BTreeMap::new();
    let mut dead = ring.dead.clone();
    let mut returned = Vec::new();
    for (old, departure) in &departures {
        let leaver = members.remove(old).ok_or_else(|| not_a_member(*old))?;
        let Departure::ReplacedBy(new) = *departure else { continue };
        check_replacement(ring, new, &replaced)?;
        replaced.insert(*old, new);
        if members.get(&new).is_some_and(|member| member.name == leaver.name) {
            // Its directory is lost, so nobody will ever speak for the old id again.
            dead.insert(*old);
            returned.push(leaver.name.clone());
        }
        if !joining.contains(&new) {
            members.insert(new, leaver);
        } else if !weighed.contains(&new)
            && let Some(member) = members.get_mut(&new)
        {
            member.weight = leaver.weight;
        }
    }
    if members.is_empty() {
        return Err(PlanError::NoMembers);
    }
    distinct_names(&members)?;
    let mut removed = ring.removed.clone();
    removed.extend(departures.keys());
    let declared = changes.iter().filter(|change| change.change == StagedChange::RemoveDead);
    dead.extend(declared.map(|change| change.node));
    Ok(Membership { members, removed, dead, replaced, returned })
}

/// Adds those who join. Returns their ids.
fn join(
    ring: &Ring,
    changes: &[Change],
    members: &mut BTreeMap<NodeId, Member>,
) -> Result<BTreeSet<NodeId>, PlanError> {
    let mut joining = BTreeSet::new();
    for Change { node, change } in changes {
        let StagedChange::Join { name, zone, weight } = change else { continue };
        never_removed(ring, *node)?;
        let member = Member { name: name.clone(), zone: zone.clone(), weight: *weight };
        if members.insert(*node, member).is_some() {
            let text = format!("node {node} ({name}) can't join: it is a member, or joins twice");
            return Err(PlanError::InvalidChange(text));
        }
        joining.insert(*node);
    }
    Ok(joining)
}

/// Sets weights and zones. Returns whose weight was set.
fn adjust(
    changes: &[Change],
    members: &mut BTreeMap<NodeId, Member>,
) -> Result<BTreeSet<NodeId>, PlanError> {
    let mut weighed = BTreeSet::new();
    for Change { node, change } in changes {
        match change {
            StagedChange::Weight(weight) => {
                known(members, *node)?.weight = *weight;
                weighed.insert(*node);
            }
            StagedChange::Zone(zone) => known(members, *node)?.zone.clone_from(zone),
            _ => {}
        }
    }
    Ok(weighed)
}

fn known(members: &mut BTreeMap<NodeId, Member>, node: NodeId) -> Result<&mut Member, PlanError> {
    members.get_mut(&node).ok_or_else(|| not_a_member(node))
}

/// Who goes, and how.
fn departures(ring: &Ring, changes: &[Change]) -> Result<BTreeMap<NodeId, Departure>, PlanError> {
    let mut departures = BTreeMap::new();
    for Change { node, change } in changes {
        let departure = match change {
            StagedChange::Leave | StagedChange::RemoveDead => Departure::Gone,
            StagedChange::ReplaceBy(new) => Departure::ReplacedBy(*new),
            StagedChange::Join { .. } | StagedChange::Weight(_) | StagedChange::Zone(_) => continue,
        };
        if !ring.members.contains_key(node) {
            return Err(not_a_member(*node));
        }
        if departures.insert(*node, departure).is_some_and(|before| before != departure) {
            let text = format!(
                "node {node} can't both leave and be replaced, or be replaced by two: discard what \
                 is staged and stage one of these"
            );
            return Err(PlanError::InvalidChange(text));
        }
    }
    Ok(departures)
}

/// Whether `new` can take the places of a member that goes.
fn check_replacement(
    ring: &Ring,
    new: NodeId,
    replaced: &BTreeMap<NodeId, NodeId>,
) -> Result<(), PlanError> {
    never_removed(ring, new)?;
    if ring.members.contains_key(&new) {
        let text = format!(
            "node {new} can't replace another: it is a member and has places of its own; start a \
             new node, or let the old one leave"
        );
        return Err(PlanError::InvalidChange(text));
    }
    if replaced.values().any(|other| *other == new) {
        let text = format!("node {new} can't replace two members: start one new node for each");
        return Err(PlanError::InvalidChange(text));
    }
    Ok(())
}

fn never_removed(ring: &Ring, node: NodeId) -> Result<(), PlanError> {
    if !ring.removed.contains(&node) {
        return Ok(());
    }
    let text = format!(
        "node {node} was removed and can't come back under its id: start it on an empty data \
         directory, which gives it a new one"
    );
    Err(PlanError::InvalidChange(text))
}

fn distinct_names(members: &BTreeMap<NodeId, Member>) -> Result<(), PlanError> {
    let mut names = BTreeSet::new();
    for member in members.values() {
        if !names.insert(&member.name) {
            return Err(PlanError::DuplicateName(member.name.clone()));
        }
    }
    Ok(())
}

fn not_a_member(node: NodeId) -> PlanError {
    PlanError::InvalidChange(format!(
        "node {node} is not a member: look at the status, discard what is staged for it"
    ))
}
