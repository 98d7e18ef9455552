//! What the world holds against rounds of collection (rule 13), by looking at turns and disks as no
//! node could: for the checker `bounds`. What comes back is found here at the moment at which it
//! does, and a promise that is not kept when it is given, whether or not anything comes of it.
//!
//! - Who agrees to a round is not at it yet, has no hint of the partition, nothing set aside, and
//!   has refilled what it had lost.
//! - When the first owner drops, all owners and all who may hold hints are at the round, durably, or
//!   have lost their store after all had agreed; and no disk holds a version that goes.
//! - Such a version is never written again, nor sent under the number of the round; what a request
//!   sends once more under a later number is what its node has by then.
//! - No state is taken that was read before the own round, and none before that is known.
//! - Nobody mints under an id of which it has dropped something, or which was pruned.

use std::collections::{BTreeMap, BTreeSet};

use stator_core::collection::{CollectAnswer, CollectAsk, Entry, Round, decode_entry, entry_key};
use stator_core::effect::Effect;
use stator_core::hints::{Hint, HintKey};
use stator_core::identity::{ActorId, NodeId};
use stator_core::message::{EncodedState, RequestId, ShardMessage};
use stator_core::object::{ObjectKey, ObjectState};
use stator_core::observe::Observation;
use stator_core::replica::{StoreKey, decode_record};
use stator_core::store::{Keyspace, WriteOp};
use stator_core::token::{Partition, Token};
use stator_core::version::Dot;

use super::World;
use super::labels::Brought;
use crate::disk::Disk;
use crate::event::Process;
use crate::gone::Gone;
use crate::layout::Layout;
use crate::witness::{hint_on, object_on, written};

/// What the world remembers of rounds.
#[derive(Debug)]
pub(super) struct Rounds {
    /// Versions that have gone, by the key's place.
    gone: Vec<Gone>,
    places: BTreeMap<Token, usize>,
    /// Under which id each owner mints, hints apart.
    minting: BTreeMap<(usize, Partition), ActorId>,
    /// Ids that nobody may mint under any more.
    given_up: BTreeSet<ActorId>,
    /// Whose round was lost with its store, and is not known again.
    pub(super) lost: BTreeSet<(usize, Partition)>,
    /// The states that requests have sent, and as of which round they read them.
    pub(super) sent: BTreeMap<(Process, RequestId), (Round, EncodedState)>,
    /// The earliest round of the answers that a read has had.
    pub(super) heard: BTreeMap<(Process, RequestId), Round>,
    /// Rounds that a node had agreed to with a store that it lost before all owners had agreed.
    spoiled: BTreeSet<(Partition, Round)>,
}

impl Rounds {
    pub(super) fn of(layout: &Layout) -> Self {
        let places = layout.keys.iter().enumerate().map(|(place, key)| (key.token(), place));
        Self {
            gone: vec![Gone::default(); layout.keys.len()],
            places: places.collect(),
            minting: BTreeMap::new(),
            given_up: BTreeSet::new(),
            lost: BTreeSet::new(),
            sent: BTreeMap::new(),
            heard: BTreeMap::new(),
            spoiled: BTreeSet::new(),
        }
    }
}

impl World {
    /// A node has minted: not under an id that was given up.
    pub(super) fn note_minted(&mut self, node: usize, key: usize, dot: Dot) {
        self.rounds.gone[key].minted(dot);
        let partition = self.layout.ring.partition_of(self.layout.keys[key].token());
        let n = self.layout.properties(key).fixed.n;
        let primaries = self.layout.ring.primaries(partition, n);
        // What a fallback mints into a hint has an id of its own.
        if primaries.contains(&self.layout.nodes[node]) {
            self.rounds.minting.insert((node, partition), dot.actor);
        }
        if self.rounds.given_up.contains(&dot.actor) {
            self.amiss(node, &format!("minted {dot:?} under an id that was collected"));
        }
    }

    /// What a node stores of partitions is about to be lost, and with it at which rounds it is.
    pub(super) fn note_lost_rounds(
        &mut self,
        node: usize,
        partitions: impl IntoIterator<Item = Partition>,
    ) {
        for partition in partitions {
            self.rounds.lost.insert((node, partition));
            let agreed = durable_entry(&self.nodes[node].disk, partition).agreed;
            let owners = &self.layout.ring.table[partition.index()];
            let mut disks =
                owners.iter().map(|&owner| &self.nodes[self.layout.place_of(owner)].disk);
            if disks.any(|disk| durable_entry(disk, partition).round < agreed) {
                self.rounds.spoiled.insert((partition, agreed));
            }
        }
    }

    /// What no turn may do. Its effects are not carried out yet.
    pub(super) fn judge_rounds(
        &mut self,
        at: Process,
        shard: u8,
        brought: Option<Brought>,
        effects: &[Effect],
    ) {
        if self.is_elastic() {
            // These judges know one ring; what comes of it is judged by what clients read.
            return;
        }
        if let Some(brought) = brought {
            self.judge_brought(at, brought, effects);
        }
        for effect in effects {
            match effect {
                Effect::Write { batch, .. } => {
                    for op in batch.ops() {
                        self.judge_write(at.node, shard, op);
                    }
                }
                Effect::Send {
                    message: ShardMessage::Replicate { request, round, key, state, .. },
                    ..
                } => self.judge_sent((at, *request), *round, (key, state)),
                Effect::Observe(Observation::Collected { partition, round, .. }) => {
                    self.judge_drop(at.node, (*partition, *round), effects);
                }
                _ => {}
            }
        }
    }

    fn judge_write(&mut self, node: usize, shard: u8, op: &WriteOp) {
        match op {
            WriteOp::Put { keyspace: Keyspace::Meta, key, value } => {
                if let Some((partition, entry)) = decode_entry(key, value.clone()) {
                    self.judge_entry(node, shard, (partition, entry));
                }
            }
            WriteOp::Delete { keyspace: Keyspace::Meta, key } => {
                self.rounds
                    .lost
                    .retain(|&(of, partition)| of != node || entry_key(partition) != *key);
            }
            WriteOp::Put { keyspace: Keyspace::Objects, key, value } => {
                let at = StoreKey::from_bytes(key.clone());
                let state = || decode_record(&at, value).ok()?.1.decode().ok();
                self.judge_kept(node, at.token(), state);
            }
            WriteOp::Put { keyspace: Keyspace::Hints, key, value } => {
                let at = HintKey::from_bytes(key.clone());
                let state = || Hint::decode(&at, value).ok()?.state.decode().ok();
                self.judge_kept(node, StoreKey::from_bytes(key.clone()).token(), state);
            }
            WriteOp::Delete { .. } => {}
        }
    }

    fn judge_kept(
        &mut self,
        node: usize,
        token: Option<Token>,
        state: impl FnOnce() -> Option<ObjectState>,
    ) {
        let Some(token) = token else { return };
        if let Some((dot, Round(round))) = self.gone_of(token, state, Round(u64::MAX)) {
            self.amiss(node, &format!("wrote {dot:?} again, which round {round} collected"));
        }
    }

    /// A version in a state that a round up to this one has made go.
    pub(super) fn gone_of(
        &self,
        token: Token,
        state: impl FnOnce() -> Option<ObjectState>,
        until: Round,
    ) -> Option<(Dot, Round)> {
        let gone = &self.rounds.gone[*self.rounds.places.get(&token)?];
        if gone.is_empty() {
            return None;
        }
        gone.held_by(&state()?, until)
    }

    /// A node's round changes.
    fn judge_entry(&mut self, node: usize, shard: u8, (partition, new): (Partition, Entry)) {
        if new.known {
            self.rounds.lost.remove(&(node, partition));
        }
        let before = latest_entry(&self.nodes[node].disk, partition);
        if new.round < before.round || new.agreed < before.agreed {
            self.amiss(node, &format!("forgot at which round it was: {before:?}, then {new:?}"));
        }
        if new.agreed <= before.agreed {
            return;
        }
        let ring = &self.layout.ring;
        if ring.table[partition.index()].first() == Some(&self.layout.nodes[node]) {
            self.rounds.spoiled.remove(&(partition, new.agreed));
        }
        let (first, last) = ring.partitions.range_of(partition);
        let mut amiss = Vec::new();
        if before.round >= new.agreed {
            amiss.push("agreed to a round that it was at already");
        }
        if self.nodes[node].disk.has_any(Keyspace::Hints, &StoreKey::range(first, last)) {
            amiss.push("agreed to a round while it held hints");
        }
        if self.unsettled.contains_key(&(node, partition)) {
            amiss.push("agreed to a round before its lost store was refilled");
        }
        let condition = self.nodes[node].shards[usize::from(shard)].condition();
        if condition.partitions.get(&partition).is_some_and(|status| status.quarantined > 0) {
            amiss.push("agreed to a round beside objects that are set aside");
        }
        for what in amiss {
            self.amiss(node, what);
        }
    }

    /// A node drops what a round has collected.
    fn judge_drop(
        &mut self,
        node: usize,
        (partition, round): (Partition, Round),
        effects: &[Effect],
    ) {
        let ring = self.layout.ring.clone();
        if ring.table[partition.index()].first() == Some(&self.layout.nodes[node]) {
            self.judge_decision(partition, round);
        }
        for op in written(effects) {
            let (at, after) = match op {
                WriteOp::Put { keyspace: Keyspace::Objects, key, value } => (key, Some(value)),
                WriteOp::Delete { keyspace: Keyspace::Objects, key } => (key, None),
                _ => continue,
            };
            let at = StoreKey::from_bytes(at.clone());
            let Some(place) = at.token().and_then(|it| self.rounds.places.get(&it).copied()) else {
                continue;
            };
            let name = self.layout.keys[place].clone();
            let Some(before) = object_on(&self.nodes[node].disk, &name) else { continue };
            let after = after.and_then(|value| decode_record(&at, value).ok()?.1.decode().ok());
            self.give_up((node, partition), &before, after.as_ref());
            for dot in self.rounds.gone[place].collected(&before, round) {
                self.judge_all_disks(&name, dot, round);
            }
        }
    }

    /// Ids under which nobody mints from now on: the own one if something is dropped, and those that
    /// are pruned.
    fn give_up(
        &mut self,
        of: (usize, Partition),
        before: &ObjectState,
        after: Option<&ObjectState>,
    ) {
        match after {
            None => self.rounds.given_up.extend(self.rounds.minting.remove(&of)),
            Some(after) => {
                let actors = before.vector().entries().iter().map(|(actor, _)| *actor);
                let pruned = actors.filter(|&actor| after.vector().get(actor) == 0);
                self.rounds.given_up.extend(pruned);
            }
        }
    }

    /// The first owner drops: everybody has agreed.
    fn judge_decision(&mut self, partition: Partition, round: Round) {
        if self.rounds.spoiled.contains(&(partition, round)) {
            let what =
                "dropped after a round to which a node agreed with a store that it lost then";
            self.history.amiss.push(what.to_owned());
        }
        let owners = &self.layout.ring.table[partition.index()];
        let most = owners.len() as u8;
        let fallbacks = self.layout.ring.fallbacks(partition, most);
        let all: BTreeSet<NodeId> = owners.iter().chain(fallbacks).copied().collect();
        let places: Vec<usize> = all.into_iter().map(|node| self.layout.place_of(node)).collect();
        for place in places {
            let node = &self.nodes[place];
            let own = durable_entry(&node.disk, partition);
            // It may have been told the round since it lost it, and not have that on disk: another
            // crash leaves it as one that knows of no round.
            let lost =
                node.store_lost || !own.known || self.rounds.lost.contains(&(place, partition));
            if !lost && own.round < round {
                let (own, round) = (own.round.0, round.0);
                self.amiss(place, &format!("is at round {own} when round {round} is carried out"));
            }
        }
    }

    fn judge_all_disks(&mut self, name: &ObjectKey, dot: Dot, Round(round): Round) {
        let owners = self.owners_of(name);
        let holds = |disk: &Disk| {
            let hints = owners.iter().filter_map(|&owner| hint_on(disk, name, owner));
            let mut states = object_on(disk, name).into_iter().chain(hints);
            states.any(|state| state.siblings().iter().any(|sibling| sibling.dot == dot))
        };
        let holders = self.nodes.iter().filter(|node| holds(&node.disk)).map(|node| node.place);
        for place in holders.collect::<Vec<_>>() {
            self.amiss(place, &format!("holds {dot:?} of {name} when round {round} collects it"));
        }
    }
}

/// Whether a turn tells that its node has agreed to a round.
pub(super) fn has_agreed(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| {
        let Effect::Send { message, .. } = effect else { return false };
        matches!(message, ShardMessage::Collected { answer: CollectAnswer::Agreed { .. }, .. })
    })
}

/// Whether a turn is a step of a round: somebody has agreed, confirmed or dropped, or asks for it.
pub(super) fn is_of_a_round(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Send { message, .. } => match message {
            ShardMessage::Collect { ask, .. } => *ask != CollectAsk::Round,
            ShardMessage::Collected { .. } => true,
            _ => false,
        },
        Effect::Observe(Observation::Collected { .. }) => true,
        _ => false,
    })
}

/// A partition's round as the newest batch that was handed over has it.
pub(super) fn latest_entry(disk: &Disk, partition: Partition) -> Entry {
    let key = entry_key(partition);
    let value = disk.latest(Keyspace::Meta, &key).cloned();
    value.and_then(|value| decode_entry(&key, value)).map(|(_, entry)| entry).unwrap_or_default()
}

/// A partition's round as a crash would leave it.
fn durable_entry(disk: &Disk, partition: Partition) -> Entry {
    let key = entry_key(partition);
    let value = disk.durable(Keyspace::Meta, &key);
    value.and_then(|value| decode_entry(&key, value)).map(|(_, entry)| entry).unwrap_or_default()
}
