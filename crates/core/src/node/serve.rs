//! What a shard does with its peers' messages: serves them as a replica, or hands answers to the
//! machines that wait for them.

use super::Shard;
use crate::collection::Round;
use crate::coordinator::Event;
use crate::effect::{Effect, Effects};
use crate::identity::NodeId;
use crate::message::{
    AckStage, AckWish, EncodedState, ReadAnswer, ReadWish, ReplicateRefusal, RequestId,
    ShardMessage,
};
use crate::object::ObjectKey;
use crate::observe::Observation;
use crate::replica::{Durability, MergeError, Waiter};
use crate::request::{ListOrder, ListPage};
use crate::ring::RingVersion;
use crate::store::ReadStore;
use crate::time::{Deadline, Now};
use crate::token::{Partition, Token};
use crate::upkeep::TaskEvent;

/// Tells a coordinator that its state is on disk here.
pub(super) fn acknowledge(node: NodeId, request: RequestId, round: Round, out: &mut Effects) {
    let message = ShardMessage::Replicated { request, round, stage: Ok(AckStage::Durable) };
    out.push(Effect::Send { to: node, message });
}

impl Shard {
    pub(super) fn on_peer(
        &mut self,
        now: Now,
        from: NodeId,
        message: ShardMessage,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        match message {
            ShardMessage::Replicate { request, ring, key, state, acks, .. } => {
                self.notice_ring(from, ring, out);
                let partition = self.partition_of(&key);
                let waiter = Waiter::Peer { node: from, request, partition };
                let stage = self.take_state(ring, &key, &state, (waiter, acks), store, out);
                if let Some(stage) = stage {
                    let round = self.replica.round(partition);
                    let message = ShardMessage::Replicated { request, round, stage };
                    out.push(Effect::Send { to: from, message });
                }
            }
            ShardMessage::Read { request, ring, key, wish } => {
                self.notice_ring(from, ring, out);
                let answer = self.say_what_is_here(ring, &key, wish, store, out);
                let round = self.replica.round(self.partition_of(&key));
                let message = ShardMessage::ReadAnswered { request, round, answer };
                out.push(Effect::Send { to: from, message });
            }
            ShardMessage::List { request, ring, order } => {
                self.notice_ring(from, ring, out);
                let page = self.list_here(ring, &order, store);
                out.push(Effect::Send {
                    to: from,
                    message: ShardMessage::Listed { request, page },
                });
            }
            ShardMessage::ForwardPut { request, ring, order, remaining } => {
                self.notice_ring(from, ring, out);
                let deadline = Deadline::after(now.instant, remaining);
                self.on_forwarded(now, (from, request), order, deadline, store, out);
            }
            ShardMessage::Replicated { request, .. }
                if self.delivered(now, request, from, &message, store, out) => {}
            ShardMessage::Exchange { request, ring, partition, ask, .. } => {
                self.notice_ring(from, ring, out);
                self.answer_exchange((from, request), partition, &ask, store, out);
            }
            ShardMessage::ExchangeAnswered { request, .. } => {
                let event = TaskEvent::Answered(from, message);
                self.advance_asker(now, request, event, store, out);
            }
            // Nothing here begins a round yet.
            ShardMessage::Collect { .. } | ShardMessage::CollectAnswered { .. } => {}
            ShardMessage::ReadAnswered { request, .. } if self.tasks.contains_key(&request) => {
                let event = TaskEvent::Answered(from, message);
                self.advance_task(now, request, event, store, out);
            }
            ShardMessage::Replicated { request, .. }
            | ShardMessage::ReadAnswered { request, .. }
            | ShardMessage::PutAnswered { request, .. }
            | ShardMessage::Listed { request, .. } => {
                self.advance(now, request, Event::Answered(from, message), store, out);
            }
        }
    }

    /// A key's partition; the first, while no ring is known.
    fn partition_of(&self, key: &ObjectKey) -> Partition {
        let ring = self.view.ring.as_ref();
        ring.map_or(Partition::new(0), |ring| ring.partition_of(key.token()))
    }

    /// Rule 16: a peer that knows a newer ring is asked for it.
    fn notice_ring(&self, from: NodeId, theirs: RingVersion, out: &mut Effects) {
        let ours = self.view.ring.as_ref().map_or(RingVersion(0), |ring| ring.version);
        if theirs > ours {
            out.push(Effect::NewerRing { at: from, version: theirs });
        }
    }

    /// Whether the sender's ring is older and this node is no replica of the token in its own.
    fn sent_by_an_older_ring(&self, theirs: RingVersion, token: Token) -> bool {
        let Some(ring) = &self.view.ring else { return false };
        theirs < ring.version && !ring.owns(self.view.me, ring.partition_of(token))
    }

    /// Merges a peer's state. Returns what to answer at once, if anything.
    fn take_state(
        &mut self,
        ring: RingVersion,
        key: &ObjectKey,
        state: &EncodedState,
        (waiter, acks): (Waiter, AckWish),
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Option<Result<AckStage, ReplicateRefusal>> {
        if self.sent_by_an_older_ring(ring, key.token()) {
            return Some(Err(ReplicateRefusal::StaleRing));
        }
        match self.replica.merge(key, state, waiter, store, out) {
            Ok(Durability::OnDisk) => Some(Ok(AckStage::Durable)),
            Ok(Durability::Pending) => match acks {
                AckWish::Durable => None,
                AckWish::ReceivedAndDurable => Some(Ok(AckStage::Received)),
            },
            Err(MergeError::Undecodable) => Some(Err(ReplicateRefusal::Undecodable)),
            Err(MergeError::Unreadable(_)) => Some(Err(ReplicateRefusal::Damaged)),
        }
    }

    fn say_what_is_here(
        &self,
        ring: RingVersion,
        key: &ObjectKey,
        wish: ReadWish,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> ReadAnswer {
        if self.sent_by_an_older_ring(ring, key.token()) {
            return ReadAnswer::Unknown;
        }
        // What was lost here may be what the answer would have to say (rule 19).
        if !self.standing.counts(self.partition_of(key)) {
            return ReadAnswer::Unknown;
        }
        match (self.replica.read(key, store), wish) {
            (Ok(state), ReadWish::State) => ReadAnswer::State(state),
            (Ok(state), ReadWish::Digest) => {
                ReadAnswer::Digest(state.as_ref().map(EncodedState::digest))
            }
            (Err(unreadable), _) => {
                let what = format!("{key}: {unreadable}");
                out.push(Effect::Observe(Observation::Damaged { what }));
                ReadAnswer::Unknown
            }
        }
    }

    fn list_here(
        &self,
        theirs: RingVersion,
        order: &ListOrder,
        store: &impl ReadStore,
    ) -> Option<ListPage> {
        let ring = self.view.ring.as_ref()?;
        if order.partition.get() >= ring.partitions.get() {
            return None;
        }
        if self.sent_by_an_older_ring(theirs, ring.partitions.range_of(order.partition).0) {
            return None;
        }
        if !self.standing.counts(order.partition) {
            return None;
        }
        self.replica.list(ring.partitions, order, store).ok()
    }
}
