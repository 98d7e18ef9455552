//! Operators who add, remove, replace and re-weigh nodes while clients call and faults strike; who
//! commit at the same moment as others, and declare dead who will not come back.

use std::time::Duration;

use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminDone, AdminError, AdminId, AdminReply, AdminRequest};
use stator_core::membership::effect::MembershipInput;
use stator_core::membership::facts::StagedChange;
use stator_core::replica::StoreKey;
use stator_core::ring::{RingVersion, Weight};
use stator_core::store::Keyspace;
use stator_core::time::Deadline;

use super::World;
use crate::draw::Chance;
use crate::event::Event;

/// Fewer members than this there are never: so many replicas has each partition.
const FEWEST: usize = 3;
/// How long an operator waits.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often those who tidy up at the end look again.
const TIDY_UP: Duration = Duration::from_secs(5);

/// What an operator does at some node.
#[derive(Clone, Debug)]
pub enum Act {
    /// Stages a change for a node.
    Stage {
        /// For whom.
        node: NodeId,
        /// What.
        change: StagedChange,
    },
    /// Commits whatever is planned.
    Commit,
    /// Forgets what is staged.
    Discard,
    /// Stops a node that has left.
    StopWhoLeft(usize),
    /// Sees to it that nobody is waited for who will not come back.
    TidyUp,
}

/// What operators have done.
#[derive(Clone, Debug, Default)]
pub struct Deeds {
    asked: u64,
    /// Nodes that left in good order and were stopped.
    pub left: u64,
    /// Rings that were chosen for them.
    pub committed: u64,
    /// Commits that were refused since a change was under way.
    pub told_to_wait: u64,
    /// Commits of which another one was quicker.
    pub overtaken: u64,
    /// Nodes that were declared dead.
    pub declared_dead: u64,
}

impl World {
    /// An operator begins something. Returns whether there was something to begin.
    pub(super) fn change_ring(&mut self) -> bool {
        let members = self.living_members();
        if members.is_empty() {
            return false;
        }
        let begun = match self.draw.below(10) {
            0..=2 => self.let_one_join(&members),
            3 | 4 => self.let_one_leave(&members),
            5 => self.replace_one(&members),
            6 => self.let_one_die(&members),
            7 => {
                let weights = [50, 100, 100, 200];
                let weight = Weight::new(*self.draw.pick(&weights)).unwrap_or(Weight::DEFAULT);
                self.stage_for_any(&members, StagedChange::Weight(weight))
            }
            8 => {
                let zone = format!("z{}", self.draw.below(3));
                self.stage_for_any(&members, StagedChange::Zone(zone))
            }
            _ => self.draw.happens(Chance::percent(20)) && self.operate(Act::Discard),
        };
        self.commit_soon();
        if self.draw.happens(Chance::percent(25)) {
            self.commit_soon();
        }
        for node in self.who_has_left() {
            self.operate(Act::StopWhoLeft(node));
        }
        begun
    }

    fn commit_soon(&mut self) {
        let wait = self.draw.duration(Duration::from_secs(1), Duration::from_secs(12));
        self.after(wait, Event::Operate(Act::Commit));
    }

    fn operate(&mut self, act: Act) -> bool {
        let wait = self.draw.duration(Duration::ZERO, Duration::from_secs(4));
        self.after(wait, Event::Operate(act));
        true
    }

    /// Members of the newest ring that will not be gone for good.
    fn living_members(&self) -> Vec<usize> {
        let members = self.layout.ring.members.keys().map(|&node| self.layout.place_of(node));
        members.filter(|&place| !self.nodes[place].is_away).collect()
    }

    fn a_spare(&mut self) -> Option<usize> {
        let ring = &self.layout.ring;
        let fresh = |place: &usize| {
            let id = self.layout.nodes[*place];
            self.nodes[*place].boot == 0
                && !ring.members.contains_key(&id)
                && !ring.removed.contains(&id)
        };
        (0..self.nodes.len()).find(fresh)
    }

    fn let_one_join(&mut self, _: &[usize]) -> bool {
        let Some(spare) = self.a_spare() else { return false };
        self.nodes[spare].is_away = false;
        self.start(spare);
        true
    }

    fn let_one_leave(&mut self, members: &[usize]) -> bool {
        if members.len() <= FEWEST {
            return false;
        }
        let node = self.layout.nodes[*self.draw.pick(members)];
        self.operate(Act::Stage { node, change: StagedChange::Leave })
    }

    fn replace_one(&mut self, members: &[usize]) -> bool {
        let Some(spare) = self.a_spare() else { return false };
        let old = self.layout.nodes[*self.draw.pick(members)];
        self.nodes[spare].is_away = false;
        self.start(spare);
        let change = StagedChange::ReplaceBy(self.layout.nodes[spare]);
        self.operate(Act::Stage { node: old, change })
    }

    /// A machine is gone for good, and with it all that it had.
    fn let_one_die(&mut self, members: &[usize]) -> bool {
        let victim = *self.draw.pick(members);
        if members.len() <= FEWEST || !self.may_destroy(victim) {
            return false;
        }
        self.nodes[victim].is_away = true;
        self.lose_for_good(victim);
        let node = self.layout.nodes[victim];
        self.operate(Act::Stage { node, change: StagedChange::RemoveDead })
    }

    fn stage_for_any(&mut self, members: &[usize], change: StagedChange) -> bool {
        let node = self.layout.nodes[*self.draw.pick(members)];
        self.operate(Act::Stage { node, change })
    }

    /// Nodes that run and are members no more, as far as they know themselves.
    fn who_has_left(&self) -> Vec<usize> {
        let has_left = |&place: &usize| {
            let id = self.layout.nodes[place];
            let knows = self.nodes[place].member.as_ref().is_some_and(|member| {
                let (ring, left) = member.rings();
                ring.is_some_and(|ring| ring.removed.contains(&id)) && left.is_none()
            });
            self.nodes[place].is_up() && knows
        };
        (0..self.nodes.len()).filter(has_left).collect()
    }

    /// An operator does what was planned, at any node that answers.
    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::StopWhoLeft(node) => return self.stop_who_left(node),
            Act::TidyUp => return self.tidy_up(),
            Act::Stage { .. } | Act::Commit | Act::Discard => {}
        }
        let up: Vec<usize> =
            self.living_members().into_iter().filter(|&node| self.nodes[node].is_up()).collect();
        if up.is_empty() {
            return;
        }
        let through = *self.draw.pick(&up);
        match act {
            Act::Stage { node, change } => {
                self.ask(through, AdminRequest::Stage { node, change });
            }
            Act::Discard => self.ask(through, AdminRequest::Discard),
            Act::Commit => {
                let known = self.view_of(through).and_then(|view| view.ring.as_ref());
                let next = known.map_or(RingVersion(0), |ring| ring.version.next());
                self.ask(through, AdminRequest::Commit { version: next });
            }
            Act::StopWhoLeft(_) | Act::TidyUp => {}
        }
    }

    fn ask(&mut self, node: usize, request: AdminRequest) {
        self.deeds.asked += 1;
        let id = AdminId(self.deeds.asked);
        let deadline = Deadline::after(self.nodes[node].now(self.now).instant, PATIENCE);
        self.tell_membership(node, MembershipInput::Admin { id, request, deadline });
    }

    pub(super) fn operator_hears(&mut self, _: AdminId, reply: AdminReply) {
        match reply {
            Ok(AdminDone::Committed(_)) => self.deeds.committed += 1,
            Ok(AdminDone::DeclaredDead { names }) => {
                self.deeds.declared_dead += names.len() as u64;
            }
            Err(AdminError::UnderWay { .. }) => self.deeds.told_to_wait += 1,
            Err(AdminError::Overtaken { .. }) => self.deeds.overtaken += 1,
            Ok(_) | Err(_) => {}
        }
    }

    /// Once a node has left in good order, nothing that anybody needs is on its disk.
    fn stop_who_left(&mut self, node: usize) {
        if !self.nodes[node].is_up() || !self.who_has_left().contains(&node) {
            return;
        }
        let id = self.layout.nodes[node];
        let is_dead = self.view_of(node).is_some_and(|view| view.dead.contains(&id));
        let partitions = self.layout.ring.partitions;
        let all = StoreKey::range(
            partitions.range_of(stator_core::token::Partition::new(0)).0,
            partitions.range_of(stator_core::token::Partition::new(partitions.get() - 1)).1,
        );
        for (keyspace, what) in
            [(Keyspace::Hints, "left with hints"), (Keyspace::Objects, "left with objects")]
        {
            if !is_dead && self.nodes[node].disk.has_any(keyspace, &all) {
                self.amiss(node, what);
            }
        }
        self.deeds.left += 1;
        self.nodes[node].is_away = true;
        self.crash(node);
    }

    /// Everything has healed: operators see to it that the last change is settled.
    pub(super) fn tidy_up(&mut self) {
        for place in 0..self.nodes.len() {
            let id = self.layout.nodes[place];
            let is_waited_for = self.rings_in_use().any(|ring| ring.members.contains_key(&id));
            if self.nodes[place].is_away && self.nodes[place].boot > 0 && is_waited_for {
                self.act(Act::Stage { node: id, change: StagedChange::RemoveDead });
                self.act(Act::Commit);
            }
        }
        if self.healing && !self.last {
            self.after(TIDY_UP, Event::Operate(Act::TidyUp));
        }
    }

    /// What keeps rings from being settled.
    pub(super) fn ring_unrest(&self) -> Vec<String> {
        let mut found = Vec::new();
        for node in self.nodes.iter().filter(|node| node.is_up()) {
            let Some(view) = self.view_of(node.place) else { continue };
            let known = view.ring.as_ref().map(|ring| ring.version);
            let name = format!("n{}", node.place + 1);
            if known != Some(self.layout.ring.version) {
                found.push(format!("{name} knows ring {known:?}"));
            } else if view.transition.as_ref().is_some_and(|moves| !moves.is_over()) {
                found.push(format!("ring {known:?} is not settled at {name}"));
            }
        }
        let ring = &self.layout.ring;
        for node in self.nodes.iter().filter(|node| node.is_away && node.boot > 0) {
            if ring.members.contains_key(&self.layout.nodes[node.place]) {
                found.push(format!("n{} is gone and a member still", node.place + 1));
            }
        }
        found
    }
}
