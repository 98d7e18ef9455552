//! What may be concluded where a deletion is read.
//!
//! A tombstone carries nothing of its writer's, so that a client can't tell which delete it is, nor
//! how many there are behind a 404. The checkers leave such readings out where they would have to
//! know. So that they don't stay unjudged, they are judged once more in a second history, in which
//! a tombstone is taken for *every* delete that it could be, with all that those could have
//! deleted: what is lost even so is lost.

use stator_sim::history::{Asked, Author, Bits, Fate, History, KeyHistory, Reading, WriteKind};

/// Adds to `may` what the tombstones of a reading, if it has any, may have superseded.
pub(super) fn cover_tombstones(history: &History, key: usize, reading: &Reading, may: &mut Bits) {
    if !has_tombstone(reading) {
        return;
    }
    let key = &history.keys[key];
    for place in candidates(history, key, reading) {
        may.insert(place);
        may.join(&key.writes[place].may);
        if is_unbounded(history, key, place) {
            (0..key.writes.len()).for_each(|earlier| may.insert(earlier));
        }
    }
}

/// The history with every tombstone replaced by the deletes that it could be. Only what is missed
/// in it may be concluded, not what is there.
pub(super) fn with_every_candidate(history: &History) -> History {
    let mut generous = history.clone();
    for (place, key) in history.keys.iter().enumerate() {
        let changed = &mut generous.keys[place];
        for write in (0..key.writes.len()).filter(|&write| is_unbounded(history, key, write)) {
            let every = 0..key.writes.len();
            every.for_each(|other| changed.writes[write].may.insert(other));
        }
        for (reading, changed) in key.readings.iter().zip(&mut changed.readings) {
            let Some(tombstone) = changed.versions.iter().position(is_tombstone) else { continue };
            let like = changed.versions[tombstone].clone();
            changed.versions.retain(|version| !is_tombstone(version));
            let named = candidates(history, key, reading).into_iter().map(|place| {
                stator_sim::history::Version { author: Author::Write(place), ..like.clone() }
            });
            changed.versions.extend(named);
        }
    }
    generous
}

/// Whether a write is a delete that may have been carried out, so that its tombstone may have been
/// collected.
pub(super) fn may_be_collected(history: &History, write: &stator_sim::history::Write) -> bool {
    let refused = matches!(history.call(write.call).fate, Fate::Refused(_));
    !matches!(write.kind, WriteKind::Value(_)) && !refused
}

/// The history with every tombstone collected that may have been: a client can't tell.
pub(super) fn with_collected(history: &History) -> History {
    let mut generous = history.clone();
    for key in &mut generous.keys {
        for write in key.writes.iter_mut().filter(|write| may_be_collected(history, write)) {
            write.collected = Some(history.call(write.call).began);
        }
    }
    generous
}

fn is_tombstone(version: &stator_sim::history::Version) -> bool {
    version.author == Author::Untraced
}

fn has_tombstone(reading: &Reading) -> bool {
    reading.versions.iter().any(is_tombstone)
}

/// The deletes that a tombstone in a reading could be: all that had begun and were not refused,
/// but for those that are known to be superseded by what the reading shows beside it or, when all
/// replicas are read at the end, by an acknowledged write.
fn candidates(history: &History, key: &KeyHistory, reading: &Reading) -> Vec<usize> {
    let shown = key.seen_in(reading.writes()).must;
    let mut gone = shown;
    if reading.last {
        let done = |write: &&stator_sim::history::Write| is_done(history, write.call);
        key.writes.iter().filter(done).for_each(|write| gone.join(&write.must));
    }
    let get = history.call(reading.call);
    let writes = key.writes.iter().enumerate();
    writes
        .filter(|(place, write)| {
            let call = history.call(write.call);
            let is_delete = !matches!(write.kind, WriteKind::Value(_));
            let refused = matches!(call.fate, Fate::Refused(_));
            let had_begun = get.ended.is_none_or(|ended| call.began <= ended);
            is_delete && !refused && had_begun && !gone.contains(*place)
        })
        .map(|(place, _)| place)
        .collect()
}

/// Whether a delete of whatever it reads may have read at any time, since nobody knows its end.
fn is_unbounded(history: &History, key: &KeyHistory, place: usize) -> bool {
    let write = &key.writes[place];
    let refused = matches!(history.call(write.call).fate, Fate::Refused(_));
    write.kind == WriteKind::DeleteWhatIsRead && !refused && !is_done(history, write.call)
}

fn is_done(history: &History, call: stator_sim::history::CallId) -> bool {
    let call = history.call(call);
    matches!(call.asked, Asked::Write(_)) && call.fate == Fate::Done
}
