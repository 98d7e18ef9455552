//! How a node comes to its cluster: by founding one, or through a peer that its seeds name.
//!
//! The paper, 4.8.2. Rule 14: a cluster begins as one node that was told to found it; with seeds
//! given as well, only if each of them was reached and none knows a cluster. All others join, and
//! their join is staged. What was learned of the cluster is durable before the node says a word in
//! it, so that it needs neither flag nor seed to start again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Membership, Turn};
use crate::identity::{ClusterId, NodeId};
use crate::membership::MembershipMessage;
use crate::membership::effect::{Introduction, MembershipEffect, MembershipObservation};
use crate::membership::facts::{Facts, StageSlot, StagedChange, StagedFact};
use crate::ring::{Member, Ring};
use crate::time::{Instant, Now, Stamp};

/// The longest pause between two rounds of asking the seeds.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A node that looks for its cluster.
#[derive(Debug)]
pub(super) struct Seeking {
    next: Instant,
    pause: Duration,
    /// Seeds that were reached in this round and know no cluster.
    without_cluster: BTreeSet<String>,
    /// Members of the cluster that was found: they are told of this node once that is durable.
    contacts: BTreeSet<NodeId>,
}

impl Seeking {
    const fn new(now: Instant, pause: Duration) -> Self {
        Self { next: now, pause, without_cluster: BTreeSet::new(), contacts: BTreeSet::new() }
    }

    pub(super) const fn due(&self) -> Instant {
        self.next
    }
}

impl Membership {
    /// The first thing a started node does about its cluster.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        if self.cluster.is_some() {
            self.stage_own_join(turn);
        } else if self.config.seeds.is_empty() {
            self.found(turn);
        }
        let now = turn.now.instant;
        if self.facts.ring().is_none() && !self.config.seeds.is_empty() {
            self.seeking = Some(Seeking::new(now, self.config.heartbeat_interval));
        }
    }

    fn found(&mut self, turn: &mut Turn<'_>) {
        let Some(found) = self.config.found else { return };
        let member = Member {
            name: self.config.name.clone(),
            zone: self.config.zone.clone(),
            weight: self.config.weight,
        };
        let me = self.config.me;
        let ring = Ring::found(found.cluster, found.partitions, found.replicas, me, member);
        self.cluster = Some(found.cluster);
        self.seeking = None;
        self.learn(turn, &Facts { ring: Some(Arc::new(ring)), ..Facts::default() });
    }

    /// A seed's address was reached.
    pub(super) fn seed_reached(
        &mut self,
        turn: &mut Turn<'_>,
        seed: &str,
        introduction: Introduction,
    ) {
        if let Some(seeking) = &mut self.seeking
            && introduction.cluster.is_none()
        {
            seeking.without_cluster.insert(seed.to_owned());
        }
        self.introduced(turn, introduction);
        self.found_if_nobody_has(turn);
    }

    fn found_if_nobody_has(&mut self, turn: &mut Turn<'_>) {
        let Some(seeking) = &self.seeking else { return };
        let unanimous = self.config.seeds.iter().all(|seed| seeking.without_cluster.contains(seed));
        if self.cluster.is_none() && unanimous {
            self.found(turn);
        }
    }

    /// Asks the seeds again, less and less often, until this node knows a ring.
    pub(super) fn seek(&mut self, turn: &mut Turn<'_>) {
        if self.facts.ring().is_some() {
            self.seeking = None;
        }
        let Some(seeking) = &mut self.seeking else { return };
        if turn.now.instant < seeking.next {
            return;
        }
        seeking.next = turn.now.instant.after(seeking.pause);
        seeking.pause = (seeking.pause * 2).min(LONGEST_PAUSE);
        seeking.without_cluster.clear();
        for seed in &self.config.seeds {
            turn.act(MembershipEffect::Introduce(seed.clone()));
        }
        if self.disk.knows_cluster() {
            self.announce(turn);
        }
    }

    /// The cluster that this node joins: that of the first peer it meets that has one.
    pub(super) fn adopt_cluster(
        &mut self,
        turn: &mut Turn<'_>,
        contact: NodeId,
        cluster: ClusterId,
    ) {
        if self.seeking.is_none() {
            return;
        }
        self.cluster = Some(cluster);
        self.disk.facts_changed();
        self.remember_contact(contact);
        self.stage_own_join(turn);
    }

    pub(super) fn remember_contact(&mut self, contact: NodeId) {
        if let Some(seeking) = &mut self.seeking {
            seeking.contacts.insert(contact);
        }
    }

    /// Stages this node's own join, anew at each start until it is a member.
    fn stage_own_join(&mut self, turn: &mut Turn<'_>) {
        let me = self.config.me;
        let settled =
            |ring: &Arc<Ring>| ring.members.contains_key(&me) || ring.removed.contains(&me);
        if self.facts.ring().is_some_and(settled) {
            return;
        }
        let change = StagedChange::Join {
            name: self.config.name.clone(),
            zone: self.config.zone.clone(),
            weight: self.config.weight,
        };
        let fact = StagedFact { at: self.mint(turn.now), change: Some(change) };
        self.facts.stage(me, StageSlot::Membership, &fact);
        self.disk.facts_changed();
        turn.act(MembershipEffect::Observe(MembershipObservation::JoinStaged(me)));
    }

    /// A node that joins under the name of a member is that member, which has lost its directory and
    /// with it its id: it asks to have its places back. Said once in each start, since operators may
    /// discard it.
    pub(super) fn stage_own_return(&mut self, turn: &mut Turn<'_>) {
        let (me, name) = (self.config.me, &self.config.name);
        let Some(ring) = self.facts.ring().filter(|_| !self.has_asked_to_return) else { return };
        if ring.members.contains_key(&me) || ring.removed.contains(&me) {
            return;
        }
        let Some((&old, _)) = ring.members.iter().find(|(_, member)| member.name == *name) else {
            return;
        };
        self.has_asked_to_return = true;
        let change = Some(StagedChange::ReplaceBy(me));
        let fact = StagedFact { at: self.mint(turn.now), change };
        if self.facts.stage(old, StageSlot::Membership, &fact) {
            self.disk.facts_changed();
        }
    }

    /// A stamp above all that were seen.
    pub(super) fn mint(&self, now: Now) -> (Stamp, NodeId) {
        (Stamp::mint(now.wall, self.facts.stamps()), self.config.me)
    }

    /// Tells the members that were met of this node, and asks them for all they know.
    pub(super) fn announce(&mut self, turn: &mut Turn<'_>) {
        let contacts = self.seeking.as_ref().map(|seeking| seeking.contacts.clone());
        for contact in contacts.unwrap_or_default() {
            let message = MembershipMessage::Delta {
                facts: Box::new(self.facts.facts().clone()),
                wants: Some(self.facts.digest()),
            };
            self.send(turn, contact, message);
        }
    }
}
