//! Anti-entropy: two owners of a partition compare their trees and bring each other what is
//! missing.
//!
//! The paper, 4.7; rule 12. One side begins, asks, pulls and pushes; the other one only answers
//! ([`answer()`]) and remembers nothing, so that either may die at any point and the next exchange
//! simply begins again. All that moves is whole states that are merged (rules 3 and 5), so nothing
//! is done twice, whatever is lost, late or repeated.
//!
//! ```text
//! Root(sum)          -> Same                                          both are alike: one message each way
//!                     | Branches(64 sums)
//! Leaves(branches)   -> Leaves(64 sums each)                          of the branches that differ
//! Items(leaves)      -> Items(token, sum)                             of the leaves that differ
//! States(tokens)     -> States(objects)          merged here          what differs or is absent here
//! Replicate(object)  -> Replicated                                    what still differs, or is absent there
//! ```
//!
//! An owner whose lost store is being refilled pulls by exchanges of its own; others push nothing to
//! it, or everything would be moved twice.
//!
//! Memory is bounded: leaves are looked into a few at a time, and nothing more is asked for before
//! the states that have come are on disk.

mod answer;
mod compare;
pub mod heal;
mod moving;
mod schedule;

use std::collections::VecDeque;
use std::time::Duration;

pub use answer::{answer, completeness};
pub use schedule::{
    EXCHANGE_EVERY, MOST_EXCHANGES, Pair, Schedule, TRY_AGAIN, begins, pairs, shard_of,
};

use crate::coordinator::Turn;
use crate::effect::{Effect, Timer};
use crate::identity::NodeId;
use crate::merkle::{LeafIndex, TreeSum};
use crate::message::{
    Completeness, EncodedState, ExchangeAnswer, ExchangeAsk, LeafItem, RequestId, ShardMessage,
};
use crate::object::ObjectKey;
use crate::observe::Observation;
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::time::Instant;
use crate::token::Partition;
use crate::upkeep::{TaskEnded, TaskEvent, TaskStep};

use moving::Moving;

/// How long an exchange waits for one step before it is broken off.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of states past which an answer holds no more. Little, since requests wait while an answer
/// is read or merged.
pub const MAX_STATES_BYTES: usize = 128 << 10;
/// Items past which an answer does not begin with another leaf: each is an object that is read.
pub const MAX_ITEMS: usize = 256;
/// Leaves that the first ask for items names; later ones go by how much there was.
const FIRST_LEAVES: usize = 16;
/// The most that one names: each is a search in the store, here and there, while requests wait.
const MOST_LEAVES: usize = 24;
/// With more items than this in an answer, fewer leaves are asked for next.
const MANY_ITEMS: usize = 64;

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Both sides are to have the same.
    Alike,
    /// The peer is to have all that is here; what it has beside that is no concern of this node's,
    /// which goes.
    HandOver,
}

/// An exchange that this node began.
#[derive(Clone, Debug)]
pub struct Exchange {
    id: RequestId,
    peer: NodeId,
    partition: Partition,
    aim: Aim,
    began: Instant,
    /// What was asked last, under a name of its own: an answer that comes twice is known.
    asked: Option<(RequestId, ExchangeAsk)>,
    /// When it is broken off unless something happens before.
    until: Instant,
    /// Whether the peer has counted itself in every answer.
    counts: bool,
    /// Leaves that differ and have not been looked into.
    leaves: VecDeque<LeafIndex>,
    leaves_at_once: usize,
    moving: Moving,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeEnded {
    /// With whom.
    pub peer: NodeId,
    /// About which partition.
    pub partition: Partition,
    /// When it began.
    pub began: Instant,
    /// Whether the peer counted itself in reads all the while (rule 19).
    pub counts: bool,
    /// Whether everything that the peer had otherwise, or alone, is on disk here.
    pub pulled: bool,
    /// Objects brought here or taken there, all of them durably; none if it was broken off or
    /// something did not get to its place.
    pub healed: Option<u64>,
}

/// Bytes of states.
pub fn bytes_of(states: &[(ObjectKey, EncodedState)]) -> u64 {
    states.iter().map(|(_, state)| state.as_bytes().len() as u64).sum()
}

/// How much of a partition was compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    Wholly,
    InPart,
    /// It is left to the peer.
    NotAtAll,
}

/// Whether an exchange goes on.
enum Course {
    /// It waits for an answer, the disk, or an acknowledgement.
    Waiting,
    /// Both sides are alike, as far as it was compared.
    Done,
    /// It can't go on.
    Broken,
    /// The peer is being refilled, and pulls by exchanges of its own what would be pushed to it.
    LeftToPeer,
}

impl Exchange {
    /// Begins to compare a partition with a peer; none if this node's own tree is not ready.
    pub fn begin<S: ReadStore>(
        id: RequestId,
        (partition, peer): Pair,
        aim: Aim,
        turn: &mut Turn<'_, S>,
    ) -> Option<Self> {
        let root = turn.replica.tree(partition)?.root();
        let began = turn.now.instant;
        let mut exchange = Self {
            id,
            peer,
            partition,
            aim,
            began,
            asked: None,
            until: began,
            counts: true,
            leaves: VecDeque::new(),
            leaves_at_once: FIRST_LEAVES,
            moving: Moving::new(id, partition, peer),
        };
        exchange.ask(ExchangeAsk::Root(root), turn);
        turn.set_timer(exchange.until, Timer::Deadline(id));
        Some(exchange)
    }

    /// The peer.
    pub fn peer(&self) -> NodeId {
        self.peer
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Whether the peer has said nothing yet.
    pub fn is_first_step(&self) -> bool {
        matches!(self.asked, Some((_, ExchangeAsk::Root(_))))
    }

    /// Whether it waits for the answer to this request.
    pub fn asked(&self, request: RequestId) -> bool {
        self.asked.as_ref().is_some_and(|(asked, _)| *asked == request)
    }

    /// Takes in what happened.
    pub fn on<S: ReadStore>(&mut self, event: TaskEvent, turn: &mut Turn<'_, S>) -> TaskStep {
        let course = match event {
            TaskEvent::Answered(from, message) if from == self.peer => {
                self.on_answer(message, turn)
            }
            TaskEvent::NotSent(peer) | TaskEvent::LinkDown(peer) if peer == self.peer => {
                Course::Broken
            }
            TaskEvent::Synced => {
                self.moving.synced();
                self.came_on(turn)
            }
            TaskEvent::Delivered => {
                self.moving.delivered(turn);
                self.came_on(turn)
            }
            TaskEvent::Undelivered => {
                self.moving.not_delivered();
                self.came_on(turn)
            }
            TaskEvent::Room => self.go_on(turn),
            TaskEvent::Deadline => self.on_deadline(turn),
            TaskEvent::Answered(..) | TaskEvent::NotSent(_) | TaskEvent::LinkDown(_) => {
                Course::Waiting
            }
        };
        match course {
            Course::Waiting => TaskStep::Waiting,
            Course::Done => self.end(Compared::Wholly, turn),
            Course::Broken => self.end(Compared::InPart, turn),
            Course::LeftToPeer => self.end(Compared::NotAtAll, turn),
        }
    }

    fn on_answer<S: ReadStore>(&mut self, message: ShardMessage, turn: &mut Turn<'_, S>) -> Course {
        let ShardMessage::ExchangeAnswered { request, round, has, answer } = message else {
            return Course::Waiting;
        };
        let Some((_, ask)) = self.asked.take_if(|(asked, _)| *asked == request) else {
            return Course::Waiting;
        };
        let Some(ring) = turn.view.ring.clone() else { return Course::Broken };
        self.counts &= has == Completeness::Whole;
        match (ask, answer) {
            (ExchangeAsk::Root(_), ExchangeAnswer::Same) => Course::Done,
            (ExchangeAsk::Root(_), ExchangeAnswer::Branches(_))
                if has == Completeness::Lost && turn.standing.counts(self.partition) =>
            {
                Course::LeftToPeer
            }
            (ExchangeAsk::Root(_), ExchangeAnswer::Branches(theirs)) => {
                self.ask_for_leaves(&theirs, turn)
            }
            (ExchangeAsk::Leaves(branches), ExchangeAnswer::Leaves(theirs)) => {
                let tree = turn.replica.tree(self.partition);
                let differing =
                    tree.and_then(|tree| compare::differing_leaves(tree, branches, &theirs));
                let Some(differing) = differing else { return Course::Broken };
                self.leaves = differing.into();
                self.go_on(turn)
            }
            (ExchangeAsk::Items(leaves), ExchangeAnswer::Items(theirs)) => {
                self.look_into(&leaves, &theirs, &ring, turn)
            }
            (ExchangeAsk::Items(leaves), ExchangeAnswer::NotReady) if leaves.len() > 1 => {
                self.leaves_at_once = (leaves.len() / 4).max(1);
                leaves.into_iter().rev().for_each(|leaf| self.leaves.push_front(leaf));
                self.go_on(turn)
            }
            (ExchangeAsk::States(tokens), ExchangeAnswer::States { answered, states }) => {
                turn.budget.spend(turn.now.instant, bytes_of(&states));
                match self.moving.take(tokens, answered, states, round, turn) {
                    Ok(()) => self.go_on(turn),
                    Err(moving::Nonsense) => Course::Broken,
                }
            }
            _ => Course::Broken,
        }
    }

    fn ask_for_leaves<S: ReadStore>(
        &mut self,
        theirs: &[TreeSum],
        turn: &mut Turn<'_, S>,
    ) -> Course {
        let tree = turn.replica.tree(self.partition);
        match tree.and_then(|tree| compare::differing_branches(tree, theirs)) {
            None => Course::Broken,
            // What differed a moment ago has come by another way since.
            Some(branches) if branches.is_empty() => Course::Done,
            Some(branches) => {
                self.ask(ExchangeAsk::Leaves(branches), turn);
                Course::Waiting
            }
        }
    }

    /// Compares what is in some leaves here and there.
    fn look_into<S: ReadStore>(
        &mut self,
        leaves: &[LeafIndex],
        theirs: &[LeafItem],
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Course {
        let belongs = |item: &LeafItem| {
            ring.partition_of(item.token) == self.partition
                && leaves.contains(&LeafIndex::of(ring.partitions, item.token))
        };
        if !theirs.iter().all(belongs) {
            return Course::Broken;
        }
        let mut ours = Vec::new();
        for &leaf in leaves {
            match turn.replica.items(ring.partitions, self.partition, leaf, turn.store) {
                Ok(items) => ours.extend(items),
                Err(_) => return Course::Broken,
            }
        }
        self.leaves_at_once = if ours.len().max(theirs.len()) > MANY_ITEMS {
            (leaves.len() / 2).max(1)
        } else {
            (self.leaves_at_once * 2).min(MOST_LEAVES)
        };
        let found = compare::differences(&ours, theirs);
        self.moving.add(match self.aim {
            Aim::Alike => found,
            Aim::HandOver => found.one_way(),
        });
        self.go_on(turn)
    }

    /// Something that was waited for has happened.
    fn came_on<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Course {
        self.until = turn.now.instant.after(PATIENCE);
        self.go_on(turn)
    }

    /// Does what can be done now: sends what there is room for, and asks for the next part.
    fn go_on<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Course {
        if self.moving.push(turn) > 0 {
            self.until = turn.now.instant.after(PATIENCE);
        }
        if self.asked.is_some() || self.moving.waits_for_disk() {
            return Course::Waiting;
        }
        if !self.leaves.is_empty() && self.moving.wants_more() {
            let count = self.leaves.len().min(self.leaves_at_once);
            let leaves = self.leaves.drain(..count).collect();
            self.ask(ExchangeAsk::Items(leaves), turn);
            return Course::Waiting;
        }
        if let Some(tokens) = self.moving.next_to_pull() {
            if !turn.budget.allows(turn.now.instant) {
                return Course::Waiting;
            }
            self.ask(ExchangeAsk::States(tokens), turn);
            return Course::Waiting;
        }
        if self.leaves.is_empty() && self.moving.is_over() { Course::Done } else { Course::Waiting }
    }

    fn ask<S: ReadStore>(&mut self, ask: ExchangeAsk, turn: &mut Turn<'_, S>) {
        let Some(ring) = &turn.view.ring else { return };
        let request = turn.ids.next();
        let message = ShardMessage::Exchange {
            request,
            ring: ring.version,
            partition: self.partition,
            round: turn.replica.round(self.partition),
            ask: ask.clone(),
        };
        self.asked = Some((request, ask));
        self.until = turn.now.instant.after(PATIENCE);
        turn.send(self.peer, message);
    }

    /// The timer that was set last has come due; if something has happened since, it is set again.
    fn on_deadline<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Course {
        if turn.now.instant < self.until {
            turn.set_timer(self.until, Timer::Deadline(self.id));
            return Course::Waiting;
        }
        if self.asked.is_some() || self.moving.waits_for_disk() || self.moving.under_way() > 0 {
            return Course::Broken;
        }
        // Only room to send more is waited for, since others send to the same peer, or the budget.
        let course = self.came_on(turn);
        turn.set_timer(self.until, Timer::Deadline(self.id));
        course
    }

    fn end<S: ReadStore>(&self, compared: Compared, turn: &mut Turn<'_, S>) -> TaskStep {
        let pulled = compared == Compared::Wholly && self.moving.pulled_all();
        let healed = (pulled && self.moving.pushed_all()).then(|| self.moving.healed());
        match (compared, healed) {
            (Compared::NotAtAll, _) => {}
            (_, Some(_)) => turn.counts.exchanges += 1,
            (_, None) => turn.counts.exchanges_failed += 1,
        }
        let (peer, partition) = (self.peer, self.partition);
        turn.out.push(Effect::Observe(Observation::Exchanged { peer, partition, healed }));
        let (began, counts) = (self.began, self.counts);
        let ended = ExchangeEnded { peer, partition, began, counts, pulled, healed };
        TaskStep::Ended(TaskEnded::Exchange(ended))
    }
}

#[cfg(test)]
pub(crate) mod tests;
