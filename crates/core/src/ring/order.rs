//! In which order a partition's replicas stand, and which of them moved.
//!
//! The order is the order of preference, and a bucket with fewer replicas uses the first of the
//! list, so a change of order is a move for such a bucket. Hence who stays keeps its place among
//! the others, and who comes takes the place of one that goes. Only where a list grows, as when a
//! cluster does beyond its first node, there is a choice: the new one goes to the end, or to the
//! front if that brings the first places closer to the members' parts.

use std::collections::{BTreeMap, BTreeSet};

use super::mix;
use super::plan::Move;
use crate::identity::NodeId;
use crate::ring::Member;
use crate::token::Partition;

/// One partition before and after.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift<'a> {
    /// Which.
    pub(super) partition: Partition,
    /// Its replicas until now, in order.
    pub(super) before: &'a [NodeId],
    /// Its replicas from now on.
    pub(super) after: &'a BTreeSet<NodeId>,
}

/// A partition's list, and those who have no place in it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    /// The partition.
    pub(super) partition: Partition,
    /// Its list so far.
    pub(super) list: Vec<NodeId>,
    /// Who else is to stand in it.
    pub(super) extra: Vec<NodeId>,
    /// What moved.
    pub(super) moves: Vec<Move>,
}

/// Puts who comes into the places of who goes, best of all into that of one in the same zone.
pub(super) fn draft(
    shift: Shift<'_>,
    replaced: &BTreeMap<NodeId, NodeId>,
    zones: &BTreeMap<NodeId, &str>,
) -> Draft {
    let Shift { partition, before, after } = shift;
    let mut coming: Vec<NodeId> =
        after.iter().filter(|node| !before.contains(node)).copied().collect();
    coming.sort_by_key(|node| mix::rank(partition, *node));
    let heirs: BTreeMap<NodeId, NodeId> = replaced
        .iter()
        .filter(|(old, _)| before.contains(old))
        .map(|(old, new)| (*old, *new))
        .collect();
    let mut draft = Draft { partition, list: Vec::new(), extra: Vec::new(), moves: Vec::new() };
    for old in before {
        if after.contains(old) {
            draft.list.push(*old);
            continue;
        }
        let Some(new) = successor(*old, &mut coming, &heirs, zones) else { continue };
        draft.list.push(new);
        draft.moves.push(Move { partition, to: new, from: Some(*old) });
    }
    draft.moves.extend(coming.iter().map(|new| Move { partition, to: *new, from: None }));
    draft.extra = coming;
    draft
}

/// Takes the one out of `coming` that gets the place of `old`: who replaces it; else one that
/// replaces nobody here.
fn successor(
    old: NodeId,
    coming: &mut Vec<NodeId>,
    heirs: &BTreeMap<NodeId, NodeId>,
    zones: &BTreeMap<NodeId, &str>,
) -> Option<NodeId> {
    let free = |new: &NodeId| !heirs.values().any(|heir| heir == new);
    let same_zone = |new: &NodeId| zones.get(new) == zones.get(&old);
    let found = coming
        .iter()
        .position(|new| heirs.get(&old) == Some(new))
        .or_else(|| coming.iter().position(|new| free(new) && same_zone(new)))
        .or_else(|| coming.iter().position(free))?;
    Some(coming.remove(found))
}

/// Gives those without a place one: at the front where that brings the number of first places
/// closer to the members' parts; else at the end. `totals` says how many replicas each
/// member holds of partitions with `copies` replicas each.
pub(super) fn place_extra(drafts: &mut [Draft], totals: &BTreeMap<NodeId, u64>, copies: i64) {
    // A member's part of the first places, less those that it has, times `copies`.
    let mut owed: BTreeMap<NodeId, i64> =
        totals.iter().map(|(node, total)| (*node, total.cast_signed())).collect();
    for first in drafts.iter().filter_map(|draft| draft.list.first()) {
        *owed.entry(*first).or_default() -= copies;
    }
    for draft in drafts {
        let mut extra = std::mem::take(&mut draft.extra);
        if let Some(index) = best_first(&extra, draft.list.first(), &owed, copies) {
            let new = extra.remove(index);
            *owed.entry(new).or_default() -= copies;
            if let Some(old) = draft.list.first() {
                *owed.entry(*old).or_default() += copies;
            }
            draft.list.insert(0, new);
        }
        draft.list.append(&mut extra);
    }
}

/// Which of `extra` should stand first, if any: the one that is owed most, if it would then be no
/// further ahead of its part than the one it moves back is now.
fn best_first(
    extra: &[NodeId],
    first: Option<&NodeId>,
    owed: &BTreeMap<NodeId, i64>,
    copies: i64,
) -> Option<usize> {
    let of = |node: &NodeId| owed.get(node).copied().unwrap_or(0);
    let best = (0..extra.len()).max_by_key(|index| (of(&extra[*index]), usize::MAX - index))?;
    match first {
        Some(first) => (of(&extra[best]) - of(first) > copies).then_some(best),
        None => Some(best),
    }
}

/// The members' zones, those of members that go included.
pub(super) fn zones_of<'a>(
    before: &'a BTreeMap<NodeId, Member>,
    after: &'a BTreeMap<NodeId, Member>,
) -> BTreeMap<NodeId, &'a str> {
    before.iter().chain(after).map(|(node, member)| (*node, member.zone.as_str())).collect()
}
