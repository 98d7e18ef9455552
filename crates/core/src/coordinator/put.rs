//! A put, coordinated by the node that mints it: a primary of its key, or a fallback if no primary
//! can be reached.
//!
//! The paper, 4.5 and 4.6; rules 2, 4, 6, 8, 9 and 11. Everything that can refuse a put is checked
//! before it is minted: from then on the outcome is acknowledged or indeterminate, never refused.
//! The state goes to the other replicas while this node's own batch is still being synced (rule 6).
//! A fallback stands in for each primary that is not healthy, at once; for one that turns out not
//! to be reachable, or is slower than usual, within the same request.

mod moved;
mod place;

use crate::collection::Round;
use crate::effect::{Effect, Timer};
use crate::hints::Desk;
use crate::identity::NodeId;
use crate::message::{AckStage, AckWish, EncodedState, Purpose, ReplicateRefusal, ShardMessage};
use crate::object::{ObjectKey, ObjectState};
use crate::quorum::{QuorumOptions, WriteQuorum};
use crate::replica::{MintError, Minted, Waiter, Write};
use crate::request::{Answered, PutOrder, PutReply, RequestError};
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::token::Partition;
use crate::transfer::Footing;
use crate::version::Dot;

use self::place::{Placement, place};
use super::peers::RequestKind;
use super::replica_set::{HeldCopy, ReplicaSet};
use super::stand_ins::StandIn;
use super::tally::Verdict;
use super::{Frame, Progress, PutOrigin, Turn};
use crate::context::{Context, SealedContext};

/// A put that has been minted here and waits for acknowledgements.
#[derive(Clone, Debug)]
pub struct Put {
    frame: Frame,
    origin: PutOrigin,
    key: ObjectKey,
    partition: Partition,
    state: EncodedState,
    /// The write itself, and the collection round at which `state` was read.
    dot: Dot,
    round: Round,
    /// Whose acknowledgements it needs: the replicas that are read from.
    set: ReplicaSet,
    /// And those of the other ring, while the partition moves (rule 17).
    also: Option<Box<ReplicaSet>>,
    quorum: WriteQuorum,
    asked: QuorumOptions,
    /// The ring and the level that it goes by.
    footing: Footing,
    /// A replica insists on this: it goes on there once that ring is known here.
    told: Option<Footing>,
    context: SealedContext,
    wanted: u8,
}

impl Put {
    /// Mints a put here and sends it on. If it can't be minted, says why; nothing was written then.
    pub fn start<S: ReadStore>(
        frame: Frame,
        origin: PutOrigin,
        order: PutOrder,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Result<(Self, Progress), RequestError> {
        let place = place(&order, ring, turn)?;
        let minted = mint(&frame, &order, &place, turn)?;
        if !turn.view.buckets.contains_key(order.key.bucket()) {
            turn.out.push(Effect::BucketMade(order.key.bucket().clone()));
        }
        let me = turn.view.me;
        let stand_in = |owner: NodeId| StandIn { fallback: me, owner };
        let mut put = Self {
            frame,
            origin,
            partition: place.partition,
            quorum: place.set.quorum,
            set: ReplicaSet::new(&place.set, place.keeps.for_one.map(stand_in)),
            also: place.also.as_ref().map(|also| {
                Box::new(ReplicaSet::new(also, place.keeps.for_one_also.map(stand_in)))
            }),
            asked: order.quorum,
            footing: place.footing,
            told: None,
            context: turn.sealer.seal(&order.key, &minted.context),
            wanted: place.wanted,
            key: order.key,
            state: minted.encoded,
            dot: minted.dot,
            round: turn.replica.round(place.partition),
        };
        put.send_to_all(turn);
        turn.set_timer(frame.deadline.at(), Timer::Deadline(frame.id));
        put.set_hedge(turn);
        let progress = put.settle(turn);
        Ok((put, progress))
    }

    fn sets(&self) -> impl Iterator<Item = &ReplicaSet> {
        std::iter::once(&self.set).chain(self.also.as_deref())
    }

    fn sets_mut(&mut self) -> impl Iterator<Item = &mut ReplicaSet> {
        std::iter::once(&mut self.set).chain(self.also.as_deref_mut())
    }

    fn send_to_all<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) {
        let me = turn.view.me;
        let early = self.acks() == AckWish::ReceivedAndDurable;
        let mut asked: Vec<NodeId> = Vec::new();
        for set in self.sets_mut() {
            set.ask_minter(me);
            if early {
                set.tally.received(me);
            }
            // One that is only suspected may be alive, and then needs no hint later.
            for node in set.ask_primaries(me, |node| turn.peers.connected(node)) {
                if !asked.contains(&node) {
                    asked.push(node);
                }
            }
        }
        // One that moves, or is minted into a hint, does not go as others do.
        if self.also.is_none() && self.set.primaries().contains(&me) {
            turn.watch.begin(turn.now.instant, self.frame.id, asked.len());
        }
        for node in asked {
            self.send(node, Purpose::Write, turn);
        }
        self.cover_unhealthy(turn);
    }

    /// A fallback stands in for each primary that is not expected to answer.
    fn cover_unhealthy<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) {
        let me = turn.view.me;
        let unhealthy = self
            .primaries(|node| node != me && !turn.peers.healthy(turn.view, turn.now.instant, node));
        for node in unhealthy {
            self.cover(node, turn);
        }
    }

    /// The primaries of all sets that are so.
    fn primaries(&self, so: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
        let mut found: Vec<NodeId> = Vec::new();
        for &node in self.sets().flat_map(ReplicaSet::primaries) {
            if so(node) && !found.contains(&node) {
                found.push(node);
            }
        }
        found
    }

    /// Gives the next fallback a hint for a primary, or for the primary that a fallback stood in
    /// for, unless another one has it already.
    fn cover<S: ReadStore>(&mut self, node: NodeId, turn: &mut Turn<'_, S>) {
        let healthy = |node: NodeId| turn.peers.healthy(turn.view, turn.now.instant, node);
        let mut covered: Vec<StandIn> = Vec::new();
        for set in self.sets_mut() {
            covered.extend(set.cover(node, healthy).filter(|next| !covered.contains(next)));
        }
        for StandIn { fallback, owner } in covered {
            self.send(fallback, Purpose::Hint { owner }, turn);
        }
    }

    fn send<S: ReadStore>(&self, to: NodeId, purpose: Purpose, turn: &mut Turn<'_, S>) {
        let message = ShardMessage::Replicate {
            request: self.frame.id,
            footing: self.footing,
            round: self.round,
            purpose,
            key: self.key.clone(),
            state: self.state.clone(),
            acks: self.acks(),
        };
        turn.send(to, message);
    }

    fn acks(&self) -> AckWish {
        let early = self.quorum.dw() < self.quorum.w();
        if early { AckWish::ReceivedAndDurable } else { AckWish::Durable }
    }

    /// This node's own batch is on disk.
    pub fn synced<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Progress {
        let me = turn.view.me;
        self.sets_mut().for_each(|set| set.tally.durable(me));
        self.settle(turn)
    }

    /// A replica has answered.
    pub(super) fn on_replicated<S: ReadStore>(
        &mut self,
        copy: HeldCopy,
        (stage, round): (Result<AckStage, ReplicateRefusal>, Round),
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        let from = copy.holder;
        match stage {
            Err(ReplicateRefusal::EarlierRound) if self.catch_up(round, turn) => {
                for purpose in self.purposes_of(from) {
                    self.send(from, purpose, turn);
                }
            }
            Ok(AckStage::Received) => self.sets_mut().for_each(|set| set.received(copy)),
            Ok(AckStage::Durable) => self.sets_mut().for_each(|set| set.durable(copy)),
            Err(ReplicateRefusal::Behind(told)) if told > self.footing => {
                return self.on_behind(from, told, ring, turn);
            }
            // It speaks of what it was sent at an earlier footing, and was sent it again since.
            Err(ReplicateRefusal::Behind(_)) => {}
            Err(refusal) => {
                if refusal == ReplicateRefusal::StaleRing {
                    turn.ask_for_newer_ring(from);
                }
                self.failed(from, turn);
            }
        }
        self.settle(turn)
    }

    fn failed<S: ReadStore>(&mut self, node: NodeId, turn: &mut Turn<'_, S>) {
        self.sets_mut().for_each(|set| set.tally.failed(node));
        self.cover(node, turn);
    }

    /// What a node that was asked was sent it for: as a primary, or for one owner of either ring.
    fn purposes_of(&self, node: NodeId) -> Vec<Purpose> {
        if self.sets().any(|set| set.primaries().contains(&node)) {
            return vec![Purpose::Write];
        }
        let mut purposes: Vec<Purpose> = Vec::new();
        for owner in self.sets().filter_map(|set| set.owner_of(node)) {
            let purpose = Purpose::Hint { owner };
            if !purposes.contains(&purpose) {
                purposes.push(purpose);
            }
        }
        purposes
    }

    /// A replica is at a later collection round than the state that it was sent: rises to it and
    /// reads again (rule 13). Returns whether there is something to be sent.
    fn catch_up<S: ReadStore>(&mut self, theirs: Round, turn: &mut Turn<'_, S>) -> bool {
        if theirs <= self.round {
            return false;
        }
        turn.replica.rise(self.partition, theirs, turn.out);
        let Ok((Some(state), round)) = turn.state_kept_here(&self.key) else { return false };
        let has_it = |state: &ObjectState| state.vector().covers(self.dot);
        if round < theirs || !state.decode().is_ok_and(|state| has_it(&state)) {
            return false;
        }
        (self.state, self.round) = (state, round);
        true
    }

    /// A replica can't be reached any more, or was not reached at all: another one stands in.
    pub fn on_unreachable<S: ReadStore>(
        &mut self,
        peer: NodeId,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        if self.sets().any(|set| set.tally.awaits(peer)) {
            self.failed(peer, turn);
        }
        self.settle(turn)
    }

    /// Those who were asked are slower than usual: fallbacks stand in for them.
    pub fn on_hedge<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Progress {
        for node in self.silent() {
            if node != turn.view.me {
                self.cover(node, turn);
            }
        }
        self.set_hedge(turn);
        self.settle(turn)
    }

    /// Who was asked and has not answered.
    fn silent(&self) -> Vec<NodeId> {
        let mut silent: Vec<NodeId> = self.set.tally.outstanding().collect();
        let also = self.also.iter().flat_map(|also| also.tally.outstanding());
        let more: Vec<NodeId> = also.filter(|node| !silent.contains(node)).collect();
        silent.extend(more);
        silent
    }

    fn set_hedge<S: ReadStore>(&self, turn: &mut Turn<'_, S>) {
        if !self.sets().any(ReplicaSet::any_left) {
            return;
        }
        let me = turn.view.me;
        let others = self.sets().flat_map(|set| set.tally.outstanding()).filter(|&node| node != me);
        let at = turn.peers.all_slow_at((turn.now.instant, RequestKind::Put), others);
        turn.set_timer(at, Timer::Hedge(self.frame.id));
    }

    /// The deadline has passed: those who have not answered are avoided from now on.
    pub fn on_deadline<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Progress {
        // Who refused it for its footing has answered: then a newer ring was waited for.
        let waited_for_ring = self.told.is_some_and(|told| told.ring > self.footing.ring);
        for peer in self.silent() {
            if peer != turn.view.me && !waited_for_ring {
                turn.suspect((peer, RequestKind::Put), self.frame.took(turn.now));
            }
        }
        self.finish(Err(self.doubt()), turn)
    }

    fn settle<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Progress {
        let verdict = match &self.also {
            None => self.set.tally.verdict(),
            Some(also) => self.set.tally.verdict().and(also.tally.verdict()),
        };
        match verdict {
            Verdict::Waiting => Progress::Waiting,
            Verdict::Impossible => self.finish(Err(self.doubt()), turn),
            Verdict::Enough => self.finish(
                Ok(PutReply { context: self.context.clone(), answered: self.answered() }),
                turn,
            ),
        }
    }

    /// Who has answered. While the partition moves it is told of the set in which more primaries have
    /// not: a reader may go by either. One ring may have fewer nodes than the other.
    fn answered(&self) -> Answered {
        let sets = self.sets().map(|set| set.answered(self.wanted));
        let lacks = |answered: &Answered| {
            (answered.existing.saturating_sub(answered.primaries), answered.existing)
        };
        sets.max_by_key(lacks).unwrap_or_default()
    }

    /// It is minted, so at least this node may have it: never called refused (rule 9). While the
    /// partition moves it is told of the set in which fewer have answered.
    fn doubt(&self) -> RequestError {
        let acked = |set: &ReplicaSet| set.answered(self.wanted).total();
        let also = self.also.as_deref().filter(|also| acked(also) < acked(&self.set));
        let set = also.unwrap_or(&self.set);
        RequestError::Indeterminate { needed: set.tally.needs().total, acked: acked(set) }
    }

    fn finish<S: ReadStore>(
        &self,
        result: Result<PutReply, RequestError>,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        self.origin.end(&self.frame, &self.key, result, turn);
        Progress::Finished
    }
}

/// Mints the put as a primary, or into a hint for one.
fn mint<S: ReadStore>(
    frame: &Frame,
    order: &PutOrder,
    place: &Placement<'_>,
    turn: &mut Turn<'_, S>,
) -> Result<Minted, RequestError> {
    let context = match &order.context {
        Some(sealed) => turn.sealer.open(&order.key, sealed)?,
        None => Context::default(),
    };
    let properties = turn.view.bucket(order.key.bucket());
    let write = Write {
        key: &order.key,
        partition: place.partition,
        context,
        value: order.value.clone(),
        precedence: order.precedence,
        rule: properties.fixed.conflicts,
        max_siblings: properties.mutable.max_siblings,
    };
    let (wall, waiter) = (turn.now.wall, Waiter::Coordinator(frame.id));
    let minted = match place.keeps.for_one {
        None => turn.replica.mint(wall, write, waiter, turn.store, turn.out),
        Some(owner) => {
            let (journal, stamps) = turn.replica.journal_and_stamps();
            let mut desk = Desk { wall, journal, store: turn.store, out: turn.out };
            turn.hints.mint(owner, write, waiter, stamps, &mut desk)
        }
    };
    minted.map_err(|error| refusal(error, properties.mutable.max_siblings))
}

fn refusal(error: MintError, max: u32) -> RequestError {
    match error {
        MintError::Unreadable(unreadable) => RequestError::Damaged(unreadable.0),
        MintError::TooManySiblings { siblings } => RequestError::TooManySiblings { siblings, max },
        MintError::HintsFull => RequestError::Overloaded,
    }
}
