//! One line of a listing, and which keys get one.

use percent_encoding::percent_encode;
use serde::Serialize;
use stator_core::object::ObjectState;
use stator_core::request::ListEntry;
use stator_core::time::WallTime;
use utoipa::ToSchema;

use super::super::json;
use super::super::path::PLAIN;
use super::super::problem::{Problem, kind};
use super::cursor;

/// How an object is, as a listing sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyState {
    /// One value.
    Live,
    /// Deleted, or expired.
    Tombstone,
    /// Siblings, a value among them.
    Conflict,
}

impl KeyState {
    fn of(outline: &ObjectState, at: WallTime) -> Self {
        let all = outline.siblings();
        match all.iter().filter(|sibling| sibling.live(at).is_some()).count() {
            0 => Self::Tombstone,
            _ if all.len() > 1 => Self::Conflict,
            _ => Self::Live,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Tombstone => "tombstone",
            Self::Conflict => "conflict",
        }
    }
}

/// Which states are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Include([Option<KeyState>; 3]);

impl Include {
    /// From `include=`: states, separated by commas; live ones and conflicts if it is absent.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Problem> {
        let mut included = [None; 3];
        for word in text.unwrap_or("live,conflict").split(',') {
            match word {
                "live" => included[0] = Some(KeyState::Live),
                "tombstone" => included[1] = Some(KeyState::Tombstone),
                "conflict" => included[2] = Some(KeyState::Conflict),
                _ => {
                    let detail = format!(
                        "include={word} lists nothing: write live, tombstone or conflict, \
                         separated by commas"
                    );
                    return Err(Problem::new(kind::QUERY_INVALID, detail));
                }
            }
        }
        Ok(Self(included))
    }

    /// Whether no key is left out.
    pub(super) fn everything(self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    fn has(self, state: KeyState) -> bool {
        self.0.contains(&Some(state))
    }
}

/// One key of a bucket.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ListedKey)]
pub(in super::super) struct Line {
    /// Percent-encoded as it stands in a URL.
    key: String,
    /// `live`, `tombstone` (deleted or expired) or `conflict` (siblings).
    state: &'static str,
    /// How many versions there are.
    siblings: usize,
    /// The key's token in hex, which a listing is ordered by.
    token: String,
    /// What `after=` takes, to go on behind this key.
    cursor: String,
}

/// Appends an entry's line, if it is to be listed; says whether it was.
pub(super) fn write(entry: &ListEntry, include: Include, at: WallTime, out: &mut Vec<u8>) -> bool {
    let state = KeyState::of(&entry.outline, at);
    if !include.has(state) {
        return false;
    }
    let line = Line {
        key: percent_encode(entry.key.key().as_bytes(), PLAIN).to_string(),
        state: state.name(),
        siblings: entry.outline.siblings().len(),
        token: entry.key.token().to_string(),
        cursor: cursor::write(&entry.position),
    };
    out.extend_from_slice(&json::text(&line));
    out.push(b'\n');
    true
}
