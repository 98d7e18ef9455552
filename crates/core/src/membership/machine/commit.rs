//! Committing a plan: the members' majority chooses the ring that it makes.
//!
//! ```text
//! commit --> nothing moves any more --> register --> chosen --> adopted, saved, pushed to all
//!                |  something does                                   |
//!                v                                                   v
//!             refused with how far it is                 partitions move (rule 17)
//! ```
//!
//! The rules kept here: once anybody was asked to accept a ring, it may be chosen at any time, so
//! the attempt goes on until the register has decided, whether or not an operator still waits (rule
//! 15; the register is [`crate::register`]). And a ring is only followed once everything that it
//! moved is settled, so that there are never more than two to write to. A commit that declares
//! somebody dead for whom the change under way waits does just that, and chooses nothing yet.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::drive::{Asker, Drive, LONGEST_ROUND, ROUND, Reached};
use super::spread::{COURTESY, Enough, Waiting};
use super::{Membership, Turn};
use crate::identity::NodeId;
use crate::membership::MembershipMessage;
use crate::membership::admin::{AdminDone, AdminError, AdminId, AdminReply};
use crate::membership::effect::MembershipEffect;
use crate::membership::facts::{ChangeFacts, Facts, StagedChange};
use crate::register::{Proposer, ProposerStep, RegisterMessage};
use crate::ring::{Plan, Ring, RingVersion};
use crate::time::{Deadline, Instant};

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
        if self.is_change_under_way() {
            return self.commit_while_moving(turn, id, &plan, deadline);
        }
        let asker = Asker { id, deadline, wanted: Arc::new(plan.ring) };
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

    /// Whoever the plan declares dead is not waited for any more; else the commit has to wait.
    fn commit_while_moving(
        &mut self,
        turn: &mut Turn<'_>,
        id: AdminId,
        plan: &Plan,
        deadline: Deadline,
    ) -> Option<AdminReply> {
        let declared = plan.changes.iter().filter(|c| c.change == StagedChange::RemoveDead);
        let known = self.facts.facts().dead();
        let dead: BTreeSet<NodeId> =
            declared.map(|change| change.node).filter(|node| !known.contains(node)).collect();
        if dead.is_empty() {
            return Some(Err(self.under_way()));
        }
        self.declare_dead(turn, id, dead, deadline);
        None
    }

    /// Spreads that these nodes are dead.
    pub(super) fn declare_dead(
        &mut self,
        turn: &mut Turn<'_>,
        asker: AdminId,
        dead: BTreeSet<NodeId>,
        deadline: Deadline,
    ) {
        let names = dead.iter().map(|&node| self.name_of(node)).collect();
        let change = ChangeFacts { dead, ..ChangeFacts::default() };
        let waiting = Waiting {
            asker,
            done: AdminDone::DeclaredDead { names },
            enough: Enough::Majority,
            deadline: deadline.at(),
        };
        self.push(turn, Facts { change, ..Facts::default() }, waiting);
    }

    /// Why no other change can be committed yet.
    fn under_way(&self) -> AdminError {
        let version = self.facts.ring().map_or(RingVersion(0), |ring| ring.version);
        let names = self.waited_for().into_iter().map(|node| self.name_of(node)).collect();
        AdminError::UnderWay { version, partitions_left: self.partitions_left(), names }
    }

    fn begin_drive(&mut self, turn: &mut Turn<'_>, asker: Asker) {
        let Some(base) = self.facts.ring().cloned() else { return };
        let seen = self.acceptor.votes().promised.round;
        let proposed = Arc::clone(&asker.wanted);
        let mut proposer = Proposer::new(self.config.me, Arc::clone(&base), proposed, seen);
        let step = proposer.start();
        let now = turn.now.instant;
        self.drive = Some(Drive {
            base,
            asker: Some(asker),
            proposer,
            voted: BTreeSet::new(),
            reached: Reached::Asking,
            round: ROUND,
            next_round: now,
        });
        self.set_next_round(now);
        self.take_proposer_step(turn, step);
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
        let step = drive.proposer.start();
        drive.round = (drive.round * 2).min(LONGEST_ROUND);
        self.set_next_round(now);
        self.take_proposer_step(turn, step);
    }

    /// The next round comes after the present pause and up to as much again, so that two proposers
    /// do not go on overtaking each other.
    fn set_next_round(&mut self, now: Instant) {
        let Some(drive) = &mut self.drive else { return };
        let spread = u32::try_from(drive.round.as_millis()).unwrap_or(u32::MAX);
        let spread = Duration::from_millis(u64::from(self.random.below(spread)));
        drive.next_round = now.after(drive.round + spread);
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
        if drive.base.version != base {
            return;
        }
        drive.voted.insert(from);
        let step = drive.proposer.on_message(from, message);
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
        if matches!(message, RegisterMessage::Accept { .. }) {
            drive.reached = Reached::Accepting;
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
        let silent = drive.silent();
        if drive.reached == Reached::Asking {
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
        if let Some(asker) = drive.asker {
            turn.act(MembershipEffect::Reply { id: asker.id, reply: Err(why) });
        }
    }

    /// What follows from a newer ring: the attempt at one is over.
    pub(super) fn follow_ring(&mut self, turn: &mut Turn<'_>) {
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
        let facts = self.ring_facts();
        self.push(turn, facts, waiting);
    }

    fn tell_members(&mut self, turn: &mut Turn<'_>, ring: &Arc<Ring>) {
        let me = self.config.me;
        for &member in ring.members.keys().filter(|member| **member != me) {
            self.send_ring(turn, member);
        }
    }
}
