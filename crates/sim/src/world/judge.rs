//! What the world holds against a node, by looking at its turns and its disk as no client could: for
//! the checker `bounds`.

use stator_core::effect::{Effect, Input, Timer};
use stator_core::hints::Hint;
use stator_core::identity::NodeId;
use stator_core::message::{EncodedState, Purpose, ShardMessage};
use stator_core::object::{ConflictRule, Content, ObjectKey, ObjectState};
use stator_core::observe::Observation;
use stator_core::time::Stamp;

use super::World;
use super::reads::MayTell;
use crate::event::{Clock, Process};
use crate::history::{CallId, WriteKind};
use crate::witness::{
    durable_object, durable_states, has_seen, hint_coming, hint_on, hints_written, tokens_written,
};

impl World {
    /// What is to be known before a turn, to judge it.
    pub(super) fn watch(&self, node: usize, shard: u8, input: &Input) -> Watched {
        let must_refuse = match input {
            Input::Peer { message: ShardMessage::Replicate { purpose, state, .. }, .. } => {
                *purpose != Purpose::Repair && self.says_reserve(node) && holds_value(state)
            }
            _ => false,
        };
        let core = &self.nodes[node].shards[usize::from(shard)];
        let unawaited = matches!(input, Input::Timer(timer) if !core.awaits(*timer));
        Watched { may_tell: self.may_tell(node, shard, input), must_refuse, unawaited }
    }

    /// What no turn may do: see the checker `bounds`.
    pub(super) fn judge_turn(&mut self, at: Process, watched: &Watched, effects: &[Effect]) {
        self.judge_told(at.node, &watched.may_tell, effects);
        let mut amiss = Vec::new();
        if watched.must_refuse && effects.iter().any(|e| matches!(e, Effect::Write { .. })) {
            amiss.push("took a value into the reserve of its disk");
        }
        // In production such a timer never comes.
        if watched.unawaited && !effects.iter().all(is_of_the_budget) {
            amiss.push("said that it does not await a timer, and did something when it came");
        }
        if hints_written(effects).any(|hint| self.forgets(at.node, &hint)) {
            amiss.push("put a state in a hint that had not seen what the hint held");
        }
        let (ring, me) = (self.layout.ring.clone(), self.layout.nodes[at.node]);
        // Where rings change, it is the disks that are looked at, once all is settled.
        if !self.is_elastic()
            && tokens_written(effects).any(|token| !ring.owns(me, ring.partition_of(token)))
        {
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
                Observation::Refilled(partition) => self.judge_refilled(at.node, *partition),
                Observation::DamageHealed { key } => self.judge_healed(at.node, key, effects),
                _ => {}
            }
        }
        for what in amiss {
            self.amiss(at.node, what);
        }
    }

    /// Holds something against a node.
    pub(super) fn amiss(&mut self, node: usize, what: &str) {
        self.history.amiss.push(format!("n{} {what}, at {}", node + 1, Clock(self.now)));
    }

    /// Whether a hint that is about to be written has not seen what it holds so far.
    fn forgets(&self, node: usize, hint: &Hint) -> bool {
        let before = hint_coming(&self.nodes[node].disk, &hint.key, hint.owner);
        let before = before.and_then(|state| state.decode().ok());
        let after = hint.state.decode().ok();
        before.zip(after).is_some_and(|(before, after)| !has_seen(&after, &before))
    }

    /// Whether the owner of a hint has on its disk what the hint holds.
    fn is_home(&self, node: usize, key: &ObjectKey, owner: NodeId) -> bool {
        let place = self.layout.place_of(owner);
        // What a fault has destroyed since had been there.
        let Some(hint) = hint_on(&self.nodes[node].disk, key, owner) else { return true };
        self.struck == Some(place)
            || self.is_elastic() && self.is_passed_on(node, key, &hint)
            || self.victims.contains(&place)
            || durable_object(&self.nodes[place].disk, key)
                .is_some_and(|state| has_seen(&state, &hint))
    }

    /// Whether another node's disk has what a hint holds: one that may not be kept any more goes to
    /// somebody who may.
    fn is_passed_on(&self, node: usize, key: &ObjectKey, hint: &ObjectState) -> bool {
        let others = self.nodes.iter().filter(|other| other.place != node);
        let mut states =
            others.flat_map(|other| durable_states(&other.disk, key, &self.layout.nodes));
        states.any(|state| has_seen(&state, hint))
    }

    /// Whether a node's disk has only its reserve left, and all of its shards know.
    fn says_reserve(&self, node: usize) -> bool {
        let node = &self.nodes[node];
        node.disk_reserved && node.shards.iter().all(|shard| shard.condition().disk_reserved)
    }

    /// A last-write-wins version must be newer than all that its writer was shown, and than all that
    /// its shard has minted, whatever wall clocks say (rule 7).
    pub(super) fn judge_stamp(&mut self, at: Process, key: usize, call: CallId, stamp: Stamp) {
        let shard = self.layout.shard_of(at.node, &self.layout.keys[key]);
        let last = self.stamps.insert((at, shard), stamp);
        if last.is_some_and(|last| last >= stamp) {
            self.amiss(at.node, &format!("minted #{} not above what it had minted last", call.0));
        }
        let history = &self.history.keys[key];
        let Some((_, place)) = self.history.write_of(call) else { return };
        let shown = history.writes[place].must.iter();
        let stamps = shown.filter_map(|shown| history.writes[shown].mints.first()?.stamp);
        if history.rule == ConflictRule::LastWriteWins && stamps.max() >= Some(stamp) {
            let what = format!("minted #{} not above what its writer had been shown", call.0);
            self.amiss(at.node, &what);
        }
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

/// What was so before a turn.
pub(super) struct Watched {
    /// What it may tell a reader.
    may_tell: MayTell,
    /// Whether the turn is about a value that the disk has no room for.
    must_refuse: bool,
    /// Whether it is a timer that the shard says not to await.
    unawaited: bool,
}

/// Whether an effect comes of time alone, whatever the turn is about.
const fn is_of_the_budget(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Observe(Observation::BudgetCut { .. } | Observation::BudgetRestored)
            | Effect::SetTimer { timer: Timer::Budget, .. }
    )
}

fn holds_value(state: &EncodedState) -> bool {
    state.decode().is_ok_and(|state| {
        state.siblings().iter().any(|sibling| sibling.content != Content::Tombstone)
    })
}
