//! Objects as JSON tells them: versions, siblings, and who answered for them.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use stator_core::object::Sibling;
use stator_core::request::Answered;
use stator_core::time::WallTime;
use utoipa::ToSchema;

use super::super::problem::Intent;
use super::super::when;
use super::headers;

/// One version of an object.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in super::super) struct Version {
    /// The bytes in base64, standard and padded; null for a tombstone.
    value: Option<String>,
    /// The stored `Content-Type`; null for a tombstone.
    content_type: Option<String>,
    /// Names this version for ever.
    etag: String,
    /// When it was written, by the clock of the replica that minted it.
    written_at: String,
    /// Whether it is a tombstone, or a value that has expired.
    deleted: bool,
    /// What was stored as `Stator-Meta-*`, without that beginning.
    meta: BTreeMap<String, String>,
}

impl Version {
    /// As it stands at a moment: what has expired is as good as deleted.
    pub(in super::super) fn of(sibling: &Sibling, at: WallTime) -> Self {
        let value = sibling.live(at);
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let described = value.map(headers::describe);
        let content_type = described.as_ref().and_then(|headers| headers.get(CONTENT_TYPE));
        let user = value.iter().flat_map(|value| &value.metadata.user);
        Self {
            value: value.map(|value| STANDARD.encode(&value.bytes)),
            content_type: content_type.map(|text| lossy(text.as_bytes())),
            etag: headers::sibling_etag(sibling),
            written_at: when::rfc3339(sibling.stamp.wall()),
            deleted: value.is_none(),
            meta: user.map(|(name, text)| (lossy(name), lossy(text))).collect(),
        }
    }
}

/// All versions of an object, and the context that covers them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in super::super) struct Siblings {
    pub(super) context: Option<String>,
    pub(super) siblings: Vec<Version>,
}

/// Which replicas answered: `Stator-Replicas` says the same as a header.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(in super::super) struct Replicas {
    /// Reads: replicas that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<u8>,
    /// Writes: replicas that acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    acked: Option<u8>,
    /// Of those, primaries.
    primaries: u8,
    /// Of those, fallbacks.
    fallbacks: u8,
    /// Writes: of those, with the write on disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    durable: Option<u8>,
    /// Where the ring has fewer nodes than the bucket wants replicas: how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u8>,
    /// Where the ring has fewer nodes than the bucket wants replicas: how many it wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<u8>,
}

impl Replicas {
    pub(in super::super) fn of(answered: Answered, intent: Intent) -> Self {
        let write = intent == Intent::Write;
        let short = answered.existing < answered.wanted;
        Self {
            answered: (!write).then_some(answered.total()),
            acked: write.then_some(answered.total()),
            primaries: answered.primaries,
            fallbacks: answered.fallbacks,
            durable: write.then_some(answered.durable),
            n: short.then_some(answered.existing),
            wanted: short.then_some(answered.wanted),
        }
    }
}

impl fmt::Display for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = [
            ("answered", self.answered),
            ("acked", self.acked),
            ("primaries", Some(self.primaries)),
            ("fallbacks", Some(self.fallbacks)),
            ("durable", self.durable),
            ("n", self.n),
            ("wanted", self.wanted),
        ];
        let there = figures.iter().filter_map(|(name, figure)| figure.map(|count| (name, count)));
        for (place, (name, count)) in there.enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{name}={count}")?;
        }
        Ok(())
    }
}
