//! What must hold between a ring and the plan that follows it, computed another way than the
//! planner does.

use std::collections::{BTreeMap, BTreeSet};

use super::certificate::moves_fewest;
use super::reference::fewest_moves;
use crate::identity::NodeId;
use crate::membership::facts::StagedChange;
use crate::ring::{Change, Member, Plan, Ring};

/// Everything but the number of moves.
pub(super) fn check(before: &Ring, planned: &Plan) {
    let after = &planned.ring;
    assert_eq!(after.version, before.version.next());
    assert_eq!(after.table.len(), before.table.len());
    assert!(before.removed.is_subset(&after.removed));
    assert!(after.members.keys().all(|node| !after.removed.contains(node)));
    check_lists(after);
    check_balance(after);
    check_moves(before, planned);
    check_order(before, after);
}

pub(super) fn copies(ring: &Ring) -> usize {
    ring.members.len().min(usize::from(ring.replicas))
}

fn zones<'a>(ring: &'a Ring, nodes: impl IntoIterator<Item = &'a NodeId>) -> BTreeSet<&'a str> {
    nodes.into_iter().map(|node| ring.members[node].zone.as_str()).collect()
}

fn check_lists(ring: &Ring) {
    let copies = copies(ring);
    let spread = zones(ring, ring.members.keys()).len().min(copies);
    for replicas in &ring.table {
        let distinct: BTreeSet<_> = replicas.iter().collect();
        assert_eq!(distinct.len(), copies, "{replicas:?}");
        assert_eq!(replicas.len(), copies, "{replicas:?}");
        assert_eq!(zones(ring, replicas).len(), spread, "zones of {replicas:?}");
    }
}

/// Up to so many pairs of partition and member the fewest moves are computed twice.
const SMALL: usize = 128;
/// By how much a member may be off its ideal for the error of floating-point numbers.
pub(super) const TOLERANCE: f64 = 1e-7;

fn check_balance(ring: &Ring) {
    for (node, ideal) in ideals(ring) {
        let held = count(ring, node) as f64;
        assert!((held - ideal).abs() < 1.0 + TOLERANCE, "{node} holds {held}, ideal {ideal}");
    }
}

pub(super) fn count(ring: &Ring, node: NodeId) -> usize {
    ring.table.iter().filter(|replicas| replicas.contains(&node)).count()
}

/// Each member's ideal, by bisection on the level to which weights are filled.
pub(super) fn ideals(ring: &Ring) -> BTreeMap<NodeId, f64> {
    let partitions = ring.table.len() as f64;
    let copies = copies(ring);
    let names = zones(ring, ring.members.keys());
    let members_of = |zone: &str| -> Vec<(&NodeId, &Member)> {
        ring.members.iter().filter(|(_, member)| member.zone == zone).collect()
    };
    let filled = |zone: &str, level: f64| -> f64 {
        let share = |member: &Member| (f64::from(member.weight.get()) * level).min(partitions);
        members_of(zone).iter().map(|(_, member)| share(member)).sum()
    };
    let bounded = |zone: &str, level: f64| {
        let amount = filled(zone, level);
        if names.len() >= copies { amount.min(partitions) } else { amount.max(partitions) }
    };
    let total = partitions * copies as f64;
    let level = bisect(partitions, total, |level| {
        names.iter().map(|zone| bounded(zone, level)).sum::<f64>()
    });
    let mut ideals = BTreeMap::new();
    for zone in &names {
        let amount = bounded(zone, level);
        let own = bisect(partitions, amount, |level| filled(zone, level));
        for (node, member) in members_of(zone) {
            let ideal = (f64::from(member.weight.get()) * own).min(partitions);
            ideals.insert(*node, ideal);
        }
    }
    ideals
}

/// The lowest level at which a growing function reaches `wanted`.
fn bisect(high: f64, wanted: f64, function: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, high);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if function(middle) < wanted - 1e-13 * wanted { low = middle } else { high = middle }
    }
    high
}

/// The moves are the difference of both tables.
fn check_moves(before: &Ring, planned: &Plan) {
    for partition in before.partitions.all() {
        let (old, new) = (&before.table[partition.index()], &planned.ring.table[partition.index()]);
        let moves = planned.moves.iter().filter(|moved| moved.partition == partition);
        let (mut gained, mut lost) = (BTreeSet::new(), BTreeSet::new());
        for moved in moves {
            assert!(gained.insert(moved.to), "told once");
            lost.extend(moved.from.inspect(|from| assert!(!lost.contains(from), "told once")));
        }
        let differ = |one: &[NodeId], other: &[NodeId]| -> BTreeSet<NodeId> {
            one.iter().filter(|node| !other.contains(node)).copied().collect()
        };
        assert_eq!(gained, differ(new, old));
        let gone = differ(old, new);
        assert!(lost.is_subset(&gone));
        assert_eq!(lost.len(), gone.len().min(gained.len()));
    }
}

/// Who stays keeps its place among those who stay, and its very place if the list is as long as
/// before.
fn check_order(before: &Ring, after: &Ring) {
    for (old, new) in before.table.iter().zip(&after.table) {
        let stay = |list: &[NodeId]| -> Vec<NodeId> {
            list.iter().filter(|node| old.contains(node) && new.contains(node)).copied().collect()
        };
        assert_eq!(stay(old), stay(new), "{old:?} to {new:?}");
        if old.len() != new.len() {
            continue;
        }
        for (was, is) in old.iter().zip(new) {
            assert!(was == is || !new.contains(was), "{old:?} to {new:?}");
        }
    }
}

/// No more moves than any plan needs, at any size ([`super::certificate`]). For small rings that is
/// also computed a second way ([`super::reference`]).
pub(super) fn check_movement(before: &Ring, planned: &Plan) {
    let (before, after) = (with_replacements(before, planned), &planned.ring);
    let moves: usize = before
        .table
        .iter()
        .zip(&after.table)
        .map(|(old, new)| new.iter().filter(|node| !old.contains(node)).count())
        .sum();
    let least = least_moves(&before, after);
    assert!(moves >= least, "{moves} moves, but {least} are needed");
    assert!(moves_fewest(&before, after), "fewer than {moves} moves would do");
    if before.table.len() * after.members.len() <= SMALL {
        assert_eq!(moves, fewest_moves(&before, after), "the fewest moves");
    }
}

/// The ring as if those who are replaced had been the others all the time: what passes from one to
/// the other is no choice of the planner.
fn with_replacements(before: &Ring, planned: &Plan) -> Ring {
    let mut ring = before.clone();
    for Change { node: old, change } in &planned.changes {
        let StagedChange::ReplaceBy(new) = change else { continue };
        for place in ring.table.iter_mut().flatten().filter(|place| **place == *old) {
            *place = *new;
        }
    }
    ring
}

/// A number of moves below which no plan can stay: those that balance needs, or those that nodes
/// and zones need.
fn least_moves(before: &Ring, after: &Ring) -> usize {
    let total = copies(after) * after.table.len();
    let can_stay: usize = before.table.iter().map(|replicas| staying(after, replicas)).sum();
    moves_for_balance(before, after).max(total - can_stay)
}

/// The fewest replicas that members can gain together when each ends within one of its ideal, that
/// is with the whole number below it or the one above, and each zone keeps its bound.
fn moves_for_balance(before: &Ring, after: &Ring) -> usize {
    let (partitions, copies) = (after.table.len(), copies(after));
    let ideals = ideals(after);
    let names = zones(after, ideals.keys());
    let (mut gained, mut floors, mut free) = (0, 0, 0);
    for zone in &names {
        let (mut low, mut ups, mut kept_ups) = (0, 0, 0);
        for (node, ideal) in ideals.iter().filter(|(node, _)| after.members[node].zone == *zone) {
            let (held, floor) = (count(before, *node), (ideal + TOLERANCE).floor() as usize);
            gained += floor.saturating_sub(held);
            low += floor;
            let up = ideal - floor as f64 > TOLERANCE;
            ups += usize::from(up);
            kept_ups += usize::from(up && held > floor);
        }
        let (least, most) = if names.len() >= copies {
            (0, ups.min(partitions - low))
        } else {
            (partitions.saturating_sub(low), ups)
        };
        gained += least.saturating_sub(kept_ups);
        free += least.max(kept_ups.min(most));
        floors += low;
    }
    gained + (copies * partitions - floors).saturating_sub(free)
}

/// How many of a partition's replicas can stay where they are, for nodes and zones.
fn staying(after: &Ring, replicas: &[NodeId]) -> usize {
    let members: Vec<_> = replicas.iter().filter(|node| after.members.contains_key(node)).collect();
    let zones_of_all = zones(after, after.members.keys()).len();
    let distinct = zones(after, members.iter().copied()).len();
    let sharing = copies(after).saturating_sub(zones_of_all);
    members.len().min(copies(after)).min(distinct + sharing)
}
