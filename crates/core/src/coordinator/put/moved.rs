//! A put that goes on at a later footing while its partition moves (rule 17).

use super::Put;
use crate::coordinator::replica_set::{ReplicaSet, SetPlace, place_in};
use crate::coordinator::{Progress, Turn};
use crate::identity::NodeId;
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::transfer::Footing;

impl Put {
    /// A replica insists on a later footing.
    pub(super) fn on_behind<S: ReadStore>(
        &mut self,
        from: NodeId,
        told: Footing,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        self.told = self.told.max(Some(told));
        if told.ring > ring.version {
            turn.ask_for_newer_ring(from);
        }
        self.on_moved(ring, turn)
    }

    /// A replica insists on a later footing, or another view shows a newer ring: goes on there as
    /// soon as that is possible (rule 17). Acknowledgements count on, in every set of which their
    /// nodes are primaries; who has not acknowledged is sent the write again, primary or stand-in.
    pub(in crate::coordinator) fn on_moved<S: ReadStore>(
        &mut self,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        let ready = self.told.filter(|told| *told > self.footing && told.ring <= ring.version);
        let Some(told) = ready else { return self.settle(turn) };
        let place = turn.view.placement(ring, self.partition, Some(told));
        let quorum = (self.key.bucket(), &self.asked);
        let me = turn.view.me;
        let in_ring = |ring| place_in(ring, self.partition, quorum, Some(me), turn.view);
        let first = in_ring(place.reads);
        let also = place.also.map(in_ring);
        let (Ok(first), Ok(also)) = (first, also.transpose()) else {
            return self.finish(Err(self.doubt()), turn);
        };
        let is_hedged = self.sets().any(ReplicaSet::any_left);
        self.footing = place.footing.max(told);
        let set = self.set_for(&first);
        self.also = also.map(|also| Box::new(self.set_for(&also)));
        self.set = set;
        for node in self.silent() {
            if node != me && turn.peers.connected(node) {
                for purpose in self.purposes_of(node) {
                    self.send(node, purpose, turn);
                }
            }
        }
        self.cover_unhealthy(turn);
        // A hedge that is under way goes on by itself; a second one would not let a fallback answer.
        if !is_hedged {
            self.set_hedge(turn);
        }
        self.settle(turn)
    }

    /// The replicas of a ring, as those that were asked before or anew.
    fn set_for(&self, place: &SetPlace<'_>) -> ReplicaSet {
        let known = self.sets().find(|set| set.ring() == place.ring);
        known.cloned().unwrap_or_else(|| {
            let mut set = ReplicaSet::new(place, None);
            for before in self.sets() {
                set.count_as_in(before);
            }
            set
        })
    }
}
