//! What the world learns by looking on, as no node could: which writes a turn minted, in what
//! state, and what is on a disk.

use stator_core::effect::Effect;
use stator_core::hints::{Hint, HintKey};
use stator_core::identity::NodeId;
use stator_core::message::{EncodedState, ShardMessage};
use stator_core::object::{ConflictRule, ObjectKey, ObjectState};
use stator_core::observe::Observation;
use stator_core::replica::{StoreKey, decode_record};
use stator_core::store::{Keyspace, ReadStore, WriteOp};
use stator_core::time::Instant;
use stator_core::token::Token;
use stator_core::version::Dot;

use crate::disk::Disk;
use crate::history::{Bits, KeyHistory, Mint};

/// A write that a turn minted.
#[derive(Clone, Debug)]
pub(crate) struct Minting {
    /// Which object.
    pub(crate) key: ObjectKey,
    /// The write.
    pub(crate) mint: Mint,
    /// The dots of all siblings of the state in which it was minted.
    pub(crate) beside: Vec<Dot>,
}

/// The writes that the effects of a turn of `node` mint.
pub(crate) fn mintings(effects: &[Effect], node: NodeId, at: Instant) -> Vec<Minting> {
    let minted = effects.iter().filter_map(|effect| {
        let Effect::Observe(Observation::Minted { key, dot, .. }) = effect else { return None };
        let state = minted_state(effects, key, *dot);
        let siblings = || state.iter().flat_map(ObjectState::siblings);
        let stamp = siblings().find(|sibling| sibling.dot == *dot).map(|sibling| sibling.stamp);
        Some(Minting {
            key: key.clone(),
            mint: Mint { dot: *dot, node, at, stamp },
            beside: siblings().map(|sibling| sibling.dot).collect(),
        })
    });
    minted.collect()
}

/// The objects that the effects of a turn drop, and the dots of what they were: collected.
pub(crate) fn collected(effects: &[Effect], disk: &Disk) -> Vec<(ObjectKey, Vec<Dot>)> {
    let dropped = written(effects).filter_map(|op| {
        let WriteOp::Delete { keyspace: Keyspace::Objects, key } = op else { return None };
        // What was damaged is dropped by healing.
        let record = disk.get(Keyspace::Objects, key).ok()??;
        let (name, state) = decode_record(&StoreKey::from_bytes(key.clone()), &record).ok()?;
        let state = state.decode().ok()?;
        Some((name, state.siblings().iter().map(|sibling| sibling.dot).collect()))
    });
    dropped.collect()
}

/// The whole state in which `dot` was minted: it is on its way to the disk in the same turn.
fn minted_state(effects: &[Effect], key: &ObjectKey, dot: Dot) -> Option<ObjectState> {
    let replicated = effects.iter().filter_map(|effect| match effect {
        Effect::Send { message: ShardMessage::Replicate { key: of, state, .. }, .. }
            if of == key =>
        {
            state.decode().ok()
        }
        _ => None,
    });
    let written = written(effects).filter_map(|op| match op {
        WriteOp::Put { keyspace: Keyspace::Objects, key: at, value } => {
            let (_, state) = decode_record(&StoreKey::from_bytes(at.clone()), value).ok()?;
            state.decode().ok()
        }
        WriteOp::Put { keyspace: Keyspace::Hints, key: at, value } => {
            let at = HintKey::from_bytes(at.clone());
            Hint::decode(&at, value).ok()?.state.decode().ok()
        }
        _ => None,
    });
    let has = |state: &ObjectState| state.siblings().iter().any(|sibling| sibling.dot == dot);
    replicated.chain(written).find(has)
}

/// Whether a state that has seen `dot` would survive a crash of this disk's node, as a replica's or
/// as a hint.
pub(crate) fn is_durable(disk: &Disk, key: &ObjectKey, dot: Dot, owners: &[NodeId]) -> bool {
    durable_states(disk, key, owners).iter().any(|state| state.vector().covers(dot))
}

/// Whether a state has a write of its key, or what superseded it. If not by its vector, then by the
/// versions in it: collection prunes vectors.
pub(crate) fn knows(key: &KeyHistory, write: usize, state: &ObjectState) -> bool {
    let Some(mint) = key.writes[write].mints.first() else { return true };
    if state.vector().covers(mint.dot) {
        return true;
    }
    let siblings = state.siblings().iter();
    match key.rule {
        ConflictRule::Siblings => {
            let shown = siblings.filter_map(|it| key.dots.get(&it.dot).copied().flatten());
            key.seen_in(shown).may.contains(write)
        }
        ConflictRule::LastWriteWins => {
            let newest = siblings.map(|sibling| (Some(sibling.stamp), sibling.dot)).max();
            newest.is_some_and(|newest| newest > (mint.stamp, mint.dot))
        }
    }
}

/// The minted writes of a key that a state has, or what superseded them, by their places.
pub(crate) fn known_in(key: &KeyHistory, state: &ObjectState) -> Bits {
    (0..key.writes.len())
        .filter(|&place| !key.writes[place].mints.is_empty() && knows(key, place, state))
        .collect()
}

/// Whether a write of a key was superseded by a delete whose tombstone is collected, so that nobody
/// has anything of it any more.
pub(crate) fn is_collected(key: &KeyHistory, write: usize) -> bool {
    match key.rule {
        ConflictRule::Siblings => key.seen_in(key.collected(None)).may.contains(write),
        ConflictRule::LastWriteWins => {
            let Some(mint) = key.writes[write].mints.first() else { return true };
            let collected = key.collected(None).filter_map(|place| key.writes[place].mints.first());
            collected.map(|mint| (mint.stamp, mint.dot)).any(|it| it >= (mint.stamp, mint.dot))
        }
    }
}

/// A hint for an owner that would survive.
pub(crate) fn durable_hint(disk: &Disk, key: &ObjectKey, owner: NodeId) -> Option<ObjectState> {
    let at = HintKey::of(owner, key);
    let value = disk.durable(Keyspace::Hints, at.as_bytes())?;
    Hint::decode(&at, &value).ok()?.state.decode().ok()
}

/// The replica's state of an object that is on this disk and can be read, durable or not.
pub(crate) fn object_on(disk: &Disk, key: &ObjectKey) -> Option<ObjectState> {
    let at = StoreKey::of(key);
    let record = disk.get(Keyspace::Objects, at.as_bytes()).ok().flatten()?;
    decode_record(&at, &record).ok()?.1.decode().ok()
}

/// The hint for an owner that is on this disk, durable or not.
pub(crate) fn hint_on(disk: &Disk, key: &ObjectKey, owner: NodeId) -> Option<ObjectState> {
    let at = HintKey::of(owner, key);
    let value = disk.get(Keyspace::Hints, at.as_bytes()).ok().flatten()?;
    Hint::decode(&at, &value).ok()?.state.decode().ok()
}

/// The replica's state of an object as the newest batch on its way to this disk has it.
pub(crate) fn object_coming(disk: &Disk, key: &ObjectKey) -> Option<EncodedState> {
    let at = StoreKey::of(key);
    let record = disk.latest(Keyspace::Objects, at.as_bytes())?;
    Some(decode_record(&at, record).ok()?.1)
}

/// The same of the hint for an owner.
pub(crate) fn hint_coming(disk: &Disk, key: &ObjectKey, owner: NodeId) -> Option<EncodedState> {
    let at = HintKey::of(owner, key);
    let value = disk.latest(Keyspace::Hints, at.as_bytes())?;
    Some(Hint::decode(&at, value).ok()?.state)
}

/// The tokens of the objects that the effects of a turn write.
pub(crate) fn tokens_written(effects: &[Effect]) -> impl Iterator<Item = Token> {
    written(effects).filter_map(|op| match op {
        WriteOp::Put { keyspace: Keyspace::Objects, key, .. } => {
            StoreKey::from_bytes(key.clone()).token()
        }
        _ => None,
    })
}

/// What the effects of a turn write.
pub(crate) fn written(effects: &[Effect]) -> impl Iterator<Item = &WriteOp> {
    let batches = effects.iter().filter_map(|effect| match effect {
        Effect::Write { batch, .. } => Some(batch.ops()),
        _ => None,
    });
    batches.flatten()
}

/// The hints that the effects of a turn write.
pub(crate) fn hints_written(effects: &[Effect]) -> impl Iterator<Item = Hint> {
    written(effects).filter_map(|op| match op {
        WriteOp::Put { keyspace: Keyspace::Hints, key, value } => {
            Hint::decode(&HintKey::from_bytes(key.clone()), value).ok()
        }
        _ => None,
    })
}

/// Whether `newer` has seen everything that `older` holds.
pub(crate) fn has_seen(newer: &ObjectState, older: &ObjectState) -> bool {
    older.siblings().iter().all(|sibling| newer.vector().covers(sibling.dot))
}

/// What would survive of an object on this disk: the replica's state, and hints for its owners.
pub(crate) fn durable_states(disk: &Disk, key: &ObjectKey, owners: &[NodeId]) -> Vec<ObjectState> {
    let hints = owners.iter().filter_map(|&owner| durable_hint(disk, key, owner));
    durable_object(disk, key).into_iter().chain(hints).collect()
}

/// The replica's state of an object that would survive.
pub(crate) fn durable_object(disk: &Disk, key: &ObjectKey) -> Option<ObjectState> {
    let at = StoreKey::of(key);
    let record = disk.durable(Keyspace::Objects, at.as_bytes())?;
    decode_record(&at, &record).ok()?.1.decode().ok()
}
