//! Which fallback stands in for which primary of one put (the paper, 4.6; rule 8).

use std::collections::BTreeMap;

use crate::identity::NodeId;

/// A fallback, and the primary for whom it keeps the put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StandIn {
    pub(super) fallback: NodeId,
    pub(super) owner: NodeId,
}

/// The fallbacks of one put. Each is used once, and each primary has one at a time.
#[derive(Clone, Debug)]
pub(super) struct StandIns {
    primaries: Vec<NodeId>,
    /// Fallbacks that were not asked yet, best first.
    left: Vec<NodeId>,
    /// For whom each fallback that was asked keeps the put, if it ever takes it.
    owners: BTreeMap<NodeId, NodeId>,
    /// Whose answer counts for a primary: that of the last fallback that was asked for it.
    current: BTreeMap<NodeId, NodeId>,
}

impl StandIns {
    /// Nobody stands in for anybody yet, but for who mints the put, if it is a fallback.
    pub(super) fn new(
        primaries: &[NodeId],
        fallbacks: Vec<NodeId>,
        minter: Option<StandIn>,
    ) -> Self {
        let mut stand_ins = Self {
            primaries: primaries.to_vec(),
            left: fallbacks,
            owners: BTreeMap::new(),
            current: BTreeMap::new(),
        };
        if let Some(minter) = minter {
            stand_ins.appoint(minter);
        }
        stand_ins
    }

    fn appoint(&mut self, StandIn { fallback, owner }: StandIn) {
        self.owners.insert(fallback, owner);
        self.current.insert(owner, fallback);
    }

    /// The next fallback for `node`, which is a primary or stands in for one, and for whom it is to
    /// keep the state; none if a primary has a stand-in already, or none is left. Those that are
    /// not healthy come last.
    pub(super) fn next_for(
        &mut self,
        node: NodeId,
        healthy: impl Fn(NodeId) -> bool,
    ) -> Option<StandIn> {
        if self.left.is_empty() {
            return None;
        }
        let is_primary = self.primaries.contains(&node);
        let owner = if is_primary { node } else { self.owner_of(node)? };
        if self.current.get(&owner).is_some_and(|&current| current != node) {
            return None;
        }
        let next = self.left.iter().position(|&fallback| healthy(fallback)).unwrap_or(0);
        let next = StandIn { fallback: self.left.remove(next), owner };
        self.appoint(next);
        Some(next)
    }

    /// Whom a node was asked to stand in for, be it that another one does by now; none if it is a
    /// primary.
    pub(super) fn owner_of(&self, fallback: NodeId) -> Option<NodeId> {
        self.owners.get(&fallback).copied()
    }

    /// The primaries.
    pub(super) fn primaries(&self) -> &[NodeId] {
        &self.primaries
    }

    /// Whether any fallback was not asked yet.
    pub(super) fn any_left(&self) -> bool {
        !self.left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes<const N: usize>(ids: [u64; N]) -> [NodeId; N] {
        ids.map(NodeId::new)
    }

    #[test]
    fn each_primary_has_one_stand_in_and_each_fallback_one_owner() {
        let [p1, p2, p3, f1, f2, f3] = nodes([1, 2, 3, 11, 12, 13]);
        let mut stand_ins = StandIns::new(&[p1, p2, p3], vec![f1, f2, f3], None);
        let all = |_| true;
        assert_eq!(stand_ins.next_for(p3, all), Some(StandIn { fallback: f1, owner: p3 }));
        assert_eq!(stand_ins.next_for(p3, all), None, "it has one");
        assert_eq!(stand_ins.next_for(p2, all), Some(StandIn { fallback: f2, owner: p2 }));
        assert_eq!(
            stand_ins.next_for(f1, all),
            Some(StandIn { fallback: f3, owner: p3 }),
            "its stand-in has failed too"
        );
        assert_eq!(stand_ins.next_for(f2, all), None, "none is left");
        assert!(!stand_ins.any_left());
    }

    #[test]
    fn a_fallback_keeps_its_owner_when_another_one_takes_its_place() {
        let [p1, p2, f1, f2, f3] = nodes([1, 2, 11, 12, 13]);
        let mut stand_ins = StandIns::new(&[p1, p2], vec![f1, f2, f3], None);
        let all = |_| true;
        assert_eq!(stand_ins.next_for(p2, all), Some(StandIn { fallback: f1, owner: p2 }));
        assert_eq!(stand_ins.next_for(f1, all), Some(StandIn { fallback: f2, owner: p2 }));
        assert_eq!(stand_ins.owner_of(f1), Some(p2), "it may take the hint yet");
        assert_eq!(stand_ins.next_for(f1, all), None, "f2 is asked already");
        assert_eq!(stand_ins.next_for(p2, all), None, "and so for the primary itself");
        assert_eq!(stand_ins.next_for(f3, all), None, "nobody has asked it");
    }

    #[test]
    fn one_that_is_not_healthy_is_used_last() {
        let [p1, p2, f1, f2] = nodes([1, 2, 11, 12]);
        let mut stand_ins = StandIns::new(&[p1, p2], vec![f1, f2], None);
        assert_eq!(
            stand_ins.next_for(p2, |node| node != f1),
            Some(StandIn { fallback: f2, owner: p2 })
        );
        assert_eq!(
            stand_ins.next_for(f2, |node| node != f1),
            Some(StandIn { fallback: f1, owner: p2 })
        );
        assert!(!stand_ins.any_left());
    }

    #[test]
    fn who_mints_stands_in_for_its_owner_from_the_start() {
        let [p1, p2, f1, f2] = nodes([1, 2, 11, 12]);
        let mut stand_ins =
            StandIns::new(&[p1, p2], vec![f2], Some(StandIn { fallback: f1, owner: p1 }));
        let all = |_| true;
        assert_eq!(stand_ins.next_for(p1, all), None);
        assert_eq!(stand_ins.next_for(p2, all), Some(StandIn { fallback: f2, owner: p2 }));
    }
}
