//! What nodes have lost to faults, and whether they have it back when they say so (rule 19): for the
//! checker `bounds`.
//!
//! A replica that has lost a partition, or an object, counts again once it has been compared with all
//! of its other owners; so it has by then all that those had on their disks when it was lost. And it
//! waits for the longest deadline before, since it may have acknowledged, to a coordinator that still
//! waits for others, what nobody else has.

use std::collections::{BTreeMap, BTreeSet};

use stator_core::effect::Effect;
use stator_core::object::{ObjectKey, ObjectState};
use stator_core::replica::{StoreKey, decode_record};
use stator_core::store::{Keyspace, WriteOp};
use stator_core::token::Partition;

use super::World;
use crate::history::{Bits, Fate};
use crate::witness::{
    durable_object, durable_states, is_collected, known_in, knows, object_coming, written,
};

/// What a node has lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Loss {
    /// What the disks of the other owners had of each key then.
    elsewhere: BTreeMap<usize, Bits>,
    /// Writes of the node's disk whose coordinators may have waited for more acknowledgements.
    awaited: BTreeSet<(usize, usize)>,
}

impl Loss {
    /// What was lost of a key before is lost still.
    fn join(&mut self, key: usize, before: &Self) {
        self.elsewhere.entry(key).or_default().join(&before.elsewhere[&key]);
        self.awaited.extend(before.awaited.iter().filter(|(of, _)| *of == key));
    }
}

impl World {
    /// A node is about to lose what it has of these keys.
    pub(super) fn loss(&self, node: usize, keys: impl IntoIterator<Item = usize>) -> Loss {
        let mut loss = Loss::default();
        for key in keys {
            let (history, owners) = (&self.history.keys[key], self.owners(key));
            let others = owners.iter().filter(|&&owner| owner != self.layout.nodes[node]);
            let mut elsewhere = Bits::default();
            let others = others.map(|&owner| self.layout.place_of(owner));
            for place in others.filter(|place| !self.victims.contains(place)) {
                let disk = &self.nodes[place].disk;
                if let Some(state) = durable_object(disk, &history.name) {
                    elsewhere.join(&known_in(history, &state));
                }
            }
            loss.elsewhere.insert(key, elsewhere);
            let is_awaited =
                |place: &usize| self.history.call(history.writes[*place].call).fate == Fate::Open;
            let states = durable_states(&self.nodes[node].disk, &history.name, &owners);
            let here =
                states.iter().flat_map(|state| known_in(history, state).iter().collect::<Vec<_>>());
            loss.awaited.extend(here.filter(is_awaited).map(|place| (key, place)));
        }
        loss
    }

    /// A partition counts again at a node.
    pub(super) fn judge_refilled(&mut self, node: usize, partition: Partition) {
        let Some(loss) = self.unsettled.remove(&(node, partition)) else { return };
        for &key in loss.elsewhere.keys() {
            let name = &self.layout.keys[key];
            if self.is_set_aside(node, name) || self.is_damaged(node, name) {
                self.damaged.entry((node, key)).or_default().join(key, &loss);
                continue;
            }
            // What is on its way is on disk before it is that the partition counts again.
            let here = object_coming(&self.nodes[node].disk, &self.layout.keys[key]);
            let here = here.and_then(|state| state.decode().ok());
            self.judge_returned(node, key, &loss, &here.unwrap_or_default());
        }
    }

    /// An object was healed by this turn, whose effects are not carried out yet.
    pub(super) fn judge_healed(&mut self, node: usize, name: &ObjectKey, effects: &[Effect]) {
        let Some(key) = self.layout.keys.iter().position(|key| key == name) else { return };
        let Some(loss) = self.damaged.get(&(node, key)).cloned() else { return };
        let at = StoreKey::of(name);
        let of_turn = written(effects).filter_map(|op| match op {
            WriteOp::Put { keyspace: Keyspace::Objects, key, value } if key == at.as_bytes() => {
                Some(value)
            }
            _ => None,
        });
        let disk = &self.nodes[node].disk;
        let record = of_turn.last().or_else(|| disk.latest(Keyspace::Objects, at.as_bytes()));
        let here = record.and_then(|record| decode_record(&at, record).ok()?.1.decode().ok());
        self.judge_returned(node, key, &loss, &here.unwrap_or_default());
    }

    /// What was lost counts again, with this state.
    fn judge_returned(&mut self, node: usize, key: usize, loss: &Loss, here: &ObjectState) {
        let history = &self.history.keys[key];
        let lacks = |&place: &usize| !knows(history, place, here) && !is_collected(history, place);
        let lacking = loss.elsewhere[&key].iter().find(lacks);
        let of_key = loss.awaited.iter().filter(|(of, place)| *of == key && lacks(place));
        self.forgotten.extend(of_key.map(|&write| (write, node)));
        if let Some(place) = lacking {
            let (name, write) = (&history.name, history.writes[place].call.0);
            let what = format!("answers for {name} again without #{write}, which others had");
            self.amiss(node, &what);
        }
    }

    /// A write is acknowledged, and these many disks have it, of those that it needs: not on the
    /// strength of one that was lost since, at a node that answers again as if it were not.
    pub(super) fn judge_awaited(&mut self, (key, place): (usize, usize), disks: u8) {
        let Some(&node) = self.forgotten.get(&(key, place)) else { return };
        let history = &self.history.keys[key];
        let here = durable_object(&self.nodes[node].disk, &history.name).unwrap_or_default();
        if disks < history.writes[place].needs.dw && !knows(history, place, &here) {
            let write = history.writes[place].call.0;
            let what = format!("answers again without #{write}, for which it had answered");
            self.amiss(node, &what);
        }
    }
}
