//! Last-write-wins by real time: what may be left of such an object at the end.
//!
//! All nodes here read one clock. A write that was acknowledged before another one began has the
//! lower stamp, but for the clock's grain, and must not be what is left; and where a write was
//! acknowledged, something is left.

use std::time::Duration;

use stator_core::object::ConflictRule;
use stator_sim::checkers::Violation;
use stator_sim::history::{Fate, History, KeyHistory};

/// Stamps are in milliseconds and may run ahead of the clock by a few within one.
const GRAIN: Duration = Duration::from_millis(50);

/// Every last-write-wins object that has lost its last write.
pub(super) fn check(history: &History) -> Vec<Violation> {
    let keys = history.keys.iter().enumerate();
    let lww = keys.filter(|(_, key)| key.rule == ConflictRule::LastWriteWins);
    lww.filter_map(|(place, key)| {
        let sentence = lost(history, key)?;
        Some(Violation { checker: "last write", key: Some(place), sentence })
    })
    .collect()
}

fn lost(history: &History, key: &KeyHistory) -> Option<String> {
    let last = key.last_reading()?;
    let done = |place: usize| {
        let call = history.call(key.writes[place].call);
        (call.fate == Fate::Done).then_some(call)
    };
    let latest = (0..key.writes.len()).filter_map(done).max_by_key(|call| call.began)?;
    if last.versions.is_empty() {
        return Some(format!(
            "{:.80}: nothing is left of acknowledged writes",
            key.name.to_string()
        ));
    }
    let older = last.writes().find(|&place| {
        let ended = done(place).and_then(|call| call.ended);
        ended.is_some_and(|ended| ended.after(GRAIN) < latest.began)
    })?;
    Some(format!(
        "{:.80}: #{} is left, although a write was acknowledged that began later, at {} us",
        key.name.to_string(),
        key.writes[older].call.0,
        latest.began.as_micros()
    ))
}
