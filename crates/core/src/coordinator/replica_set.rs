//! The replicas of one ring that a put needs acknowledgements of, and who stands in for them. While
//! a partition moves there are two of these, and the quorum is needed in each (rules 8 and 17).

use crate::identity::NodeId;
use crate::object::BucketName;
use crate::quorum::{QuorumMode, QuorumOptions, WriteQuorum};
use crate::request::{Answered, RequestError};
use crate::ring::{Ring, RingVersion};
use crate::token::Partition;
use crate::view::View;

use super::stand_ins::{StandIn, StandIns};
use super::tally::{Needs, Role, Tally};

/// Where a put goes in one ring.
#[derive(Clone, Debug)]
pub(super) struct SetPlace<'a> {
    pub(super) ring: RingVersion,
    pub(super) primaries: &'a [NodeId],
    /// Nodes that may stand in for primaries, best first; none for a strict quorum.
    pub(super) fallbacks: Vec<NodeId>,
    pub(super) quorum: WriteQuorum,
}

/// The replicas of a ring for a bucket, and what of a quorum is asked of them; `minter` has it anyway
/// and stands in for nobody.
pub(super) fn place_in<'a>(
    ring: &'a Ring,
    partition: Partition,
    (bucket, asked): (&BucketName, &QuorumOptions),
    minter: Option<NodeId>,
    view: &View,
) -> Result<SetPlace<'a>, RequestError> {
    let properties = view.bucket(bucket);
    let n = properties.fixed.n;
    let primaries = ring.primaries(partition, n);
    let quorum = properties.write_quorum(primaries.len() as u8, asked)?;
    let mut fallbacks = match quorum.mode() {
        QuorumMode::Sloppy => ring.fallbacks(partition, n).to_vec(),
        QuorumMode::Strict => Vec::new(),
    };
    fallbacks.retain(|node| Some(*node) != minter);
    Ok(SetPlace { ring: ring.version, primaries, fallbacks, quorum })
}

impl SetPlace<'_> {
    /// Leaves those fallbacks that may answer. Fails if fewer nodes can be reached than the quorum
    /// needs; `standing_in` says how many fallbacks this node is, which mints the put.
    pub(super) fn check_reachable(
        &mut self,
        me: NodeId,
        may_answer: impl Fn(NodeId) -> bool,
        standing_in: usize,
    ) -> Result<(), RequestError> {
        self.fallbacks.retain(|&node| may_answer(node));
        let others = self.primaries.iter().filter(|&&node| may_answer(node)).count();
        let needs = Needs::from(self.quorum);
        let primaries = others + usize::from(self.primaries.contains(&me));
        let reachable = (standing_in + primaries + self.fallbacks.len()) as u8;
        if reachable < needs.total {
            return Err(RequestError::NotEnoughReplicas { needed: needs.total, reachable });
        }
        if primaries < usize::from(needs.primaries) {
            let (needed, reachable) = (needs.primaries, primaries as u8);
            return Err(RequestError::NotEnoughReplicas { needed, reachable });
        }
        Ok(())
    }
}

/// A copy that a node says it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldCopy {
    /// Who.
    pub(super) holder: NodeId,
    /// The owner for whom it is kept as a hint; none if it is the holder's own.
    pub(super) kept_for: Option<NodeId>,
}

/// The acknowledgements of one ring's replicas.
#[derive(Clone, Debug)]
pub(super) struct ReplicaSet {
    ring: RingVersion,
    pub(super) tally: Tally,
    stand_ins: StandIns,
}

impl ReplicaSet {
    /// Nobody has been asked. `minter` mints the put and keeps it for one of the primaries, if it is
    /// none of them itself.
    pub(super) fn new(place: &SetPlace<'_>, minter: Option<StandIn>) -> Self {
        Self {
            ring: place.ring,
            tally: Tally::new(Needs::from(place.quorum)),
            stand_ins: StandIns::new(place.primaries, place.fallbacks.clone(), minter),
        }
    }

    pub(super) const fn ring(&self) -> RingVersion {
        self.ring
    }

    pub(super) fn primaries(&self) -> &[NodeId] {
        self.stand_ins.primaries()
    }

    /// Whom a node was asked to stand in for.
    pub(super) fn owner_of(&self, node: NodeId) -> Option<NodeId> {
        self.stand_ins.owner_of(node)
    }

    /// Whether any fallback was not asked yet.
    pub(super) fn any_left(&self) -> bool {
        self.stand_ins.any_left()
    }

    /// The node that mints the put has a copy, if it has anything to do with this ring.
    pub(super) fn ask_minter(&mut self, me: NodeId) {
        if self.primaries().contains(&me) {
            self.tally.ask(me, Role::Primary);
        } else if let Some(owner) = self.stand_ins.owner_of(me) {
            self.tally.ask_to_stand_in(me, owner);
        }
    }

    /// Asks those primaries beside this node that can be reached, and says who they are.
    pub(super) fn ask_primaries(
        &mut self,
        me: NodeId,
        connected: impl Fn(NodeId) -> bool,
    ) -> Vec<NodeId> {
        let others = self.stand_ins.primaries().iter().copied();
        let asked: Vec<NodeId> = others.filter(|&node| node != me && connected(node)).collect();
        for &node in &asked {
            self.tally.ask(node, Role::Primary);
        }
        asked
    }

    /// The next fallback for a node, and whom it stands in for; none if there is one already.
    pub(super) fn cover(
        &mut self,
        node: NodeId,
        healthy: impl Fn(NodeId) -> bool,
    ) -> Option<StandIn> {
        let next = self.stand_ins.next_for(node, healthy)?;
        self.tally.ask_to_stand_in(next.fallback, next.owner);
        Some(next)
    }

    /// A copy is in memory. One that is a hint for somebody whom its holder does not stand in for
    /// here says nothing of this ring: the two would go home to one owner.
    pub(super) fn received(&mut self, copy: HeldCopy) {
        if self.counts(copy) {
            self.tally.received(copy.holder);
        }
    }

    /// A copy is on disk.
    pub(super) fn durable(&mut self, copy: HeldCopy) {
        if self.counts(copy) {
            self.tally.durable(copy.holder);
        }
    }

    fn counts(&self, copy: HeldCopy) -> bool {
        copy.kept_for.is_none_or(|owner| self.owner_of(copy.holder) == Some(owner))
    }

    /// What primaries of both sets have acknowledged in `other` counts here.
    pub(super) fn count_as_in(&mut self, other: &Self) {
        for &node in self.stand_ins.primaries() {
            self.tally.ask_as_in(node, &other.tally);
        }
    }

    /// Who has answered.
    pub(super) fn answered(&self, wanted: u8) -> Answered {
        self.tally.answered(wanted, self.primaries().len() as u8)
    }
}
