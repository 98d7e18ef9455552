//! Which replicas a read asks, and in which order: this node first if it is one, then the fastest
//! healthy ones, then the fallbacks that stand in for the others, and last those that somebody
//! waited for in vain lately (rules 8 and 10).

use crate::identity::NodeId;
use crate::request::RequestError;
use crate::store::ReadStore;

use super::Turn;
use super::peers::{Lot, RequestKind};
use super::tally::Needs;

/// The replicas of a read.
#[derive(Debug)]
pub(super) struct Readers {
    /// As many as the quorum needs: asked at once.
    pub(super) first: Vec<NodeId>,
    /// The others that can be reached, best first: asked if one of the first fails or is slow.
    pub(super) spare: Vec<NodeId>,
}

impl Readers {
    /// Chooses among the primaries, and then among the nodes that may stand in for them. Fails if
    /// fewer can be reached than the quorum needs.
    pub(super) fn choose<S: ReadStore>(
        (primaries, lot): (&[NodeId], Lot),
        fallbacks: &[NodeId],
        needs: Needs,
        turn: &Turn<'_, S>,
    ) -> Result<Self, RequestError> {
        let me = turn.view.me;
        let now = turn.now.instant;
        let mut first =
            turn.peers.healthy_by_speed(turn.view, (now, RequestKind::Read), (primaries, lot));
        if primaries.contains(&me) {
            first.insert(0, me);
        }
        let mut doubted = turn.peers.doubted(turn.view, now, primaries);
        if first.len() < usize::from(needs.primaries) {
            first.append(&mut doubted);
        }
        let reachable = first.len() as u8;
        if reachable < needs.primaries {
            return Err(RequestError::NotEnoughReplicas { needed: needs.primaries, reachable });
        }
        let stands_in = |&&node: &&NodeId| node == me || turn.peers.healthy(turn.view, now, node);
        first.extend(fallbacks.iter().filter(stands_in));
        first.append(&mut doubted);
        first.extend(turn.peers.doubted(turn.view, now, fallbacks));
        let reachable = first.len() as u8;
        if reachable < needs.total {
            return Err(RequestError::NotEnoughReplicas { needed: needs.total, reachable });
        }
        let spare = first.split_off(usize::from(needs.total));
        Ok(Self { first, spare })
    }
}
