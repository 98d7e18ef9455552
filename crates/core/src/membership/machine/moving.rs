//! The change of the ring that is under way: how far this node is with each partition that moves,
//! what it says of its part in it, and when all of it is settled (rule 17; the paper, 4.9).
//!
//! Levels follow from what members say of themselves, this node among them. The rule kept here:
//! nothing is shown to shards or said to peers that rests on memory alone. What was heard is saved
//! together with the levels that follow from it, and those are shown and said once that is durable.
//!
//! ```text
//! facts heard --> levels --> saved with the facts --> shown to shards, said to peers
//! shards: pulled, handed over (durable in the store) ------------------^
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Membership, Turn};
use crate::identity::NodeId;
use crate::membership::MembershipMessage;
use crate::membership::admin::ChangeStatus;
use crate::membership::effect::{MembershipEffect, MembershipObservation};
use crate::membership::facts::{ChangeFacts, FactVersion, Facts};
use crate::ring::{Ring, RingVersion};
use crate::transfer::{Progress, Said, Transition};

/// What this node knows of the change beyond the facts.
#[derive(Debug, Default)]
pub(super) struct Moving {
    /// The change with the levels that follow from the facts, durable or not.
    transition: Option<Arc<Transition>>,
    /// What each shard has confirmed and handed over, durably.
    shards: BTreeMap<u8, Progress>,
    /// What was told to everybody last.
    told: Option<FactVersion>,
    /// The state of the facts for which it is known whether all is settled.
    judged: Option<u64>,
    /// The ring and the state of the facts for which it is known whether hints are in their places.
    in_place: Option<(RingVersion, u64, bool)>,
}

impl Moving {
    /// What follows from the facts that were restored, all of them durable.
    pub(super) fn restored(facts: &Facts, me: NodeId) -> Self {
        Self { transition: transition_of(facts, None, me), ..Self::default() }
    }

    /// The change as it follows from the facts.
    pub(super) const fn transition(&self) -> Option<&Arc<Transition>> {
        self.transition.as_ref()
    }
}

impl Membership {
    /// A shard says what it has confirmed and handed over, with the store that it has.
    pub(super) fn shard_moved(&mut self, shard: u8, progress: Progress) {
        self.moving.shards.insert(shard, progress);
    }

    /// What this node says of its part: its levels as far as they are durable, and what its shards
    /// have in their stores.
    pub(super) fn own_progress(&self) -> Progress {
        let ring = self.disk.ring_version();
        let mut own = Progress { ring, ..Progress::default() };
        if let Some(transition) = self.disk.transition() {
            own.reads_new = transition.reads_new();
        }
        let mut in_place = 0;
        for said in self.moving.shards.values().filter(|said| said.ring == ring) {
            own.confirmed.extend(&said.confirmed);
            own.handed_over.extend(&said.handed_over);
            in_place += usize::from(said.hints_in_place);
        }
        own.hints_in_place = in_place == usize::from(self.config.shards);
        own
    }

    /// Whether every living member has said that hints are where they belong by this ring.
    pub(super) fn are_hints_in_place(&mut self) -> bool {
        let (ring, edition) = (self.disk.ring_version(), self.disk.edition());
        if let Some((of, at, in_place)) = self.moving.in_place
            && (of, at) == (ring, edition)
        {
            return in_place;
        }
        let in_place = self.disk.ring().is_some_and(|ring| self.have_hints_in_place(ring));
        self.moving.in_place = Some((ring, edition, in_place));
        in_place
    }

    fn have_hints_in_place(&self, ring: &Ring) -> bool {
        let facts = self.facts.facts();
        let dead = facts.dead();
        let mut living = ring.members.keys().filter(|node| !dead.contains(node));
        living.all(|node| keeps_hints_in_place(facts, ring, *node))
            && self.leavers_with_hints().next().is_none()
    }

    /// Raises the levels to what follows from the facts as they are, about to be saved. Where this
    /// node has said of itself what it had reached, `saved` says what it has now.
    pub(super) fn raise_levels(&mut self, saved: &mut Facts) {
        let known = self.moving.transition.take();
        self.moving.transition = transition_of(saved, known, self.config.me);
        let Some(transition) = &self.moving.transition else { return };
        if let Some(own) = saved.nodes.get_mut(&self.config.me) {
            own.progress.ring = transition.to().version;
            own.progress.reads_new = transition.reads_new();
        }
    }

    /// Notes that the change is settled once that follows from what everybody says.
    pub(super) fn settle_change(&mut self, turn: &mut Turn<'_>) {
        let edition = Some(self.disk.edition());
        if self.moving.judged == edition {
            return;
        }
        let facts = self.facts.facts();
        let Some((ring, left)) = facts.change_under_way() else { return };
        let (version, dead) = (ring.version, facts.dead());
        let has_moved = match &self.moving.transition {
            Some(transition) if transition.to().version == version => {
                transition.is_settled(&said(facts, &dead))
            }
            // The levels that follow from a ring that was just learned are not thought over yet.
            _ if ring.table != left.table => return,
            _ => true,
        };
        let settled = has_moved && self.leavers_with_hints().next().is_none();
        self.moving.judged = edition;
        if settled {
            let change = ChangeFacts { settled: version, ..ChangeFacts::default() };
            self.learn(turn, &Facts { change, ..Facts::default() });
            turn.act(MembershipEffect::Observe(MembershipObservation::RingSettled(version)));
        }
    }

    /// While partitions move, whoever has come on tells everybody, and does not leave it to gossip.
    pub(super) fn tell_progress(&mut self, turn: &mut Turn<'_>) {
        if !self.is_change_under_way() {
            return;
        }
        let me = self.config.me;
        let Some(own) = self.facts.facts().nodes.get(&me).cloned() else { return };
        if self.moving.told == Some(own.version) {
            return;
        }
        self.moving.told = Some(own.version);
        let facts = Facts { nodes: BTreeMap::from([(me, own)]), ..Facts::default() };
        for to in self.peers.all().collect::<Vec<_>>() {
            let facts = Box::new(facts.clone());
            self.send(turn, to, MembershipMessage::Delta { facts, wants: None });
        }
    }

    /// Living former members that have not said that they keep no hint any more.
    fn leavers_with_hints(&self) -> impl Iterator<Item = NodeId> {
        let facts = self.facts.facts();
        let (dead, change) = (facts.dead(), facts.change_under_way());
        change.into_iter().flat_map(move |(ring, left)| {
            let dead = dead.clone();
            let leavers = left.members.keys().copied();
            leavers.filter(move |node| {
                !ring.members.contains_key(node)
                    && !dead.contains(node)
                    && !keeps_hints_in_place(facts, ring, *node)
            })
        })
    }

    /// Whether partitions move, or hints that leaving members keep, as far as this node knows.
    pub(super) fn is_change_under_way(&self) -> bool {
        let facts = self.facts.facts();
        let moves = facts.change_under_way().is_some_and(|(ring, left)| ring.table != left.table);
        moves || self.leavers_with_hints().next().is_some()
    }

    /// How many partitions are not handed over to their new owners yet.
    pub(super) fn partitions_left(&self) -> usize {
        let facts = self.facts.facts();
        let dead = facts.dead();
        let transition = self.moving.transition.as_ref().filter(|_| self.is_change_under_way());
        transition.map_or(0, |transition| transition.left(&said(facts, &dead)))
    }

    /// How many replicas new owners have still to pull.
    fn replicas_left(&self) -> usize {
        let facts = self.facts.facts();
        let dead = facts.dead();
        let transition = self.moving.transition.as_ref();
        transition.map_or(0, |transition| transition.to_pull(&said(facts, &dead)))
    }

    /// The change under way, for an operator.
    pub(super) fn change_status(&self) -> Option<ChangeStatus> {
        if !self.is_change_under_way() {
            return None;
        }
        let version = self.facts.ring()?.version;
        let moving = self.moving.transition.as_ref().filter(|moves| moves.to().version == version);
        Some(ChangeStatus {
            version,
            partitions: moving.map_or(0, |transition| transition.moving().count()),
            partitions_left: self.partitions_left(),
            replicas_left: self.replicas_left(),
            waits_for: self.waited_for().into_iter().collect(),
        })
    }

    /// The living nodes that the change under way still waits for.
    pub(super) fn waited_for(&self) -> BTreeSet<NodeId> {
        let facts = self.facts.facts();
        let dead = facts.dead();
        let transition = self.moving.transition.as_ref().filter(|_| self.is_change_under_way());
        let waits = transition.map(|transition| transition.waits_for(&said(facts, &dead)));
        let mut waits = waits.unwrap_or_default();
        waits.extend(self.leavers_with_hints());
        waits
    }
}

/// Whether a node has said that it keeps only hints that it may keep by this ring.
fn keeps_hints_in_place(facts: &Facts, ring: &Ring, node: NodeId) -> bool {
    facts
        .nodes
        .get(&node)
        .is_some_and(|fact| fact.progress.ring == ring.version && fact.progress.hints_in_place)
}

fn said<'a>(facts: &'a Facts, dead: &'a BTreeSet<NodeId>) -> Said<'a> {
    let progress = facts.nodes.iter().map(|(&node, fact)| (node, &fact.progress)).collect();
    Said { progress, dead }
}

/// The change that the facts tell of, from the levels that were known of it on; none if the newest
/// ring moves nothing.
fn transition_of(
    facts: &Facts,
    known: Option<Arc<Transition>>,
    me: NodeId,
) -> Option<Arc<Transition>> {
    let (ring, left) = (facts.ring.as_ref()?, facts.change.left.as_ref()?);
    let known = known.filter(|known| known.to().version == ring.version);
    let mut transition = if let Some(known) = &known {
        (**known).clone()
    } else {
        let mut begun = Transition::begin(Arc::clone(left), Arc::clone(ring))?;
        if let Some(own) = facts.nodes.get(&me) {
            begun.resume(&own.progress);
        }
        begun
    };
    let changed = if facts.change.settled >= ring.version {
        transition.settle()
    } else {
        transition.raise(&said(facts, &facts.dead()))
    };
    known.filter(|_| !changed).or_else(|| Some(Arc::new(transition)))
}
