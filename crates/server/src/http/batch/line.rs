//! A batch's document taken apart into its operations, none of them read yet: so that what is wrong
//! with one can be told with its place, and that no more than the bound are ever held.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::problem::{Problem, kind};
use super::MAX_OPERATIONS;

/// The operations of a document, as text.
#[derive(Debug, Default)]
pub(super) struct Lines<'a> {
    pub(super) lines: Vec<&'a str>,
    /// Whether there are more than a batch may have.
    pub(super) more: bool,
}

/// Of a list, or of an object that has it under `operations`.
pub(super) fn of_document(text: &str) -> Result<Lines<'_>, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document<'a> {
        #[serde(borrow)]
        operations: Lines<'a>,
    }
    let read = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(text).map(|Document { operations }| operations)
    };
    read.map_err(|error| {
        let detail = format!(
            "the batch is neither a JSON list of operations nor {{\"operations\": [...]}}: {error}; \
             one operation a line wants Content-Type: application/x-ndjson"
        );
        Problem::new(kind::BATCH_MALFORMED, detail)
    })
}

/// Of lines; empty ones are none.
pub(super) fn of_lines(text: &str) -> Lines<'_> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let taken = lines.by_ref().take(MAX_OPERATIONS).collect();
    Lines { lines: taken, more: lines.next().is_some() }
}

impl<'de: 'a, 'a> Deserialize<'de> for Lines<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Taken)
    }
}

struct Taken;

impl<'de> Visitor<'de> for Taken {
    type Value = Lines<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of operations")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut listed: S) -> Result<Self::Value, S::Error> {
        let mut found = Lines::default();
        while found.lines.len() < MAX_OPERATIONS {
            let Some(raw) = listed.next_element::<&RawValue>()? else { return Ok(found) };
            found.lines.push(raw.get());
        }
        while listed.next_element::<IgnoredAny>()?.is_some() {
            found.more = true;
        }
        Ok(found)
    }
}
