//! c. Nothing is invented: every version read was written to this key, whole and unmixed, under
//! the dot that was minted for it; and one call of a client is minted at most once.

use super::writes_of;
use crate::history::{Author, KeyHistory};

pub(super) fn check(key: &KeyHistory) -> Vec<String> {
    let mut found = Vec::new();
    for reading in &key.readings {
        for version in &reading.versions {
            if let Author::Nobody(wrong) = &version.author {
                found.push(format!(
                    "the get #{} returned what nobody wrote: {wrong}",
                    reading.call.0
                ));
            }
        }
    }
    for (place, write) in key.writes.iter().enumerate() {
        if write.mints.len() > 1 {
            let dots: Vec<_> = write.mints.iter().map(|mint| mint.dot).collect();
            let name = writes_of(key, [place]);
            found.push(format!("the write {name} was minted {} times: {dots:?}", dots.len()));
        }
    }
    found
}
