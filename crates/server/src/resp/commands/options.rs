//! The words behind a `STATOR.*` command: what a request's query says over HTTP. An unknown word is
//! an error, never ignored: who writes `WW 3` must not believe that three replicas have the write.

use std::time::Duration;

use bytes::Bytes;
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_core::time::Deadline;

use super::super::failure::Failure;
use super::super::request::integer;
use crate::backend::DEFAULT_TIMEOUT;

/// Words of a read.
pub(super) const READS: &[&str] = &["R", "PR", "QUORUM", "TIMEOUT"];
/// Words of a put.
pub(super) const PUTS: &[&str] = &["W", "PW", "DW", "NODE_CONFIRMS", "QUORUM", "TIMEOUT", "TTL"];
/// Words of a delete, which reads first if it has no context.
pub(super) const DELETES: &[&str] =
    &["R", "PR", "W", "PW", "DW", "NODE_CONFIRMS", "QUORUM", "TIMEOUT"];

/// What the words say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) quorum: QuorumOptions,
    pub(super) timeout: Duration,
    pub(super) ttl: Option<Duration>,
}

impl Options {
    /// Pairs of a word and its value, each word at most once and known.
    pub(super) fn parse(words: &[Bytes], known: &[&'static str]) -> Result<Self, Failure> {
        let mut options =
            Self { quorum: QuorumOptions::default(), timeout: DEFAULT_TIMEOUT, ttl: None };
        let mut seen: Vec<&str> = Vec::new();
        for pair in words.chunks(2) {
            let word = String::from_utf8_lossy(&pair[0]).to_ascii_uppercase();
            let Some(name) = known.iter().find(|name| **name == word) else {
                let known = known.join(", ");
                return Err(Failure::err(format!("{word} means nothing here; known are: {known}")));
            };
            let Some(value) = pair.get(1) else {
                return Err(Failure::err(format!("{name} has no value behind it")));
            };
            if seen.contains(name) {
                return Err(Failure::err(format!("{name} is there twice: say it once")));
            }
            seen.push(name);
            options.take(name, value)?;
        }
        Ok(options)
    }

    fn take(&mut self, name: &str, value: &Bytes) -> Result<(), Failure> {
        let quorum = &mut self.quorum;
        match name {
            "R" => quorum.r = Some(level(name, value)?),
            "PR" => quorum.pr = Some(level(name, value)?),
            "W" => quorum.w = Some(level(name, value)?),
            "PW" => quorum.pw = Some(level(name, value)?),
            "DW" => quorum.dw = Some(level(name, value)?),
            "NODE_CONFIRMS" => quorum.node_confirms = Some(level(name, value)?),
            "QUORUM" => quorum.mode = Some(mode(value)?),
            "TIMEOUT" => {
                let most = Deadline::MAX_TIMEOUT.as_millis() as u64;
                self.timeout = Duration::from_millis(number(name, value, most)?);
            }
            _ => self.ttl = Some(Duration::from_secs(number(name, value, u64::MAX)?)),
        }
        Ok(())
    }
}

fn level(name: &str, value: &Bytes) -> Result<Level, Failure> {
    let text = std::str::from_utf8(value).unwrap_or_default().to_ascii_lowercase();
    let level = text.parse().ok().filter(|_| !text.starts_with('+'));
    level.ok_or_else(|| wrong(name, value, "a number of replicas up to 255, or one, quorum or all"))
}

fn mode(value: &Bytes) -> Result<QuorumMode, Failure> {
    match &value.to_ascii_lowercase()[..] {
        b"sloppy" => Ok(QuorumMode::Sloppy),
        b"strict" => Ok(QuorumMode::Strict),
        _ => Err(wrong("QUORUM", value, "sloppy or strict")),
    }
}

fn number(name: &str, value: &Bytes, most: u64) -> Result<u64, Failure> {
    let number = integer(value).and_then(|number| u64::try_from(number).ok());
    let number = number.filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| wrong(name, value, &format!("a whole number from 1 to {most}")))
}

fn wrong(name: &str, value: &Bytes, rule: &str) -> Failure {
    let shown = value[..value.len().min(100)].escape_ascii();
    Failure::err(format!("{name} {shown}: write {rule}"))
}

#[cfg(test)]
mod tests;
