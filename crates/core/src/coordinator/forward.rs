//! A put that this node forwards to one of its key's primaries, since it is none itself (or its
//! disk is nearly full), or to a fallback if no primary can be reached.
//!
//! Rule 2: one client write is minted once. A put that was certainly not sent may go to another
//! replica; one that was sent and is not answered is indeterminate, and its replica is suspected,
//! so that the next put goes elsewhere. What all others have refused for their own situation, this
//! node mints itself if it is a fallback, or an owner by the other ring while the partition moves.
//! If nobody takes it, whoever waits is told the refusal of a node that could reach enough replicas,
//! if there was one: another one's view of the network is its own.

use crate::effect::Timer;
use crate::identity::NodeId;
use crate::message::ShardMessage;
use crate::object::ObjectKey;
use crate::quorum::QuorumMode;
use crate::request::{PutOrder, PutReply, RequestError};
use crate::ring::Ring;
use crate::store::ReadStore;

use super::peers::{Lot, RequestKind};
use super::put::Put;
use super::tally::Needs;
use super::{Frame, Progress, PutOrigin, Turn};

/// A put that was sent to a replica.
#[derive(Clone, Debug)]
pub struct Forward {
    frame: Frame,
    origin: PutOrigin,
    order: PutOrder,
    mode: QuorumMode,
    needed: u8,
    at: NodeId,
    tried: Vec<NodeId>,
    /// What is told if nobody takes the put.
    refused: RequestError,
}

/// What became of a put that was sent to a replica.
#[derive(Debug)]
pub enum ForwardProgress {
    /// It waits for the replica.
    Waiting,
    /// It has replied and can be forgotten.
    Finished,
    /// No other node would mint it, and nobody has: this one does, if it can.
    MintHere,
}

impl Forward {
    /// Sends a put to the healthiest primary, of either ring while its partition moves; for a sloppy
    /// quorum to a fallback, if no primary can be reached. If none of those can be either it is
    /// refused: nothing was sent.
    pub fn start<S: ReadStore>(
        frame: Frame,
        origin: PutOrigin,
        order: PutOrder,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Result<Self, RequestError> {
        let partition = ring.partition_of(order.key.token());
        let properties = turn.view.bucket(order.key.bucket());
        let reads = turn.view.placement(ring, partition, None).reads;
        let primaries = reads.primaries(partition, properties.fixed.n);
        let quorum = properties.write_quorum(primaries.len() as u8, &order.quorum)?;
        let needed = Needs::from(quorum).total;
        let mode = quorum.mode();
        let refused = RequestError::NotEnoughReplicas { needed, reachable: 0 };
        let next = next_replica(&order.key, mode, &[], ring, turn);
        let at = next.ok_or_else(|| refused.clone())?;
        let tried = vec![at];
        let forward = Self { frame, origin, order, mode, needed, at, tried, refused };
        forward.send(ring, turn);
        turn.set_timer(frame.deadline.at(), Timer::Deadline(frame.id));
        Ok(forward)
    }

    fn send<S: ReadStore>(&self, ring: &Ring, turn: &mut Turn<'_, S>) {
        let message = ShardMessage::ForwardPut {
            request: self.frame.id,
            ring: ring.version,
            order: self.order.clone(),
            remaining: self.frame.deadline.remaining(turn.now.instant),
        };
        turn.send(self.at, message);
    }

    /// The put was not sent: another replica may get it.
    pub fn on_not_sent<S: ReadStore>(
        &mut self,
        to: NodeId,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> ForwardProgress {
        if to != self.at {
            return ForwardProgress::Waiting;
        }
        self.try_elsewhere(ring, turn)
    }

    /// Nobody has minted the put: another replica may, or this node.
    fn try_elsewhere<S: ReadStore>(
        &mut self,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> ForwardProgress {
        if self.try_another(ring, turn) {
            return ForwardProgress::Waiting;
        }
        if self.may_mint_here(ring, turn) {
            return ForwardProgress::MintHere;
        }
        self.refuse(turn)
    }

    fn may_mint_here<S: ReadStore>(&self, ring: &Ring, turn: &Turn<'_, S>) -> bool {
        let (me, partition) = (turn.view.me, ring.partition_of(self.order.key.token()));
        let n = turn.view.bucket(self.order.key.bucket()).fixed.n;
        let also = turn.view.placement(ring, partition, None).also;
        also.is_some_and(|ring| ring.primaries(partition, n).contains(&me))
            || self.mode == QuorumMode::Sloppy
                && fallbacks(&self.order.key, ring, turn).contains(&me)
    }

    /// Keeps a refusal, unless one is kept that says more: that replicas can't be reached from a node
    /// is only its own view.
    fn note(&mut self, refused: RequestError) {
        let none_reached = |error: &_| matches!(error, RequestError::NotEnoughReplicas { .. });
        if !none_reached(&refused) || none_reached(&self.refused) {
            self.refused = refused;
        }
    }

    fn refuse<S: ReadStore>(&self, turn: &mut Turn<'_, S>) -> ForwardProgress {
        self.finish(Err(self.refused.clone()), turn)
    }

    /// Mints the put at this node. If it can't be minted, it is refused and whoever waits is told.
    pub fn mint_here<S: ReadStore>(&mut self, ring: &Ring, turn: &mut Turn<'_, S>) -> Option<Put> {
        match Put::start(self.frame, self.origin, self.order.clone(), ring, turn) {
            Ok((put, Progress::Waiting)) => Some(put),
            Ok((_, Progress::Finished)) => None,
            Err(refused) => {
                self.note(refused);
                self.refuse(turn);
                None
            }
        }
    }

    /// Sends the put, which nobody has minted, to a replica that was not tried. Returns whether
    /// there was one.
    fn try_another<S: ReadStore>(&mut self, ring: &Ring, turn: &mut Turn<'_, S>) -> bool {
        let next = next_replica(&self.order.key, self.mode, &self.tried, ring, turn);
        let Some(next) = next else { return false };
        self.at = next;
        self.tried.push(next);
        self.send(ring, turn);
        true
    }

    /// The replica says how the put ended. What it refused for its own situation, having written
    /// nothing, another one may take.
    pub fn on_answered<S: ReadStore>(
        &mut self,
        from: NodeId,
        result: Result<PutReply, RequestError>,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> ForwardProgress {
        if from != self.at {
            return ForwardProgress::Waiting;
        }
        let now = turn.now;
        turn.peers.answered(now.instant, (from, RequestKind::Put), self.frame.took(now));
        match result {
            Err(
                its_own @ (RequestError::NotEnoughReplicas { .. }
                | RequestError::DiskReserve
                | RequestError::Moving { .. }
                | RequestError::Overloaded),
            ) => {
                self.note(its_own);
                self.try_elsewhere(ring, turn)
            }
            ended => self.finish(ended, turn),
        }
    }

    /// The connection to the replica is lost: it may have minted the put.
    pub fn on_unreachable<S: ReadStore>(
        &self,
        peer: NodeId,
        turn: &mut Turn<'_, S>,
    ) -> ForwardProgress {
        if peer != self.at {
            return ForwardProgress::Waiting;
        }
        self.finish(Err(RequestError::Indeterminate { needed: self.needed, acked: 0 }), turn)
    }

    /// The replica has not answered in time.
    pub fn on_deadline<S: ReadStore>(&self, turn: &mut Turn<'_, S>) -> ForwardProgress {
        turn.suspect((self.at, RequestKind::Put), self.frame.took(turn.now));
        self.finish(Err(RequestError::Indeterminate { needed: self.needed, acked: 0 }), turn)
    }

    fn finish<S: ReadStore>(
        &self,
        result: Result<PutReply, RequestError>,
        turn: &mut Turn<'_, S>,
    ) -> ForwardProgress {
        self.origin.end(&self.frame, &self.order.key, result, turn);
        ForwardProgress::Finished
    }
}

/// The best node that was not tried: an owner by the ring that reads go to, then, while the partition
/// moves, one by the other ring, which is further on or behind; then a fallback.
fn next_replica<S: ReadStore>(
    key: &ObjectKey,
    mode: QuorumMode,
    tried: &[NodeId],
    ring: &Ring,
    turn: &Turn<'_, S>,
) -> Option<NodeId> {
    let partition = ring.partition_of(key.token());
    let n = turn.view.bucket(key.bucket()).fixed.n;
    let now = turn.now.instant;
    let place = turn.view.placement(ring, partition, None);
    let owners = || place.rings().map(|ring| ring.primaries(partition, n));
    let fallbacks = match mode {
        QuorumMode::Sloppy => fallbacks(key, ring, turn),
        QuorumMode::Strict => &[],
    };
    let healthy =
        |node: &NodeId| *node != turn.view.me && turn.peers.healthy(turn.view, now, *node);
    let by_speed = |nodes| {
        let by_turns = (nodes, Lot::from(key));
        turn.peers.healthy_by_speed(turn.view, (now, RequestKind::Put), by_turns)
    };
    let healthy_owners = owners().flat_map(by_speed);
    let stand_ins = fallbacks.iter().copied().filter(healthy);
    let all = owners().chain(std::iter::once(fallbacks));
    let doubted = all.flat_map(|nodes| turn.peers.doubted(turn.view, now, nodes));
    healthy_owners.chain(stand_ins).chain(doubted).find(|node| !tried.contains(node))
}

fn fallbacks<'r, S: ReadStore>(
    key: &ObjectKey,
    ring: &'r Ring,
    turn: &Turn<'r, S>,
) -> &'r [NodeId] {
    let n = turn.view.bucket(key.bucket()).fixed.n;
    let partition = ring.partition_of(key.token());
    turn.view.placement(ring, partition, None).reads.fallbacks(partition, n)
}
