//! What the world holds against a node, by looking at its turns and its disk as no client could: for
//! the checker `bounds`.

use stator_core::effect::{Effect, Input};
use stator_core::hints::Hint;
use stator_core::identity::NodeId;
use stator_core::message::{EncodedState, Purpose, ReadAnswer, ShardMessage};
use stator_core::object::{Content, ObjectKey};
use stator_core::observe::Observation;
use stator_core::quorum::QuorumMode;
use stator_core::token::Partition;

use super::World;
use crate::event::Process;
use crate::history::{CallId, Fate, KeyHistory, WriteKind};
use crate::witness::{
    self, durable_object, has_seen, hint_on, hints_written, is_collected, is_on, tokens_written,
};

impl World {
    /// What is to be known before a turn, to judge it.
    pub(super) fn watch(&self, node: usize, shard: u8, input: &Input) -> Watched {
        let all_on_disk = self.nodes[node].shards[usize::from(shard)].unsynced() == 0;
        let asked = match input {
            Input::Peer { message: ShardMessage::Read { key, .. }, .. } if all_on_disk => Some(key),
            _ => None,
        };
        let has_what_is_read = asked.is_some_and(|name| {
            let owners = self.owners_of(name);
            let is_owner = owners.contains(&self.layout.nodes[node]);
            is_on(&self.nodes[node].disk, name, is_owner, &owners)
        });
        let has_lost_what_is_read = match input {
            Input::Peer { message: ShardMessage::Read { key, .. }, .. } => {
                let partition = self.layout.ring.partition_of(key.token());
                self.unsettled.contains_key(&(node, partition))
            }
            _ => false,
        };
        let must_refuse = match input {
            Input::Peer { message: ShardMessage::Replicate { purpose, state, .. }, .. } => {
                *purpose != Purpose::Repair && self.says_reserve(node) && holds_value(state)
            }
            _ => false,
        };
        let read = match (has_lost_what_is_read, has_what_is_read) {
            (true, _) => ReadOf::Lost,
            (false, true) => ReadOf::OnDisk,
            (false, false) => ReadOf::Nothing,
        };
        Watched { all_on_disk, read, must_refuse }
    }

    /// What no turn may do: see the checker `bounds`.
    pub(super) fn judge_turn(&mut self, at: Process, watched: &Watched, effects: &[Effect]) {
        let mut amiss = Vec::new();
        if watched.read == ReadOf::OnDisk && effects.iter().any(denies) {
            amiss.push("told a reader that it has nothing of an object that is on its disk");
        }
        if watched.read == ReadOf::Lost && effects.iter().any(tells) {
            amiss.push("told a reader what it has before its lost store was refilled");
        }
        if watched.must_refuse && effects.iter().any(|e| matches!(e, Effect::Write { .. })) {
            amiss.push("took a value into the reserve of its disk");
        }
        if watched.all_on_disk && hints_written(effects).any(|hint| self.forgets(at.node, &hint)) {
            amiss.push("put a state in a hint that had not seen what the hint held");
        }
        let (ring, me) = (&self.layout.ring, self.layout.nodes[at.node]);
        if tokens_written(effects).any(|token| !ring.owns(me, ring.partition_of(token))) {
            amiss.push("keeps an object as its own that it is no replica of");
        }
        for effect in effects {
            let Effect::Observe(observation) = effect else { continue };
            match observation {
                Observation::TreeDrifted(_) => amiss.push("had a tree that drifted"),
                Observation::HintDelivered { key, owner }
                    if !self.is_home(at.node, key, *owner) =>
                {
                    amiss.push("deleted a hint that its owner does not have on disk");
                }
                Observation::Refilled(partition) => {
                    if !self.is_refilled(at.node, *partition) {
                        amiss.push("counts in reads without all that was acknowledged before");
                    }
                    self.unsettled.remove(&(at.node, *partition));
                }
                _ => {}
            }
        }
        let said = amiss.into_iter().map(|what| format!("n{} {what}", at.node + 1));
        self.history.amiss.extend(said);
    }

    /// Whether a hint that is about to be written has not seen what it holds so far.
    fn forgets(&self, node: usize, hint: &Hint) -> bool {
        let before = hint_on(&self.nodes[node].disk, &hint.key, hint.owner);
        let after = hint.state.decode().ok();
        before.zip(after).is_some_and(|(before, after)| !has_seen(&after, &before))
    }

    /// Whether the owner of a hint has on its disk what the hint holds.
    fn is_home(&self, node: usize, key: &ObjectKey, owner: NodeId) -> bool {
        let place = self.layout.place_of(owner);
        // What a fault has destroyed since had been there.
        let Some(hint) = hint_on(&self.nodes[node].disk, key, owner) else { return true };
        self.struck == Some(place)
            || durable_object(&self.nodes[place].disk, key)
                .is_some_and(|state| has_seen(&state, &hint))
    }

    /// Whether a refilled partition has every strict write that was acknowledged before its loss.
    fn is_refilled(&self, node: usize, partition: Partition) -> bool {
        let Some(&lost) = self.unsettled.get(&(node, partition)) else { return true };
        let of_partition = |key: &KeyHistory| {
            self.layout.ring.partition_of(key.name.token()) == partition && key.replicas == 3
        };
        let keys = self.history.keys.iter().enumerate();
        let mut of_partition = keys.filter(|(_, key)| of_partition(key));
        of_partition.all(|(name, key)| {
            let mut promised = key.writes.iter().enumerate().filter(|(_, write)| {
                let call = self.history.call(write.call);
                let is_strict = write.needs.mode == QuorumMode::Strict && write.needs.dw > 1;
                is_strict && call.fate == Fate::Done && call.ended.is_some_and(|at| at < lost)
            });
            promised.all(|(place, _)| self.knows(node, name, place))
        })
    }

    /// Whether a node's replica has a write of a key on its disk, or what superseded it.
    fn knows(&self, node: usize, key: usize, write: usize) -> bool {
        let key = &self.history.keys[key];
        let here = durable_object(&self.nodes[node].disk, &key.name).unwrap_or_default();
        witness::knows(key, write, &here) || is_collected(key, write)
    }

    /// Whether a node's disk has only its reserve left, and all of its shards know.
    fn says_reserve(&self, node: usize) -> bool {
        let node = &self.nodes[node];
        node.disk_reserved && node.shards.iter().all(|shard| shard.condition().disk_reserved)
    }

    /// What a replica must not mint: a sibling above its bucket's bound, by a writer who has seen
    /// nothing that it could replace; a version that is older than what it has; and a value, while
    /// it says that only the disk's reserve is left.
    pub(super) fn judge_mint(
        &mut self,
        at: Process,
        key: usize,
        call: Option<CallId>,
        (is_there, siblings): (bool, usize),
    ) {
        let Some((_, place)) = call.and_then(|call| self.history.write_of(call)) else { return };
        let write = &self.history.keys[key].writes[place];
        let is_value = matches!(write.kind, WriteKind::Value(_));
        let is_blind = is_value && write.may.iter().next().is_none();
        let most = self.layout.properties(key).mutable.max_siblings as usize;
        let name = write.call.0;
        if is_blind && siblings > most {
            let amiss = format!("the put #{name} made {siblings} siblings, of {most} allowed");
            self.history.amiss.push(amiss);
        }
        if !is_there {
            let amiss = format!("the write #{name} is not in the state that it was minted into");
            self.history.amiss.push(amiss);
        }
        if is_value && self.says_reserve(at.node) {
            let amiss = format!("the put #{name} was minted into the reserve of a disk");
            self.history.amiss.push(amiss);
        }
    }
}

/// What a read is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadOf {
    /// Nothing that is known to be there.
    Nothing,
    /// Something that is on the disk.
    OnDisk,
    /// Something that may have been lost with the store.
    Lost,
}

/// What was so before a turn.
pub(super) struct Watched {
    /// Whether everything that the shard knows is on disk.
    all_on_disk: bool,
    /// What it is about, if it is a read.
    read: ReadOf,
    /// Whether the turn is about a value that the disk has no room for.
    must_refuse: bool,
}

fn holds_value(state: &EncodedState) -> bool {
    state.decode().is_ok_and(|state| {
        state.siblings().iter().any(|sibling| sibling.content != Content::Tombstone)
    })
}

/// Whether a reader is told something.
fn tells(effect: &Effect) -> bool {
    let Effect::Send { message: ShardMessage::ReadAnswered { answer, .. }, .. } = effect else {
        return false;
    };
    *answer != ReadAnswer::Unknown
}

/// Whether a reader is told that there is nothing.
fn denies(effect: &Effect) -> bool {
    let Effect::Send { message: ShardMessage::ReadAnswered { answer, .. }, .. } = effect else {
        return false;
    };
    matches!(answer, ReadAnswer::State(None) | ReadAnswer::Digest(None))
}
