//! The execution of get and put: one state machine for each request that is under way.
//!
//! The paper, 4.5 and 5. A get is coordinated where it arrives. A put is coordinated by a replica
//! of its key, which mints it; a node that is none forwards it to one. Each machine counts its
//! answers with one pure [`tally::Tally`] and ends in exactly one of the outcomes of rule 9.
//!
//! ```text
//! get:  ask R replicas (one state, R-1 digests) -> states that differ -> merge -> reply
//! put:  mint here -> state to the other replicas, own batch to disk -> W acks -> reply
//! ```

pub mod forward;
pub mod forwarded;
pub mod get;
pub mod list;
mod machine;
pub mod peers;
pub mod put;
mod readers;
pub mod repair;
mod replica_set;
mod stand_ins;
pub mod start;
pub mod tally;

use std::time::Duration;

use crate::budget::{Budget, Foreground};
use crate::collection::Round;
use crate::context::Sealer;
use crate::delivery::{self, Deliveries, Delivery, Reason};
use crate::effect::{DiskRoom, Effect, Effects, Timer};
use crate::hints::Hints;
use crate::identity::NodeId;
use crate::message::{AckWish, EncodedState, Purpose, RequestId, RequestIds, ShardMessage};
use crate::object::{ObjectDigest, ObjectKey};
use crate::observe::Observation;
use crate::replica::Replica;
use crate::request::{ClientReply, ClientRequestId, Done, PutReply, RequestError};
use crate::ring::RingVersion;
use crate::staleness::Watch;
use crate::standing::Standing;
use crate::status::UpkeepCounts;
use crate::store::ReadStore;
use crate::time::{Deadline, Instant, Now};
use crate::token::Partition;
use crate::view::View;

pub use machine::{DeleteOrder, Event, GetOrigin, Machine, Step};
use peers::{Peers, RequestKind};

/// What a machine works with during one step: the shard's own parts, lent for the step.
pub struct Turn<'a, S> {
    /// What time it is.
    pub now: Now,
    /// The cluster as it is seen now.
    pub view: &'a View,
    /// The replicas of this shard.
    pub replica: &'a mut Replica,
    /// Who can be reached, and how fast they usually answer.
    pub peers: &'a mut Peers,
    /// Some puts, and how long their parts take.
    pub watch: &'a mut Watch,
    /// What this shard keeps for primaries that can't be reached.
    pub hints: &'a mut Hints,
    /// States on their way to replicas that lack them.
    pub deliveries: &'a mut Deliveries,
    /// What background work may be done.
    pub budget: &'a mut Budget,
    /// Which partitions count in reads here.
    pub standing: &'a Standing,
    /// Background work done so far.
    pub counts: &'a mut UpkeepCounts,
    /// Names for new requests of this shard.
    pub ids: &'a mut RequestIds,
    /// How much room this node's disk has.
    pub disk: DiskRoom,
    /// Seals and opens contexts.
    pub sealer: &'a Sealer,
    /// The store, for reading.
    pub store: &'a S,
    /// What is to be done.
    pub out: &'a mut Effects,
}

impl<S: ReadStore> Turn<'_, S> {
    pub(crate) fn send(&mut self, to: NodeId, message: ShardMessage) {
        self.out.push(Effect::Send { to, message });
    }

    /// What this node has of an object, and the round at which it was read: as one of its replicas,
    /// or merged from the hints that it keeps for those.
    pub fn state_here(
        &mut self,
        key: &ObjectKey,
    ) -> Result<(Option<EncodedState>, Round), CantTell> {
        let Some(ring) = &self.view.ring else { return Err(CantTell) };
        let partition = ring.partition_of(key.token());
        if self.view.is_replica(partition) && !self.standing.counts(partition) {
            // What was lost here may be what the answer would have to say (rule 19).
            return Err(CantTell);
        }
        self.state_kept_here(key)
    }

    /// The digest of [`Self::state_here`], which need not read the state.
    pub fn digest_here(
        &mut self,
        key: &ObjectKey,
    ) -> Result<(Option<ObjectDigest>, Round), CantTell> {
        let Some(ring) = &self.view.ring else { return Err(CantTell) };
        let partition = ring.partition_of(key.token());
        if !self.view.is_replica(partition) || !self.standing.counts(partition) {
            let (state, round) = self.state_here(key)?;
            return Ok((state.as_ref().map(EncodedState::digest), round));
        }
        let digest = self.replica.read_digest(key, self.store, self.out).map_err(|_| CantTell)?;
        Ok((digest, self.replica.round(partition)))
    }

    /// Rises to a collection round of the key's partition, if it is a later one.
    pub fn rise(&mut self, key: &ObjectKey, round: Round) {
        if let Some(ring) = &self.view.ring {
            self.replica.rise(ring.partition_of(key.token()), round, self.out);
        }
    }

    /// As [`Self::state_here`], also where this replica does not count in reads.
    pub fn state_kept_here(
        &mut self,
        key: &ObjectKey,
    ) -> Result<(Option<EncodedState>, Round), CantTell> {
        let Some(ring) = &self.view.ring else { return Err(CantTell) };
        let partition = ring.partition_of(key.token());
        let round = self.replica.round(partition);
        let found = if self.view.is_replica(partition) {
            self.replica.read(key, self.store, self.out).map(|state| (state, round))
        } else {
            let held = self.hints.read(key, self.store);
            if let Err(unreadable) = &held {
                let what = format!("the hints for {key}: {unreadable}");
                self.out.push(Effect::Observe(Observation::Damaged { what }));
            }
            held.map(|held| (held, round))
        };
        // What is damaged was reported when it was met; a replica's object was set aside as well.
        found.map_err(|_| CantTell)
    }

    /// Sends a replica a state that it lacks. Returns whether it was sent: not if too much is under
    /// way to that peer, if it has no connection, or if the budget of background work is spent. A
    /// read repair is never refused for that: it is part of a request, and small.
    pub fn deliver(
        &mut self,
        to: NodeId,
        key: &ObjectKey,
        state: &EncodedState,
        partition: Partition,
        reason: Reason,
    ) -> bool {
        let round = self.replica.round(partition);
        self.deliver_read_at(round, to, (key, state), reason)
    }

    /// As [`Self::deliver`], for a state that was read at `round`, perhaps by other nodes.
    pub fn deliver_read_at(
        &mut self,
        round: Round,
        to: NodeId,
        (key, state): (&ObjectKey, &EncodedState),
        reason: Reason,
    ) -> bool {
        let Some(ring) = &self.view.ring else { return false };
        if !self.peers.connected(to) || !self.deliveries.has_room(to) {
            return false;
        }
        let now = self.now.instant;
        if reason != Reason::ReadRepair && !self.budget.allows(now) {
            return false;
        }
        self.budget.spend(now, state.as_bytes().len() as u64);
        let request = self.ids.next();
        let delivery = Delivery {
            to,
            key: key.clone(),
            digest: state.digest(),
            bytes: state.as_bytes().len(),
            reason,
            until: now.after(delivery::PATIENCE),
        };
        self.deliveries.begin(request, delivery);
        let purpose = match reason {
            Reason::Hint { owner } if owner != to => Purpose::Hint { owner },
            _ => Purpose::Repair,
        };
        let message = ShardMessage::Replicate {
            request,
            footing: self.view.footing(ring.partition_of(key.token())),
            round,
            purpose,
            key: key.clone(),
            state: state.clone(),
            acks: AckWish::Durable,
        };
        self.send(to, message);
        true
    }

    pub(crate) fn set_timer(&mut self, at: Instant, timer: Timer) {
        self.out.push(Effect::SetTimer { at, timer });
    }

    /// A peer refused a message since it knows a newer ring (rule 16).
    fn ask_for_newer_ring(&mut self, at: NodeId) {
        let ours = self.view.ring.as_ref().map_or(RingVersion(0), |ring| ring.version);
        self.out.push(Effect::NewerRing { at, version: ours.next() });
    }

    /// A peer was waited for in vain: avoided from now on until it is heard again; unless it was
    /// given less time than it usually needs, which says nothing of it.
    fn suspect(&mut self, (peer, kind): (NodeId, RequestKind), waited: Duration) {
        let now = self.now.instant;
        if waited < self.peers.patience(now, (peer, kind)) {
            return;
        }
        if self.peers.suspect(now, peer) {
            self.out.push(Effect::Suspect(peer));
            self.out.push(Effect::Observe(Observation::PeerSuspected(peer)));
        }
    }
}

impl<S> Turn<'_, S> {
    /// A request has ended after `took`: background work goes by that. One that was refused early
    /// says nothing of how fast requests are.
    fn tell_budget(&mut self, what: Foreground, took: Duration, error: Option<&RequestError>) {
        let waited = match error {
            None => true,
            Some(error) => error.came_too_late(),
        };
        if waited {
            self.budget.finished(self.now.instant, what, took);
        }
    }
}

/// This node can't say what it has of an object: it has lost it, or can't read it. Such an answer
/// never counts (rule 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CantTell;

/// What every machine knows of its request.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its name among this shard's requests.
    pub id: RequestId,
    /// When it began here.
    pub began: Instant,
    /// When nobody waits for it any more.
    pub deadline: Deadline,
}

impl Frame {
    fn took(&self, now: Now) -> Duration {
        now.instant.since(self.began)
    }
}

/// Who waits for the outcome of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PutOrigin {
    /// A front door of this node.
    Client(ClientRequestId),
    /// The node that a client spoke to, and its name for the request.
    Forwarded {
        /// The node.
        node: NodeId,
        /// Its request.
        request: RequestId,
    },
}

impl PutOrigin {
    /// A put of `key` has ended: reports it, and tells whoever waits.
    fn end<S>(
        self,
        frame: &Frame,
        key: &ObjectKey,
        result: Result<PutReply, RequestError>,
        turn: &mut Turn<'_, S>,
    ) {
        let observed = match &result {
            Ok(reply) => Ok(reply.answered),
            Err(error) => Err(error.clone()),
        };
        let (key, took) = (key.clone(), frame.took(turn.now));
        turn.tell_budget(Foreground::Put, took, result.as_ref().err());
        turn.out.push(Effect::Observe(Observation::PutFinished { key, took, result: observed }));
        self.reply(result, turn);
    }

    /// Tells whoever waits how the put ended.
    pub fn reply<S>(self, result: Result<PutReply, RequestError>, turn: &mut Turn<'_, S>) {
        match self {
            Self::Client(request) => {
                let reply: ClientReply = result.map(Done::Written);
                turn.out.push(Effect::Reply { request, reply });
            }
            Self::Forwarded { node, request } => {
                let message = ShardMessage::PutAnswered { request, result };
                turn.out.push(Effect::Send { to: node, message });
            }
        }
    }
}

/// Whether a machine has more to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits for answers.
    Waiting,
    /// It has replied and can be forgotten.
    Finished,
}
