//! What a shard does when nobody asks: looks after deliveries, hints, trees, exchanges, collection.
//!
//! The paper, 4.6, 4.7 and 6.5: background work, in small steps between requests.

use std::sync::Arc;
use std::time::Duration;

use super::Shard;
use crate::coordinator::Event;
use crate::delivery::{Delivery, Reason};
use crate::effect::{Effect, Effects, Timer};
use crate::identity::NodeId;
use crate::message::{ReplicateRefusal, RequestId, ShardMessage};
use crate::store::ReadStore;
use crate::time::Now;
use crate::upkeep::TaskEvent;
use crate::view::View;

/// How often a shard looks around while nothing is urgent.
const EVERY: Duration = Duration::from_secs(1);
/// How soon it looks around again while it reads what its store holds.
const SOON: Duration = Duration::from_millis(10);

impl Shard {
    /// The shard can read its store from now on; what it holds is looked at as soon as a ring says
    /// which partitions are its own.
    pub(super) fn on_started(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        self.started = true;
        if self.view.ring.is_some() {
            self.begin_patrols(now, store, out);
        }
    }

    /// Another view: if it is the first with a ring, what the store holds can be looked at.
    pub(super) fn on_view(
        &mut self,
        now: Now,
        view: Arc<View>,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        let version = |view: &View| view.ring.as_ref().map(|ring| ring.version);
        let (before, after) = (version(&self.view), version(&view));
        let same_move = match (&self.view.transition, &view.transition) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, Some(_)) | (Some(_), None) => false,
        };
        self.view = view;
        if after.is_some() && before != after {
            self.own_partitions();
            if before.is_none() && self.started {
                self.begin_patrols(now, store, out);
            }
            self.owners_changed(now);
        }
        if !same_move && self.view.transition.as_ref().is_some_and(|moves| moves.is_over()) {
            // Old owners look after what moved no longer.
            self.own_partitions();
            self.owners_changed(now);
        }
        if !same_move {
            self.take_up_move(now, store, out);
        }
        if before != after || !same_move {
            self.moved(now, store, out);
        }
    }

    /// Requests that wait for a newer ring may go on.
    fn moved(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        let under_way: Vec<RequestId> = self.machines.keys().copied().collect();
        for request in under_way {
            self.advance(now, request, Event::Moved, store, out);
        }
    }

    fn begin_patrols(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        self.take_stock(now, store, out);
        self.load_trees(store);
        out.push(Effect::SetTimer { at: now.instant.after(EVERY), timer: Timer::Patrol });
    }

    /// Looks around.
    pub(super) fn on_patrol(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        for delivery in self.deliveries.expired(now.instant) {
            self.delivery_ended(now, &delivery, Err(()), store, out);
        }
        self.hints_counted = self.hints_counted || !self.count_hints(store, out);
        self.say_hints_in_place(out);
        self.ask_for_rounds(|_| true, out);
        let sending = self.send_hints_home(now, store, out);
        let looking = self.look(now, store, out);
        let dropping = self.hand_over(store, out);
        self.advance_all_tasks(now, &TaskEvent::Room, store, out);
        self.begin_tasks(now, store, out);
        if self.view.transition.as_ref().is_some_and(|moves| !moves.is_over()) {
            // Whoever is told may have had no room to hear it.
            self.say_progress(out);
        }
        let again =
            if looking || sending || dropping || !self.hints_counted { SOON } else { EVERY };
        out.push(Effect::SetTimer { at: now.instant.after(again), timer: Timer::Patrol });
    }

    /// A peer has answered a delivery. Returns whether it was one.
    pub(super) fn delivered(
        &mut self,
        now: Now,
        request: RequestId,
        from: NodeId,
        answer: &ShardMessage,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> bool {
        let ShardMessage::Replicated { stage, round, .. } = answer else { return false };
        let Some(delivery) = self.deliveries.end(request, from) else { return false };
        if *stage == Err(ReplicateRefusal::EarlierRound) {
            let partition = self.partition_of(&delivery.key);
            self.replica.rise(partition, *round, out);
        }
        let result = stage.map(|_| ()).map_err(|_| ());
        self.delivery_ended(now, &delivery, result, store, out);
        true
    }

    /// A message was not sent. Returns whether it was a delivery.
    pub(super) fn not_delivered(
        &mut self,
        now: Now,
        request: RequestId,
        to: NodeId,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> bool {
        let Some(delivery) = self.deliveries.end(request, to) else { return false };
        self.delivery_ended(now, &delivery, Err(()), store, out);
        true
    }

    /// A delivery has arrived durably, or will not.
    pub(super) fn delivery_ended(
        &mut self,
        now: Now,
        delivery: &Delivery,
        result: Result<(), ()>,
        store: &impl ReadStore,
        out: &mut Effects,
    ) {
        match delivery.reason {
            Reason::Hint { .. } => self.hint_delivered(now, delivery, result, store, out),
            Reason::ReadRepair => {}
            Reason::Task(id) => {
                let event = match result {
                    Ok(()) => TaskEvent::Delivered,
                    Err(()) => TaskEvent::Undelivered,
                };
                self.advance_task(now, id, event, store, out);
            }
        }
    }
}
