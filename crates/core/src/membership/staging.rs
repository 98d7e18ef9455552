//! Staged changes: which of them still wait for a commit.
//!
//! The paper, 4.8.1: nodes come and go by an explicit act of the administrator. A change is staged,
//! seen in a plan, then committed. What the ring already shows needs no commit any more.

use crate::identity::NodeId;
use crate::membership::facts::{Facts, StagedChange, StagedFact};
use crate::ring::{Change, Ring};
use crate::time::Stamp;

/// The changes that a commit would take in, in the order of node and slot.
pub fn pending(facts: &Facts) -> Vec<Change> {
    let Some(ring) = &facts.ring else { return Vec::new() };
    let staged = facts.staged.iter().filter_map(|(&(node, _), fact)| {
        let change = fact.change.clone()?;
        (!is_done(ring, node, &change)).then_some(Change { node, change })
    });
    staged.collect()
}

/// The nodes that wait to become members.
pub fn joining(facts: &Facts) -> impl Iterator<Item = NodeId> {
    let is_join = |change: &Change| matches!(change.change, StagedChange::Join { .. });
    pending(facts).into_iter().filter(is_join).map(|change| change.node)
}

/// Facts that withdraw everything staged.
pub fn withdrawn(facts: &Facts, at: (Stamp, NodeId)) -> Facts {
    let withdraw = |key: &_| (*key, StagedFact { at, change: None });
    Facts { staged: facts.staged.keys().map(withdraw).collect(), ..Facts::default() }
}

/// Whether the ring shows the change already, or can never show it.
fn is_done(ring: &Ring, node: NodeId, change: &StagedChange) -> bool {
    if ring.removed.contains(&node) {
        return true;
    }
    let member = ring.members.get(&node);
    match change {
        StagedChange::Join { .. } => member.is_some(),
        StagedChange::Leave | StagedChange::RemoveDead | StagedChange::ReplaceBy(_) => {
            member.is_none()
        }
        StagedChange::Weight(weight) => member.is_none_or(|member| member.weight == *weight),
        StagedChange::Zone(zone) => member.is_none_or(|member| member.zone == *zone),
    }
}

/// Why a change can't be staged, in words for the operator; nothing if it can.
pub fn objection(facts: &Facts, node: NodeId, change: &StagedChange) -> Option<String> {
    let ring = facts.ring.as_ref()?;
    if ring.removed.contains(&node) {
        return Some(format!("node {node} was removed and may not come back under its id"));
    }
    match change {
        StagedChange::Join { name, .. } => joiner_objection(facts, ring, node, name),
        StagedChange::ReplaceBy(other) => {
            let known = facts.nodes.contains_key(other);
            member_objection(ring, node).or_else(|| {
                (!known || ring.members.contains_key(other)).then(|| {
                    format!("node {other} can't take a place: start it with --join, then try again")
                })
            })
        }
        StagedChange::Zone(zone) if zone.trim().is_empty() => {
            Some("the zone's name is empty: name what fails together, such as a rack".to_owned())
        }
        _ => member_objection(ring, node),
    }
}

fn member_objection(ring: &Ring, node: NodeId) -> Option<String> {
    let known = ring.members.contains_key(&node);
    (!known).then(|| format!("node {node} is not a member: see the cluster's status for those"))
}

fn joiner_objection(facts: &Facts, ring: &Ring, node: NodeId, name: &str) -> Option<String> {
    if !facts.nodes.contains_key(&node) {
        return Some(format!("node {node} was never heard of: start it with --join"));
    }
    if name.trim().is_empty() {
        return Some("the node's name is empty: give it one with --name".to_owned());
    }
    if ring.members.contains_key(&node) {
        return Some(format!("node {node} is a member already"));
    }
    let taken = ring.members.values().any(|member| member.name == name);
    taken.then(|| format!("a member is called {name} already: give this node another --name"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::identity::ClusterId;
    use crate::ring::{Member, Weight};
    use crate::time::WallTime;
    use crate::token::PartitionCount;

    const ME: NodeId = NodeId::new(1);
    const OTHER: NodeId = NodeId::new(2);

    fn weight(number: u32) -> Weight {
        Weight::new(number).expect("no weight is nothing")
    }

    fn facts(staged: &[(NodeId, StagedChange)]) -> Facts {
        let member = Member { name: "n1".into(), zone: "here".into(), weight: weight(3) };
        let partitions = PartitionCount::new(4).expect("a power of two");
        let ring = Ring::found(ClusterId::new(7), partitions, 3, ME, member);
        let at = (Stamp::at(WallTime::from_millis(1)), ME);
        let staged = staged.iter().map(|(node, change)| {
            ((*node, change.slot()), StagedFact { at, change: Some(change.clone()) })
        });
        Facts { ring: Some(Arc::new(ring)), staged: staged.collect(), ..Facts::default() }
    }

    #[test]
    fn what_the_ring_shows_already_waits_for_no_commit() {
        let done = [StagedChange::Weight(weight(3)), StagedChange::Zone("here".into())];
        for change in done {
            assert_eq!(pending(&facts(&[(ME, change)])), []);
        }
        for change in [StagedChange::Weight(weight(4)), StagedChange::Zone("there".into())] {
            let waiting = Change { node: ME, change: change.clone() };
            assert_eq!(pending(&facts(&[(ME, change)])), [waiting]);
        }
    }

    #[test]
    fn those_who_wait_to_join_are_named() {
        let join = |name: &str| StagedChange::Join {
            name: name.into(),
            zone: String::new(),
            weight: weight(1),
        };
        let facts = facts(&[(OTHER, join("n2")), (ME, StagedChange::Weight(weight(9)))]);
        assert_eq!(joining(&facts).collect::<Vec<_>>(), [OTHER]);
    }

    #[test]
    fn only_an_empty_zone_is_objected_to() {
        let zone = |name: &str| objection(&facts(&[]), ME, &StagedChange::Zone(name.into()));
        assert_eq!(zone("rack 1"), None);
        assert!(zone(" ").is_some_and(|why| why.contains("empty")));
    }
}
