//! d. A refused write never appears: no replica minted it and no get returned it. (That an
//! indeterminate one appears whole or not at all is the business of `invention`.)

use super::writes_of;
use crate::history::{Fate, History, KeyHistory};

pub(super) fn check(history: &History, key: &KeyHistory) -> Vec<String> {
    let refused = |place: usize| match &history.call(key.writes[place].call).fate {
        Fate::Refused(why) => Some(why),
        _ => None,
    };
    let mut found = Vec::new();
    for (place, write) in key.writes.iter().enumerate() {
        if let (Some(why), false) = (refused(place), write.mints.is_empty()) {
            let name = writes_of(key, [place]);
            found.push(format!("the write {name} was refused ({why}) and yet minted"));
        }
    }
    for reading in &key.readings {
        for place in reading.writes() {
            if let Some(why) = refused(place) {
                found.push(format!(
                    "the get #{} returned {}, which was refused ({why})",
                    reading.call.0,
                    writes_of(key, [place]),
                ));
            }
        }
    }
    found
}
