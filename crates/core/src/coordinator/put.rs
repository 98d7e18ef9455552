//! A put, coordinated by the replica that mints it.
//!
//! The paper, 4.5; rules 2, 4, 6, 8 and 9. Everything that can refuse a put is checked before it
//! is minted: from then on the outcome is acknowledged or indeterminate, never refused. The state
//! goes to the other replicas while this node's own batch is still being synced (rule 6).

use crate::effect::{Effect, Timer};
use crate::identity::NodeId;
use crate::message::{AckStage, AckWish, Purpose, ReplicateRefusal, ShardMessage};
use crate::object::ObjectKey;
use crate::quorum::WriteQuorum;
use crate::replica::{MintError, Minted, Waiter, Write};
use crate::request::{PutOrder, PutReply, RequestError};
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::token::Partition;

use super::tally::{Needs, Role, Tally, Verdict};
use super::{Frame, Progress, PutOrigin, Turn};
use crate::context::SealedContext;

/// A put that has been minted here and waits for acknowledgements.
#[derive(Clone, Debug)]
pub struct Put {
    frame: Frame,
    origin: PutOrigin,
    key: ObjectKey,
    tally: Tally,
    quorum: WriteQuorum,
    context: SealedContext,
    wanted: u8,
    existing: u8,
}

/// What a put needs to know of the ring and its bucket.
struct Placement<'a> {
    partition: Partition,
    primaries: &'a [NodeId],
    quorum: WriteQuorum,
    wanted: u8,
}

impl Put {
    /// Mints a put here, as one of its replicas, and sends it on. If it can't be minted, says why;
    /// nothing was written then.
    pub fn start<S: ReadStore>(
        frame: Frame,
        origin: PutOrigin,
        order: PutOrder,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Result<(Self, Progress), RequestError> {
        let place = place(&order, ring, turn)?;
        let context = match &order.context {
            Some(sealed) => turn.sealer.open(&order.key, sealed)?,
            None => crate::context::Context::default(),
        };
        let properties = turn.view.bucket(order.key.bucket());
        let write = Write {
            key: &order.key,
            partition: place.partition,
            context,
            value: order.value,
            rule: properties.fixed.conflicts,
            max_siblings: properties.mutable.max_siblings,
        };
        let waiter = Waiter::Coordinator(frame.id);
        let minted = turn
            .replica
            .mint(turn.now.wall, write, waiter, turn.store, turn.out)
            .map_err(|error| refusal(error, properties.mutable.max_siblings))?;
        if !turn.view.buckets.contains_key(order.key.bucket()) {
            turn.out.push(Effect::BucketMade(order.key.bucket().clone()));
        }
        let mut put = Self {
            frame,
            origin,
            tally: Tally::new(Needs::from(place.quorum)),
            quorum: place.quorum,
            context: turn.sealer.seal(&order.key, &minted.context),
            wanted: place.wanted,
            existing: place.primaries.len() as u8,
            key: order.key,
        };
        put.send_to_replicas(&minted, place.primaries, ring, turn);
        turn.set_timer(frame.deadline.at(), Timer::Deadline(frame.id));
        let progress = put.settle(turn);
        Ok((put, progress))
    }

    fn send_to_replicas<S: ReadStore>(
        &mut self,
        minted: &Minted,
        primaries: &[NodeId],
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) {
        let early = self.quorum.dw() < self.quorum.w();
        let acks = if early { AckWish::ReceivedAndDurable } else { AckWish::Durable };
        self.tally.ask(turn.view.me, Role::Primary);
        if early {
            self.tally.received(turn.view.me);
        }
        for &node in primaries.iter().filter(|&&node| node != turn.view.me) {
            if !turn.peers.connected(node) {
                continue;
            }
            self.tally.ask(node, Role::Primary);
            let message = ShardMessage::Replicate {
                request: self.frame.id,
                ring: ring.version,
                round: turn.replica.round(ring.partition_of(self.key.token())),
                purpose: Purpose::Write,
                key: self.key.clone(),
                state: minted.encoded.clone(),
                acks,
            };
            turn.send(node, message);
        }
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
        stage: Result<AckStage, ReplicateRefusal>,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        match stage {
            Ok(AckStage::Received) => self.tally.received(from),
            Ok(AckStage::Durable) => self.tally.durable(from),
            Err(refusal) => {
                if refusal == ReplicateRefusal::StaleRing {
                    turn.ask_for_newer_ring(from);
                }
                self.tally.failed(from);
            }
        }
        self.settle(turn)
    }

    /// A replica can't be reached any more, or was not reached at all.
    pub fn on_unreachable<S: ReadStore>(
        &mut self,
        peer: NodeId,
        turn: &mut Turn<'_, S>,
    ) -> Progress {
        self.tally.failed(peer);
        self.settle(turn)
    }

    /// The deadline has passed: those who have not answered are avoided from now on.
    pub fn on_deadline<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> Progress {
        let silent: Vec<NodeId> = self.tally.outstanding().collect();
        for peer in silent.into_iter().filter(|&peer| peer != turn.view.me) {
            turn.suspect(peer);
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
    let primaries = ring.primaries(partition, properties.fixed.n);
    let quorum = properties.write_quorum(primaries.len() as u8, &order.quorum)?;
    if turn.view.held.contains(&partition) {
        return Err(RequestError::Moving { partition });
    }
    if !primaries.contains(&turn.view.me) {
        return Err(RequestError::Moving { partition });
    }
    let others = turn.peers.healthy_by_speed(turn.view, turn.now.instant, primaries).len();
    let reachable = (1 + others) as u8;
    let needed = Needs::from(quorum).total;
    if reachable < needed {
        return Err(RequestError::NotEnoughReplicas { needed, reachable });
    }
    Ok(Placement { partition, primaries, quorum, wanted: properties.fixed.n })
}

fn refusal(error: MintError, max: u32) -> RequestError {
    match error {
        MintError::Unreadable(unreadable) => RequestError::Damaged(unreadable.0),
        MintError::TooManySiblings { siblings } => RequestError::TooManySiblings { siblings, max },
    }
}
