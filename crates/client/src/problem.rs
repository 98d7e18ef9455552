//! What a server says of a request that it did not carry out: RFC 9457 problem documents.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::error::Outcome;
use crate::transport::Effect;

/// A problem as a server told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The last part of its `type`, such as `context-invalid`; empty if the server named none.
    pub slug: String,
    /// Its kind in words.
    pub title: String,
    /// What happened this time, and often what to do.
    pub detail: String,
    /// What is known of the write, if the request was one.
    pub outcome: Outcome,
    /// When the server would like to be asked again.
    pub retry_after: Option<Duration>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    r#type: String,
    title: String,
    detail: String,
    outcome: Option<String>,
}

impl Problem {
    /// Reads a server's answer; what is not a problem document is shown as the text it is.
    pub(crate) fn read(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        effect: Effect,
    ) -> Self {
        let document: Document = serde_json::from_slice(body).unwrap_or_else(|_| Document {
            detail: String::from_utf8_lossy(&body[..body.len().min(300)]).trim().to_owned(),
            ..Document::default()
        });
        let outcome = match document.outcome.as_deref() {
            Some("refused") => Outcome::Refused,
            Some("indeterminate") => Outcome::Indeterminate,
            _ => outcome_of_status(status, effect),
        };
        let reason = status.canonical_reason().unwrap_or("unknown status");
        Self {
            status: status.as_u16(),
            slug: document.r#type.rsplit('/').next().unwrap_or_default().to_owned(),
            title: if document.title.is_empty() { reason.to_owned() } else { document.title },
            detail: document.detail,
            outcome,
            retry_after: retry_after(headers),
        }
    }

    /// What to try next, for those statuses where the detail alone leaves that open.
    pub(crate) fn advice(&self) -> Option<String> {
        let advice = match (self.status, self.slug.as_str()) {
            (_, "context-invalid") => {
                "get the object again and use the context that comes with it".to_owned()
            }
            (503 | 429, _) => match self.retry_after {
                Some(wait) => format!("try again in {} s, or ask another node", wait.as_secs()),
                None => "try again shortly, or ask another node".to_owned(),
            },
            (504, _) if self.outcome == Outcome::Indeterminate => {
                "read the object to see whether the write is there, then write again with the \
                 context that the read gives"
                    .to_owned()
            }
            (504, _) => "try again, or ask for fewer replicas with -r".to_owned(),
            (413, _) => "store less in one object, or raise the server's limit".to_owned(),
            (409, "stale-version") => {
                "run `stator cluster plan` and commit the version that it shows".to_owned()
            }
            _ => return None,
        };
        Some(advice)
    }
}

/// The contract: every 4xx and 503 means that nothing was written; of any other failure of a
/// write nothing is known.
fn outcome_of_status(status: StatusCode, effect: Effect) -> Outcome {
    let known = status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE;
    if known || effect == Effect::Read { Outcome::Refused } else { Outcome::Indeterminate }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.detail.is_empty() { &self.title } else { &self.detail };
        write!(f, "{text} ({}", self.status)?;
        if !self.slug.is_empty() {
            write!(f, " {}", self.slug)?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests;
