//! A put, coordinated by the node that mints it: a primary of its key, or a fallback if no primary
//! can be reached.
//!
//! The paper, 4.5 and 4.6; rules 2, 4, 6, 8, 9 and 11. Everything that can refuse a put is checked
//! before it is minted: from then on the outcome is acknowledged or indeterminate, never refused.
//! The state goes to the other replicas while this node's own batch is still being synced (rule 6).
//! A fallback stands in for each primary that is not healthy, at once; for one that turns out not
//! to be reachable, or is slower than usual, within the same request.

use crate::collection::Round;
use crate::effect::{DiskRoom, Effect, Timer};
use crate::hints::Desk;
use crate::identity::NodeId;
use crate::message::{AckStage, AckWish, EncodedState, Purpose, ReplicateRefusal, ShardMessage};
use crate::object::{Content, ObjectKey, ObjectState};
use crate::quorum::{QuorumMode, WriteQuorum};
use crate::replica::{MintError, Minted, Waiter, Write};
use crate::request::{PutOrder, PutReply, RequestError};
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::token::Partition;
use crate::version::Dot;

use super::stand_ins::StandIns;
use super::tally::{Needs, Role, Tally, Verdict};
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
    tally: Tally,
    quorum: WriteQuorum,
    stand_ins: StandIns,
    context: SealedContext,
    wanted: u8,
    existing: u8,
}

/// What a put needs to know of the ring and its bucket.
struct Placement<'a> {
    partition: Partition,
    primaries: &'a [NodeId],
    /// Nodes that may stand in for primaries, best first; none for a strict quorum.
    fallbacks: Vec<NodeId>,
    quorum: WriteQuorum,
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
        let mut put = Self {
            frame,
            origin,
            partition: place.partition,
            tally: Tally::new(Needs::from(place.quorum)),
            quorum: place.quorum,
            stand_ins: StandIns::new(place.primaries, place.fallbacks, turn.view.me),
            context: turn.sealer.seal(&order.key, &minted.context),
            wanted: place.wanted,
            existing: place.primaries.len() as u8,
            key: order.key,
            state: minted.encoded,
            dot: minted.dot,
            round: turn.replica.round(place.partition),
        };
        put.send_to_all(place.primaries, ring, turn);
        turn.set_timer(frame.deadline.at(), Timer::Deadline(frame.id));
        put.set_hedge(turn);
        let progress = put.settle(turn);
        Ok((put, progress))
    }

    fn send_to_all<S: ReadStore>(
        &mut self,
        primaries: &[NodeId],
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) {
        let me = turn.view.me;
        match primaries {
            [first, ..] if !primaries.contains(&me) => self.tally.ask_to_stand_in(me, *first),
            _ => self.tally.ask(me, Role::Primary),
        }
        if self.acks() == AckWish::ReceivedAndDurable {
            self.tally.received(me);
        }
        for &node in primaries.iter().filter(|&&node| node != me) {
            // One that is only suspected may be alive, and then needs no hint later.
            if turn.peers.connected(node) {
                self.tally.ask(node, Role::Primary);
                self.send(node, Purpose::Write, ring, turn);
            }
        }
        for &node in primaries.iter().filter(|&&node| node != me) {
            if !turn.peers.healthy(turn.view, turn.now.instant, node) {
                self.cover(node, ring, turn);
            }
        }
    }

    /// Gives the next fallback a hint for a primary, or for the primary that a fallback stood in
    /// for, unless another one has it already.
    fn cover<S: ReadStore>(&mut self, node: NodeId, ring: &Ring, turn: &mut Turn<'_, S>) {
        let healthy = |node: NodeId| turn.peers.healthy(turn.view, turn.now.instant, node);
        if let Some((fallback, owner)) = self.stand_ins.next_for(node, healthy) {
            self.tally.ask_to_stand_in(fallback, owner);
            self.send(fallback, Purpose::Hint { owner }, ring, turn);
        }
    }

    fn send<S: ReadStore>(
        &self,
        to: NodeId,
        purpose: Purpose,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) {
        let message = ShardMessage::Replicate {
            request: self.frame.id,
            ring: ring.version,
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
        self.tally.durable(turn.view.me);
        self.settle(turn)
    }

    /// A replica has answered.
    pub fn on_replicated<S: ReadStore>(
        &mut self,
        from: NodeId,
        (stage, round): (Result<AckStage, ReplicateRefusal>, Round),
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        match stage {
            Err(ReplicateRefusal::EarlierRound) if self.catch_up(round, turn) => {
                let owner = self.stand_ins.owner_of(from);
                let purpose = owner.map_or(Purpose::Write, |owner| Purpose::Hint { owner });
                self.send(from, purpose, ring, turn);
            }
            Ok(AckStage::Received) => self.tally.received(from),
            Ok(AckStage::Durable) => self.tally.durable(from),
            Err(refusal) => {
                if refusal == ReplicateRefusal::StaleRing {
                    turn.ask_for_newer_ring(from);
                }
                self.tally.failed(from);
                self.cover(from, ring, turn);
            }
        }
        self.settle(turn)
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
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        if self.tally.awaits(peer) {
            self.tally.failed(peer);
            self.cover(peer, ring, turn);
        }
        self.settle(turn)
    }

    /// Those who were asked are slower than usual: fallbacks stand in for them.
    pub fn on_hedge<S: ReadStore>(&mut self, ring: &Ring, turn: &mut Turn<'_, S>) -> Progress {
        let silent: Vec<NodeId> = self.tally.outstanding().collect();
        for node in silent.into_iter().filter(|&node| node != turn.view.me) {
            self.cover(node, ring, turn);
        }
        self.set_hedge(turn);
        self.settle(turn)
    }

    fn set_hedge<S: ReadStore>(&self, turn: &mut Turn<'_, S>) {
        if !self.stand_ins.any_left() {
            return;
        }
        let others = self.tally.outstanding().filter(|&node| node != turn.view.me);
        let at = turn.peers.all_slow_at(turn.now.instant, others);
        turn.set_timer(at, Timer::Hedge(self.frame.id));
    }

    /// The deadline has passed: those who have not answered are avoided from now on.
    pub fn on_deadline<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Progress {
        let silent: Vec<NodeId> = self.tally.outstanding().collect();
        for peer in silent.into_iter().filter(|&peer| peer != turn.view.me) {
            turn.suspect(peer, self.frame.took(turn.now));
        }
        self.finish(Err(self.doubt()), turn)
    }

    fn settle<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Progress {
        match self.tally.verdict() {
            Verdict::Waiting => Progress::Waiting,
            Verdict::Impossible => self.finish(Err(self.doubt()), turn),
            Verdict::Enough => {
                let answered = self.tally.answered(self.wanted, self.existing);
                self.finish(Ok(PutReply { context: self.context.clone(), answered }), turn)
            }
        }
    }

    /// It is minted, so at least this node may have it: never called refused (rule 9).
    fn doubt(&self) -> RequestError {
        let acked = self.tally.answered(self.wanted, self.existing).total();
        RequestError::Indeterminate { needed: self.tally.needs().total, acked }
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

/// Where the put belongs, once nothing stands against starting it.
fn place<'r, S: ReadStore>(
    order: &PutOrder,
    ring: &'r Ring,
    turn: &Turn<'_, S>,
) -> Result<Placement<'r>, RequestError> {
    let partition = ring.partition_of(order.key.token());
    let properties = turn.view.bucket(order.key.bucket());
    let n = properties.fixed.n;
    let primaries = ring.primaries(partition, n);
    let quorum = properties.write_quorum(primaries.len() as u8, &order.quorum)?;
    if turn.view.held.contains(&partition) {
        return Err(RequestError::Moving { partition });
    }
    if turn.disk == DiskRoom::Reserve && order.value != Content::Tombstone {
        return Err(RequestError::DiskReserve);
    }
    let me = turn.view.me;
    let all_fallbacks = match quorum.mode() {
        QuorumMode::Sloppy => ring.fallbacks(partition, n),
        QuorumMode::Strict => Vec::new(),
    };
    let is_primary = primaries.contains(&me);
    if !is_primary && !all_fallbacks.contains(&me) {
        return Err(RequestError::Moving { partition });
    }
    let may_answer = |node: NodeId| node != me && turn.peers.reachable(turn.view, node);
    let fallbacks: Vec<NodeId> =
        all_fallbacks.into_iter().filter(|&node| may_answer(node)).collect();
    let others = primaries.iter().filter(|&&node| may_answer(node)).count();
    let needs = Needs::from(quorum);
    let reachable_primaries = (usize::from(is_primary) + others) as u8;
    let reachable = (1 + others + fallbacks.len()) as u8;
    if reachable < needs.total {
        return Err(RequestError::NotEnoughReplicas { needed: needs.total, reachable });
    }
    if reachable_primaries < needs.primaries {
        let (needed, reachable) = (needs.primaries, reachable_primaries);
        return Err(RequestError::NotEnoughReplicas { needed, reachable });
    }
    Ok(Placement { partition, primaries, fallbacks, quorum, wanted: n })
}

/// Mints the put as a primary, or into a hint for the first primary of its list.
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
        rule: properties.fixed.conflicts,
        max_siblings: properties.mutable.max_siblings,
    };
    let (wall, waiter) = (turn.now.wall, Waiter::Coordinator(frame.id));
    let minted = if place.primaries.contains(&turn.view.me) {
        turn.replica.mint(wall, write, waiter, turn.store, turn.out)
    } else {
        let owner = place.primaries[0];
        let (journal, stamps) = turn.replica.journal_and_stamps();
        let mut desk = Desk { wall, journal, store: turn.store, out: turn.out };
        turn.hints.mint(owner, write, waiter, stamps, &mut desk)
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
