//! The checkers: what must hold for every history, one file each.
//!
//! Each judges what clients were told against what was read, by the truth of the history
//! ([`crate::history`]) and never by the core's own version vectors.

mod acknowledged;
mod availability;
mod bounds;
mod convergence;
mod durable;
mod fate;
mod invention;
mod resurrection;
mod siblings;
mod strict;

use std::fmt;

use stator_core::time::{Instant, Stamp};
use stator_core::version::Dot;

use crate::event::Short;
use crate::history::{History, KeyHistory};

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Who found it.
    pub checker: &'static str,
    /// The key concerned, by its place.
    pub key: Option<usize>,
    /// What is wrong.
    pub sentence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.checker, self.sentence)
    }
}

/// Every violation in a history.
pub fn check(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    for (place, key) in history.keys.iter().enumerate() {
        let mut report = |checker: &'static str, sentences: Vec<String>| {
            found.extend(sentences.into_iter().map(|sentence| Violation {
                checker,
                key: Some(place),
                sentence: format!("{}: {sentence}", Short(&key.name)),
            }));
        };
        report("acknowledged", acknowledged::check(history, key));
        report("durable", durable::check(key));
        report("resurrection", resurrection::check(history, key));
        report("invention", invention::check(key));
        report("fate", fate::check(history, key));
        report("siblings", siblings::check(key));
        report("strict", strict::check(history, key));
        report("bounds", bounds::check_key(key));
    }
    let mut report = |checker: &'static str, sentences: Vec<String>| {
        let whole = sentences.into_iter();
        found.extend(whole.map(|sentence| Violation { checker, key: None, sentence }));
    };
    report("bounds", bounds::check_run(history));
    report("convergence", convergence::check(history));
    report("availability", availability::check(history));
    found
}

/// The stamps and dots of deletes whose tombstones were collected.
fn stamps_of_collected(
    key: &KeyHistory,
    by: Option<Instant>,
) -> impl Iterator<Item = (Stamp, Dot)> + '_ {
    key.collected(by).filter_map(|place| {
        let mint = key.writes[place].mints.first()?;
        Some((mint.stamp?, mint.dot))
    })
}

/// The names that writes have in traces.
fn writes_of(key: &KeyHistory, places: impl IntoIterator<Item = usize>) -> String {
    let names: Vec<String> =
        places.into_iter().map(|place| format!("#{}", key.writes[place].call.0)).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
