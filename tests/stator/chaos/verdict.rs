//! The checkers' judgement of a round, and the story of the keys concerned.

use std::fmt::Write as _;

use stator_sim::checkers::{Violation, check};
use stator_sim::history::{Asked, CallId, History};

use super::tombstones::{with_collected, with_every_candidate};

/// Checkers that conclude from what is missing, and so hold for readings with tombstones too.
const OF_WHAT_IS_MISSED: [&str; 2] = ["acknowledged", "strict"];

/// Every violation in a history.
pub(super) fn judge(history: &History) -> Vec<Violation> {
    let history = &with_collected(history);
    let mut found = check(history);
    let more = check(&with_every_candidate(history));
    let more = more.into_iter().filter(|it| OF_WHAT_IS_MISSED.contains(&it.checker));
    for violation in more {
        if !found.contains(&violation) {
            found.push(violation);
        }
    }
    found
}

/// All that happened to the keys that violations name, in the order in which it began.
pub(super) fn story(history: &History, violations: &[Violation]) -> String {
    let mut text = String::new();
    let mut keys: Vec<usize> = violations.iter().filter_map(|violation| violation.key).collect();
    keys.sort_unstable();
    keys.dedup();
    for violation in violations {
        let _ = writeln!(text, "{violation}");
    }
    for key in keys {
        let name = history.keys[key].name.to_string();
        let _ = writeln!(text, "\n{:.120} ({:?})", name, history.keys[key].rule);
        for call in (0..history.calls.len()).filter(|&call| history.calls[call].key == key) {
            let _ = writeln!(text, "{}", line(history, CallId(call as u64)));
        }
    }
    text
}

fn line(history: &History, id: CallId) -> String {
    let call = history.call(id);
    let key = &history.keys[call.key];
    let ended = call.ended.map_or_else(|| "?".to_owned(), |at| at.as_micros().to_string());
    let what = match call.asked {
        Asked::Write(place) => {
            let write = &key.writes[place];
            let seen: Vec<u64> = write.must.iter().map(|seen| key.writes[seen].call.0).collect();
            let newest = &seen[seen.len().saturating_sub(5)..];
            format!("{:?} {:?} over ..{newest:?}", write.kind, write.needs)
        }
        Asked::Get { r, mode, .. } => {
            let shown = key.readings.iter().find(|reading| reading.call == id);
            let shown = shown.map(|reading| {
                let names = reading.versions.iter().map(|version| match &version.author {
                    stator_sim::history::Author::Write(place) => {
                        format!("#{}", key.writes[*place].call.0)
                    }
                    other => format!("{other:?}"),
                });
                names.collect::<Vec<_>>()
            });
            format!("Get r={r} {mode:?} {shown:?}")
        }
    };
    let began = call.began.as_micros();
    format!(
        "{began}..{ended} #{} client {} at n{}: {what} {:?}",
        id.0,
        call.client,
        call.node + 1,
        call.fate
    )
}
