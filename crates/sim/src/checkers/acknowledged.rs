//! a. Every acknowledged write is there at the end, or was superseded by a write that is there and
//! whose writer had seen it; or by a delete whose tombstone was collected.
//!
//! In a last-write-wins bucket: the version at the end is not older than any acknowledged one.

use stator_core::object::ConflictRule;

use super::{stamps_of_collected, writes_of};
use crate::history::{Author, Fate, History, KeyHistory, Reading};

pub(super) fn check(history: &History, key: &KeyHistory) -> Vec<String> {
    let Some(last) = key.last_reading() else { return missing(history, key) };
    let unknown = last.versions.iter().any(|version| version.author == Author::Untraced);
    if unknown {
        return Vec::new();
    }
    match key.rule {
        ConflictRule::Siblings => kept(history, key, last),
        ConflictRule::LastWriteWins => newest(history, key, last),
    }
}

/// A key whose last read did not succeed: nothing may be concluded but that.
fn missing(history: &History, key: &KeyHistory) -> Vec<String> {
    let calls = history.last_reads.iter().map(|&call| history.call(call));
    calls
        .filter(|call| history.keys[call.key].name == key.name && call.fate != Fate::Done)
        .map(|call| format!("it can't be read from all replicas after healing: {:?}", call.fate))
        .collect()
}

fn acknowledged<'a>(history: &'a History, key: &'a KeyHistory) -> impl Iterator<Item = usize> + 'a {
    let writes = key.writes.iter().enumerate();
    writes.filter(|(_, write)| history.call(write.call).fate == Fate::Done).map(|(place, _)| place)
}

fn kept(history: &History, key: &KeyHistory, last: &Reading) -> Vec<String> {
    let there = key.seen_in(last.writes().chain(key.collected(None))).may;
    acknowledged(history, key)
        .filter(|&place| !there.contains(place))
        .map(|place| {
            format!(
                "the acknowledged write {} is lost: at the end there is {}, and none of that had seen it",
                writes_of(key, [place]),
                writes_of(key, last.writes()),
            )
        })
        .collect()
}

fn newest(history: &History, key: &KeyHistory, last: &Reading) -> Vec<String> {
    let there = last.versions.iter().map(|version| (version.stamp, version.dot));
    let newest = there.chain(stamps_of_collected(key, None)).max();
    acknowledged(history, key)
        .filter_map(|place| {
            let mint = key.writes[place].mints.first()?;
            let stamp = mint.stamp?;
            let lost = newest.is_none_or(|newest| newest < (stamp, mint.dot));
            lost.then(|| {
                format!(
                    "the acknowledged write {} is lost: at the end there is only {}, which is older",
                    writes_of(key, [place]),
                    writes_of(key, last.writes()),
                )
            })
        })
        .collect()
}
