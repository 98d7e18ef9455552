//! The names of a bucket's properties and their values in JSON.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use stator_core::bucket::{BucketFact, BucketProperties, MutableProperties};
use stator_core::object::{BucketName, ConflictRule};
use stator_core::quorum::{
    ImpossibleQuorum, Level, QuorumMode, QuorumOptions, ReadQuorum, ReplicaCount, WriteQuorum,
};
use utoipa::ToSchema;

use super::super::problem::{Problem, kind};
use super::super::query;

/// Every property that there is.
const KNOWN: &[&str] = &[
    "n",
    "r",
    "w",
    "dw",
    "pr",
    "pw",
    "node_confirms",
    "quorum",
    "conflicts",
    "ttl",
    "max_siblings",
];

/// Properties that are to come.
const LATER: &[&str] = &["type", "strong"];

/// Told by a read, and taken back unread, so that what was read can be sent back.
const TOLD: &[&str] = &["bucket", "made"];

/// A bucket's properties: what holds for requests that say nothing.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Bucket)]
pub(in super::super) struct Document {
    /// The bucket, with what is not printable percent-encoded.
    bucket: String,
    /// How many replicas an object has; fixed when the bucket is made.
    n: u8,
    r: Option<LevelDocument>,
    w: Option<LevelDocument>,
    dw: Option<LevelDocument>,
    pr: Option<LevelDocument>,
    pw: Option<LevelDocument>,
    node_confirms: Option<LevelDocument>,
    /// `sloppy` or `strict`.
    quorum: &'static str,
    /// `siblings` or `lww`; fixed when the bucket is made.
    conflicts: &'static str,
    /// How long values live that do not say, in seconds; null for ever.
    ttl: Option<u64>,
    /// How many siblings an object may have.
    max_siblings: u32,
    /// Whether it was made; if not, these are what it would be made with.
    made: bool,
}

/// A number of replicas, or a word for one: `one`, `quorum`, `all`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Level)]
#[serde(untagged)]
pub(in super::super) enum LevelDocument {
    Count(u8),
    Word(String),
}

/// A bucket's properties as a document.
pub(super) fn document(bucket: &BucketName, properties: &BucketProperties, made: bool) -> Document {
    let n = properties.fixed.n;
    let own = properties.mutable.quorum;
    let count = ReplicaCount { wanted: n, existing: n };
    let nothing = QuorumOptions::default();
    let read = ReadQuorum::resolve(count, &nothing, &own).ok();
    let write = WriteQuorum::resolve(count, &nothing, &own).ok();
    Document {
        bucket: bucket.to_string(),
        n,
        r: level(own.r, read.map(ReadQuorum::r)),
        w: level(own.w, write.map(WriteQuorum::w)),
        dw: level(own.dw, write.map(WriteQuorum::dw)),
        pr: level(own.pr, read.map(ReadQuorum::pr)),
        pw: level(own.pw, write.map(WriteQuorum::pw)),
        node_confirms: level(own.node_confirms, write.map(WriteQuorum::node_confirms)),
        quorum: mode_name(own.mode.unwrap_or_default()),
        conflicts: conflicts_name(properties.fixed.conflicts),
        ttl: properties.mutable.ttl.map(|ttl| ttl.as_secs()),
        max_siblings: properties.mutable.max_siblings,
        made,
    }
}

/// A level as it was set; what it comes to if it was not.
fn level(own: Option<Level>, resolved: Option<u8>) -> Option<LevelDocument> {
    match own {
        Some(Level::Count(count)) => Some(LevelDocument::Count(count)),
        Some(word) => Some(LevelDocument::Word(word.to_string())),
        None => resolved.map(LevelDocument::Count),
    }
}

const fn mode_name(mode: QuorumMode) -> &'static str {
    match mode {
        QuorumMode::Sloppy => "sloppy",
        QuorumMode::Strict => "strict",
    }
}

const fn conflicts_name(rule: ConflictRule) -> &'static str {
    match rule {
        ConflictRule::Siblings => "siblings",
        ConflictRule::LastWriteWins => "lww",
    }
}

/// What a document wants changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    pub(super) n: Option<u8>,
    pub(super) conflicts: Option<ConflictRule>,
    mutable: Vec<Change>,
}

/// One change of what may be changed at any time; a value that is absent goes back to the default.
#[derive(Clone, Copy, Debug)]
enum Change {
    Level(&'static str, Option<Level>),
    Mode(Option<QuorumMode>),
    Ttl(Option<Duration>),
    MaxSiblings(Option<u32>),
}

impl Changes {
    /// The changes that a document names.
    pub(super) fn parse(document: &Map<String, Value>) -> Result<Self, Problem> {
        let mut changes = Self::default();
        for (name, value) in document {
            if TOLD.contains(&name.as_str()) {
                continue;
            }
            let Some(name) = KNOWN.iter().find(|known| *known == name) else {
                return Err(unknown(name));
            };
            changes.take(name, value)?;
        }
        Ok(changes)
    }

    fn take(&mut self, name: &'static str, value: &Value) -> Result<(), Problem> {
        match name {
            "n" => self.n = optional(value, |value| number(name, value, 1..=255))?.map(|n| n as u8),
            "conflicts" => self.conflicts = optional(value, conflicts)?,
            "quorum" => self.mutable.push(Change::Mode(optional(value, mode)?)),
            "ttl" => {
                let seconds = optional(value, |value| number(name, value, 1..=u64::MAX))?;
                self.mutable.push(Change::Ttl(seconds.map(Duration::from_secs)));
            }
            "max_siblings" => {
                let most = u64::from(u32::MAX);
                let max = optional(value, |value| number(name, value, 1..=most))?;
                self.mutable.push(Change::MaxSiblings(max.map(|max| max as u32)));
            }
            _ => {
                let level = optional(value, |value| level_of(name, value))?;
                self.mutable.push(Change::Level(name, level));
            }
        }
        Ok(())
    }

    /// The changeable properties as they should be from now on. A quorum that the bucket's replicas
    /// can't give is refused here rather than at every later request.
    pub(super) fn applied(
        &self,
        current: &BucketProperties,
        fact: Option<&BucketFact>,
    ) -> Result<MutableProperties, Problem> {
        let mut mutable = current.mutable;
        for change in &self.mutable {
            match *change {
                Change::Level(name, level) => *slot(&mut mutable.quorum, name) = level,
                Change::Mode(mode) => mutable.quorum.mode = mode,
                Change::Ttl(ttl) => mutable.ttl = ttl,
                Change::MaxSiblings(max) => {
                    mutable.max_siblings = max.unwrap_or(MutableProperties::default().max_siblings);
                }
            }
        }
        // A different n on a bucket that was made is refused for that, whatever its quorums are.
        if fact.is_some_and(|fact| self.n.is_some_and(|n| n != fact.fixed.n)) {
            return Ok(mutable);
        }
        let n = self.n.unwrap_or(current.fixed.n);
        possible(n, &mutable.quorum)
            .map_err(|impossible| Problem::new(kind::IMPOSSIBLE_QUORUM, impossible.to_string()))?;
        Ok(mutable)
    }
}

fn possible(n: u8, asked: &QuorumOptions) -> Result<(), ImpossibleQuorum> {
    let count = ReplicaCount { wanted: n, existing: n };
    let nothing = QuorumOptions::default();
    ReadQuorum::resolve(count, asked, &nothing)?;
    WriteQuorum::resolve(count, asked, &nothing)?;
    Ok(())
}

fn slot<'a>(quorum: &'a mut QuorumOptions, name: &str) -> &'a mut Option<Level> {
    match name {
        "r" => &mut quorum.r,
        "pr" => &mut quorum.pr,
        "w" => &mut quorum.w,
        "pw" => &mut quorum.pw,
        "dw" => &mut quorum.dw,
        _ => &mut quorum.node_confirms,
    }
}

fn optional<T>(
    value: &Value,
    read: impl FnOnce(&Value) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    if value.is_null() { Ok(None) } else { read(value).map(Some) }
}

fn number(
    name: &str,
    value: &Value,
    bounds: std::ops::RangeInclusive<u64>,
) -> Result<u64, Problem> {
    value.as_u64().filter(|number| bounds.contains(number)).ok_or_else(|| {
        let (least, most) = (bounds.start(), bounds.end());
        invalid(format!("{name}={value}: write a whole number from {least} to {most}"))
    })
}

fn level_of(name: &str, value: &Value) -> Result<Level, Problem> {
    match value {
        Value::String(text) => query::level(kind::PROPERTY_INVALID, name, text),
        Value::Number(number) => query::level(kind::PROPERTY_INVALID, name, &number.to_string()),
        _ => Err(invalid(format!("{name}={value}: write a number, or one, quorum or all"))),
    }
}

fn mode(value: &Value) -> Result<QuorumMode, Problem> {
    let mode = value.as_str().and_then(query::mode);
    mode.ok_or_else(|| invalid(format!("quorum={value}: write \"sloppy\" or \"strict\"")))
}

fn conflicts(value: &Value) -> Result<ConflictRule, Problem> {
    match value.as_str() {
        Some("siblings") => Ok(ConflictRule::Siblings),
        Some("lww") => Ok(ConflictRule::LastWriteWins),
        _ => Err(invalid(format!("conflicts={value}: write \"siblings\" or \"lww\""))),
    }
}

fn invalid(detail: String) -> Problem {
    Problem::new(kind::PROPERTY_INVALID, detail)
}

fn unknown(name: &str) -> Problem {
    if LATER.contains(&name) {
        return Problem::new(kind::NOT_BUILT, format!("the property {name} is not built yet"));
    }
    let detail = format!("there is no property {name}; known are: {}", KNOWN.join(", "));
    Problem::new(kind::PROPERTY_UNKNOWN, detail)
}
