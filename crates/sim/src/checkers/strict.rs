//! g. With strict quorums and R + dw > N, each read sees every write that was acknowledged before
//! the read began: the write itself, or one that had seen it. In a last-write-wins bucket: nothing
//! older than it, and nothing that it superseded.

use stator_core::object::ConflictRule;
use stator_core::quorum::QuorumMode;
use stator_core::time::Instant;

use super::{stamps_of_collected, writes_of};
use crate::history::{Author, Bits, Fate, History, KeyHistory, Reading};

pub(super) fn check(history: &History, key: &KeyHistory) -> Vec<String> {
    let promised = acknowledged_strictly(history, key);
    let strict = key.readings.iter().filter(|reading| {
        reading.mode == QuorumMode::Strict
            && !reading.versions.iter().any(|version| version.author == Author::Untraced)
    });
    strict
        .filter_map(|reading| {
            let ended = history.call(reading.call).ended;
            stale(key, reading, ended, &promised)
        })
        .collect()
}

/// A write that was acknowledged with a strict quorum.
struct Promised {
    at: Instant,
    place: usize,
    dw: u8,
}

fn acknowledged_strictly(history: &History, key: &KeyHistory) -> Vec<Promised> {
    let mut promised: Vec<Promised> = Vec::new();
    for (place, write) in key.writes.iter().enumerate() {
        let call = history.call(write.call);
        if let (QuorumMode::Strict, Fate::Done, Some(at)) =
            (write.needs.mode, &call.fate, call.ended)
        {
            promised.push(Promised { at, place, dw: write.needs.dw });
        }
    }
    promised.sort_by_key(|promise| (promise.at, promise.place));
    promised
}

fn stale(
    key: &KeyHistory,
    reading: &Reading,
    ended: Option<Instant>,
    promised: &[Promised],
) -> Option<String> {
    let before = promised.partition_point(|promise| promise.at < reading.began);
    let due = promised[..before].iter().filter(|promise| reading.r + promise.dw > key.replicas);
    let missed = match key.rule {
        ConflictRule::Siblings => {
            let due: Bits = due.map(|promise| promise.place).collect();
            let seen = key.seen_in(reading.writes().chain(key.collected(ended))).may;
            // A delete that was collected since need not be seen, but what it deleted must not be.
            let undone = |&place: &usize| {
                let superseded = &key.writes[place].must;
                key.writes[place].collected.is_some()
                    && reading.writes().any(|shown| superseded.contains(shown))
            };
            due.first_missing_in(&seen).or_else(|| due.iter().find(undone))
        }
        ConflictRule::LastWriteWins => {
            let shown = reading.versions.iter().map(|version| (version.stamp, version.dot));
            let newest = shown.chain(stamps_of_collected(key, ended)).max();
            due.map(|promise| promise.place).find(|&place| {
                let mint = key.writes[place].mints.first();
                let stamped = mint.and_then(|mint| Some((mint.stamp?, mint.dot)));
                let older = |stamped| newest.is_none_or(|newest| newest < stamped);
                let undone = reading.writes().any(|shown| key.writes[place].must.contains(shown));
                undone || stamped.is_some_and(older)
            })
        }
    };
    missed.map(|place| {
        format!(
            "the strict get #{} (r={} of {}) returned {} and missed {}, acknowledged before it began",
            reading.call.0,
            reading.r,
            key.replicas,
            writes_of(key, reading.writes()),
            writes_of(key, [place]),
        )
    })
}
