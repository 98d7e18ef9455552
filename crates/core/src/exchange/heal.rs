//! Damaged objects are brought back from the other owners (rule 19; the paper, 4.7).
//!
//! A damaged object is set aside and answers no reads. It is healed once as many owners have been
//! asked for it as any acknowledged write must have reached: their states are merged, together with
//! what was written here since.

use std::collections::{BTreeMap, VecDeque};

use super::{PATIENCE, bytes_of};
use crate::collection::Round;
use crate::coordinator::Turn;
use crate::coordinator::peers::{Lot, RequestKind};
use crate::effect::Timer;
use crate::identity::NodeId;
use crate::message::{
    Completeness, EncodedState, ExchangeAnswer, ExchangeAsk, RequestId, ShardMessage,
};
use crate::object::ObjectKey;
use crate::replica::Waiter;
use crate::standing::others_needed;
use crate::store::ReadStore;
use crate::time::Instant;
use crate::token::{Partition, Token};
use crate::upkeep::{TaskEnded, TaskEvent, TaskStep};

/// Objects that are healed together.
pub const HEALED_AT_ONCE: usize = 64;

/// The healing of some objects of one partition.
#[derive(Clone, Debug)]
pub struct Heal {
    id: RequestId,
    partition: Partition,
    /// What is known of each of them by now.
    objects: BTreeMap<ObjectKey, Option<EncodedState>>,
    /// Owners that have not been asked.
    owners: VecDeque<NodeId>,
    /// Tokens that the present owner has not answered.
    tokens: VecDeque<Token>,
    asked: Option<(RequestId, NodeId)>,
    /// Who is asked as soon as the budget allows it.
    waits: Option<NodeId>,
    /// Owners that have all they have acknowledged of these objects, and have answered everything.
    heard: usize,
    needed: usize,
    until: Instant,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealEnded {
    /// About which partition.
    pub partition: Partition,
    /// Objects that are whole again.
    pub healed: u64,
}

impl Heal {
    /// Begins to heal objects; none if too few owners can be reached.
    pub fn begin<S: ReadStore>(
        id: RequestId,
        partition: Partition,
        objects: Vec<ObjectKey>,
        turn: &mut Turn<'_, S>,
    ) -> Option<Self> {
        let ring = turn.view.ring.clone()?;
        let all = &ring.table[partition.index()];
        let owners = turn.peers.healthy_by_speed(
            turn.view,
            (turn.now.instant, RequestKind::Read),
            (all, Lot::from(partition)),
        );
        let needed = others_needed(turn.view, all.len() as u8);
        if owners.len() < needed || needed == 0 || objects.is_empty() {
            return None;
        }
        let mut heal = Self {
            id,
            partition,
            objects: objects.into_iter().map(|key| (key, None)).collect(),
            owners: owners.into(),
            tokens: VecDeque::new(),
            asked: None,
            waits: None,
            heard: 0,
            needed,
            until: turn.now.instant,
        };
        heal.ask_next_owner(turn);
        turn.set_timer(heal.until, Timer::Deadline(id));
        Some(heal)
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Whether it waits for the answer to this request.
    pub fn asked(&self, request: RequestId) -> bool {
        self.asked.is_some_and(|(asked, _)| asked == request)
    }

    /// Takes in what happened.
    pub fn on<S: ReadStore>(&mut self, event: TaskEvent, turn: &mut Turn<'_, S>) -> TaskStep {
        match event {
            TaskEvent::Answered(from, message) => self.on_answer(from, message, turn),
            TaskEvent::NotSent(peer) | TaskEvent::LinkDown(peer) if self.waits_for(peer) => {
                self.ask_next_owner(turn)
            }
            TaskEvent::Room => match self.waits.take() {
                Some(owner) => self.ask(owner, turn),
                None => TaskStep::Waiting,
            },
            TaskEvent::Deadline if self.waits.is_some() => {
                self.until = turn.now.instant.after(PATIENCE);
                turn.set_timer(self.until, Timer::Deadline(self.id));
                TaskStep::Waiting
            }
            TaskEvent::Deadline if turn.now.instant < self.until => {
                turn.set_timer(self.until, Timer::Deadline(self.id));
                TaskStep::Waiting
            }
            TaskEvent::Deadline => {
                let step = self.ask_next_owner(turn);
                turn.set_timer(self.until, Timer::Deadline(self.id));
                step
            }
            _ => TaskStep::Waiting,
        }
    }

    fn waits_for(&self, peer: NodeId) -> bool {
        self.waits == Some(peer) || self.asked.is_some_and(|(_, asked)| asked == peer)
    }

    fn ask_next_owner<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> TaskStep {
        (self.asked, self.waits) = (None, None);
        if self.heard >= self.needed {
            return self.heal(turn);
        }
        let Some(owner) = self.owners.pop_front() else { return self.end(0) };
        let mut tokens: Vec<Token> = self.objects.keys().map(ObjectKey::token).collect();
        tokens.sort_unstable();
        tokens.dedup();
        self.tokens = tokens.into();
        self.ask(owner, turn)
    }

    fn ask<S: ReadStore>(&mut self, owner: NodeId, turn: &mut Turn<'_, S>) -> TaskStep {
        if !turn.budget.allows(turn.now.instant) {
            (self.asked, self.waits) = (None, Some(owner));
            return TaskStep::Waiting;
        }
        let Some(ring) = &turn.view.ring else { return self.end(0) };
        let request = turn.ids.next();
        let message = ShardMessage::Exchange {
            request,
            ring: ring.version,
            partition: self.partition,
            round: turn.replica.round(self.partition),
            ask: ExchangeAsk::States(self.tokens.iter().copied().collect()),
        };
        self.asked = Some((request, owner));
        self.until = turn.now.instant.after(PATIENCE);
        turn.send(owner, message);
        TaskStep::Waiting
    }

    fn on_answer<S: ReadStore>(
        &mut self,
        from: NodeId,
        message: ShardMessage,
        turn: &mut Turn<'_, S>,
    ) -> TaskStep {
        let ShardMessage::ExchangeAnswered { request, round, has, answer } = message else {
            return TaskStep::Waiting;
        };
        if self.asked != Some((request, from)) {
            return TaskStep::Waiting;
        }
        let ExchangeAnswer::States { answered, states } = answer else {
            return self.ask_next_owner(turn);
        };
        turn.budget.spend(turn.now.instant, bytes_of(&states));
        let answered = answered as usize;
        if answered == 0 || answered > self.tokens.len() || !self.take(states, round, turn) {
            return self.ask_next_owner(turn);
        }
        self.tokens.drain(..answered);
        if !self.tokens.is_empty() {
            return self.ask(from, turn);
        }
        self.heard += usize::from(has == Completeness::Whole);
        self.ask_next_owner(turn)
    }

    /// Adds what an owner has. Returns whether it can be used.
    fn take<S: ReadStore>(
        &mut self,
        states: Vec<(ObjectKey, EncodedState)>,
        round: Round,
        turn: &Turn<'_, S>,
    ) -> bool {
        if round < turn.replica.round(self.partition) {
            return false;
        }
        for (key, theirs) in states {
            let Some(known) = self.objects.get_mut(&key) else { continue };
            let Ok(state) = theirs.decode() else { return false };
            *known = match known.take().map(|known| known.decode()) {
                Some(Ok(before)) => Some(EncodedState::of(&before.merge(state))),
                Some(Err(_)) | None => Some(theirs),
            };
        }
        true
    }

    fn heal<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> TaskStep {
        let waiter = Waiter::Coordinator(self.id);
        let mut healed = 0;
        for (key, state) in std::mem::take(&mut self.objects) {
            let result = turn.replica.heal(&key, state.as_ref(), waiter, turn.store, turn.out);
            healed += u64::from(result.is_ok());
        }
        turn.counts.refilled_objects += healed;
        self.end(healed)
    }

    fn end(&self, healed: u64) -> TaskStep {
        TaskStep::Ended(TaskEnded::Heal(HealEnded { partition: self.partition, healed }))
    }
}
