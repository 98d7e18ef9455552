//! Paths of the HTTP interface: raw bytes become percent-encoded text, exactly once.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Everything but the unreserved characters of RFC 3986. Slashes of a key are encoded too, so
/// that no proxy on the way finds segments in it to collapse.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, ENCODED).to_string()
}

/// The path of an object: `/v1/kv/{bucket}/{key}`.
pub fn object_path(bucket: &[u8], key: &[u8]) -> String {
    format!("/v1/kv/{}/{}", encode(bucket), encode(key))
}

/// The path of a bucket's listing.
pub(crate) fn listing_path(bucket: &[u8]) -> String {
    format!("/v1/kv/{}", encode(bucket))
}

/// The path of a bucket's properties.
pub(crate) fn bucket_path(bucket: &[u8]) -> String {
    format!("/v1/buckets/{}", encode(bucket))
}

/// The path that says where an object lives.
pub(crate) fn locate_path(bucket: &[u8], key: &[u8]) -> String {
    format!("/v1/locate/{}/{}", encode(bucket), encode(key))
}

/// The path that says what a node itself has of an object.
pub(crate) fn replica_path(bucket: &[u8], key: &[u8]) -> String {
    format!("/v1/replica/{}/{}", encode(bucket), encode(key))
}

/// A query string, built word by word.
#[derive(Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds a word, if it has a value.
    pub(crate) fn with(mut self, name: &str, value: Option<String>) -> Self {
        let Some(value) = value else { return self };
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&encode(value.as_bytes()));
        self
    }

    /// The path with the query behind it.
    pub(crate) fn after(self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

#[cfg(test)]
mod tests;
