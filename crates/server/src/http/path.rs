//! What a request's path names: buckets and keys are bytes, percent-encoded once.
//!
//! The path is taken as it stands in the request. Nothing is normalised: dots and doubled slashes
//! belong to the key, `+` is a plus, and what is decoded once is not decoded again. The bucket ends
//! at the first literal slash; every later one belongs to the key. An escape that is none is
//! refused rather than guessed at.

use bytes::Bytes;
use http::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use stator_core::object::{BucketName, Key, NameError, ObjectKey};

use super::problem::{Problem, kind};

/// A request's target as its sender wrote it, where it is longer than the 65,534 bytes that an
/// [`http::Uri`] holds. The request's own URI then has only the beginning, enough to find the row.
#[derive(Clone, Debug)]
pub(super) struct LongTarget(pub(super) Bytes);

/// A request's target: path and query, raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) path: &'a [u8],
    pub(super) query: &'a [u8],
}

impl<'a> Target<'a> {
    /// The target of a request.
    pub(super) fn of<B>(request: &'a Request<B>) -> Self {
        if let Some(LongTarget(whole)) = request.extensions().get() {
            return Self::split(whole);
        }
        let query = request.uri().query().unwrap_or_default().as_bytes();
        Self { path: request.uri().path().as_bytes(), query }
    }

    fn split(whole: &'a [u8]) -> Self {
        match whole.iter().position(|&byte| byte == b'?') {
            Some(at) => Self { path: &whole[..at], query: &whole[at + 1..] },
            None => Self { path: whole, query: b"" },
        }
    }

    /// The path behind `row`, which the router has matched.
    pub(super) fn behind(self, row: &str) -> &'a [u8] {
        self.path.strip_prefix(row.as_bytes()).unwrap_or_default()
    }
}

/// What stands for itself in a URL's path behind the bucket.
pub(super) const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Undoes percent-encoding, once.
pub(super) fn decode(raw: &[u8]) -> Result<Bytes, Problem> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (digit(rest.first()), digit(rest.get(1))) else {
            let shown = String::from_utf8_lossy(&rest[..rest.len().min(2)]).into_owned();
            let detail = format!(
                "%{shown} is no escape: write two hexadecimal digits after a percent sign, and a \
                 percent sign itself as %25"
            );
            return Err(Problem::new(kind::PATH_MALFORMED, detail));
        };
        decoded.push(high << 4 | low);
        rest = &rest[2..];
    }
    Ok(decoded.into())
}

fn digit(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).map(|digit| digit as u8)
}

/// A bucket from its raw bytes.
pub(super) fn bucket(raw: &[u8]) -> Result<BucketName, Problem> {
    Ok(BucketName::new(decode(raw)?)?)
}

/// What a path of `bucket` or `bucket/key` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A bucket: no slash at all.
    Bucket(BucketName),
    /// An object.
    Object(ObjectKey),
}

/// What the raw bytes behind a row's prefix name; a key may have up to `max_key` bytes.
pub(super) fn named(raw: &[u8], max_key: usize) -> Result<Named, Problem> {
    let Some(slash) = raw.iter().position(|&byte| byte == b'/') else {
        return bucket(raw).map(Named::Bucket);
    };
    object(&raw[..slash], &raw[slash + 1..], max_key).map(Named::Object)
}

/// An object from the raw bytes of its bucket and of its key, which may have up to `max_key` bytes.
pub(super) fn object(
    raw_bucket: &[u8],
    raw_key: &[u8],
    max_key: usize,
) -> Result<ObjectKey, Problem> {
    let bucket = bucket(raw_bucket)?;
    let bytes = decode(raw_key)?;
    let max = max_key.min(Key::MAX_LEN);
    if bytes.len() > max {
        return Err(NameError::TooLong { what: "key", len: bytes.len(), max }.into());
    }
    Ok(ObjectKey::new(bucket, Key::new(bytes)?))
}

#[cfg(test)]
mod tests;
