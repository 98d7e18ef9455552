//! Committing a plan: hold what would move, then have the ring chosen by the members' majority.
//!
//! ```text
//! commit --> Hold to the owners of what moves --> all hold, nothing stored --> register --> chosen
//!                |  one does not answer, or stores something                     |
//!                v                                                               v
//!             Release, and the operator is told why             adopted, saved, pushed to all
//! ```
//!
//! The rule kept here: once anybody was asked to accept a ring, it may be chosen at any time, so
//! its hold is not released and the attempt goes on until the register has decided, whether or not
//! an operator still waits (rule 15; the register is [`crate::register`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::drive::{Asker, Drive, LONGEST_ROUND, ROUND, Reached, Stage, owners_of_moved, start_of};
use super::spread::{COURTESY, Enough, Waiting};
use super::{Membership, Turn};
use crate::identity::NodeId;
use crate::membership::admin::{AdminDone, AdminError, AdminId, AdminReply};
use crate::membership::effect::MembershipEffect;
use crate::membership::facts::{Facts, StagedChange};
use crate::membership::{MembershipMessage, ProposalId};
use crate::register::{Proposer, ProposerStep, RegisterMessage};
use crate::ring::{Change, Ring, RingVersion};
use crate::time::{Deadline, Instant};
use crate::token::Partition;

impl Membership {
    /// An operator commits the plan that would create `version`.
    pub(super) fn commit(
        &mut self,
        turn: &mut Turn<'_>,
        id: AdminId,
        version: RingVersion,
        deadline: Deadline,
    ) -> Option<AdminReply> {
        let plan = match self.plan() {
            Ok(plan) => plan,
            Err(error) => return Some(Err(error)),
        };
        if plan.changes.is_empty() {
            return Some(Err(AdminError::NothingStaged));
        }
        if plan.version() != version {
            return Some(Err(AdminError::StaleVersion { asked: version, current: Box::new(plan) }));
        }
        let is_dead = |change: &&Change| change.change == StagedChange::RemoveDead;
        let dead = plan.changes.iter().filter(is_dead).map(|change| change.node).collect();
        let asker = Asker { id, deadline, wanted: Arc::new(plan.ring), dead };
        let Some(drive) = &mut self.drive else {
            self.begin_drive(turn, asker);
            return None;
        };
        if drive.asker.is_some() {
            return Some(Err(AdminError::Busy));
        }
        // What was begun earlier must be decided first; the operator hears what came of it.
        drive.asker = Some(asker);
        None
    }

    fn begin_drive(&mut self, turn: &mut Turn<'_>, asker: Asker) {
        let Some(base) = self.facts.ring().cloned() else { return };
        let proposed = Arc::clone(&asker.wanted);
        let mut owners = owners_of_moved(&base, &proposed);
        owners.retain(|owner, _| !asker.dead.contains(owner));
        let now = turn.now.instant;
        self.drive = Some(Drive {
            proposal: self.attempts.next(),
            owners,
            base,
            proposed,
            asker: Some(asker),
            stage: Stage::Holding { held: BTreeSet::new(), with_data: BTreeSet::new() },
            round: ROUND,
            next_round: now,
        });
        self.choose_if_held(turn);
    }

    /// Has the register decided, without changing anything of the ring but its number if nothing
    /// was begun by others: what is held can then be let go.
    pub(super) fn settle_register(&mut self, turn: &mut Turn<'_>) {
        let Some(base) = self.ring_as_member().cloned() else { return };
        if self.drive.is_some() {
            return;
        }
        let proposed = Arc::new(Ring { version: base.version.next(), ..(*base).clone() });
        self.drive = Some(Drive {
            proposal: self.attempts.next(),
            owners: BTreeMap::new(),
            base,
            proposed,
            asker: None,
            stage: Stage::Holding { held: BTreeSet::new(), with_data: BTreeSet::new() },
            round: ROUND,
            next_round: turn.now.instant,
        });
        self.choose_if_held(turn);
    }

    /// What is due of the attempt under way: its end, or its next round.
    pub(super) fn drive_on(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now.instant;
        let Some(drive) = &self.drive else { return };
        if drive.asker.as_ref().is_some_and(|asker| asker.deadline.expired(now)) {
            self.run_out_of_time(turn);
        }
        let Some(drive) = &mut self.drive else { return };
        if now < drive.next_round {
            return;
        }
        match &mut drive.stage {
            Stage::Holding { .. } => self.ask_to_hold(turn),
            Stage::Choosing { proposer, .. } => {
                let step = proposer.start();
                drive.round = (drive.round * 2).min(LONGEST_ROUND);
                self.set_next_round(now);
                self.take_proposer_step(turn, step);
            }
        }
    }

    /// The next round comes after the present pause and up to as much again, so that two proposers
    /// do not go on overtaking each other.
    fn set_next_round(&mut self, now: Instant) {
        let Some(drive) = &mut self.drive else { return };
        let spread = u32::try_from(drive.round.as_millis()).unwrap_or(u32::MAX);
        let spread = Duration::from_millis(u64::from(self.random.below(spread)));
        drive.next_round = now.after(drive.round + spread);
    }

    fn ask_to_hold(&mut self, turn: &mut Turn<'_>) {
        let Some(drive) = &mut self.drive else { return };
        drive.next_round = turn.now.instant.after(drive.round);
        let (proposal, base) = (drive.proposal, drive.base.version);
        let silent = drive.silent();
        let asked = drive.owners.iter().filter(|(owner, _)| silent.contains(owner));
        let orders: Vec<_> = asked.map(|(&owner, held)| (owner, held.clone())).collect();
        for (owner, partitions) in orders {
            self.send(turn, owner, MembershipMessage::Hold { proposal, base, partitions });
        }
    }

    /// An owner holds its part, or repeats that it does.
    pub(super) fn held(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        proposal: ProposalId,
        with_data: BTreeSet<Partition>,
    ) {
        match &mut self.drive {
            Some(drive) if drive.proposal == proposal => {
                let Stage::Holding { held, with_data: stored } = &mut drive.stage else { return };
                held.insert(from);
                stored.extend(with_data);
                self.choose_if_held(turn);
            }
            _ => self.answer_late_hold(turn, from, proposal),
        }
    }

    /// Somebody still holds for an attempt that is over. If it was given up before anybody was
    /// asked to accept its ring, the hold may end; else the ring that was chosen ends it.
    fn answer_late_hold(&mut self, turn: &mut Turn<'_>, from: NodeId, proposal: ProposalId) {
        let own = proposal.node == self.config.me
            && start_of(proposal) == self.config.boot.0
            && proposal.number <= self.attempts.last.number;
        if own && !self.attempts.accepting.contains(&proposal) {
            self.send(turn, from, MembershipMessage::Release { proposal });
        } else {
            self.send_ring(turn, from);
        }
    }

    /// Goes on to the register once every owner holds its part and none stores anything.
    fn choose_if_held(&mut self, turn: &mut Turn<'_>) {
        let Some(drive) = &mut self.drive else { return };
        let Stage::Holding { with_data, .. } = &drive.stage else { return };
        if !drive.silent().is_empty() {
            return;
        }
        if !with_data.is_empty() {
            let partitions = with_data.iter().copied().collect();
            return self.give_up(turn, AdminError::HoldsData { partitions });
        }
        let (base, proposed) = (Arc::clone(&drive.base), Arc::clone(&drive.proposed));
        let seen = self.acceptor.votes().promised.round;
        let mut proposer = Proposer::new(self.config.me, base, proposed, seen);
        let step = proposer.start();
        let voted = BTreeSet::new();
        drive.stage = Stage::Choosing { proposer, voted, reached: Reached::Asking };
        self.set_next_round(turn.now.instant);
        self.take_proposer_step(turn, step);
    }

    /// A vote, or a refusal, for this node's proposal.
    pub(super) fn count_vote(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        base: RingVersion,
        message: RegisterMessage,
    ) {
        let Some(drive) = &mut self.drive else { return };
        let Stage::Choosing { proposer, voted, .. } = &mut drive.stage else { return };
        if drive.base.version != base {
            return;
        }
        voted.insert(from);
        let step = proposer.on_message(from, message);
        self.take_proposer_step(turn, step);
    }

    fn take_proposer_step(&mut self, turn: &mut Turn<'_>, step: ProposerStep) {
        match step {
            ProposerStep::Wait => {}
            ProposerStep::Broadcast(message) => self.ask_members(turn, &message),
            ProposerStep::Retry => self.set_next_round(turn.now.instant),
            // What ends the attempt is that a newer ring is known, from wherever.
            ProposerStep::Chosen(ring) => {
                self.learn(turn, &Facts { ring: Some(ring), ..Facts::default() });
            }
        }
    }

    fn ask_members(&mut self, turn: &mut Turn<'_>, message: &RegisterMessage) {
        let Some(drive) = &mut self.drive else { return };
        if let (RegisterMessage::Accept { .. }, Stage::Choosing { reached, .. }) =
            (message, &mut drive.stage)
        {
            *reached = Reached::Accepting;
            self.attempts.accepting.insert(drive.proposal);
        }
        let base = drive.base.version;
        let members: Vec<NodeId> = drive.base.members.keys().copied().collect();
        self.set_next_round(turn.now.instant);
        for to in members {
            let message = message.clone();
            self.send(turn, to, MembershipMessage::Register { base, message });
        }
    }

    /// The operator's deadline has passed.
    fn run_out_of_time(&mut self, turn: &mut Turn<'_>) {
        let Some(drive) = &mut self.drive else { return };
        let silent: Vec<NodeId> = drive.silent().into_iter().collect();
        if !drive.may_be_chosen() {
            let error = self.unreachable(&silent);
            return self.give_up(turn, error);
        }
        let Some(asker) = drive.asker.take() else { return };
        let reply = Err(self.unreachable(&silent));
        turn.act(MembershipEffect::Reply { id: asker.id, reply });
    }

    fn unreachable(&self, silent: &[NodeId]) -> AdminError {
        let mut names: Vec<String> = silent.iter().map(|&node| self.name_of(node)).collect();
        if names.is_empty() {
            names.push("a majority of the members".to_owned());
        }
        AdminError::Unreachable { names }
    }

    /// Ends an attempt of which nobody was asked to accept the ring.
    fn give_up(&mut self, turn: &mut Turn<'_>, why: AdminError) {
        let Some(drive) = self.drive.take() else { return };
        let proposal = drive.proposal;
        for &owner in drive.owners.keys() {
            self.send(turn, owner, MembershipMessage::Release { proposal });
        }
        if let Some(asker) = drive.asker {
            turn.act(MembershipEffect::Reply { id: asker.id, reply: Err(why) });
        }
    }

    /// What follows from a newer ring: the attempt at one is over, and holds end once it is
    /// durable.
    pub(super) fn follow_ring(&mut self, turn: &mut Turn<'_>) {
        let votes = self.acceptor.votes();
        if votes.hold.is_some() && votes.base < self.disk.ring_version() {
            self.end_hold(turn);
        }
        let Some(ring) = self.facts.ring().cloned() else { return };
        let Some(drive) = self.drive.take_if(|drive| drive.base.version < ring.version) else {
            return;
        };
        self.conclude(turn, drive, &ring);
    }

    fn conclude(&mut self, turn: &mut Turn<'_>, drive: Drive, ring: &Arc<Ring>) {
        let Some(asker) = drive.asker else { return self.tell_members(turn, ring) };
        if *asker.wanted != **ring {
            let chosen = asker.wanted.version;
            let reply = Err(AdminError::Overtaken { chosen });
            turn.act(MembershipEffect::Reply { id: asker.id, reply });
            return self.tell_members(turn, ring);
        }
        let waiting = Waiting {
            asker: asker.id,
            done: AdminDone::Committed(Arc::clone(ring)),
            enough: Enough::Courtesy,
            deadline: asker.deadline.at().min(turn.now.instant.after(COURTESY)),
        };
        let change = self.facts.facts().change.clone();
        let facts = Facts { ring: Some(Arc::clone(ring)), change, ..Facts::default() };
        self.push(turn, facts, waiting);
    }

    fn tell_members(&mut self, turn: &mut Turn<'_>, ring: &Arc<Ring>) {
        let me = self.config.me;
        for &member in ring.members.keys().filter(|member| **member != me) {
            self.send_ring(turn, member);
        }
    }
}
