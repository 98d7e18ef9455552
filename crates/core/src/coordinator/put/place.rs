//! Where a put belongs: the replicas of one ring or, while its partition moves, of two (rule 17), and
//! what may refuse it before anything is written (rule 9).

use crate::coordinator::Turn;
use crate::coordinator::replica_set::{SetPlace, place_in};
use crate::effect::DiskRoom;
use crate::identity::NodeId;
use crate::object::Content;
use crate::request::{PutOrder, RequestError};
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::token::Partition;
use crate::transfer::Footing;
use crate::view::View;

/// What a put needs to know of the ring and its bucket.
pub(super) struct Placement<'a> {
    pub(super) partition: Partition,
    pub(super) footing: Footing,
    pub(super) set: SetPlace<'a>,
    pub(super) also: Option<SetPlace<'a>>,
    /// For which primary of either this node keeps the put, which mints it.
    pub(super) keeps: Kept,
    pub(super) wanted: u8,
}

/// For which primary of each ring the node keeps the put that mints it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// Whom its hint is for, if it is no primary of either.
    pub(super) for_one: Option<NodeId>,
    /// Whose its copy is in the other ring, if it is a fallback there.
    pub(super) for_one_also: Option<NodeId>,
}

impl Kept {
    /// A hint goes home to one node, so it is for a primary of both rings, if there is one. A copy of its
    /// own counts in the other ring in the place of the first primary there: together with that
    /// primary's own, as one, so that a read of the new owners alone meets the write.
    fn by(me: NodeId, set: &SetPlace<'_>, also: Option<&SetPlace<'_>>) -> Self {
        let others = also.map_or(&[][..], |also| also.primaries);
        let is_primary = set.primaries.contains(&me) || others.contains(&me);
        let shared = set.primaries.iter().find(|node| others.contains(node));
        let first = shared.or(set.primaries.first()).copied();
        let for_one = if is_primary { None } else { first };
        let stands_in_also = also.is_some_and(|also| also.fallbacks.contains(&me));
        let same = for_one.filter(|owner| others.contains(owner));
        let for_one_also = same.or(others.first().copied()).filter(|_| stands_in_also);
        Self { for_one, for_one_also }
    }
}

/// Where the put belongs, once nothing stands against starting it.
pub(super) fn place<'r, S: ReadStore>(
    order: &PutOrder,
    ring: &'r Ring,
    turn: &Turn<'r, S>,
) -> Result<Placement<'r>, RequestError> {
    let view: &'r View = turn.view;
    let partition = ring.partition_of(order.key.token());
    let n = view.bucket(order.key.bucket()).fixed.n;
    let place = view.placement(ring, partition, None);
    let quorum = (order.key.bucket(), &order.quorum);
    // While a partition moves, a node may stand in for a primary of each ring: its copy counts once in
    // either. One that is an owner by the other ring keeps it as its own.
    let mut set = place_in(place.reads, partition, quorum, None, view)?;
    let also = place.also.map(|ring| place_in(ring, partition, quorum, None, view));
    let mut also = also.transpose()?;
    if turn.disk == DiskRoom::Reserve && order.value != Content::Tombstone {
        return Err(RequestError::DiskReserve);
    }
    let me = view.me;
    let is_primary = std::iter::once(&set).chain(&also).any(|set| set.primaries.contains(&me));
    if !is_primary && !set.fallbacks.contains(&me) {
        return Err(RequestError::Moving { partition });
    }
    let may_answer = |node: NodeId| node != me && turn.peers.reachable(view, node);
    set.check_reachable(me, may_answer, usize::from(!is_primary))?;
    let keeps = Kept::by(me, &set, also.as_ref());
    if let Some(also) = &mut also {
        also.check_reachable(me, may_answer, usize::from(keeps.for_one_also.is_some()))?;
    }
    let footing = place.footing;
    Ok(Placement { partition, footing, set, also, keeps, wanted: n })
}

#[cfg(test)]
mod tests;
