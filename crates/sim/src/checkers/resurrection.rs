//! b. Nothing comes back: what an acknowledged write or delete superseded is not there at the end,
//! when all replicas are read together.

use super::writes_of;
use crate::history::{Fate, History, KeyHistory};

pub(super) fn check(history: &History, key: &KeyHistory) -> Vec<String> {
    let Some(last) = key.last_reading() else { return Vec::new() };
    let mut found = Vec::new();
    for there in last.writes() {
        let superseded_by = key.writes.iter().position(|write| {
            write.must.contains(there) && history.call(write.call).fate == Fate::Done
        });
        if let Some(by) = superseded_by {
            found.push(format!(
                "{} is there at the end, although the acknowledged {} superseded it",
                writes_of(key, [there]),
                writes_of(key, [by]),
            ));
        }
    }
    found
}
