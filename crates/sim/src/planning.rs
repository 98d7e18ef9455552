//! Planning a large ring, step by step, for whoever holds a clock: how long does a plan take, and
//! how many replicas does it move?
//!
//! Rule 14; the paper, 6.2. The steps are those that an operator commits: all nodes at once, one
//! more, one that leaves, a weight that changes, a zone that changes. Weights are mixed: one node
//! in three has twice, one in seven five times the weight of the others.

use std::collections::BTreeMap;

use stator_core::identity::{ClusterId, NodeId};
use stator_core::membership::facts::StagedChange;
use stator_core::ring::{Change, Member, Plan, Ring, Weight, plan};
use stator_core::token::PartitionCount;

const REPLICAS: u8 = 3;

/// A cluster to plan for.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// How many nodes.
    pub nodes: u16,
    /// In how many zones; at least 1.
    pub zones: u16,
    /// Q.
    pub partitions: PartitionCount,
}

/// One commit: the ring it starts from, and what is staged.
#[derive(Clone, Debug)]
pub struct Step {
    /// What the operator does.
    pub name: &'static str,
    before: Ring,
    changes: Vec<Change>,
}

/// A step that was planned.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// How far the member that is furthest off holds more or fewer replicas than by its weight.
    /// Where zones bind, a weight can't be followed and the ideal is another.
    pub off_weight: f64,
}

impl Step {
    /// Plans it: what takes the time.
    pub fn plan(&self) -> Plan {
        plan(&self.before, &self.changes).expect("the steps' changes are possible")
    }
}

impl Planned {
    /// Takes the figures of a plan.
    pub fn of(plan: Plan) -> Self {
        let ring = &plan.ring;
        let mut held: BTreeMap<NodeId, f64> = BTreeMap::new();
        for node in ring.table.iter().flatten() {
            *held.entry(*node).or_default() += 1.0;
        }
        let weight = |member: &Member| f64::from(member.weight.get());
        let all: f64 = ring.members.values().map(weight).sum();
        let replicas: f64 = held.values().sum();
        let off = |(node, member): (&NodeId, &Member)| {
            (held.get(node).unwrap_or(&0.0) - weight(member) / all * replicas).abs()
        };
        let off_weight = ring.members.iter().map(off).fold(0.0, f64::max);
        Self { plan, off_weight }
    }
}

impl Scope {
    /// Goes through the steps; `planned` is told of each, and plans it.
    pub fn run(self, mut planned: impl FnMut(&Step) -> Plan) {
        let member = self.member(1);
        let founder = NodeId::new(1);
        let cluster = ClusterId::new(1);
        let alone = Ring::found(cluster, self.partitions, REPLICAS, founder, member);
        let joins = (2..=self.nodes).map(|number| self.join(number)).collect();
        let whole = planned(&Step { name: "all nodes join", before: alone, changes: joins }).ring;
        let last = self.nodes;
        let one = |number: u16, change| vec![Change { node: NodeId::new(number.into()), change }];
        let heavier = StagedChange::Weight(weight(1000));
        let steps = [
            ("one more joins", vec![self.join(last + 1)]),
            ("one leaves", one(last, StagedChange::Leave)),
            ("one becomes ten times as heavy", one(1, heavier)),
            ("one changes its zone", one(1, StagedChange::Zone(zone(1 % self.zones)))),
            ("nothing changes", Vec::new()),
        ];
        for (name, changes) in steps {
            planned(&Step { name, before: whole.clone(), changes });
        }
    }

    fn member(self, number: u16) -> Member {
        let heavy = if number.is_multiple_of(7) { 5 } else { 1 };
        let heavy = if number.is_multiple_of(3) { 2 } else { heavy };
        Member {
            name: format!("n{number}"),
            zone: zone((number - 1) % self.zones),
            weight: weight(100 * heavy),
        }
    }

    fn join(self, number: u16) -> Change {
        let Member { name, zone, weight } = self.member(number);
        let node = NodeId::new(number.into());
        Change { node, change: StagedChange::Join { name, zone, weight } }
    }
}

fn zone(number: u16) -> String {
    format!("z{number}")
}

fn weight(weight: u32) -> Weight {
    Weight::new(weight).expect("within its bounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_are_planned_and_only_those_that_change_something_move_something() {
        let partitions = PartitionCount::new(64).expect("a power of two");
        let scope = Scope { nodes: 8, zones: 3, partitions };
        let mut moves = Vec::new();
        scope.run(|step| {
            let planned = Planned::of(step.plan());
            assert!(planned.off_weight.is_finite());
            moves.push((step.name, planned.plan.moves.len()));
            planned.plan
        });
        assert_eq!(moves.len(), 6);
        assert!(moves[..5].iter().all(|(_, moves)| *moves > 0), "{moves:?}");
        assert_eq!(moves[5], ("nothing changes", 0));
    }
}
