//! What a shard does with its peers' messages: serves them as a replica, or hands answers to the
//! machines that wait for them.

use std::time::Duration;

use super::Shard;
use super::keep::Arrived;
use crate::collection::{CollectAnswer, Round};
use crate::coordinator::Event;
use crate::effect::{Effect, Effects};
use crate::identity::NodeId;
use crate::message::{AckStage, RequestId, ShardMessage};
use crate::object::ObjectKey;
use crate::request::{ListOrder, ListPage};
use crate::ring::RingVersion;
use crate::store::ReadStore;
use crate::time::{Deadline, Now};
use crate::token::{Partition, Token};
use crate::upkeep::TaskEvent;

/// Tells a coordinator that its state is on disk here, as a hint for `kept_for` or as this node's own.
pub(super) fn acknowledge(
    node: NodeId,
    request: RequestId,
    (round, kept_for): (Round, Option<NodeId>),
    held: Duration,
    out: &mut Effects,
) {
    let (stage, held) = (Ok(AckStage::Durable), Some(held));
    let message = ShardMessage::Replicated { request, round, kept_for, held, stage };
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
            ShardMessage::Replicate { request, footing, round, purpose, key, state, acks } => {
                self.notice_ring(from, footing.ring, out);
                let partition = self.partition_of(&key);
                let arrived = Arrived { from, request, footing, round, purpose, acks, partition };
                let stage = self.take_state(now, &arrived, (&key, &state), store, out);
                if let Some(stage) = stage {
                    let round = self.replica.round(partition);
                    let kept_for = stage.ok().and_then(|_| self.kept_for(purpose, partition));
                    // It is answered in the step in which it came.
                    let held = stage.is_ok().then_some(Duration::ZERO);
                    let message =
                        ShardMessage::Replicated { request, round, kept_for, held, stage };
                    out.push(Effect::Send { to: from, message });
                }
            }
            ShardMessage::Read { request, footing, round, key, wish } => {
                self.notice_ring(from, footing.ring, out);
                let at = (footing, round);
                let (answer, round) = self.say_what_is_here(now, at, (&key, wish), store, out);
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
            ShardMessage::Exchange { request, ring, partition, round, ask } => {
                self.notice_ring(from, ring, out);
                // The asker takes nothing that is read at an earlier round than its own.
                self.replica.rise(partition, round, out);
                let place = (ring, partition);
                self.answer_exchange(now, (from, request), place, &ask, store, out);
            }
            ShardMessage::Collect { request, ring, partition, round, ask } => {
                self.notice_ring(from, ring, out);
                let place = (partition, round);
                self.answer_collect(now, (from, request), place, ask, store, out);
            }
            ShardMessage::Collected { partition, round, answer: CollectAnswer::Round, .. } => {
                self.replica.learn_round(partition, round, out);
            }
            ShardMessage::Collected {
                partition, round, answer: CollectAnswer::Declined, ..
            } if !self.replica.is_round_known(partition) => {
                self.round_not_told(from, (partition, round), out);
            }
            ShardMessage::ExchangeAnswered { request, .. }
            | ShardMessage::Collected { request, .. } => {
                let event = TaskEvent::Answered(from, message);
                self.advance_asker(now, request, event, store, out);
            }
            ShardMessage::ReadAnswered { request, .. } if self.tasks.contains_key(&request) => {
                let event = TaskEvent::Answered(from, message);
                self.advance_task(now, request, event, store, out);
            }
            ShardMessage::Replicated { request, kept_for: None, held, stage, .. } => {
                self.watch.answered(now.instant, (from, request), (stage, held));
                self.advance(now, request, Event::Answered(from, message), store, out);
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
    pub(super) fn partition_of(&self, key: &ObjectKey) -> Partition {
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
    pub(super) fn sent_by_an_older_ring(&self, theirs: RingVersion, token: Token) -> bool {
        let Some(ring) = &self.view.ring else { return false };
        theirs < ring.version && !self.view.is_replica(ring.partition_of(token))
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
