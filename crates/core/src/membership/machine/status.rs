//! The cluster as this node sees it, for operators.

use std::sync::Arc;

use super::Membership;
use crate::identity::NodeId;
use crate::membership::admin::{ClusterStatus, MemberState, MemberStatus};
use crate::membership::detector::Detector;
use crate::membership::facts::{Addresses, StagedChange};
use crate::membership::staging;
use crate::ring::{Member, Ring, RingVersion};
use crate::time::Instant;

impl Membership {
    /// Members and joining nodes by name; this node itself also if it is neither.
    pub(super) fn status(&self, now: Instant) -> ClusterStatus {
        let ring = self.facts.ring();
        let members = ring.into_iter().flat_map(|ring| &ring.members);
        let members = members.map(|(&node, member)| {
            self.member_status(now, node, member.clone(), self.member_state(node))
        });
        let mut all: Vec<MemberStatus> = members.collect();
        all.extend(self.joining_status(now));
        all.extend(self.leaving_status(now));
        if !all.iter().any(|status| status.id == self.config.me) {
            all.push(self.own_status(now, ring));
        }
        all.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        ClusterStatus { ring: ring.cloned(), members: all, change: self.change_status() }
    }

    fn member_state(&self, node: NodeId) -> MemberState {
        if self.peers.suspected().contains_key(&node) { MemberState::Down } else { MemberState::Up }
    }

    fn joining_status(&self, now: Instant) -> impl Iterator<Item = MemberStatus> {
        staging::pending(self.facts.facts()).into_iter().filter_map(move |staged| {
            let StagedChange::Join { name, zone, weight } = staged.change else { return None };
            let member = Member { name, zone, weight };
            Some(self.member_status(now, staged.node, member, MemberState::Joining))
        })
    }

    /// Former members that partitions are taken over from.
    fn leaving_status(&self, now: Instant) -> impl Iterator<Item = MemberStatus> {
        let facts = self.facts.facts();
        let left = facts.change.left.iter().flat_map(|left| &left.members);
        left.filter(|(node, _)| facts.is_leaving(**node)).map(move |(&node, member)| {
            let state = match self.member_state(node) {
                MemberState::Up => MemberState::Leaving,
                other => other,
            };
            self.member_status(now, node, member.clone(), state)
        })
    }

    /// A node that is no member and whose join is not staged: it was removed, or its join was
    /// discarded, or it has not found its cluster yet.
    fn own_status(&self, now: Instant, ring: Option<&Arc<Ring>>) -> MemberStatus {
        let member = Member {
            name: self.config.name.clone(),
            zone: self.config.zone.clone(),
            weight: self.config.weight,
        };
        let removed = ring.is_some_and(|ring| ring.removed.contains(&self.config.me));
        let state = if removed { MemberState::Removed } else { MemberState::Joining };
        self.member_status(now, self.config.me, member, state)
    }

    fn member_status(
        &self,
        now: Instant,
        id: NodeId,
        member: Member,
        state: MemberState,
    ) -> MemberStatus {
        let fact = self.facts.facts().nodes.get(&id);
        let own = id == self.config.me;
        let detector = self.peers.detector(id);
        let last_heard = detector.and_then(Detector::last_heard);
        let addresses = if own {
            self.config.addresses.clone()
        } else {
            fact.map_or_else(Addresses::default, |fact| fact.addresses.clone())
        };
        MemberStatus {
            id,
            name: member.name,
            zone: member.zone,
            weight: member.weight,
            addresses,
            state,
            phi: detector.map_or(0.0, |detector| detector.phi(now)),
            share: self.facts.ring().map_or(0.0, |ring| ring.share(id)),
            ring: fact.map_or(RingVersion(0), |fact| fact.ring),
            silent_for: if own {
                Some(std::time::Duration::ZERO)
            } else {
                last_heard.map(|heard| now.since(heard))
            },
        }
    }
}
