//! The least number of moves, found in the plainest way there is, to compare the planner with:
//! replicas are added one at a time along the shortest path of swaps (Bellman and Ford), whole
//! parts of ideals first. Slow; for small rings.

use std::collections::{BTreeMap, BTreeSet};

use super::bounds::{TOLERANCE, copies, ideals};
use crate::identity::NodeId;
use crate::ring::Ring;

#[derive(Clone, Copy)]
struct Arc {
    from: usize,
    to: usize,
    room: usize,
    cost: i64,
}

/// The fewest moves from `before` to any table for the members of `after` that keeps rule 14.
pub(super) fn fewest_moves(before: &Ring, after: &Ring) -> usize {
    let mut arcs = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut vertex = |name: String| {
        let next = names.len();
        *names.entry(name).or_insert(next)
    };
    let (source, sink) = (vertex("source".into()), vertex("sink".into()));
    let mut add = |from, to, room, cost| {
        arcs.push(Arc { from, to, room, cost });
        arcs.push(Arc { from: to, to: from, room: 0, cost: -cost });
    };
    let copies = copies(after);
    let zones: BTreeSet<&str> = after.members.values().map(|member| &*member.zone).collect();
    let spread = zones.len().min(copies);
    for (partition, old) in before.table.iter().enumerate() {
        let start = vertex(format!("partition {partition}"));
        let more = vertex(format!("more of {partition}"));
        add(source, start, copies, 0);
        add(start, more, copies - spread, 0);
        for zone in &zones {
            let place = vertex(format!("{partition} in {zone}"));
            add(start, place, 1, 0);
            add(more, place, copies, 0);
        }
        for (node, member) in &after.members {
            let place = vertex(format!("{partition} in {}", member.zone));
            let cost = i64::from(!old.contains(node));
            add(place, vertex(format!("member {node}")), 1, cost);
        }
    }
    // What exceeds whole parts costs so much that it comes last, whoever gets it.
    let dear = 1_000_000;
    let ideals: BTreeMap<NodeId, f64> = ideals(after);
    let mut floors = 0;
    for (node, ideal) in &ideals {
        let floor = (ideal + TOLERANCE).floor();
        floors += floor as usize;
        let member = vertex(format!("member {node}"));
        add(member, sink, floor as usize, 0);
        add(member, sink, usize::from(ideal - floor > TOLERANCE), dear);
    }
    let total = copies * after.table.len();
    let mut cost = 0;
    for _ in 0..total {
        cost += push(&mut arcs, names.len(), (source, sink));
    }
    let dear_units = i64::try_from(total - floors).expect("small rings");
    usize::try_from(cost - dear * dear_units).expect("no move costs less than nothing")
}

/// Pushes one unit along a cheapest path and returns what it costs.
fn push(arcs: &mut [Arc], vertices: usize, (source, sink): (usize, usize)) -> i64 {
    let mut best: Vec<Option<(i64, usize)>> = vec![None; vertices];
    best[source] = Some((0, usize::MAX));
    let mut changed = true;
    while changed {
        changed = false;
        for (index, arc) in arcs.iter().enumerate().filter(|(_, arc)| arc.room > 0) {
            let Some((so_far, _)) = best[arc.from] else { continue };
            if best[arc.to].is_none_or(|(known, _)| so_far + arc.cost < known) {
                best[arc.to] = Some((so_far + arc.cost, index));
                changed = true;
            }
        }
    }
    let (cost, _) = best[sink].expect("every replica can be placed");
    let mut vertex = sink;
    while let Some((_, index)) = best[vertex].filter(|_| vertex != source) {
        arcs[index].room -= 1;
        arcs[index ^ 1].room += 1;
        vertex = arcs[index].from;
    }
    cost
}
