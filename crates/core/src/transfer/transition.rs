//! The change from one ring to the next as one node sees it: which partitions move, how far each of
//! them is, who is written to and read from, and whose requests are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Footing, MoveLevel, Progress};
use crate::identity::NodeId;
use crate::ring::Ring;
use crate::token::Partition;

/// What members have said of a change, as far as it was heard.
#[derive(Clone, Debug)]
pub struct Said<'a> {
    /// By member, its latest statement.
    pub progress: BTreeMap<NodeId, &'a Progress>,
    /// Members that the operator declared dead: nobody waits for them.
    pub dead: &'a BTreeSet<NodeId>,
}

/// Where a request goes: the ring whose replicas are read from, and mint; and the other one, if
/// writes have to reach W of its replicas as well.
#[derive(Clone, Copy, Debug)]
pub struct Placement<'a> {
    /// What the request names as its ring and level.
    pub footing: Footing,
    /// Whose replicas are read from.
    pub reads: &'a Ring,
    /// Whose replicas are written to beside those.
    pub also: Option<&'a Ring>,
}

impl<'a> Placement<'a> {
    /// Where nothing moves.
    pub const fn settled(ring: &'a Ring) -> Self {
        Self { footing: Footing::settled(ring.version), reads: ring, also: None }
    }

    /// The rings to whose replicas a write goes, the one that reads go to first.
    pub fn rings(&self) -> impl Iterator<Item = &'a Ring> {
        std::iter::once(self.reads).chain(self.also)
    }

    /// Whether `node` has a state of its own of the partition: it is an owner in a ring that writes
    /// go to.
    pub fn owns(&self, node: NodeId, partition: Partition) -> bool {
        self.rings().any(|ring| ring.owns(node, partition))
    }
}

/// A change of the ring: the one that is left, the one that is reached, and the level of every
/// partition that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    from: Arc<Ring>,
    to: Arc<Ring>,
    /// By partition; none if it does not move.
    levels: Vec<Option<MoveLevel>>,
    /// Whether all of it is known to be settled.
    settled: bool,
}

impl Transition {
    /// The change as a node sees it that has just learned of it; none if nothing moves. A changed
    /// order of replicas is a move: a bucket with fewer of them has the first.
    pub fn begin(from: Arc<Ring>, to: Arc<Ring>) -> Option<Self> {
        if from.table.len() != to.table.len() || from.version >= to.version {
            return None;
        }
        let level =
            |(old, new): (&Vec<NodeId>, &Vec<NodeId>)| (old != new).then_some(MoveLevel::Both);
        let levels: Vec<Option<MoveLevel>> = from.table.iter().zip(&to.table).map(level).collect();
        levels.iter().any(Option::is_some).then_some(Self { from, to, levels, settled: false })
    }

    /// The same change, once it is known to be settled. Returns whether that is news.
    pub fn settle(&mut self) -> bool {
        if self.settled {
            return false;
        }
        self.settled = true;
        for level in self.levels.iter_mut().flatten() {
            *level = MoveLevel::New;
        }
        true
    }

    /// Whether all of it is known to be settled.
    pub const fn is_over(&self) -> bool {
        self.settled
    }

    /// The ring that is left.
    pub const fn from(&self) -> &Arc<Ring> {
        &self.from
    }

    /// The ring that is reached.
    pub const fn to(&self) -> &Arc<Ring> {
        &self.to
    }

    /// How far a partition is; none if it does not move.
    pub fn level(&self, partition: Partition) -> Option<MoveLevel> {
        self.levels.get(partition.index()).copied().flatten()
    }

    /// Whether a partition moves and is not known to be settled.
    pub fn is_moving(&self, partition: Partition) -> bool {
        !self.settled && self.level(partition).is_some()
    }

    /// The partitions that move, and how far each is.
    pub fn moving(&self) -> impl Iterator<Item = (Partition, MoveLevel)> {
        let all = self.to.partitions.all().zip(&self.levels);
        all.filter_map(|(partition, level)| level.map(|level| (partition, level)))
    }

    /// The owners of a partition in the ring that is left.
    pub fn old_owners(&self, partition: Partition) -> &[NodeId] {
        self.from.table.get(partition.index()).map_or(&[], Vec::as_slice)
    }

    /// The owners of a partition in the ring that is reached.
    pub fn new_owners(&self, partition: Partition) -> &[NodeId] {
        self.to.table.get(partition.index()).map_or(&[], Vec::as_slice)
    }

    /// Whether `node` is an old owner of the partition and no new one.
    pub fn leaves(&self, node: NodeId, partition: Partition) -> bool {
        self.old_owners(partition).contains(&node) && !self.new_owners(partition).contains(&node)
    }

    /// Takes up the levels that this node had reached when it last said so.
    pub fn resume(&mut self, own: &Progress) {
        if own.ring != self.to.version {
            return;
        }
        for partition in &own.reads_new {
            self.lift(*partition, MoveLevel::ReadNew);
        }
    }

    /// Raises the levels to what follows from what was said. They never go down: what was true once
    /// is enough. Returns whether any has changed.
    pub fn raise(&mut self, said: &Said<'_>) -> bool {
        let reached: Vec<(Partition, MoveLevel)> = self
            .moving()
            .filter(|(_, level)| *level < MoveLevel::New)
            .map(|(partition, _)| (partition, self.reached(partition, said)))
            .collect();
        let lifted = reached.into_iter().map(|(partition, level)| self.lift(partition, level));
        // Each of them is lifted, whatever became of those before.
        lifted.fold(false, |any, one| any | one)
    }

    pub(crate) fn lift(&mut self, partition: Partition, to: MoveLevel) -> bool {
        match self.levels.get_mut(partition.index()) {
            Some(Some(level)) if *level < to => {
                *level = to;
                true
            }
            _ => false,
        }
    }

    /// The level that follows from what was said.
    fn reached(&self, partition: Partition, said: &Said<'_>) -> MoveLevel {
        if self.all_read_new(partition, said) {
            MoveLevel::New
        } else if self.all_confirmed(partition, said) {
            MoveLevel::ReadNew
        } else {
            MoveLevel::Both
        }
    }

    fn said_by<'a>(&self, node: NodeId, said: &Said<'a>) -> Option<&'a Progress> {
        said.progress.get(&node).copied().filter(|progress| progress.ring == self.to.version)
    }

    fn all_confirmed(&self, partition: Partition, said: &Said<'_>) -> bool {
        let confirmed = |node: NodeId| {
            self.said_by(node, said).is_some_and(|said| said.confirmed.contains(&partition))
        };
        all_living(self.new_owners(partition), said, confirmed)
    }

    fn all_read_new(&self, partition: Partition, said: &Said<'_>) -> bool {
        let reads_new = |node: NodeId| {
            self.said_by(node, said).is_some_and(|said| said.reads_new.contains(&partition))
        };
        all_living(self.new_owners(partition), said, reads_new)
            && living(self.old_owners(partition), said).all(reads_new)
    }

    /// Whether every owner of what moves is done with it: each reads from the new owners, and who is
    /// none has handed over. From then on another change may be chosen.
    pub fn is_settled(&self, said: &Said<'_>) -> bool {
        self.moving().all(|(partition, _)| self.is_done(partition, said))
    }

    /// How many partitions their owners are not done with.
    pub fn left(&self, said: &Said<'_>) -> usize {
        self.moving().filter(|(partition, _)| !self.is_done(*partition, said)).count()
    }

    /// How many replicas living new owners, who were none before, have not confirmed.
    pub fn to_pull(&self, said: &Said<'_>) -> usize {
        let unconfirmed = |partition: Partition| {
            let old = self.old_owners(partition);
            let new = living(self.new_owners(partition), said);
            new.filter(|node| !old.contains(node))
                .filter(|node| {
                    let said = self.said_by(*node, said);
                    said.is_none_or(|said| !said.confirmed.contains(&partition))
                })
                .count()
        };
        self.moving()
            .filter(|(_, level)| *level < MoveLevel::ReadNew)
            .map(|(partition, _)| unconfirmed(partition))
            .sum()
    }

    fn is_done(&self, partition: Partition, said: &Said<'_>) -> bool {
        let handed_over = |node: NodeId| {
            self.new_owners(partition).contains(&node)
                || self
                    .said_by(node, said)
                    .is_some_and(|said| said.handed_over.contains(&partition))
        };
        self.all_read_new(partition, said)
            && living(self.old_owners(partition), said).all(handed_over)
    }

    /// The living owners that something which moves still waits for.
    pub fn waits_for(&self, said: &Said<'_>) -> BTreeSet<NodeId> {
        let mut waits = BTreeSet::new();
        for (partition, _) in self.moving() {
            let new = self.new_owners(partition);
            let old = self.old_owners(partition).iter().filter(|node| !new.contains(node));
            let has = |node: NodeId, of: fn(&Progress) -> &BTreeSet<Partition>| {
                self.said_by(node, said).is_some_and(|said| of(said).contains(&partition))
            };
            let reads_new = |node: NodeId| has(node, |said| &said.reads_new);
            // What comes next is waited for, and not what can only follow it.
            let next: fn(&Progress) -> &BTreeSet<Partition> =
                if !self.all_confirmed(partition, said) && !new.iter().any(|node| reads_new(*node))
                {
                    |said| &said.confirmed
                } else if self.all_read_new(partition, said) {
                    |said| &said.handed_over
                } else {
                    |said| &said.reads_new
                };
            let is_last = self.all_read_new(partition, said);
            let new = new.iter().filter(|_| !is_last);
            let old = old.filter(|_| self.all_confirmed(partition, said) || is_last);
            let late = new.chain(old).copied().filter(|node| !has(*node, next));
            waits.extend(late.filter(|node| !said.dead.contains(node)));
        }
        waits
    }

    /// The partitions of which this node reads from the new owners: what it says of itself.
    pub fn reads_new(&self) -> BTreeSet<Partition> {
        let reached = |(_, level): &(Partition, MoveLevel)| *level >= MoveLevel::ReadNew;
        self.moving().filter(reached).map(|(partition, _)| partition).collect()
    }

    /// Where a request about a partition goes if it is to be carried out at this level at least.
    pub fn placement(&self, partition: Partition, at_least: MoveLevel) -> Placement<'_> {
        let Some(level) = self.level(partition) else { return Placement::settled(&self.to) };
        let level = level.max(at_least);
        let footing = Footing { ring: self.to.version, level };
        let (from, to): (&Ring, &Ring) = (&self.from, &self.to);
        match level {
            MoveLevel::Old | MoveLevel::Both => Placement { footing, reads: from, also: Some(to) },
            MoveLevel::ReadNew => Placement { footing, reads: to, also: Some(from) },
            MoveLevel::New => Placement { footing, reads: to, also: None },
        }
    }

    /// Where this node stands with a partition.
    pub fn footing(&self, partition: Partition) -> Footing {
        let level = self.level(partition).unwrap_or(MoveLevel::New);
        Footing { ring: self.to.version, level }
    }

    /// Whether `me` refuses a write of somebody on this footing. One who knows only the old ring may
    /// count acknowledgements of the old owners alone, after new ones have read them.
    pub fn refuses_write(&self, me: NodeId, partition: Partition, of: Footing) -> bool {
        match self.level(partition) {
            None => of.ring < self.from.version,
            Some(_) if of.ring < self.to.version => true,
            Some(level) => self.is_done_with(me, partition, level) && of < self.footing(partition),
        }
    }

    /// Whether `me` refuses a read of somebody on this footing. One who reads from old owners may
    /// miss what is written to new ones alone, once one of those whom `me` knows of may do so.
    pub fn refuses_read(&self, me: NodeId, partition: Partition, of: Footing) -> bool {
        let Some(level) = self.level(partition) else { return of.ring < self.from.version };
        let reads_new = Footing { ring: self.to.version, level: MoveLevel::ReadNew };
        (level >= MoveLevel::ReadNew && of < reads_new)
            || (self.is_done_with(me, partition, level) && of < self.footing(partition))
    }

    fn is_done_with(&self, me: NodeId, partition: Partition, level: MoveLevel) -> bool {
        level == MoveLevel::New && self.leaves(me, partition)
    }
}

fn living<'a>(nodes: &'a [NodeId], said: &'a Said<'_>) -> impl Iterator<Item = NodeId> {
    nodes.iter().copied().filter(|node| !said.dead.contains(node))
}

/// Whether `holds` for every one of the nodes that lives, and one does.
fn all_living(nodes: &[NodeId], said: &Said<'_>, holds: impl Fn(NodeId) -> bool) -> bool {
    let mut living = living(nodes, said).peekable();
    living.peek().is_some() && living.all(holds)
}
