//! Proof that a table moves no more replicas than any other would, at any size: no exchange of
//! replicas, however long the chain, would save a move.
//!
//! A flow is one of least cost exactly if what is left of its network has no cycle of negative cost
//! (Klein, 1967), and Bellman and Ford's relaxation finds one if there is any. This builds what is
//! left from the finished table and rule 14 alone, and knows nothing of the planner's network. All
//! that enters and leaves is full in every table that keeps the rule, so that no cycle passes
//! there: a partition's replicas are exchanged between members, zones, and those who may hold one
//! more than the whole part of their ideal.

use std::collections::{BTreeMap, BTreeSet};

use super::bounds::{TOLERANCE, copies, count, ideals};
use crate::identity::NodeId;
use crate::ring::Ring;

struct Arc {
    from: usize,
    to: usize,
    cost: i64,
}

/// What is left of the network: where a replica could go instead, and what that costs.
struct Rest<'a> {
    ring: &'a Ring,
    zones: Vec<&'a str>,
    nodes: BTreeMap<NodeId, usize>,
    arcs: Vec<Arc>,
}

/// Who may hold one more than the whole part, seen as a place.
const SPARE: usize = 0;

/// Whether no table for the members of `after` that keeps rule 14 moves fewer replicas away from
/// `before` than its own.
pub(super) fn moves_fewest(before: &Ring, after: &Ring) -> bool {
    let zones: BTreeSet<&str> = after.members.values().map(|member| &*member.zone).collect();
    let mut rest = Rest {
        ring: after,
        zones: zones.into_iter().collect(),
        nodes: after.members.keys().copied().zip(SPARE + 1..).collect(),
        arcs: Vec::new(),
    };
    for (node, ideal) in ideals(after) {
        rest.add_spare(node, ideal);
    }
    for (partition, old) in before.table.iter().enumerate() {
        rest.add_partition(partition, old);
    }
    !rest.has_negative_cycle()
}

impl Rest<'_> {
    fn add(&mut self, from: usize, to: usize, cost: i64) {
        self.arcs.push(Arc { from, to, cost });
    }

    fn add_spare(&mut self, node: NodeId, ideal: f64) {
        let floor = (ideal + TOLERANCE).floor();
        if ideal - floor <= TOLERANCE {
            return;
        }
        let place = self.nodes[&node];
        if count(self.ring, node) as f64 > floor {
            self.add(SPARE, place, 0);
        } else {
            self.add(place, SPARE, 0);
        }
    }

    /// A partition's places: itself, what may share a zone, and each zone.
    fn add_partition(&mut self, partition: usize, old: &[NodeId]) {
        let start = SPARE + 1 + self.nodes.len() + partition * (2 + self.zones.len());
        let (sharing, first_zone) = (start + 1, start + 2);
        let ring = self.ring;
        let holders = &ring.table[partition];
        let may_share = copies(ring).saturating_sub(self.zones.len());
        let mut shared = 0;
        for zone in 0..self.zones.len() {
            let place = first_zone + zone;
            let in_zone = |node: &&NodeId| ring.members[*node].zone == self.zones[zone];
            let held = holders.iter().filter(in_zone).count();
            shared += held.saturating_sub(1);
            if held == 0 {
                self.add(start, place, 0);
            } else {
                self.add(place, start, 0);
            }
            if may_share > 0 {
                self.add(sharing, place, 0);
            }
            if held > 1 {
                self.add(place, sharing, 0);
            }
        }
        assert!(shared <= may_share, "spread over as many zones as there are");
        if shared < may_share {
            self.add(start, sharing, 0);
        }
        if shared > 0 {
            self.add(sharing, start, 0);
        }
        for (node, member) in &ring.members {
            let zone = self.zones.binary_search(&&*member.zone).expect("a member's zone");
            let (place, node_place) = (first_zone + zone, self.nodes[node]);
            let cost = i64::from(!old.contains(node));
            if holders.contains(node) {
                self.add(node_place, place, -cost);
            } else {
                self.add(place, node_place, cost);
            }
        }
    }

    fn has_negative_cycle(&self) -> bool {
        let places = SPARE + 1 + self.nodes.len() + self.ring.table.len() * (2 + self.zones.len());
        // Every place may begin a path, so all distances begin at nothing.
        let mut distance = vec![0_i64; places];
        // A path without a cycle saves each move once at most.
        let saved = self.arcs.iter().filter(|arc| arc.cost < 0).count().cast_signed() as i64;
        for _ in 0..=places {
            let mut changed = false;
            for arc in &self.arcs {
                let length = distance[arc.from] + arc.cost;
                if length < distance[arc.to] {
                    distance[arc.to] = length;
                    changed = true;
                }
            }
            if !changed {
                return false;
            }
            if distance.iter().any(|length| *length < -saved) {
                return true;
            }
        }
        true
    }
}
