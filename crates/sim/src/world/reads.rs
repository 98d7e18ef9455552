//! What a node may tell a reader, by what is on its disk and on its way there: for the checker
//! `bounds`. A replica answers with what it has, durable or not; with nothing at all of what it has
//! lost, or has set aside, before it has that back (rule 19).

use stator_core::effect::{Effect, Input};
use stator_core::message::{EncodedState, ReadAnswer, ShardMessage};
use stator_core::object::{ObjectDigest, ObjectKey, ObjectState};
use stator_core::replica::{StoreKey, quarantine_row};
use stator_core::store::{Keyspace, ReadStore};

use super::World;
use crate::witness::{hint_coming, object_coming};

/// What a turn may tell a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MayTell {
    /// No reader asks.
    NotAsked,
    /// That it can't tell: what is asked for may have been lost.
    Nothing(&'static str),
    /// Exactly this, or that it can't tell.
    Exactly(Option<ObjectDigest>),
}

impl World {
    /// What a turn may tell a reader, before it is taken.
    pub(super) fn may_tell(&self, node: usize, shard: u8, input: &Input) -> MayTell {
        let Input::Peer { message: ShardMessage::Read { key, .. }, .. } = input else {
            return MayTell::NotAsked;
        };
        let (me, disk) = (self.layout.nodes[node], &self.nodes[node].disk);
        let is_owner = match self.view_of(node) {
            Some(view) => view.is_replica(self.layout.ring.partition_of(key.token())),
            None => self.owners_of(key).contains(&me),
        };
        if !is_owner {
            let owners =
                if self.is_elastic() { self.layout.nodes.clone() } else { self.owners_of(key) };
            let held = owners.iter().filter_map(|&owner| hint_coming(disk, key, owner));
            let held = held.filter_map(|state| state.decode().ok()).reduce(ObjectState::merge);
            return MayTell::Exactly(held.map(|state| EncodedState::of(&state).digest()));
        }
        let partition = self.layout.ring.partition_of(key.token());
        if self.unsettled.contains_key(&(node, partition)) {
            return MayTell::Nothing(
                "told a reader what it has before its lost store was refilled",
            );
        }
        if self.is_set_aside(node, key) {
            return MayTell::Nothing("told a reader what it has of an object before it was healed");
        }
        // What is cached, or on its way to disk, is not read from there, and so is not found to be
        // damaged: either nothing is told, or what it was.
        let in_memory =
            self.pace.cache_bytes > 0 || self.nodes[node].shards[usize::from(shard)].unsynced() > 0;
        if self.is_damaged(node, key) && !in_memory {
            return MayTell::Nothing("told a reader of an object that can't be read");
        }
        let has = object_coming(disk, key).map(|state| state.digest());
        MayTell::Exactly(has)
    }

    /// Whether a node's replica has marked an object as damaged.
    pub(super) fn is_set_aside(&self, node: usize, key: &ObjectKey) -> bool {
        let row = quarantine_row(&StoreKey::of(key));
        self.nodes[node].disk.latest(Keyspace::Meta, &row).is_some()
    }

    /// Whether what a node's disk has of an object can't be read.
    pub(super) fn is_damaged(&self, node: usize, key: &ObjectKey) -> bool {
        self.nodes[node].disk.get(Keyspace::Objects, StoreKey::of(key).as_bytes()).is_err()
    }

    /// Holds against a node what a turn told a reader.
    pub(super) fn judge_told(&mut self, node: usize, may: &MayTell, effects: &[Effect]) {
        let answers: Vec<&ReadAnswer> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send { message: ShardMessage::ReadAnswered { answer, .. }, .. } => {
                    Some(answer)
                }
                _ => None,
            })
            .collect();
        let told = answers.iter().filter_map(|answer| match answer {
            ReadAnswer::State(state) => Some(state.as_ref().map(EncodedState::digest)),
            ReadAnswer::Digest(digest) => Some(*digest),
            ReadAnswer::Unknown | ReadAnswer::Behind(_) => None,
        });
        let told: Vec<Option<ObjectDigest>> = told.collect();
        match may {
            MayTell::Nothing(what) if !told.is_empty() => self.amiss(node, what),
            MayTell::Exactly(Some(_)) if told.contains(&None) => {
                self.amiss(node, "told a reader that it has nothing of an object that it holds");
            }
            MayTell::Exactly(has) if told.iter().any(|told| told != has) => {
                self.amiss(node, "told a reader something else of an object than it holds");
            }
            MayTell::NotAsked | MayTell::Nothing(_) | MayTell::Exactly(_) => {}
        }
    }
}
