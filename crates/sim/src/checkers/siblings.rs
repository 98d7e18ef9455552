//! f. Siblings are truly concurrent: of the versions that a get returns none has superseded
//! another and none is there twice; so their number never exceeds that of concurrent writes. A
//! last-write-wins object has one version.

use stator_core::object::ConflictRule;

use super::writes_of;
use crate::history::{KeyHistory, Reading};

pub(super) fn check(key: &KeyHistory) -> Vec<String> {
    key.readings.iter().filter_map(|reading| false_siblings(key, reading)).collect()
}

fn false_siblings(key: &KeyHistory, reading: &Reading) -> Option<String> {
    let get = reading.call.0;
    if key.rule == ConflictRule::LastWriteWins {
        let count = reading.versions.len();
        return (count > 1).then(|| {
            format!("the get #{get} returned {count} versions of a last-write-wins object")
        });
    }
    let shown: Vec<usize> = reading.writes().collect();
    for (at, &one) in shown.iter().enumerate() {
        if shown[..at].contains(&one) {
            let name = writes_of(key, [one]);
            return Some(format!("the get #{get} returned {name} twice"));
        }
        let superseded = shown.iter().find(|&&other| key.writes[other].must.contains(one));
        if let Some(&other) = superseded {
            return Some(format!(
                "the get #{get} returned {} beside {}, which superseded it",
                writes_of(key, [one]),
                writes_of(key, [other]),
            ));
        }
    }
    None
}
