//! What must be durable before something else happens.
//!
//! Facts are saved whole, and while one save is under way what changes gathers for the next. Votes
//! are saved at every change. What waits for a save is kept here and released by its number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Membership, Turn};
use crate::bucket::BucketFact;
use crate::identity::NodeId;
use crate::membership::MembershipMessage;
use crate::membership::effect::{MembershipEffect, Save, SaveId};
use crate::membership::facts::Facts;
use crate::object::BucketName;
use crate::register::Votes;
use crate::ring::{Ring, RingVersion};
use crate::transfer::Transition;

/// Something to be done once what it rests on is durable.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// Say this.
    Send { to: NodeId, message: MembershipMessage },
}

/// The part of the facts that is relied upon once it is durable.
#[derive(Clone, Debug)]
struct Snapshot {
    /// Of which state of the facts.
    edition: u64,
    ring: Option<Arc<Ring>>,
    buckets: Arc<BTreeMap<BucketName, BucketFact>>,
    /// The change under way, at the levels that were saved.
    transition: Option<Arc<Transition>>,
    /// Whom no move waits for.
    dead: Arc<BTreeSet<NodeId>>,
}

/// What is on disk, on its way there, and what waits for it.
#[derive(Debug)]
pub(super) struct Disk {
    last: SaveId,
    knows_cluster: bool,
    /// Counts the changes of the facts.
    edition: u64,
    facts: Snapshot,
    facts_under_way: Option<(SaveId, Snapshot)>,
    after_facts: Vec<(u64, Then)>,
    /// How many votes were given durably.
    votes: u64,
    votes_under_way: Vec<(SaveId, u64)>,
    after_votes: Vec<(SaveId, Then)>,
}

impl Disk {
    pub(super) fn new(
        knows_cluster: bool,
        facts: &Facts,
        transition: Option<&Arc<Transition>>,
        votes: &Votes,
    ) -> Self {
        let snapshot = Snapshot {
            edition: 0,
            ring: facts.ring.clone(),
            buckets: Arc::new(facts.buckets.clone()),
            transition: transition.cloned(),
            dead: Arc::new(facts.dead()),
        };
        Self {
            last: SaveId::default(),
            knows_cluster,
            edition: 0,
            facts: snapshot,
            facts_under_way: None,
            after_facts: Vec::new(),
            votes: votes.sequence,
            votes_under_way: Vec::new(),
            after_votes: Vec::new(),
        }
    }

    /// Whether the cluster that this node belongs to is durable: before, it says nothing to peers.
    pub(super) const fn knows_cluster(&self) -> bool {
        self.knows_cluster
    }

    /// Counts the changes of the facts.
    pub(super) const fn edition(&self) -> u64 {
        self.edition
    }

    /// The facts have changed.
    pub(super) const fn facts_changed(&mut self) {
        self.edition += 1;
    }

    /// The newest durable ring.
    pub(super) const fn ring(&self) -> Option<&Arc<Ring>> {
        self.facts.ring.as_ref()
    }

    /// The version of the newest durable ring; 0 if there is none.
    pub(super) fn ring_version(&self) -> RingVersion {
        self.ring().map_or(RingVersion(0), |ring| ring.version)
    }

    /// The buckets that are durably known.
    pub(super) const fn buckets(&self) -> &Arc<BTreeMap<BucketName, BucketFact>> {
        &self.facts.buckets
    }

    /// How many votes were given durably.
    pub(super) const fn votes_sequence(&self) -> u64 {
        self.votes
    }

    /// The change that led to the newest durable ring, at the levels that are durable.
    pub(super) const fn transition(&self) -> Option<&Arc<Transition>> {
        self.facts.transition.as_ref()
    }

    /// Whom no move waits for, as far as that is durable.
    pub(super) const fn dead(&self) -> &Arc<BTreeSet<NodeId>> {
        &self.facts.dead
    }

    fn next_id(&mut self) -> SaveId {
        self.last = SaveId(self.last.0 + 1);
        self.last
    }

    /// What has become durable with the save `id`, in the order in which it was to be done.
    fn advance(&mut self, id: SaveId) -> Vec<Then> {
        if let Some((under_way, snapshot)) = self.facts_under_way.take() {
            if under_way <= id {
                self.knows_cluster = true;
                self.facts = snapshot;
            } else {
                self.facts_under_way = Some((under_way, snapshot));
            }
        }
        let arrived = self.votes_under_way.extract_if(.., |(save, _)| *save <= id);
        if let Some((_, votes)) = arrived.last() {
            self.votes = votes;
        }
        let edition = self.facts.edition;
        let votes = self.after_votes.extract_if(.., |(save, _)| *save <= id);
        let mut done: Vec<Then> = votes.map(|(_, then)| then).collect();
        let facts = self.after_facts.extract_if(.., |(after, _)| *after <= edition);
        done.extend(facts.map(|(_, then)| then));
        done
    }
}

impl Membership {
    /// Saves the facts if they have changed, and no save of them is under way.
    pub(super) fn save_facts(&mut self, turn: &mut Turn<'_>) {
        let Some(cluster) = self.cluster else { return };
        if self.disk.facts_under_way.is_some() || self.disk.edition == self.disk.facts.edition {
            return;
        }
        let mut facts = self.facts.facts().clone();
        self.raise_levels(&mut facts);
        let buckets = if facts.buckets == *self.disk.facts.buckets {
            Arc::clone(&self.disk.facts.buckets)
        } else {
            Arc::new(facts.buckets.clone())
        };
        let edition = self.disk.edition;
        let dead = facts.dead();
        let dead =
            if dead == **self.disk.dead() { Arc::clone(self.disk.dead()) } else { Arc::new(dead) };
        let transition = self.moving.transition().cloned();
        let snapshot = Snapshot { edition, ring: facts.ring.clone(), buckets, transition, dead };
        let save = Save::Cluster { cluster, facts: Box::new(facts) };
        let id = self.disk.next_id();
        self.disk.facts_under_way = Some((id, snapshot));
        turn.act(MembershipEffect::Save { id, save });
    }

    /// Saves the votes; called whenever they have changed.
    pub(super) fn save_votes(&mut self, turn: &mut Turn<'_>) {
        let votes = self.acceptor.votes().clone();
        let id = self.disk.next_id();
        self.disk.votes_under_way.push((id, votes.sequence));
        turn.act(MembershipEffect::Save { id, save: Save::Votes(votes) });
    }

    /// Does something once the votes, as they are now, are durable.
    pub(super) fn after_votes(&mut self, turn: &mut Turn<'_>, then: Then) {
        match self.disk.votes_under_way.last() {
            Some(&(id, _)) => self.disk.after_votes.push((id, then)),
            None => self.carry_out(turn, then),
        }
    }

    /// Does something once the facts, as they are now, are durable.
    pub(super) fn after_facts(&mut self, turn: &mut Turn<'_>, then: Then) {
        if self.disk.edition == self.disk.facts.edition {
            self.carry_out(turn, then);
        } else {
            self.disk.after_facts.push((self.disk.edition, then));
        }
    }

    pub(super) fn saved(&mut self, turn: &mut Turn<'_>, id: SaveId) {
        let known_before = self.disk.knows_cluster;
        let done = self.disk.advance(id);
        for then in done {
            self.carry_out(turn, then);
        }
        if !known_before && self.disk.knows_cluster {
            self.announce(turn);
        }
    }

    fn carry_out(&mut self, turn: &mut Turn<'_>, then: Then) {
        match then {
            Then::Send { to, message } => self.send(turn, to, message),
        }
    }
}
