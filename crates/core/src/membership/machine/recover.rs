//! Going on without the majority, which is gone for ever.
//!
//! Beyond rule 15: the ring that follows is not chosen by a majority of the members, since there is
//! none to ask. It is an operator's last resort. Should those who were given up be alive after all
//! and change their ring as well, there are two clusters. What was written to them alone is lost with
//! them. So it is refused while a majority can be reached, and every ring says for ever after which
//! versions came about like that.

use std::sync::Arc;

use super::spread::{COURTESY, Enough, Waiting};
use super::{Membership, Turn};
use crate::identity::NodeId;
use crate::membership::admin::{AdminDone, AdminError, AdminId, AdminReply};
use crate::membership::effect::{MembershipEffect, MembershipObservation};
use crate::membership::facts::{Facts, StagedChange};
use crate::ring::{Change, plan};
use crate::time::Deadline;
use crate::view::Suspicion;

impl Membership {
    /// An operator gives up all members that can't be reached. While partitions move, they are only
    /// declared dead, so that the change comes to its end without them.
    pub(super) fn recover(
        &mut self,
        turn: &mut Turn<'_>,
        id: AdminId,
        deadline: Deadline,
    ) -> Option<AdminReply> {
        let Some(ring) = self.ring_as_member().cloned() else {
            return Some(Err(AdminError::NotMember));
        };
        let (silent, living): (Vec<NodeId>, Vec<NodeId>) =
            ring.members.keys().partition(|node| self.is_silent(**node));
        if living.len() >= ring.majority() {
            let names = living.into_iter().map(|node| self.name_of(node)).collect();
            return Some(Err(AdminError::MajorityLives { names }));
        }
        if self.is_change_under_way() {
            self.declare_dead(turn, id, silent.into_iter().collect(), deadline);
            return None;
        }
        let gone = silent.into_iter().map(|node| Change { node, change: StagedChange::RemoveDead });
        let mut next = match plan(&ring, &gone.collect::<Vec<_>>()) {
            Ok(plan) => plan.ring,
            Err(error) => return Some(Err(error.into())),
        };
        next.forced.insert(next.version);
        let version = next.version;
        let next = Arc::new(next);
        // Whatever was begun in the register of this ring is void.
        if let Some(asker) = self.drive.take().and_then(|drive| drive.asker) {
            let reply = Err(AdminError::Overtaken { chosen: version });
            turn.act(MembershipEffect::Reply { id: asker.id, reply });
        }
        self.learn(turn, &Facts { ring: Some(Arc::clone(&next)), ..Facts::default() });
        turn.act(MembershipEffect::Observe(MembershipObservation::RingForced(version)));
        let waiting = Waiting {
            asker: id,
            done: AdminDone::Committed(next),
            enough: Enough::Courtesy,
            deadline: deadline.at().min(turn.now.instant.after(COURTESY)),
        };
        self.push(turn, self.ring_facts(), waiting);
        None
    }

    fn is_silent(&self, node: NodeId) -> bool {
        self.peers.suspected().get(&node) == Some(&Suspicion::Down)
    }
}
