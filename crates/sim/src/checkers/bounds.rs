//! i. Bounds hold: version vectors name only actors that minted for the key; every call to a
//! healthy node is answered once, in time; no tree drifts from its objects; no put makes more
//! siblings than its bucket allows; no get ends with fewer answers than it needs; the disk's reserve
//! takes no new value and refuses no delete; no node tells a reader other than what it holds, or
//! answers for what it has lost before it has that back (`crates/sim/src/world/reads.rs` and
//! `losses.rs` there); stamps rise; no node forgets in a hint what it held, or deletes a hint that
//! its owner does not have on disk; rounds of collection keep what they promise (`rounds.rs` there);
//! and when all is quiet no frame is under way any more.

use std::collections::BTreeSet;

use crate::history::{History, KeyHistory};

pub(super) fn check_key(key: &KeyHistory) -> Vec<String> {
    let actors: BTreeSet<_> = key.dots.keys().map(|dot| dot.actor).collect();
    let too_long = key.readings.iter().find(|reading| reading.vector_len > actors.len());
    too_long
        .map(|reading| {
            format!(
                "the get #{} returned a vector of {} actors, but only {} ever minted for the key",
                reading.call.0,
                reading.vector_len,
                actors.len()
            )
        })
        .into_iter()
        .collect()
}

pub(super) fn check_run(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for call in &history.unanswered {
        let node = history.call(*call).node + 1;
        found.push(format!("call #{} to the healthy n{node} was never answered", call.0));
    }
    for call in &history.answered_twice {
        found.push(format!("call #{} was answered twice", call.0));
    }
    if history.unattributed_mints > 0 {
        found.push(format!(
            "{} writes were minted in a turn that belongs to no call",
            history.unattributed_mints
        ));
    }
    found.extend(history.amiss.iter().cloned());
    if history.restless_frames > 0 {
        let frames = history.restless_frames;
        found.push(format!("{frames} frames were sent long after everything had healed"));
    }
    found
}
