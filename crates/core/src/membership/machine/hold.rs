//! Holding writes of partitions that are about to move.
//!
//! Moving stored data is a later capability. Until then a ring may only be chosen if nothing is
//! stored in the partitions it moves, and nothing gets in until it is in use: every owner holds
//! their writes, durably, before it says what it stores.
//!
//! The rule kept here: while a ring may still be chosen, every owner of what it moves holds it. So
//! a hold ends only (a) with a newer ring, or (b) when its proposer says that it never asked
//! anybody to accept its ring. A second proposer's hold is added to the first one's; after that no
//! release counts, since it would speak for one of them only.
//!
//! No write may wait for ever for a proposer that died. A holder repeats what it said until it is
//! released; if that does not help, it settles the matter itself: it puts the ring as it is, one
//! version up, into the register. Either that is chosen, or what the dead proposer began.

use std::collections::BTreeSet;
use std::time::Duration;

use super::disk::Then;
use super::{Membership, Turn};
use crate::identity::NodeId;
use crate::membership::{MembershipMessage, ProposalId};
use crate::ring::RingVersion;
use crate::time::Instant;
use crate::token::Partition;

/// How long a hold lasts before its holder settles the matter: longer than any commit's deadline.
const PATIENCE: Duration = Duration::from_secs(12);
/// Up to so much longer, drawn anew each time, so that not all holders begin at once.
const SPREAD_MILLIS: u32 = 5_000;

/// A proposer's wish.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) proposal: ProposalId,
    pub(super) base: RingVersion,
    pub(super) partitions: BTreeSet<Partition>,
}

/// What this node's shards say of what they hold, for one attempt.
#[derive(Debug)]
struct Gathering {
    proposal: ProposalId,
    shards_left: u8,
    with_data: BTreeSet<Partition>,
}

/// The state of holding that need not be durable.
#[derive(Debug, Default)]
pub(super) struct Holding {
    gathering: Option<Gathering>,
    settle_at: Option<Instant>,
}

impl Holding {
    pub(super) const fn due(&self) -> Option<Instant> {
        self.settle_at
    }
}

/// The name of a hold that stands for several attempts, which none of them can release.
const fn joint(me: NodeId) -> ProposalId {
    ProposalId { node: me, number: 0 }
}

impl Membership {
    /// A proposer asks for writes to be held.
    pub(super) fn hold(&mut self, turn: &mut Turn<'_>, from: NodeId, order: Order) {
        let Some(ring) = self.ring_as_member().cloned() else { return };
        if order.base > ring.version {
            return self.level_with(turn, from);
        }
        if order.base < ring.version {
            return self.send_ring(turn, from);
        }
        if self.disk.ring_version() != ring.version {
            return;
        }
        let exists = |partition: &Partition| partition.get() < ring.partitions.get();
        if order.proposal.node != from || !order.partitions.iter().all(exists) {
            return;
        }
        if self.answer_repeated_hold(turn, from, order.proposal) {
            return;
        }
        self.enter_hold(turn, &order);
        let Order { proposal, partitions, .. } = order;
        let shards_left = self.config.shards;
        let with_data = BTreeSet::new();
        self.gather(Some(Gathering { proposal, shards_left, with_data }));
        self.after_votes(turn, Then::HoldShards { proposal, partitions });
    }

    /// An order that was heard before is under way, or is answered as it was.
    fn answer_repeated_hold(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        proposal: ProposalId,
    ) -> bool {
        let Some(gathering) = &self.holding.gathering else { return false };
        if gathering.proposal != proposal {
            return false;
        }
        if gathering.shards_left == 0 {
            let with_data = gathering.with_data.clone();
            self.send(turn, from, MembershipMessage::Held { proposal, with_data });
        }
        true
    }

    /// Adds the order to what is held durably.
    fn enter_hold(&mut self, turn: &mut Turn<'_>, order: &Order) {
        let before = self.acceptor.votes().hold.clone();
        let hold = match before.clone() {
            Some((held_for, held)) if !is_given_up(held_for, order.proposal) => {
                let all = held.union(&order.partitions).copied().collect();
                let name =
                    if held_for == order.proposal { held_for } else { joint(self.config.me) };
                (name, all)
            }
            _ => (order.proposal, order.partitions.clone()),
        };
        if before.as_ref() != Some(&hold) {
            self.acceptor.set_hold(order.base, hold.0, hold.1);
            self.save_votes(turn);
        }
        self.wait_for_settlement(turn.now.instant);
    }

    fn wait_for_settlement(&mut self, now: Instant) {
        let spread = Duration::from_millis(u64::from(self.random.below(SPREAD_MILLIS)));
        self.holding.settle_at = Some(now.after(PATIENCE + spread));
    }

    /// A restarted node still holds what it held.
    pub(super) fn resume_hold(&mut self, turn: &mut Turn<'_>) {
        if self.acceptor.votes().hold.is_some() {
            self.wait_for_settlement(turn.now.instant);
        }
    }

    /// From now on shards gather for this attempt, or for none; what they say for another is late.
    fn gather(&mut self, gathering: Option<Gathering>) {
        self.disk.forget_shards_hold();
        self.holding.gathering = gathering;
    }

    /// A shard holds its part.
    pub(super) fn shard_held(
        &mut self,
        turn: &mut Turn<'_>,
        proposal: ProposalId,
        with_data: BTreeSet<Partition>,
    ) {
        let Some(gathering) = &mut self.holding.gathering else { return };
        if gathering.proposal != proposal || gathering.shards_left == 0 {
            return;
        }
        gathering.with_data.extend(with_data);
        gathering.shards_left -= 1;
        if gathering.shards_left == 0 {
            let with_data = gathering.with_data.clone();
            self.send(turn, proposal.node, MembershipMessage::Held { proposal, with_data });
        }
    }

    /// Says again what is held: a release may have been lost.
    pub(super) fn repeat_held(&mut self, turn: &mut Turn<'_>) {
        let Some(gathering) = &self.holding.gathering else { return };
        if gathering.shards_left > 0 {
            return;
        }
        let (proposal, with_data) = (gathering.proposal, gathering.with_data.clone());
        self.send(turn, proposal.node, MembershipMessage::Held { proposal, with_data });
    }

    /// The proposer has given its attempt up before it asked anybody to accept its ring.
    pub(super) fn release(&mut self, turn: &mut Turn<'_>, from: NodeId, proposal: ProposalId) {
        if proposal.node != from {
            return;
        }
        let gathering = self.holding.gathering.as_ref();
        if gathering.is_some_and(|gathering| gathering.proposal == proposal) {
            self.gather(None);
        }
        let held_for = self.acceptor.votes().hold.as_ref().map(|(held_for, _)| *held_for);
        if held_for == Some(proposal) {
            self.end_hold(turn);
        }
    }

    /// Takes writes again; also called when a newer ring is in use.
    pub(super) fn end_hold(&mut self, turn: &mut Turn<'_>) {
        self.gather(None);
        self.holding.settle_at = None;
        if self.acceptor.votes().hold.is_some() {
            self.acceptor.clear_hold();
            self.save_votes(turn);
        }
    }

    /// A hold that outlived any commit is settled by its holder.
    pub(super) fn resolve_stuck_hold(&mut self, turn: &mut Turn<'_>) {
        let due = self.holding.settle_at.is_some_and(|at| turn.now.instant >= at);
        if !due {
            return;
        }
        self.wait_for_settlement(turn.now.instant);
        self.settle_register(turn);
    }
}

/// Whether a hold's proposer has given it up for another attempt. It makes one attempt at a time,
/// and goes on with one until it is decided once it has asked anybody to accept its ring: so an
/// earlier one of the same start was given up before that. Of earlier starts nothing is known.
const fn is_given_up(held_for: ProposalId, now: ProposalId) -> bool {
    held_for.node.get() == now.node.get()
        && super::drive::start_of(held_for) == super::drive::start_of(now)
        && held_for.number < now.number
}
