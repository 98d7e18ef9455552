//! What a request's query says. An unknown word is an error, never ignored: who writes `W=3` must
//! not believe that three replicas have the write.

use std::str::FromStr;
use std::time::Duration;

use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_core::time::Deadline;

use super::path;
use super::problem::{Kind, Problem, kind};

/// The words of a request for one object.
pub(super) const OBJECT_WORDS: &[&str] =
    &["r", "pr", "w", "pw", "dw", "node_confirms", "quorum", "timeout"];

/// How long an operator's request waits if it does not say.
pub(super) const ADMIN_TIMEOUT: Duration = Deadline::MAX_TIMEOUT;

/// The words of a query, each known and each there at most once.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    found: Vec<(&'static str, String)>,
}

impl Words {
    /// The words of a raw query, of which only `known` ones may be there.
    pub(super) fn parse(raw: &[u8], known: &'static [&'static str]) -> Result<Self, Problem> {
        let mut words = Self::default();
        for piece in raw.split(|&byte| byte == b'&').filter(|piece| !piece.is_empty()) {
            let equals = piece.iter().position(|&byte| byte == b'=').unwrap_or(piece.len());
            let name = text(&piece[..equals])?;
            let value = text(piece.get(equals + 1..).unwrap_or_default())?;
            let Some(name) = known.iter().find(|word| **word == name) else {
                return Err(unknown(&name, known));
            };
            if words.get(name).is_some() {
                let detail = format!("{name} is there twice: say it once");
                return Err(Problem::new(kind::QUERY_INVALID, detail));
            }
            words.found.push((name, value));
        }
        Ok(words)
    }

    /// Words that were said elsewhere than in a query; what they leave open, `otherwise` says.
    pub(super) fn said(mut found: Vec<(&'static str, String)>, otherwise: &Self) -> Self {
        let open = |name: &str| found.iter().all(|(said, _)| *said != name);
        let rest: Vec<_> = otherwise.found.iter().filter(|(name, _)| open(name)).cloned().collect();
        found.extend(rest);
        Self { found }
    }

    /// The value of a word, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.found.iter().find(|(word, _)| *word == name).map(|(_, value)| value.as_str())
    }

    /// A number from `least` to `most`.
    pub(super) fn number(
        &self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.parse().ok().filter(|number| bounds.contains(number));
        if number.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            let detail = format!("{name}={value}: write a whole number from {least} to {most}");
            return Err(Problem::new(kind::QUERY_INVALID, detail));
        }
        Ok(number)
    }

    /// How long to wait, in milliseconds.
    pub(super) fn timeout(&self, default: Duration) -> Result<Duration, Problem> {
        let most = Deadline::MAX_TIMEOUT.as_millis() as u64;
        Ok(self.number("timeout", 1..=most)?.map_or(default, Duration::from_millis))
    }

    /// What the request says about quorums.
    pub(super) fn quorum(&self) -> Result<QuorumOptions, Problem> {
        Ok(QuorumOptions {
            r: self.level("r")?,
            pr: self.level("pr")?,
            w: self.level("w")?,
            pw: self.level("pw")?,
            dw: self.level("dw")?,
            node_confirms: self.level("node_confirms")?,
            mode: self.mode()?,
        })
    }

    fn level(&self, name: &'static str) -> Result<Option<Level>, Problem> {
        self.get(name).map(|value| level(kind::QUERY_INVALID, name, value)).transpose()
    }

    fn mode(&self) -> Result<Option<QuorumMode>, Problem> {
        let Some(value) = self.get("quorum") else { return Ok(None) };
        let mode = mode(value).ok_or_else(|| {
            let detail = format!("quorum={value}: write sloppy or strict");
            Problem::new(kind::QUERY_INVALID, detail)
        })?;
        Ok(Some(mode))
    }
}

/// `sloppy` or `strict`.
pub(super) fn mode(text: &str) -> Option<QuorumMode> {
    match text {
        "sloppy" => Some(QuorumMode::Sloppy),
        "strict" => Some(QuorumMode::Strict),
        _ => None,
    }
}

/// A number of replicas, or a word for one. A number that no bucket has replicas for is an
/// impossible quorum like any other, not a malformed one.
pub(super) fn level(malformed: Kind, name: &str, text: &str) -> Result<Level, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && u8::from_str(text).is_err() {
        let detail = format!("{name}={text} can't be met: no bucket keeps more than 255 replicas");
        return Err(Problem::new(kind::IMPOSSIBLE_QUORUM, detail));
    }
    let signed = text.starts_with('+');
    match text.parse() {
        Ok(level) if !signed => Ok(level),
        _ => {
            let detail =
                format!("{name}={text}: write a number of replicas, or one, quorum or all");
            Err(Problem::new(malformed, detail))
        }
    }
}

fn text(raw: &[u8]) -> Result<String, Problem> {
    let decoded = path::decode(raw).ok().map(|bytes| bytes.to_vec());
    decoded.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        let shown = String::from_utf8_lossy(raw).into_owned();
        let detail = format!("{shown} in the query is not percent-encoded UTF-8");
        Problem::new(kind::QUERY_INVALID, detail)
    })
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let detail = if known.is_empty() {
        format!("the query word {name} means nothing here: this path takes none")
    } else {
        format!("the query word {name} means nothing here; known are: {}", known.join(", "))
    };
    Problem::new(kind::QUERY_UNKNOWN, detail)
}

#[cfg(test)]
mod tests;
